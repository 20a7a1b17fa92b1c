"""What stands on built-up ground: houses with their yards on residential blocks, works on industrial ones.

Blocks are the built-up parcels between streets. A block counts as the four-cornered figure of its outermost points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.scenes.built.floor import Floor, Plot
from engine.scenes.built.industry import fill_works, park_in_yard
from engine.scenes.built.traffic import put_vehicle, visible
from engine.scenes.plan import Plan, exact
from engine.scenes.scene import Disc, Point, Polygon

SINGLE_HOUSES_GSD_M = 2.0
"""At finer sampling houses are items; at coarser a block is only a cover whose fabric the renderers draw."""

_HOUSES_PER_VIEW = 130
"""About as many as the time for a scene allows; where there would be more, lots are larger."""

_ROOFS = ("red", "grey", "dark", "white", "")
_ROOF_WEIGHTS = (34, 22, 22, 10, 12)

Block = tuple[Point, Point, Point, Point]
"""Corners in order round a block, its longer sides from the first to the second and from the third to the fourth."""


@dataclass(frozen=True, slots=True)
class _Style:
    """What one town's lots are like: widths and depths in metres, chances 0..1."""

    lot_m: float
    depth_m: float
    vacant: float
    pools: float
    cars: float


def fill_towns(plan: Plan, built_up: Floor, concrete: Floor) -> None:
    """Build on all built-up areas of ``plan``, and let lorries stand on the concrete between works.

    The floors are where these covers are on top. The first item, which fills the view, is no block.
    """
    style = _style(plan, built_up)
    works = any(item.kind == "industrial" for item in plan.items)
    for item in plan.items[1:]:
        if not isinstance(item.shape, Polygon):
            continue
        if item.name == "built-up area" and item.kind == "industrial":
            fill_works(plan, built_up, _inside(_block(item.shape, item.angle_deg)))
        elif item.name == "built-up area" and plan.gsd_m <= SINGLE_HOUSES_GSD_M:
            _fill_block(plan, built_up, _block(item.shape, item.angle_deg), style)
        elif item.name == "concrete" and works and plan.draws.chance(0.6):
            park_in_yard(plan, concrete, _inside(_block(item.shape, item.angle_deg)))


def _style(plan: Plan, built_up: Floor) -> _Style:
    draws = plan.draws
    lot_m, depth_m = draws.uniform(17, 26), draws.uniform(26, 36)
    area = np.count_nonzero(built_up.free) * plan.gsd_m**2
    larger = max(1.0, math.sqrt(area / (lot_m * depth_m * _HOUSES_PER_VIEW * max(1.0, plan.scale**2))))
    return _Style(
        lot_m * larger,
        depth_m * larger,
        vacant=draws.uniform(0.02, 0.35),
        pools=draws.choice((0.0, 0.1, 0.35, 0.6)),
        cars=draws.choice((0.0, 0.15, 0.4)),
    )


def _block(shape: Polygon, angle_deg: float) -> Block:
    """The corners of a block: the outermost points along the diagonals of its own direction."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    local = [(x * c + y * s, y * c - x * s, (x, y)) for x, y in shape.points]
    first, second = min(local, key=lambda p: p[0] + p[1])[2], max(local, key=lambda p: p[0] - p[1])[2]
    third, fourth = max(local, key=lambda p: p[0] + p[1])[2], min(local, key=lambda p: p[0] - p[1])[2]
    if math.dist(first, second) + math.dist(third, fourth) < math.dist(second, third) + math.dist(fourth, first):
        return second, third, fourth, first
    return first, second, third, fourth


def _sides(block: Block) -> tuple[float, float]:
    """Mean length and mean depth in pixels."""
    a, b, c, d = block
    return (math.dist(a, b) + math.dist(c, d)) / 2, (math.dist(b, c) + math.dist(d, a)) / 2


def _inside(block: Block) -> Plot:
    """The largest upright plot about a block's middle, upright in the block's own direction."""
    a, b, c, d = block
    centre = exact([(sum(p[0] for p in block) / 4, sum(p[1] for p in block) / 4)])[0]
    half_w = min(math.dist(a, b), math.dist(c, d)) / 2
    half_h = min(math.dist(b, c), math.dist(d, a)) / 2
    return Plot(centre, half_w, half_h, math.atan2(b[1] - a[1] + c[1] - d[1], b[0] - a[0] + c[0] - d[0]))


# ---- houses


def _fill_block(plan: Plan, built_up: Floor, block: Block, style: _Style) -> None:
    """Pairs of rows of lots back to back; the outer rows face the streets at the block's longer sides."""
    long, deep = (plan.gsd_m * side for side in _sides(block))
    rows = max(1, round(deep / (2 * style.depth_m))) * 2 if deep > 1.2 * style.depth_m else 1
    count = int((long - 6) / style.lot_m)
    for row in range(rows):
        for number in range(count):
            if not plan.draws.chance(style.vacant):
                s = (3 + (number + 0.5) * (long - 6) / count) / long
                _build_lot(plan, built_up, _Lot(block, s, row, rows, long, deep, style))


