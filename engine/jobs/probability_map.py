"""How likely every pixel of an area is meant, as one map on the raster's own pixels, in bounded memory.

A network says it of its square, or of many overlapping ones. The map is of bytes (``engine.raster.masks``) and may lie
on the disk; of what is computed to make it, memory holds a strip.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.grounding.windows import WindowPlan
from engine.raster.masks import NO_DATA, Bytes, as_levels
from engine.records import PixelWindow

Floats = NDArray[np.float32]

STRIP_ROWS = 256


def fill(levels: Bytes, probability: Floats) -> None:
    """Spread ``probability`` [h, w] of an area, NaN without data, over all its pixels, ``levels`` [rows, columns]."""
    height, width = levels.shape
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, min(top + STRIP_ROWS, height))
        levels[rows] = as_levels(resized(probability, width, height, rows))


def resized(probability: Floats, width: int, height: int, rows: slice | None = None) -> Floats:
    """``probability`` [h, w], NaN without data, as [height, width], or the ``rows`` of that alone: bilinear.

    A pixel without data says nothing to its neighbours; the nearest one tells whether a new one has data.
    """
    if probability.shape == (height, width):
        return probability if rows is None else probability[rows]
    h, w = probability.shape
    top, bottom = (0, height) if rows is None else (rows.start, rows.stop)
    box = (0.0, top * h / height, float(w), bottom * h / height)

    def grown(values: Floats) -> Floats:
        picture = Image.fromarray(values).resize((width, bottom - top), Image.Resampling.BILINEAR, box)
        return np.asarray(picture, np.float32)

    known = np.isfinite(probability)
    if known.all():
        return grown(probability)
    weight = grown(known.astype(np.float32))  # [rows, width]
    values = grown(np.where(known, probability, np.float32(0))) / np.maximum(weight, np.float32(1e-6))
    near_rows = ((np.arange(top, bottom) + 0.5) * h / height).astype(int)
    near_columns = ((np.arange(width) + 0.5) * w / width).astype(int)
    return np.where(known[np.ix_(near_rows, near_columns)], values, np.float32(np.nan))


class BlendedMap:
    """Overlapping windows made one map: where several show a pixel it is their mean, each the less the nearer its own
    border is, so that no border shows.

    *Our reading* (the paper has no windows): a window's weight rises from 0 at its border to 1 where the overlap ends,
    as sin², so that two neighbours' weights sum to 1. Windows come in the plan's order; rows that no later one
    shows are written, and forgotten.
    """

    def __init__(self, levels: Bytes, plan: WindowPlan) -> None:
        """``levels`` [rows, columns] is the map of the plan's area, which is filled."""
        self._levels = levels
        self._area = plan.area
        self._weights = _weights(plan.side_px, plan.overlap_px)  # [side, side]
        self._top = plan.rows[0] - plan.area.row_off
        self._sum = np.zeros((plan.side_px, levels.shape[1]), np.float32)  # of the rows from _top on
        self._weight = np.zeros_like(self._sum)

    def add(self, window: PixelWindow, probability: Floats) -> None:
        """One of the plan's windows, as many pixels as the raster has in it or any other number, NaN without data."""
        self._go_to(window.row_off - self._area.row_off)
        values = resized(probability, window.width, window.height)  # [side, side]
        left = window.col_off - self._area.col_off
        mine = slice(max(0, -left), min(window.width, self._levels.shape[1] - left))
        columns = slice(mine.start + left, mine.stop + left)
        known = np.isfinite(values[:, mine])
        weights = np.where(known, self._weights[:, mine], np.float32(0))
        self._sum[:, columns] += weights * np.where(known, values[:, mine], np.float32(0))
        self._weight[:, columns] += weights

    def finish(self) -> None:
        """Write what is left."""
        self._go_to(self._levels.shape[0])

    def _go_to(self, top: int) -> None:
        """Write the rows above ``top``, and make room for as many below."""
        step = min(top - self._top, len(self._sum))
        if step <= 0:
            return
        first = max(0, -self._top)  # rows above the area
        with np.errstate(invalid="ignore"):
            done = self._sum[first:step] / self._weight[first:step]  # NaN where no window has data
        rows = slice(self._top + first, min(self._top + step, self._levels.shape[0]))
        self._levels[rows] = as_levels(done[: rows.stop - rows.start])
        self._levels[rows.stop : top] = NO_DATA  # of rows that no window came to
        for strip in (self._sum, self._weight):
            strip[:-step] = strip[step:].copy()
            strip[-step:] = 0
        self._top = top


def _weights(side: int, overlap: int) -> Floats:
    """What each pixel of a window counts, [side, side]; nowhere 0."""
    if not overlap:
        return np.ones((side, side), np.float32)
    from_border = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = np.sin(pi / 2 * np.minimum(1.0, from_border / overlap)) ** 2
    weights: Floats = np.outer(ramp, ramp).astype(np.float32)
    return weights
