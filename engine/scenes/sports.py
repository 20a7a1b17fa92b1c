"""Sports grounds: a running track round a field, baseball diamonds, tennis and basketball courts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.scenes.floor import SMALLEST_PX, Floor, Plot
from engine.scenes.plan import Plan
from engine.scenes.scene import Point, Polygon


def _stadium(straight: float, steps: int = 10) -> tuple[Point, ...]:
    """Two half circles joined by straights that reach to ``straight`` (0..1) of the half length; shares."""
    turns = [-math.pi / 2 + math.pi * step / steps for step in range(steps + 1)]
    right = [(straight + (1 - straight) * math.cos(t), math.sin(t)) for t in turns]
    return (*right, *((-x, -y) for x, y in right))


def _fan(steps: int = 8) -> tuple[Point, ...]:
    """A baseball field: home plate at the bottom, foul lines at right angles, the outfield fence an arc; shares."""
    turns = [math.radians(-45 + 90 * step / steps) for step in range(steps + 1)]
    arc = [(1.0, -0.28), *((math.sin(t) * math.sqrt(2), 1 - 2 * math.cos(t)) for t in turns[::-1][1:-1]), (-1.0, -0.28)]
    return (*arc, (-0.12, 1.0), (0.12, 1.0))


@dataclass(frozen=True, slots=True)
class Court:
    """One class: lengths and widths in metres, outline in shares of the half sizes, and room around it in metres."""

    length: tuple[float, float]
    width: tuple[float, float]
    outline: tuple[Point, ...]
    around: float


_SQUARE: tuple[Point, ...] = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))

COURTS: dict[str, Court] = {
    "ground track field": Court((170, 185), (90, 100), _stadium(0.5), 8),
    "baseball diamond": Court((60, 110), (60, 110), _fan(), 4),
    "tennis court": Court((34, 36.5), (17, 18.3), _SQUARE, 3),
    "basketball court": Court((28, 30), (15, 16.5), _SQUARE, 3),
}
"""Outer sizes: a track with its lanes, a diamond to its fence, a court with its run-off."""


Claim = Callable[[Sequence[Point]], None]


def lay_sports(plan: Plan, ground: Floor, claim: Claim, rich: bool) -> None:
    """Sports grounds on free land, each passed to ``claim``; ``rich`` places have more of them."""
    draws = plan.draws
    if draws.chance(0.75 if rich else 0.25):
        _lay_field(plan, ground, claim, "ground track field", 1)
    if draws.chance(0.6 if rich else 0.2):
        _lay_field(plan, ground, claim, "baseball diamond", draws.weighted((1, 2, 3, 4), (5, 3, 1, 2)))
    for name, chance in (("tennis court", 0.7), ("basketball court", 0.6)):
        if draws.chance(chance if rich else 0.3):
            for _ in range(draws.weighted((1, 2, 3), (6, 3, 1))):
                _lay_courts(
                    plan, ground, claim, name, draws.weighted((1, 2, 3, 4, 6, 8, 12), (20, 22, 14, 16, 12, 8, 8))
                )


def _lay_field(plan: Plan, ground: Floor, claim: Claim, name: str, count: int) -> None:
    """``count`` large fields, each on mown grass of its own."""
    draws, court = plan.draws, COURTS[name]
    for _ in range(count):
        half_w = plan.px(draws.uniform(*court.length)) / 2
        half_h = plan.px(draws.uniform(*court.width)) / 2 if court.width != court.length else half_w
        around = max(2.0, plan.px(court.around))
        plot = ground.site(half_w + around, half_h + around, tries=25)
        if plot is None or min(half_w, half_h) < 4:
            return
        plan.add("grassland", Polygon(plot.corners()), angle_deg=plot.degrees)
        field = Plot(plot.centre, half_w, half_h, plot.angle + draws.below(4) * math.pi / 2 * (half_w == half_h))
        ground.build(name, field, Polygon(field.outline(court.outline)))
        claim(plot.corners(1))


def _lay_courts(plan: Plan, ground: Floor, claim: Claim, name: str, count: int) -> None:
    """Courts side by side in one or two rows on one pad; fewer where there is no room for all."""
    draws, court = plan.draws, COURTS[name]
    half_w, half_h = plan.px(draws.uniform(*court.width)) / 2, plan.px(draws.uniform(*court.length)) / 2
    gap = max(3.5, plan.px(draws.uniform(3, 6)))
    if 2 * half_w < max(4.0, SMALLEST_PX):
        return
    while count:
        rows = 2 if count >= 6 else 1
        columns = math.ceil(count / rows)
        pad = ground.site(columns * (half_w + gap / 2) + gap / 2, rows * (half_h + gap / 2) + gap / 2, tries=15)
        if pad is not None:
            break
        count //= 2
    else:
        return
    plan.add("paved", Polygon(pad.corners()), angle_deg=pad.degrees, kind="pad")
    group = plan.new_group() if count > 1 else 0
    for index in range(count):
        row, column = divmod(index, columns)
        x = (column + 0.5 - columns / 2) * (2 * half_w + gap)
        y = (row + 0.5 - rows / 2) * (2 * half_h + gap)
        plot = pad.part(x, y, half_h, half_w, math.pi / 2)
        ground.build(name, plot, group=group)
    claim(pad.corners(1))