@dataclass(frozen=True, slots=True)
class _Lot:
    """A lot of a block: the share ``s`` along it of the lot's middle, its ``row`` of ``rows``; sizes in metres."""

    block: Block
    s: float
    row: int
    rows: int
    long: float
    deep: float
    style: _Style

    @property
    def depth(self) -> float:
        return self.deep / self.rows

    def place(self, aside: float, back: float) -> Point:
        """``aside`` metres along the block from the lot's middle and ``back`` metres from its street side."""
        a, b, c, d = self.block
        turned_round = self.row % 2
        s = self.s + aside / self.long
        t = (self.row + turned_round + (-back if turned_round else back) / self.depth) / self.rows
        return (
            (1 - t) * ((1 - s) * a[0] + s * b[0]) + t * ((1 - s) * d[0] + s * c[0]),
            (1 - t) * ((1 - s) * a[1] + s * b[1]) + t * ((1 - s) * d[1] + s * c[1]),
        )

    @property
    def angle(self) -> float:
        """The direction of the row, radians."""
        left, right = self.place(-1, self.depth / 2), self.place(1, self.depth / 2)
        return math.atan2(right[1] - left[1], right[0] - left[0])


def _build_lot(plan: Plan, built_up: Floor, lot: _Lot) -> None:
    """A house as near the street as may be, perhaps a car beside it and a pool behind it."""
    draws, style = plan.draws, lot.style
    wide, deep = draws.uniform(9, 15), draws.uniform(7.5, 11)
    wide = min(wide, 0.7 * style.lot_m)
    form, height, colour = draws.below(4), draws.uniform(6, 9), draws.weighted(_ROOFS, _ROOF_WEIGHTS)
    setback, angle = draws.uniform(6, 10), lot.angle
    for back in (setback, setback + 7):
        plot = Plot(lot.place(0, back + deep / 2), plan.px(wide) / 2, plan.px(deep) / 2, angle)
        if built_up.build("building", plot, _house(plot, form, -1.0 if lot.row % 2 else 1.0), height_m=height,
                          kind="house", colour=colour):  # fmt: skip
            break
    else:
        return
    if visible(plan, 1.9) and draws.chance(style.cars):
        aside = draws.choice((-1, 1)) * (wide / 2 + 1.2 + plan.gsd_m * 1.5)
        kind = draws.weighted(("car", "van"), (9, 1))
        put_vehicle(built_up, kind, lot.place(aside, back + 2), angle + math.pi / 2)
    if draws.chance(style.pools):
        _dig_pool(plan, built_up, lot, back + deep)


def _house(plot: Plot, form: int, backwards: float) -> Polygon:
    """One in four houses is an L with its wing towards the yard; the others fill their plot."""
    if form:
        return Polygon(plot.corners())
    y = backwards
    return Polygon(plot.outline(((-1, -y), (1, -y), (1, 0.1 * y), (0.05, 0.1 * y), (0.05, y), (-1, y))))


def _dig_pool(plan: Plan, built_up: Floor, lot: _Lot, house_back: float) -> None:
    """A swimming pool between the house and the end of the lot: oblong or round."""
    draws = plan.draws
    width, length = draws.uniform(3.6, 5.2), draws.uniform(7, 11)
    back = house_back + max((lot.depth - house_back) * draws.uniform(0.3, 0.7), 4.0 + 3 * plan.gsd_m)
    at = exact([lot.place(draws.uniform(-0.2, 0.2) * lot.style.lot_m, back)])[0]
    if draws.chance(0.25):
        radius = plan.px(draws.uniform(2.4, 3.4))
        built_up.build("swimming pool", Plot(at, radius, radius, lot.angle), Disc(at, radius))
    else:
        built_up.build("swimming pool", Plot(at, plan.px(length) / 2, plan.px(width) / 2, lot.angle))
