"""A transparent sheet over part of the view on which details are drawn finer than its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from engine.scenes.optics.materials import Colour
from engine.scenes.scene import Disc, Item, Line, Point
from engine.scenes.surface import FloatArray

FINENESS = 3
"""Sub-pixels per pixel and direction."""


class Sheet:
    """Details over the window of the view that starts at (``left``, ``top``), all coordinates in pixels of the view.

    A whole number is the middle of a pixel, as in :mod:`engine.scenes.paint`. Opacities replace one another and do not
    add up: what is drawn last is what is there.
    """

    def __init__(self, left: int, top: int, width: int, height: int, gsd_m: float) -> None:
        self.gsd_m = gsd_m
        self._left, self._top = left, top
        self._image = Image.new("RGBa", (width * FINENESS, height * FINENESS))
        self._pen = ImageDraw.Draw(self._image)

    def px(self, metres: float) -> float:
        """Pixels of the view that ``metres`` take up."""
        return metres / self.gsd_m

    def sees(self, metres: float, least_px: float = 0.8) -> bool:
        """Whether something ``metres`` across is resolved."""
        return metres / self.gsd_m >= least_px

    def polygon(self, points: Sequence[Point], colour: Colour, opacity: float = 1.0) -> None:
        """A filled outline."""
        self._pen.polygon([self._place(p) for p in points], fill=_ink(colour, opacity))

    def disc(self, centre: Point, radius: float, colour: Colour, opacity: float = 1.0) -> None:
        """A filled circle; ``radius`` in pixels of the view."""
        (x, y), r = self._place(centre), radius * FINENESS
        self._pen.ellipse((x - r, y - r, x + r, y + r), fill=_ink(colour, opacity))

    def line(self, points: Sequence[Point], width_m: float, colour: Colour, opacity: float = 1.0) -> None:
        """A polyline ``width_m`` wide; one finer than a sub-pixel is drawn a sub-pixel wide and as much paler."""
        width = self.px(width_m) * FINENESS
        ink = _ink(colour, opacity * min(1.0, max(width, 0.3)))
        self._pen.line([self._place(p) for p in points], fill=ink, width=max(1, round(width)), joint="curve")

    def ring(self, centre: Point, radius: float, width_m: float, colour: Colour, opacity: float = 1.0) -> None:
        """A circle's outline, from ``radius`` (pixels of the view) inwards."""
        (x, y), r = self._place(centre), radius * FINENESS
        width = self.px(width_m) * FINENESS
        ink = _ink(colour, opacity * min(1.0, max(width, 0.3)))
        self._pen.ellipse((x - r, y - r, x + r, y + r), outline=ink, width=max(1, round(width)))

    def clear(self, item: Item) -> None:
        """Wipe the place of ``item``: it lies on top of what was drawn before."""
        shape = item.shape
        if isinstance(shape, Disc):
            self.disc(shape.centre, shape.radius, (0, 0, 0), 0)
        elif isinstance(shape, Line):
            self._pen.line(
                [self._place(p) for p in shape.points],
                fill=(0, 0, 0, 0), width=max(1, round(shape.width * FINENESS)), joint="curve",
            )  # fmt: skip
        else:
            self.polygon(shape.points, (0, 0, 0), 0)

    def lay_on(self, colour: FloatArray) -> None:
        """Put the sheet over its window of ``colour``, float32 [height, width, 3], in place."""
        reduced = np.asarray(self._image.reduce(FINENESS))
        left = 1 - reduced[..., 3] / np.float32(255)
        for band in range(3):
            colour[..., band] *= left
            colour[..., band] += reduced[..., band] / np.float32(255)

    def _place(self, point: Point) -> tuple[int, int]:
        """The nearest sub-pixel; Pillow itself would round towards zero, which differs on both sides of a border."""
        half = FINENESS / 2
        return (
            math.floor((point[0] - self._left) * FINENESS + half),
            math.floor((point[1] - self._top) * FINENESS + half),
        )


