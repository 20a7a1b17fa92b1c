"""A made-up place seen by both sensors: fields of a few brightnesses, contrast turned round, speckle in SAR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MARGIN = 64
LOOKS = 4

Image = NDArray[np.float32]


def place(seed: int, height: int, width: int) -> NDArray[np.int64]:
    """Land cover 0..4 of a place with ``MARGIN`` pixels around it."""
    rng = np.random.default_rng(seed)
    shape = height + 2 * MARGIN, width + 2 * MARGIN
    relief = ndimage.gaussian_filter(rng.normal(size=shape), 7)
    return np.digitize(relief, np.quantile(relief, [0.2, 0.4, 0.6, 0.8]))


def pair(seed: int, height: int = 256, width: int = 256, *, dx: int = 0, dy: int = 0) -> tuple[Image, Image]:
    """Optical and SAR (dB), [height, width]; SAR content lies ``dx`` columns and ``dy`` rows from the optical."""
    land = place(seed, height, width)
    rng = np.random.default_rng(seed + 1)
    seen = land[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    moved = land[MARGIN - dy : MARGIN - dy + height, MARGIN - dx : MARGIN - dx + width]
    optical = np.array([40, 90, 120, 170, 200])[seen] + rng.normal(0, 6, (height, width))
    power = 10 ** (np.array([-8.0, -18, -6, -12, -20])[moved] / 10) * rng.gamma(LOOKS, 1 / LOOKS, (height, width))
    return optical.astype(np.float32), (10 * np.log10(power)).astype(np.float32)
