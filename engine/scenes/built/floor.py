"""Plots and floors: where a thing would stand, and whether it may.

A :class:`Plot` is a turned rectangle around a thing. A :class:`Floor` is ground on which things of some sort may
stand. Everything is tried on a small cut-out of the view, so that the cost does not grow with the scene.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.scenes.plan import Plan, exact, rectangle, turned
from engine.scenes.scene import Disc, Point, Polygon

GAP_PX = 3.0
"""Room kept between things, so that those of one class can be told apart on the pixel raster and counted."""

SMALLEST_PX = 1.8
"""A thing whose shorter side would be below this is not put down at all."""

EDGE_PX = 1.0
"""Things keep this far from the border of the view: each is wholly visible."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle turned by ``angle`` (radians, from the columns' direction) about ``centre``; sizes in pixels."""

    centre: Point
    half_w: float
    half_h: float
    angle: float

    @property
    def degrees(self) -> float:
        """The direction of its ``w`` side, 0..180."""
        return math.degrees(self.angle) % 180

    def at(self, x: float, y: float) -> Point:
        """The place ``(x, y)`` pixels from the centre in the plot's own frame."""
        return turned(self.centre, x, y, self.angle)

    def part(self, x: float, y: float, half_w: float, half_h: float, turn: float = 0.0) -> Plot:
        """A plot around the place ``(x, y)`` of this one, turned by ``turn`` against it."""
        return Plot(self.at(x, y), half_w, half_h, self.angle + turn)

    def corners(self, grown: float = 0.0) -> tuple[Point, ...]:
        """Its four corners, with ``grown`` pixels more on each side."""
        return rectangle(self.centre, self.half_w + grown, self.half_h + grown, self.angle)

    def outline(self, shares: Sequence[Point]) -> tuple[Point, ...]:
        """A figure given in shares (-1..1) of the half sizes, such as a hull with its bow at x = 1."""
        return tuple(self.at(x * self.half_w, y * self.half_h) for x, y in shares)

    def halves(self, share: float, between: float) -> tuple[Plot, Plot]:
        """Cut across its longer side at ``share`` (0..1) of it, leaving ``between`` pixels free."""
        if self.half_w >= self.half_h:
            cut, d = self.half_w * (2 * share - 1), between / 2
            first, second = (self.half_w + cut - d) / 2, (self.half_w - cut - d) / 2
            return (
                self.part(first - self.half_w, 0, first, self.half_h),
                self.part(self.half_w - second, 0, second, self.half_h),
            )
        cut, d = self.half_h * (2 * share - 1), between / 2
        first, second = (self.half_h + cut - d) / 2, (self.half_h - cut - d) / 2
        return (
            self.part(0, first - self.half_h, self.half_w, first),
            self.part(0, self.half_h - second, self.half_w, second),
        )


Figure = Sequence[Point] | Disc
"""A polygon's points, or a disc."""

Stencil = tuple[tuple[slice, slice], NDArray[np.bool_]]
"""A window of the view (rows, columns) and which of its pixels are meant."""


def stencil(figure: Figure, size: int) -> Stencil:
    """The pixels of a figure, as :func:`~engine.scenes.paint.paint_items` would paint it; empty outside the view."""
    if isinstance(figure, Disc):
        (x, y), r = figure.centre, figure.radius
        points: Sequence[Point] = ((x - r, y - r), (x + r, y + r))
    else:
        points = figure
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    left, top = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
    right, bottom = min(size, math.ceil(max(xs)) + 2), min(size, math.ceil(max(ys)) + 2)
    if right <= left or bottom <= top:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    image = Image.new("L", (right - left, bottom - top), 0)
    moved = [(x - left, y - top) for x, y in points]
    pen = ImageDraw.Draw(image)
    if isinstance(figure, Disc):
        pen.ellipse(moved, fill=1)
    else:
        pen.polygon(moved, fill=1)
    return (slice(top, bottom), slice(left, right)), np.asarray(image).view(bool)


