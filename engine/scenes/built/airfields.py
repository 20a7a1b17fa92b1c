"""An airfield: a runway in its grass, an apron with airplanes in rows, taxiways, a terminal and hangars."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.scenes.built.floor import Floor, Floors, Plot
from engine.scenes.built.industry import put_hall
from engine.scenes.plan import Plan
from engine.scenes.scene import Line, Point, Polygon

_HALF_JET: tuple[Point, ...] = (
    (1.0, 0.03), (0.93, 0.07), (0.36, 0.11), (-0.14, 0.98), (-0.36, 1.0), (-0.17, 0.13), (-0.66, 0.09), (-0.92, 0.36),
    (-1.0, 0.36), (-0.9, 0.0),
)  # fmt: skip
_HALF_PROPELLER: tuple[Point, ...] = (
    (1.0, 0.05), (0.94, 0.09), (0.42, 0.11), (0.36, 0.98), (0.0, 1.0), (0.02, 0.12), (-0.7, 0.06), (-0.74, 0.34),
    (-0.96, 0.34), (-0.94, 0.0),
)  # fmt: skip
_HALF_FIGHTER: tuple[Point, ...] = (
    (1.0, 0.03), (0.55, 0.12), (0.2, 0.2), (-0.5, 1.0), (-0.68, 1.0), (-0.62, 0.24), (-0.82, 0.5), (-1.0, 0.5),
    (-0.92, 0.0),
)  # fmt: skip


def _whole(half: tuple[Point, ...]) -> tuple[Point, ...]:
    """An outline from its right half, nose first: shares of half length (x) and half span (y)."""
    return half + tuple((x, -y) for x, y in half[::-1] if y)


@dataclass(frozen=True, slots=True)
class Make:
    """One sort of airplane: spans in metres, length in spans, outline in shares of the half sizes."""

    spans: tuple[float, float]
    length: float
    outline: tuple[Point, ...]


MAKES: dict[str, Make] = {
    "jet": Make((24.0, 65.0), 1.05, _whole(_HALF_JET)),
    "propeller": Make((15.0, 30.0), 0.85, _whole(_HALF_PROPELLER)),
    "fighter": Make((15.0, 19.0), 1.4, _whole(_HALF_FIGHTER)),
}

SMALLEST_SPAN_PX = 7.0
"""Below this the outline is a blot."""

LARGEST_SPAN_PX = 45.0

_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 22)
_COUNT_WEIGHTS = (10, 11, 11, 10, 10, 9, 8, 8, 9, 8, 6, 5)


_TRIES = 32


def lay_airfield(plan: Plan, floors: Floors) -> bool:
    """An airfield whose apron is in the view and whose runway mostly leaves it; says whether there was room for one."""
    draws = plan.draws
    for attempt in range(_TRIES):
        smaller = 1 - 0.6 * attempt / _TRIES
        length_m = draws.uniform(800, 3200) * smaller
        half_w = plan.px(length_m) / 2
        half_h = min(plan.px(draws.uniform(120, 220)), 100.0 * min(plan.scale, 2.0)) * smaller
        here = Plot((plan.along(0.2), plan.along(0.2)), half_w, half_h, draws.uniform(0, math.pi))
        field = here.part(draws.uniform(-0.6, 0.6) * half_w, 0, half_w, half_h)
        if floors.open.share(field.corners()) > 0.985:
            break
    else:
        return False
    floors.claim(field.corners(3))
    plan.add("grassland", Polygon(field.corners()), angle_deg=field.degrees)
    runway_m = draws.uniform(30, 60) if length_m > 1200 else draws.uniform(20, 35)
    y = -field.half_h + min(plan.px(runway_m * 0.5 + draws.uniform(20, 60)), 0.6 * field.half_h)
    end = field.half_w - plan.px(60)
    plan.add("runway", Line((field.at(-end, y), field.at(end, y)), plan.px(runway_m)), angle_deg=field.degrees)
    along = math.copysign(math.dist(here.centre, field.centre), here.centre[0] - field.centre[0])
    along *= math.copysign(1.0, math.cos(field.angle))
    _lay_apron(plan, floors.land, field, y + plan.px(runway_m / 2), along)
    return True


def _lay_apron(plan: Plan, land: Floor, field: Plot, runway_edge: float, along: float) -> None:
    """The apron beyond the runway's ``runway_edge``, about the place ``along`` the runway, both in the field's frame;
    taxiways join it to the runway, and buildings stand behind it."""
    draws = plan.draws
    free = field.half_h - runway_edge
    depth = min(free * draws.uniform(0.45, 0.6), plan.px(180))
    half_w = min(plan.px(draws.uniform(90, 260)), 95.0 * min(plan.scale, 2.0), field.half_w * 0.7)
    reach = field.half_w * 0.95 - half_w
    x = max(-reach, min(reach, along + draws.uniform(-0.15, 0.15) * plan.size))
    start = runway_edge + free * draws.uniform(0.15, 0.25)
    apron = field.part(x, start + depth / 2, half_w, depth / 2)
    taxi = max(2.0, plan.px(draws.uniform(15, 23)))
    for side in draws.choice(((-0.8, 0.8), (-0.5,), (0.6,), (-0.7, 0.0, 0.7))):
        ends = field.at(x + side * half_w, runway_edge - 2), field.at(x + side * half_w, start + 2)
        plan.add("paved", Line(ends, taxi), kind="apron")
    plan.add("paved", Polygon(apron.corners()), angle_deg=apron.degrees, kind="apron")
    _lay_terminal(plan, land, field, apron, x, start + depth)
    _park_airplanes(plan, land, apron, draws.weighted((0, 1, 2, 3, 4), (5, 20, 35, 25, 15)))
    model = _model(plan, 2 * half_w)
    if draws.chance(0.3) and model is not None:
        at = field.at(x + draws.uniform(-1, 1) * half_w, runway_edge)
        put_airplane(land, *model, at, field.angle + draws.choice((0.0, math.pi)))


def _lay_terminal(plan: Plan, land: Floor, field: Plot, apron: Plot, x: float, edge: float) -> None:
    """A row of halls behind the apron: one long terminal or several hangars."""
    draws = plan.draws
    room = field.half_h - edge
    depth = min(plan.px(draws.uniform(20, 45)), room * 0.7)
    pieces = draws.choice((1, 2, 3, 4))
    pitch = 2 * apron.half_w / pieces
    colour = draws.weighted(("white", "grey", "blue", ""), (4, 4, 2, 2))
    for index in range(pieces):
        half_w = min(pitch * draws.uniform(0.3, 0.44), plan.px(90))
        at = x - apron.half_w + (index + 0.5) * pitch
        plot = field.part(at, edge + depth / 2 + max(2.0, plan.px(4)), half_w, depth / 2)
        put_hall(land, plot, colour)


def _model(plan: Plan, room: float) -> tuple[Make, float] | None:
    """A sort of airplane and its span in metres, no longer than ``room`` pixels; None where none would be more than a
    blot. In fine views they are the smaller ones, of which more than one or two can be seen."""
    choices = list[tuple[Make, float, float]]()
    for make in MAKES.values():
        low = max(make.spans[0], SMALLEST_SPAN_PX * plan.gsd_m)
        high = min(make.spans[1], max(low, LARGEST_SPAN_PX * plan.gsd_m), room / make.length * plan.gsd_m)
        if low <= high:
            choices.append((make, low, high))
    if not choices:
        return None
    make, low, high = plan.draws.choice(choices)
    return make, plan.draws.uniform(low, high)


def _park_airplanes(plan: Plan, land: Floor, apron: Plot, batches: int) -> None:
    """Rows of like airplanes side by side, noses towards the terminal or away from it; one alone stands anyhow."""
    draws = plan.draws
    for _ in range(batches):
        model = _model(plan, 2 * apron.half_h - 6)
        if model is None:
            return
        make, span_m = model
        span, length = plan.px(span_m), plan.px(span_m * make.length)
        pitch, row_pitch = span + max(4.0, plan.px(6)), length + max(4.0, plan.px(8))
        most = int(2 * (apron.half_w - 1) // pitch), 1 + int((2 * apron.half_h - 2 - length) // row_pitch)
        count = min(draws.weighted(_COUNTS, _COUNT_WEIGHTS), most[0] * most[1])
        if count < 1:
            continue
        columns, rows = min(most[0], count), math.ceil(count / most[0])
        block = apron.part(
            draws.uniform(-1, 1) * (apron.half_w - 1 - columns * pitch / 2),
            draws.uniform(-1, 1) * (apron.half_h - 1 - (rows * row_pitch - row_pitch + length) / 2),
            columns * pitch / 2,
            rows * row_pitch / 2,
        )
        heading = apron.angle + (draws.choice((0.5, -0.5)) * math.pi if count > 1 else draws.uniform(0, 2 * math.pi))
        group = plan.new_group() if count > 1 else 0
        for index in range(count):
            row, column = divmod(index, columns)
            at = block.at((column + 0.5) * pitch - block.half_w, (row + 0.5) * row_pitch - block.half_h)
            put_airplane(land, make, span_m, at, heading, group)


def _blunt(outline: tuple[Point, ...], plot: Plot) -> tuple[Point, ...]:
    """An outline whose nose, fuselage and tail are two pixels wide, so that it stays in one piece on the raster."""
    least = min(1.1 / plot.half_h, 0.3)
    return tuple((x, math.copysign(max(abs(y), least), y) if y else y) for x, y in outline)


def put_airplane(land: Floor, make: Make, span_m: float, centre: Point, heading: float, group: int = 0) -> bool:
    """One airplane with its nose towards ``heading`` (radians), if it fits."""
    plan = land.plan
    half_span = plan.px(span_m) / 2
    plot = Plot(centre, half_span * make.length, half_span, heading)
    height = min(max(span_m * 0.25, 5.0), 15.0)
    colour = plan.draws.weighted(("white", "grey", "dark", ""), (8, 3, 1, 4))
    outline = Polygon(plot.outline(_blunt(make.outline, plot)))
    return land.build("airplane", plot, outline, height_m=height, colour=colour, group=group)
