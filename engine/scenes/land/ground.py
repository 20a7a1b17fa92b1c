"""Land cover: what grows or is built where, before any water, road or thing lies on it.

A place is a base cover, parcels on it (fields, or blocks of a town) and natural patches over both, whose outlines are
level lines of a smooth random field. What there is and how much of it, the setting decides.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from engine.draws import Draws
from engine.scenes.land.parcels import MARGIN, Cut, Parcel, divide, make_bend
from engine.scenes.plan import VIEW, Plan, exact, rectangle
from engine.scenes.scene import Line, Point, Polygon

Shares = Mapping[str, float]

HEIGHTS_M = {"forest": 14.0, "wetland": 1.0}
"""How high a cover stands; trees throw shadows."""

INDUSTRIAL = ("industrial", "harbor")
_CLEARING_PX = 150
_GRID_STEP = 8.0


class Town:
    """Where the built-up part of a place is: the highest ``share`` of a smooth field; looked up on the field's grid."""

    def __init__(self, draws: Draws, size: int, share: float) -> None:
        values = Field(draws).grid(size)[1]
        self._inside = values > _level(values, share)

    def has(self, point: Point) -> bool:
        """Whether a place in the view or its margin is built up."""
        last = len(self._inside) - 1
        column, row = (min(max(round((value + MARGIN) / _GRID_STEP), 0), last) for value in point)
        return bool(self._inside[row, column])


@dataclass(frozen=True, slots=True)
class Ground:
    """What roads have to know of the land: cuts between parcels, and where the town is."""

    cuts: tuple[Cut, ...]
    town: Town


@dataclass(frozen=True, slots=True)
class _Recipe:
    """The ground of one setting.

    ``bases`` are the covers that fill the view, ``land`` and ``town`` what parcels become outside and inside of the
    town ("" leaves the base), ``town_share`` how much of the view the town takes up, ``patches`` the natural patches
    with the chance that there is one. ``crosswise`` is for :func:`~engine.scenes.land.parcels.divide`.
    """

    bases: Shares
    land: Shares
    town: Shares
    town_share: tuple[float, float]
    patches: Shares
    crosswise: float


_FIELDS: Shares = {"farmland": 70, "grassland": 11, "bare land": 8, "forest": 6, "concrete": 1, "": 4}
_HOMES: Shares = {"built-up area": 84, "grassland": 6, "concrete": 5, "forest": 3, "bare land": 2}
_WORKS: Shares = {"built-up area": 54, "concrete": 15, "bare land": 13, "grassland": 12, "forest": 5}

_RECIPES: dict[str, _Recipe] = {
    "rural": _Recipe(
        {"farmland": 5, "grassland": 2}, _FIELDS, _HOMES, (-0.12, 0.16),
        {"forest": 0.5, "wetland": 0.2, "grassland": 0.15, "bare land": 0.12}, 0.45,
    ),
    "wild": _Recipe(
        {"forest": 36, "grassland": 30, "bare land": 24, "wetland": 10}, {"": 1}, _HOMES, (0, 0),
        {"forest": 0.8, "grassland": 0.7, "bare land": 0.55, "wetland": 0.35}, 0.1,
    ),
    "residential": _Recipe(
        {"grassland": 4, "concrete": 1}, _FIELDS, _HOMES, (0.6, 1.2), {"forest": 0.15, "grassland": 0.2}, 0.75,
    ),
    "industrial": _Recipe(
        {"grassland": 2, "bare land": 3, "concrete": 1}, _FIELDS, _WORKS, (0.55, 1.2),
        {"forest": 0.15, "bare land": 0.15, "wetland": 0.06}, 0.65,
    ),
    "harbor": _Recipe(
        {"grassland": 3, "bare land": 3, "concrete": 2}, _FIELDS, {**_WORKS, "concrete": 20}, (0.5, 1.2),
        {"forest": 0.2, "grassland": 0.15}, 0.65,
    ),
    "airfield": _Recipe(
        {"grassland": 5, "farmland": 2}, {"grassland": 40, "farmland": 38, "bare land": 9, "forest": 6, "": 7}, _WORKS,
        (-0.1, 0.25), {"forest": 0.4, "wetland": 0.1}, 0.25,
    ),
    "sports": _Recipe(
        {"grassland": 5, "concrete": 1}, {"grassland": 6, "forest": 2, "farmland": 1}, {**_HOMES, "grassland": 40},
        (0.5, 1.2), {"forest": 0.4}, 0.65,
    ),
    "coast": _Recipe(
        {"grassland": 4, "bare land": 3, "forest": 3}, {**_FIELDS, "farmland": 25, "": 60}, _HOMES, (-0.15, 0.4),
        {"forest": 0.5, "grassland": 0.4, "bare land": 0.3, "wetland": 0.25}, 0.3,
    ),
}  # fmt: skip


