"""Vehicles: on roads, at kerbs, in yards, and in rows on parking lots."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from engine.scenes.built.floor import GAP_PX, SMALLEST_PX, Floor, Plot
from engine.scenes.plan import Plan
from engine.scenes.scene import Line, Point, Polygon


@dataclass(frozen=True, slots=True)
class Make:
    """Sizes of one kind of vehicle in metres: shortest and longest, width, height."""

    shortest: float
    longest: float
    width: float
    height: float


MAKES: dict[str, Make] = {
    "car": Make(4.3, 4.8, 1.9, 1.5),
    "van": Make(5.2, 5.9, 2.0, 2.2),
    "truck": Make(8.0, 10.0, 2.5, 3.4),
    "trailer": Make(13.0, 16.0, 2.6, 4.0),
    "bus": Make(11.5, 12.5, 2.6, 3.2),
}
"""The kinds of ``KINDS["vehicle"]``. A trailer is an articulated lorry with its trailer, or the trailer alone."""

_COLOURS = ("white", "grey", "dark", "red", "blue", "green")
_COLOUR_WEIGHTS = (30, 20, 20, 14, 12, 4)

STREET = {"car": 52, "van": 17, "truck": 13, "trailer": 9, "bus": 9}
"""What drives on a road: weights by kind."""

LOT_GAP_PX = 2.25
"""Enough for a pixel between two vehicles, however they lie on the raster."""

_STALL_M, _AISLE_M = 5.4, 6.5
_COUNTS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 18)
_COUNT_WEIGHTS = (8, 10, 12, 11, 9, 8, 8, 9, 9, 8, 8)


def visible(plan: Plan, width_m: float) -> bool:
    """Whether something ``width_m`` wide is wide enough on the pixel raster."""
    return plan.px(width_m) >= SMALLEST_PX


def put_vehicle(
    floor: Floor, kind: str, centre: Point, angle: float, *, gap: float = GAP_PX, group: int = 0
) -> bool:  # fmt: skip
    """Put one vehicle of ``kind`` at ``centre``, heading ``angle`` (radians), if it fits."""
    plan, make = floor.plan, MAKES[kind]
    length = plan.draws.uniform(make.shortest, make.longest)
    plot = Plot(centre, plan.px(length) / 2, plan.px(make.width) / 2, angle)
    colour = plan.draws.weighted(_COLOURS, _COLOUR_WEIGHTS)
    return floor.build("vehicle", plot, gap=gap, height_m=make.height, kind=kind, colour=colour, group=group)


def fill_roads(roads: Floor) -> None:
    """Traffic on the carriageways, each vehicle in its lane; from an empty countryside to a busy town."""
    plan = roads.plan
    kinds = [kind for kind in STREET if visible(plan, MAKES[kind].width)]
    stretches = _stretches(plan)
    if not kinds or not stretches:
        return
    lengths = [math.dist(a, b) for a, b, _ in stretches]
    views = max(1, round(plan.scale**2))
    count = sum(plan.draws.weighted(_COUNTS, _COUNT_WEIGHTS) for _ in range(views))
    for _ in range(count):
        kind = plan.draws.weighted(kinds, [STREET[kind] for kind in kinds])
        for _ in range(3):
            start, end, width = plan.draws.weighted(stretches, lengths)
            along, side = plan.draws.unit(), plan.draws.choice((-0.25, 0.25))
            angle = math.atan2(end[1] - start[1], end[0] - start[0])
            across = side * width
            centre = (
                start[0] + along * (end[0] - start[0]) - across * math.sin(angle),
                start[1] + along * (end[1] - start[1]) + across * math.cos(angle),
            )
            if put_vehicle(roads, kind, centre, angle):
                break


def _stretches(plan: Plan) -> list[tuple[Point, Point, float]]:
    """The straight pieces of all roads that are wide enough for two lanes in pixels."""
    found = []
    for item in plan.items:
        if item.name == "road" and isinstance(item.shape, Line) and item.shape.width >= 2 * SMALLEST_PX:
            points = item.shape.points
            found += [(a, b, item.shape.width) for a, b in itertools.pairwise(points) if a != b]
    return found


def lay_lot(floor: Floor, plot: Plot, kinds: dict[str, int], filled: float) -> bool:
    """A parking lot on ``plot`` with stalls in double rows, a share ``filled`` of them occupied; one group."""
    plan = floor.plan
    group = plan.new_group()
    if not floor.fits(plot):
        return False
    plan.add("parking lot", Polygon(plot.corners()), angle_deg=plot.degrees, group=group)
    kinds = {kind: weight for kind, weight in kinds.items() if visible(plan, MAKES[kind].width)}
    if kinds:
        _park(floor, plot, kinds, filled, group)
    floor.close(plot.corners(GAP_PX))
    return True


def _park(floor: Floor, plot: Plot, kinds: dict[str, int], filled: float, group: int) -> None:
    """Vehicles in the stalls of a lot."""
    plan = floor.plan
    longest = max(MAKES[kind].longest for kind in kinds)
    widest = max(MAKES[kind].width for kind in kinds)
    pitch = max(plan.px(widest + 0.7), plan.px(widest) + LOT_GAP_PX + 1)
    stall, aisle = plan.px(max(longest + 0.8, _STALL_M)), plan.px(_AISLE_M)
    columns = int((2 * plot.half_w - 4) // pitch)
    for y in _rows(2 * plot.half_h - 3, stall, aisle):
        for column in range(columns):
            x = (column + 0.5 - columns / 2) * pitch
            if plan.draws.chance(filled):
                kind = plan.draws.weighted(tuple(kinds), tuple(kinds.values()))
                centre = plot.at(x, y - plot.half_h + 1.5)
                put_vehicle(floor, kind, centre, plot.angle + math.pi / 2, gap=LOT_GAP_PX, group=group)


def _rows(depth: float, stall: float, aisle: float) -> list[float]:
    """Middles of the rows of stalls: one at the edge, then pairs between aisles, as far as ``depth`` reaches."""
    rows, at = list[float](), 0.0
    while at + stall <= depth:
        rows.append(at + stall / 2)
        at += stall + (aisle if len(rows) % 2 else max(0.0, LOT_GAP_PX + 1))
    return rows