class Floor:
    """Ground of one sort. ``free`` is where it is, ``taken`` what stands there; both bool [size, size].

    Several floors of one plan share one ``taken``, so that a ship keeps clear of a pier's lorry, too. ``grain`` is the
    direction (radians) in which parcels lie; people build along it more often than not.
    """

    def __init__(self, plan: Plan, free: NDArray[np.bool_], taken: NDArray[np.bool_]) -> None:
        self.plan = plan
        self.free = free
        self.taken = taken
        parcels = [item for item in plan.items[1:] if item.name in ("built-up area", "farmland", "concrete")]
        self.grain = math.radians(parcels[0].angle_deg) if parcels else 0.0

    def share(self, points: Sequence[Point]) -> float:
        """How much of a polygon, as far as it lies in the view, is free (0..1); 0 for one outside."""
        where, mask = stencil(points, self.plan.size)
        count = np.count_nonzero(mask)
        return np.count_nonzero(self.free[where] & mask) / count if count else 0.0

    def close(self, points: Sequence[Point]) -> None:
        """Nothing is free inside the polygon any more."""
        where, mask = stencil(points, self.plan.size)
        self.free[where] &= ~mask

    def fits(self, plot: Plot, gap: float = GAP_PX, figure: Figure = ()) -> bool:
        """Whether a thing may stand in ``plot``: in the view, on free ground, ``gap`` pixels from other things.

        The ground is looked at under ``figure``, or under all of the plot if there is none.
        """
        if min(plot.half_w, plot.half_h) * 2 < SMALLEST_PX:
            return False
        corners, last = plot.corners(), self.plan.size - 1 - EDGE_PX
        if any(not (EDGE_PX <= x <= last and EDGE_PX <= y <= last) for x, y in corners):
            return False
        where, mask = stencil(figure or corners, self.plan.size)
        if bool((mask & ~self.free[where]).any()):
            return False
        where, mask = stencil(plot.corners(gap), self.plan.size)
        return not (mask & self.taken[where]).any()

    def build(
        self,
        name: str,
        plot: Plot,
        shape: Polygon | Disc | None = None,
        *,
        gap: float = GAP_PX,
        height_m: float = 0.0,
        kind: str = "",
        colour: str = "",
        group: int = 0,
    ) -> bool:
        """Put a thing into ``plot`` if it fits there; ``shape`` fills the plot if not given. Says whether it did."""
        shape = Polygon(plot.corners()) if shape is None else shape
        if not self.fits(plot, gap, shape.points if isinstance(shape, Polygon) else shape):
            return False
        where, mask = stencil(plot.corners(), self.plan.size)
        self.taken[where] |= mask
        self.plan.add(
            name, shape, height_m=height_m, angle_deg=plot.degrees, kind=kind, colour=colour, group=group
        )  # fmt: skip
        return True

    def spot(self, reach: Point = (0.0, 0.0)) -> Point | None:
        """A free place, at least ``reach`` columns and rows from the border, or None after a dozen draws."""
        draws, size = self.plan.draws, self.plan.size
        for _ in range(12 if 2 * max(reach) < size else 0):
            place = exact([(draws.uniform(reach[0], size - reach[0]), draws.uniform(reach[1], size - reach[1]))])[0]
            if self.free[min(int(place[1]), size - 1), min(int(place[0]), size - 1)]:
                return place
        return None

    def site(self, half_w: float, half_h: float, tries: int = 12) -> Plot | None:
        """A free plot of this size in the view at a random place and angle, with room around it, or None."""
        for _ in range(tries):
            angle = self._direction()
            c, s = abs(math.cos(angle)), abs(math.sin(angle))
            centre = self.spot((c * half_w + s * half_h + GAP_PX, s * half_w + c * half_h + GAP_PX))
            if centre is not None:
                plot = Plot(centre, half_w, half_h, angle)
                if self.fits(plot) and self.share(plot.corners(GAP_PX)) == 1.0:
                    return plot
        return None

    def _direction(self) -> float:
        """Along or across the grain in two cases out of three, else any."""
        draws = self.plan.draws
        if draws.chance(0.67):
            return self.grain + draws.below(2) * math.pi / 2 + draws.uniform(-0.04, 0.04)
        return draws.uniform(0, math.pi)


@dataclass(frozen=True, slots=True)
class Floors:
    """What :mod:`~engine.scenes.built.sites` builds on: unclaimed land, all dry land, and water."""

    open: Floor
    land: Floor
    sea: Floor

    def is_claimed(self, points: Sequence[Point]) -> bool:
        """Whether any of a polygon belongs to a site already."""
        where, mask = stencil(points, self.open.plan.size)
        return bool((self.open.plan.reserved[where] & mask).any())

    def claim(self, points: Sequence[Point]) -> None:
        """Keep a polygon of the open land for a site: no other site and no road will come there."""
        plan = self.open.plan
        where, mask = stencil(points, plan.size)
        plan.reserved[where] |= mask
        self.open.free[where] &= ~mask
