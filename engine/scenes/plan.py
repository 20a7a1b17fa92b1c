"""The sheet that a scene is planned on: what has been put down so far, and where there is room for more."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.draws import Draws, quarter
from engine.scenes.paint import paint_items
from engine.scenes.scene import Item, Mark, Point, Polygon, Shape

VIEW = 256

Room = NDArray[np.float64]
"""Distance in pixels from each pixel to the nearest place that is taken, [size, size]; the view's border is one."""


class Plan:
    """A scene as it grows. ``scale`` is how many usual views fit across this one; ``setting`` is of ``SETTINGS``."""

    def __init__(self, draws: Draws, size: int, gsd_m: float, setting: str) -> None:
        self.draws = draws
        self.size = size
        self.gsd_m = gsd_m
        self.setting = setting
        self.scale = size / VIEW
        self.items: list[Item] = []
        self.marks: list[Mark] = []
        self.reserved: NDArray[np.bool_] = np.zeros((size, size), bool)
        """Ground that a site has claimed before it is built; roads and other sites keep out."""
        self._groups = 0

    # ---- putting down

    def add(
        self,
        name: str,
        shape: Shape,
        *,
        height_m: float = 0.0,
        angle_deg: float = 0.0,
        kind: str = "",
        colour: str = "",
        group: int = 0,
    ) -> None:
        """Put an item on top of all earlier ones; its variant is drawn."""
        variant = self.draws.below(1 << 16)
        self.items.append(Item(name, shape, quarter(height_m), quarter(angle_deg), variant, kind, colour, group))

    def mark(self, name: str, outline: Sequence[Point]) -> None:
        """Name a place."""
        self.marks.append(Mark(name, Polygon(tuple(outline))))

    def new_group(self) -> int:
        self._groups += 1
        return self._groups

    # ---- measures

    def px(self, metres: float) -> float:
        """Pixels that ``metres`` on the ground take up."""
        return metres / self.gsd_m

    def along(self, margin: float) -> float:
        """A coordinate across the view, at least ``margin`` (a share of the view) from its border."""
        return self.draws.uniform(margin, 1 - margin) * self.size

    # ---- room

    def painted(self) -> NDArray[np.int32]:
        """The item map so far, int32 [size, size]."""
        return paint_items(self.items, self.size)

    def where(self, names: Collection[str], top: NDArray[np.int32] | None = None) -> NDArray[np.bool_]:
        """Where an item of one of ``names`` is on top, bool [size, size]; ``top`` spares painting anew."""
        top = self.painted() if top is None else top
        chosen: NDArray[np.bool_] = np.array([item.name in names for item in self.items])[top]
        return chosen

    def take(self, room: Room, centre: Point, radius: float) -> None:
        """From now on nothing else within ``radius`` of ``centre``; changes ``room`` in place."""
        rows, columns = np.ogrid[: self.size, : self.size]
        np.minimum(room, np.sqrt((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2) - radius, out=room)


def clearance(free: NDArray[np.bool_]) -> Room:
    """The room that ``free``, bool [size, size], leaves."""
    distance: Room = ndimage.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1]
    return distance


def turned(centre: Point, x: float, y: float, angle: float) -> Point:
    """``(x, y)`` turned by ``angle`` (radians) about the origin and moved to ``centre``, to a quarter pixel."""
    c, s = math.cos(angle), math.sin(angle)
    return quarter(centre[0] + c * x - s * y), quarter(centre[1] + s * x + c * y)


def rectangle(centre: Point, half_w: float, half_h: float, angle: float) -> tuple[Point, ...]:
    """The four corners of a rectangle turned by ``angle`` (radians), to a quarter pixel."""
    corners = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
    return tuple(turned(centre, x * half_w, y * half_h, angle) for x, y in corners)


def exact(points: Sequence[Point]) -> tuple[Point, ...]:
    """``points`` to a quarter pixel."""
    return tuple((quarter(x), quarter(y)) for x, y in points)
