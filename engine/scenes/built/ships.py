"""Ships: cargo ships and boats, at berths and on free water."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.scenes.built.floor import GAP_PX, SMALLEST_PX, Floor, Plot
from engine.scenes.plan import Plan, Room, clearance
from engine.scenes.scene import Point, Polygon

HULL = ((-1.0, -0.8), (-0.9, -1.0), (0.62, -1.0), (0.86, -0.6), (1.0, 0.0), (0.86, 0.6), (0.62, 1.0), (-0.9, 1.0),
        (-1.0, 0.8))  # fmt: skip
"""A hull's outline in shares of half length and half beam, bow at x = 1."""


@dataclass(frozen=True, slots=True)
class Make:
    """Lengths of one kind in metres, and how many times longer than wide it is."""

    shortest: float
    longest: float
    slender: tuple[float, float]


MAKES: dict[str, Make] = {
    "cargo ship": Make(60.0, 250.0, (5.6, 7.2)),
    "boat": Make(8.0, 25.0, (2.7, 3.6)),
}
"""The kinds of ``KINDS["ship"]``."""

_HULL_COLOURS = {
    "cargo ship": (("red", "dark", "grey", "blue", "white", "green"), (24, 22, 20, 14, 12, 8)),
    "boat": (("white", "blue", "red", "dark", "grey"), (62, 12, 9, 9, 8)),
}

_POND_M = 45.0
"""Where no place is farther from the shore, boats are rare."""

_COUNTS = tuple(range(1, 17))
_COUNT_WEIGHTS = (18, 15, 12, 10, 8, 7, 6, 5, 4, 4, 4, 4, 3, 3, 2, 2)


def length_range(plan: Plan, kind: str, longest_m: float) -> tuple[float, float] | None:
    """Lengths in metres of a ``kind`` that are wide enough in pixels and at most ``longest_m``, or None."""
    make = MAKES[kind]
    shortest = max(make.shortest, SMALLEST_PX * 1.15 * plan.gsd_m * make.slender[1])
    longest = min(make.longest, longest_m)
    return (shortest, longest) if shortest <= longest else None


def put_ship(sea: Floor, kind: str, centre: Point, angle: float, length_m: float, *, gap: float = GAP_PX,
             group: int = 0) -> bool:  # fmt: skip
    """Put a ship of ``length_m`` metres at ``centre``, heading ``angle`` (radians), if it fits."""
    plan, draws = sea.plan, sea.plan.draws
    beam_m = length_m / draws.uniform(*MAKES[kind].slender)
    plot = Plot(centre, plan.px(length_m) / 2, plan.px(beam_m) / 2, angle)
    colour = draws.weighted(*_HULL_COLOURS[kind])
    height = min(max(length_m * draws.uniform(0.1, 0.14), 5.0), 30.0)
    hull = Polygon(plot.outline(HULL))
    return sea.build("ship", plot, hull, gap=gap, height_m=height, kind=kind, colour=colour, group=group)


def lay_ships(sea: Floor) -> None:
    """Ships under way and at anchor, where the water is wide enough for them: none to many in a view."""
    plan, draws = sea.plan, sea.plan.draws
    wet = sea.free & ~sea.taken
    if wet.mean() < 0.02:
        return
    room = clearance(wet)
    likely = 0.88 if float(room.max()) * plan.gsd_m > _POND_M else 0.4
    for _ in range(max(1, round(plan.scale**2))):
        if draws.chance(likely):
            _lay_some(sea, room, draws.weighted(_COUNTS, _COUNT_WEIGHTS))


def _lay_some(sea: Floor, room: Room, count: int) -> None:
    """``count`` ships of which a share drawn for this water are cargo ships; fewer where there is no room."""
    plan, draws = sea.plan, sea.plan.draws
    cargo = draws.choice((0.0, 0.3, 0.7, 1.0))
    for _ in range(count):
        kinds = ("cargo ship", "boat") if draws.chance(cargo) else ("boat", "cargo ship")
        for _ in range(4):
            centre = sea.spot()
            if centre is None:
                return
            column, row = (min(int(value), plan.size - 1) for value in centre)
            free_m = float(room[row, column]) * plan.gsd_m
            if _lay_one(sea, centre, kinds, 1.4 * free_m):
                break


def _lay_one(sea: Floor, centre: Point, kinds: tuple[str, ...], longest_m: float) -> bool:
    """The first of ``kinds`` of which a length fits; most ships are nearer the shortest than the longest."""
    draws = sea.plan.draws
    for kind in kinds:
        lengths = length_range(sea.plan, kind, longest_m)
        if lengths is not None:
            length = lengths[0] + (lengths[1] - lengths[0]) * draws.unit() ** 1.5
            return put_ship(sea, kind, centre, draws.uniform(0, 2 * math.pi), length)
    return False