def lay_ground(plan: Plan) -> Ground:
    """Fill the view with covers; returns the net that roads may follow."""
    draws, recipe = plan.draws, _RECIPES[plan.setting]
    share = draws.uniform(*recipe.town_share)
    # What looks like a town from afar is a few blocks from near.
    if plan.setting == "residential" and plan.gsd_m <= 1.5:
        share = max(share, 0.9)
    town = Town(draws, plan.size, share)
    n, base = plan.size, draws.weighted(tuple(recipe.bases), tuple(recipe.bases.values()))
    low, high = -MARGIN, n + MARGIN
    _cover(plan, base, ((low, low), (high, low), (high, high), (low, high)), draws.uniform(0, 180))
    cuts = _parcels(plan, recipe, town)
    for cover, chance in recipe.patches.items():
        # The larger the view, the rarer is a cover that occurs nowhere in it.
        if cover != base and draws.chance(1 - (1 - chance) ** plan.scale):
            _patches(plan, cover, town)
    return Ground(cuts, town)


def _parcels(plan: Plan, recipe: _Recipe, town: Town) -> tuple[Cut, ...]:
    """Divide the land and cover the parcels; hedges grow on some of the cuts outside of the town."""
    draws = plan.draws
    most, least = 0.8 * VIEW, 15.0
    field_px = min(max(plan.px(40 * 6.5 ** draws.unit()), least), most)
    block_px = min(max(plan.px(draws.uniform(70, 150)), 2 * least), most)
    bend = make_bend(draws, draws.choice((0.0, 0.0, 0.5, 1.0)))
    if plan.setting == "wild":
        field_px = 0.6 * VIEW

    def side(point: Point) -> float:
        return block_px if town.has(point) else field_px

    division, zones = divide(plan, side, recipe.crosswise, bend), Field(draws)
    strips = draws.between(2, 6) if draws.chance(0.3) else 1
    for parcel in division.parcels:
        in_town = town.has(parcel.centre)
        cover = _use(draws, recipe.town if in_town else recipe.land, zones.at(parcel.centre))
        if cover == "farmland" and strips > 1 and draws.chance(0.7):
            turn = (division.angle_deg + 90 * draws.below(2)) % 180
            for strip in parcel.strips(strips):
                _cover(plan, cover, strip, turn)
        elif cover:
            turn = division.angle_deg + 90 * draws.below(2)
            _cover(plan, cover, parcel.outline, turn % 180, _kind(plan, in_town))
            if cover == "built-up area" and draws.chance(0.15):
                _yard(plan, parcel, division.angle_deg)
    _hedges(plan, division.cuts, town)
    return division.cuts


def _use(draws: Draws, shares: Shares, zone: float) -> str:
    """What a parcel is used for. Two thirds of the uses follow ``zone``, a smooth field: neighbours are often alike."""
    if draws.chance(0.35):
        return draws.weighted(tuple(shares), tuple(shares.values()))
    # A logistic curve makes about equal parts of the values of the field, whose spread is about 1.2.
    mark = sum(shares.values()) / (1 + math.exp(-1.4 * zone))
    return next(use for use, below in zip(shares, itertools.accumulate(shares.values()), strict=True) if mark < below)


def _yard(plan: Plan, parcel: Parcel, angle_deg: float) -> None:
    """A concrete square in the middle of a block."""
    draws, centre = plan.draws, parcel.centre
    room = min(math.dist(centre, corner) for corner in parcel.outline)
    half_w, half_h = room * draws.uniform(0.25, 0.5), room * draws.uniform(0.25, 0.5)
    if min(half_w, half_h) >= 4:
        _cover(plan, "concrete", rectangle(centre, half_w, half_h, math.radians(angle_deg)), angle_deg)


