"""Probability maps as bytes, and how many pixels of one are how likely."""

from __future__ import annotations

import numpy as np

LEVELS = 254
"""A probability of 1, as ``engine.records.Outline`` has it."""
NO_DATA = 255
"""In probability maps and masks."""
BARS = 50
MOST_COUNTED = 1 << 20
"""Of a larger map every so many rows and columns are counted: it is looked at, not measured."""


def level_counts(path: str) -> np.ndarray:
    """Pixels in each of :data:`BARS` equal steps from 0 to 1, int64 [BARS]; all 0 where the map cannot be read."""
    try:
        levels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return np.zeros(BARS, np.int64)  # the panes say what is wrong with it
    every = max(1, int(np.ceil(np.sqrt(levels.size / MOST_COUNTED))))
    counts = np.bincount(np.asarray(levels[::every, ::every]).ravel(), minlength=LEVELS + 2)[: LEVELS + 1]
    bars = np.minimum(np.arange(LEVELS + 1) * BARS // LEVELS, BARS - 1)
    return np.bincount(bars, counts, BARS).astype(np.int64)
