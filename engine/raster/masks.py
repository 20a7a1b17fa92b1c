"""Probability maps as bytes, and the masks that are cut out of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.records import Cleaning

LEVELS: Final = 254
"""A probability map holds 0 for a probability of 0 and this for 1."""

NO_DATA: Final = 255
"""Where there is no data, in probability maps and in masks."""

EIGHT_NEIGHBOURS: Final = np.ones((3, 3), bool)

_COUNTED_ROWS = 256

Bytes = NDArray[np.uint8]


def as_levels(probability: NDArray[np.floating]) -> Bytes:
    """Probabilities 0..1, NaN where there is no data, as bytes of the same shape."""
    known = np.isfinite(probability)
    levels = np.rint(np.clip(np.where(known, probability, 0), 0, 1) * LEVELS)
    return np.where(known, levels, NO_DATA).astype(np.uint8)


def as_probabilities(levels: Bytes) -> NDArray[np.float32]:
    """The reverse of :func:`as_levels`, right within half a level."""
    values = levels.astype(np.float32) / np.float32(LEVELS)
    return np.where(levels == NO_DATA, np.float32(np.nan), values)


def mask_of(levels: Bytes, cleaning: Cleaning) -> Bytes:
    """The mask of a probability map [rows, columns]: 1 where it reaches the threshold, 0 elsewhere, 255 without data.

    Then parts of fewer pixels than asked go, and holes of fewer pixels are filled. A hole is what the mask, or the mask
    and ground without data, shuts in on all sides; such ground itself is never filled.
    """
    known = levels != NO_DATA
    mask = known & (levels >= np.ceil(cleaning.threshold * LEVELS))
    if cleaning.least_part_px > 1:
        mask &= ~_small(mask, cleaning.least_part_px, EIGHT_NEIGHBOURS)
    if cleaning.least_hole_px > 1:
        mask |= _small(known & ~mask, cleaning.least_hole_px, None, inside=True)
    return np.where(known, mask.view(np.uint8), np.uint8(NO_DATA))  # a Python int would make int64 of it


def label_pixels(labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Pixels of each of the labels 0 … ``count`` of ``labels`` [rows, columns], counted some rows at a time: counting
    makes a copy of what is counted, of eight bytes a pixel."""
    pixels = np.zeros(count + 1, np.int64)
    for top in range(0, len(labels), _COUNTED_ROWS):
        own = np.bincount(labels[top : top + _COUNTED_ROWS].ravel())
        pixels[: len(own)] += own
    return pixels


def _small(
    mask: NDArray[np.bool_], least_px: int, neighbours: NDArray[np.bool_] | None, *, inside: bool = False
) -> NDArray[np.bool_]:
    """The connected parts of fewer than ``least_px`` pixels; with ``inside`` only those that no border cuts off."""
    labels, count = ndimage.label(mask, neighbours)
    small = label_pixels(labels, count) < least_px
    small[0] = False
    if inside:
        for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            small[edge] = False
    chosen: NDArray[np.bool_] = small[labels]
    return chosen
