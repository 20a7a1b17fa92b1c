"""Many boxes compared with many others: only pairs that touch, for a few boxes at a time, never a matrix of all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree
from shapely import box as rectangles

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

AT_ONCE = 512
"""Boxes whose partners are in memory at a time."""


def touching(boxes: Floats, others: Floats, margin: float = 0.0) -> Iterator[tuple[Places, Places]]:
    """Places of all pairs of which ``boxes`` [n, 4] touch ``others`` [m, 4] when those are enlarged by ``margin``.

    Both have x0, y0, x1, y1. Pairs come in the order of ``boxes``, those of :data:`AT_ONCE` of them together.
    """
    tree = STRtree(rectangles(*grown(others, margin).T))
    for first in range(0, len(boxes), AT_ONCE):
        ours, theirs = tree.query(rectangles(*boxes[first : first + AT_ONCE].T))  # [P] each
        yield ours.astype(np.int64) + first, theirs.astype(np.int64)


def grown(boxes: Floats, margin: float) -> Floats:
    """``boxes`` [..., 4] with ``margin`` more on every side."""
    larger: Floats = boxes + np.array([-margin, -margin, margin, margin])
    return larger


def areas(boxes: Floats) -> Floats:
    """[..., 4] -> [...]; 0 where a box ends before it begins."""
    return np.asarray(np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0).prod(-1))


def shared_areas(boxes: Floats, others: Floats) -> Floats:
    """Area that each of ``boxes`` [..., 4] has in common with its one of ``others``, [...]."""
    corners = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    return areas(np.concatenate(corners, -1))


def ious(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of each of ``boxes`` [..., 4] with its one of ``others``, [...]; of nothing it is 0."""
    shared = shared_areas(boxes, others)
    return np.asarray(shared / np.maximum(areas(boxes) + areas(others) - shared, np.finfo(np.float64).tiny))