def _ink(colour: Colour, opacity: float) -> tuple[int, int, int, int]:
    """The sheet's own pixel: colour times opacity, and opacity, in eight bits."""
    scale = 255 * min(max(opacity, 0.0), 1.0)
    red, green, blue = (round(min(max(c, 0.0), 1.0) * scale) for c in colour)
    return red, green, blue, round(scale)


@dataclass(frozen=True, slots=True)
class Frame:
    """An item's own axes: ``u`` along its direction, ``v`` across, both -1..1 from edge to edge.

    ``half_u`` and ``half_v`` are in pixels of the view; ``angle`` in radians, clockwise from the columns' direction.
    """

    centre: Point
    angle: float
    half_u: float
    half_v: float

    def at(self, u: float, v: float) -> Point:
        """A point of the view."""
        return self.off(u * self.half_u, v * self.half_v)

    def off(self, x: float, y: float) -> Point:
        """The point ``x`` pixels along and ``y`` across from the middle."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return self.centre[0] + c * x - s * y, self.centre[1] + s * x + c * y

    def box(self, u0: float, v0: float, u1: float, v1: float) -> tuple[Point, ...]:
        """The rectangle between two corners."""
        return self.at(u0, v0), self.at(u1, v0), self.at(u1, v1), self.at(u0, v1)

    def rectangle(self, x: float, y: float, half_x: float, half_y: float) -> tuple[Point, ...]:
        """A rectangle around the point (``x``, ``y``) off the middle, all in pixels of the view."""
        return tuple(self.off(x + a * half_x, y + b * half_y) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)))

    def turned(self) -> Frame:
        """The same place seen from its other end."""
        return Frame(self.centre, self.angle + math.pi, self.half_u, self.half_v)

    def lengthwise(self) -> Frame:
        """The same place with ``u`` along its longer side."""
        if self.half_u >= self.half_v:
            return self
        return Frame(self.centre, self.angle + math.pi / 2, self.half_v, self.half_u)


def frame_of(item: Item) -> Frame:
    """The axes of an item: its angle's, or those of the line that it is; the extent is its outline's."""
    shape = item.shape
    if isinstance(shape, Disc):
        return Frame(shape.centre, math.radians(item.angle_deg), shape.radius, shape.radius)
    angle = math.radians(item.angle_deg)
    points: Sequence[Point] = shape.points
    if isinstance(shape, Line):
        (x0, y0), (x1, y1) = points[0], points[-1]
        angle = math.atan2(y1 - y0, x1 - x0)
        points = ((x0, y0), (x1, y1))
    c, s = math.cos(angle), math.sin(angle)
    us, vs = [c * x + s * y for x, y in points], [c * y - s * x for x, y in points]
    u, v = (min(us) + max(us)) / 2, (min(vs) + max(vs)) / 2
    half_v = shape.width / 2 if isinstance(shape, Line) else (max(vs) - min(vs)) / 2
    return Frame((c * u - s * v, s * u + c * v), angle, (max(us) - min(us)) / 2, half_v)


def facing_tip(item: Item) -> Frame:
    """The axes of an item that has a pointed end (a bow, a nose), ``u`` = 1 there."""
    frame = frame_of(item)
    if isinstance(item.shape, Disc):
        return frame
    c, s = math.cos(frame.angle), math.sin(frame.angle)
    spread = {1: 0.0, -1: 0.0}
    for x, y in item.shape.points:
        u = (c * (x - frame.centre[0]) + s * (y - frame.centre[1])) / max(frame.half_u, 1e-6)
        v = (c * (y - frame.centre[1]) - s * (x - frame.centre[0])) / max(frame.half_v, 1e-6)
        if abs(u) > 0.8:
            end = 1 if u > 0 else -1
            spread[end] = max(spread[end], abs(v))
    return frame if spread[1] <= spread[-1] else frame.turned()