def _hedges(plan: Plan, cuts: tuple[Cut, ...], town: Town) -> None:
    """Hedges and shelter belts along some field borders, in two places out of five."""
    draws = plan.draws
    width = min(plan.px(draws.choice((5.0, 5.0, 8.0, 18.0))), 12.0)
    if draws.chance(0.6) or width < 2 or plan.setting == "wild":
        return
    often = draws.uniform(0.1, 0.4)
    for cut in cuts:
        if draws.chance(often) and not town.has(cut.points[len(cut.points) // 2]):
            plan.add("forest", Line(cut.points, width), height_m=9)


def _patches(plan: Plan, cover: str, town: Town) -> None:
    """Natural patches of ``cover``: where a smooth field is high, with clearings where it dips again."""
    draws, field = plan.draws, Field(plan.draws)
    share = draws.uniform(0.03, 0.12) if cover == "wetland" else draws.uniform(0.06, 0.34)
    clearing = "bare land" if cover == "grassland" else "grassland"
    for outline, rising in field.highest(plan.size, share):
        if rising:
            _cover(plan, cover, outline, draws.uniform(0, 180), _kind(plan, town.has(outline[0])))
        elif abs(signed_area(outline)) > _CLEARING_PX:
            _cover(plan, clearing, outline, draws.uniform(0, 180))


def _kind(plan: Plan, in_town: bool) -> str:
    return "industrial" if plan.setting in INDUSTRIAL and in_town and plan.draws.chance(0.8) else "residential"


def _cover(plan: Plan, cover: str, outline: tuple[Point, ...], angle_deg: float, kind: str = "residential") -> None:
    """Put down a patch; only built-up areas come in kinds."""
    kind = kind if cover == "built-up area" else ""
    plan.add(cover, Polygon(outline), height_m=HEIGHTS_M.get(cover, 0.0), angle_deg=angle_deg, kind=kind)


class Field:
    """A smooth random field over the view and beyond: plane waves in all directions, the shorter the lower.

    Amplitudes fall with the 1.2th power of the wavelength, which makes level lines look like coasts and wood edges.
    """

    def __init__(self, draws: Draws, longest: float = 1.5 * VIEW) -> None:
        waves = list[tuple[float, float, float, float]]()
        for step in range(16):
            length = longest * 0.84**step * draws.uniform(0.85, 1.15)
            direction, phase = draws.uniform(0, 2 * math.pi), draws.uniform(0, 2 * math.pi)
            k = 2 * math.pi / length
            waves.append((k * math.cos(direction), k * math.sin(direction), phase, (length / longest) ** 1.2))
        self._waves = tuple(waves)

    def at(self, point: Point) -> float:
        """The field at one place."""
        return sum((a * math.sin(kx * point[0] + ky * point[1] + phase) for kx, ky, phase, a in self._waves), 0.0)

    def grid(self, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates, and the field [rows, columns] at them, every few pixels over a view of ``size`` and margin."""
        axis = np.arange(-MARGIN, size + MARGIN + _GRID_STEP, _GRID_STEP)
        kx, ky, phase, amplitude = np.array(self._waves).T[:, :, None]
        across, down = kx * axis + phase, ky * axis
        # The sine of a sum, taken apart, needs the sines of an axis each instead of those of a whole grid.
        values = np.einsum("wr,wc->rc", amplitude * np.cos(down), np.sin(across))
        values += np.einsum("wr,wc->rc", amplitude * np.sin(down), np.cos(across))
        return axis, values

    def highest(self, size: int, share: float) -> list[tuple[tuple[Point, ...], bool]]:
        """Closed outlines of the ``share`` (0..1) of the view where the field is highest, the large before the small
        ones that may lie in them, each with whether the field is higher inside than outside (else it is a hole)."""
        axis, values = self.grid(size)
        level = _level(values, share)
        # A low rim closes all lines inside the margin.
        values[[0, -1], :] = values[:, [0, -1]] = values.min() - 1
        lines: list[NDArray[np.float64]] = contour_generator(axis, axis, values).lines(level)  # type: ignore[assignment]
        outlines = [exact([(float(x), float(y)) for x, y in line[:-1]]) for line in lines]
        # contourpy walks with higher values to the left, which in a frame with rows downwards makes the area positive
        # where the inside is high.
        areas = [(signed_area(outline), outline) for outline in outlines]
        areas.sort(key=lambda pair: -abs(pair[0]))
        return [(outline, area > 0) for area, outline in areas if len(outline) > 3]


def _level(values: NDArray[np.float64], share: float) -> float:
    """The level above which ``share`` of the values lie: none of them for 0 or less, all for 1 or more."""
    if not 0 < share < 1:
        return -math.inf if share >= 1 else math.inf
    return float(np.quantile(values, 1 - share))


def signed_area(points: tuple[Point, ...]) -> float:
    """Shoelace formula in square pixels, positive where x turns towards y."""
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs) / 2
