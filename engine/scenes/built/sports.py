"""Sports grounds: a running track round a field, baseball diamonds, tennis and basketball courts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.scenes.built.floor import GAP_PX, Floors
from engine.scenes.plan import Plan
from engine.scenes.scene import Point, Polygon


def _stadium(straight: float, steps: int = 10) -> tuple[Point, ...]:
    """Two half circles joined by straights that reach to ``straight`` (0..1) of the half length; shares."""
    turns = [-math.pi / 2 + math.pi * step / steps for step in range(steps + 1)]
    right = [(straight + (1 - straight) * math.cos(t), math.sin(t)) for t in turns]
    return (*right, *((-x, -y) for x, y in right))


def _fan(steps: int = 8) -> tuple[Point, ...]:
    """A baseball field: foul lines at right angles from home plate at the bottom, the outfield fence an arc; shares."""
    turns = [math.pi * (0.25 - 0.5 * step / steps) for step in range(steps + 1)]
    reach = math.sqrt(2)  # the fence's distance from home plate; the foul lines then end at x = -1 and 1
    arc = [(reach * math.sin(t), (1 - reach * math.cos(t) - _FAN_MIDDLE) / _FAN_HALF) for t in turns]
    return (*arc, (-0.1, 1.0), (0.1, 1.0))


_FAN_MIDDLE, _FAN_HALF = 1 - math.sqrt(0.5), math.sqrt(0.5)


@dataclass(frozen=True, slots=True)
class Court:
    """One class: lengths in metres, width as a share of it, outline in shares of the half sizes, room around it."""

    length: tuple[float, float]
    width: float
    outline: tuple[Point, ...]
    around: float


_SQUARE: tuple[Point, ...] = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))

FIELDS: dict[str, Court] = {
    "ground track field": Court((170, 185), 0.53, _stadium(0.47), 8),
    "baseball diamond": Court((64, 110), _FAN_HALF, _fan(), 4),
}
"""Large fields on grass: a track with its lanes, a diamond to its fence."""

COURTS: dict[str, Court] = {
    "tennis court": Court((34, 36.5), 0.5, _SQUARE, 4),
    "basketball court": Court((28, 30), 0.54, _SQUARE, 4),
}
"""Courts on a pad, with their run-off."""


def lay_sports(plan: Plan, floors: Floors) -> bool:
    """A sports center with all there is room for, each on a ground of its own."""
    draws = plan.draws
    laid = draws.chance(0.85) and _lay_field(plan, floors, "ground track field", 1)
    if draws.chance(0.6):
        laid |= _lay_field(plan, floors, "baseball diamond", draws.weighted((1, 2, 3, 4), (5, 3, 1, 2)))
    for name, chance in (("tennis court", 0.7), ("basketball court", 0.6)):
        if draws.chance(chance):
            for _ in range(draws.weighted((1, 2, 3), (6, 3, 1))):
                laid |= _lay_courts(plan, floors, name, _count(plan))
    return laid


def lay_playground(plan: Plan, floors: Floors) -> bool:
    """What a school or a quarter has: one kind of field or court."""
    name = plan.draws.weighted((*FIELDS, *COURTS), (5, 3, 3, 3))
    return _lay_field(plan, floors, name, 1) if name in FIELDS else _lay_courts(plan, floors, name, _count(plan))


def _count(plan: Plan) -> int:
    return plan.draws.weighted((1, 2, 3, 4, 6, 8, 12), (20, 22, 14, 16, 12, 8, 8))


def _lay_field(plan: Plan, floors: Floors, name: str, count: int) -> bool:
    """``count`` large fields, each on mown grass of its own; says whether there was room for one."""
    draws, field = plan.draws, FIELDS[name]
    laid = False
    for _ in range(count):
        half_w = plan.px(draws.uniform(*field.length)) / 2
        half_h, around = half_w * field.width, max(2.0, plan.px(field.around))
        ground = floors.open.site(half_w + around, half_h + around, tries=25) if half_h >= 4 else None
        if ground is None:
            break
        plan.add("grassland", Polygon(ground.corners()), angle_deg=ground.degrees)
        plot = ground.part(0, 0, half_w, half_h, math.pi * draws.below(2))
        laid |= floors.open.build(name, plot, Polygon(plot.outline(field.outline)))
        floors.claim(ground.corners(2))
    return laid


def _lay_courts(plan: Plan, floors: Floors, name: str, count: int) -> bool:
    """Courts side by side in one or two rows on a pad; fewer where there is no room for all, False for none."""
    draws, court = plan.draws, COURTS[name]
    half_h = plan.px(draws.uniform(*court.length)) / 2
    half_w, gap = half_h * court.width, max(GAP_PX + 1.25, plan.px(court.around * draws.uniform(0.8, 1.5)))
    while count and half_w > 2:
        rows = 2 if count >= 6 else 1
        columns = math.ceil(count / rows)
        pad = floors.open.site(columns * (half_w + gap / 2) + gap / 2, rows * (half_h + gap / 2) + gap / 2, tries=15)
        if pad is None:
            count //= 2
            continue
        plan.add("paved", Polygon(pad.corners()), angle_deg=pad.degrees, kind="pad")
        group = plan.new_group() if count > 1 else 0
        for index in range(count):
            row, column = divmod(index, columns)
            x = (column + 0.5 - columns / 2) * (2 * half_w + gap)
            y = (row + 0.5 - rows / 2) * (2 * half_h + gap)
            floors.open.build(name, pad.part(x, y, half_h, half_w, math.pi / 2), group=group)
        floors.claim(pad.corners(2))
        return True
    return False
