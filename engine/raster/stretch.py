"""From numbers to grey levels: the limits that become 0 and 255."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

StretchMethod = Literal["percentile", "sigma", "min-max"]


def stretch_limits(
    values: NDArray[np.float32],
    valid: NDArray[np.bool_],
    method: StretchMethod = "percentile",
    *,
    percentiles: tuple[float, float] = (2.0, 98.0),
    sigmas: float = 2.0,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Low and high limit of each band of ``values`` [bands, rows, columns] over its ``valid`` pixels.

    ``percentile`` cuts the given share at both ends, ``sigma`` takes the mean -+ ``sigmas`` standard deviations,
    ``min-max`` everything. A band without valid pixels, or of one value only, gets limits one apart, so that
    nobody divides by zero.
    """
    lows, highs = [], []
    for band in values:
        inside = band[valid].astype(np.float64)
        if inside.size == 0:
            low, high = 0.0, 1.0
        elif method == "percentile":
            low, high = (float(v) for v in np.percentile(inside, percentiles))
        elif method == "sigma":
            mean, deviation = float(inside.mean()), float(inside.std())
            low, high = mean - sigmas * deviation, mean + sigmas * deviation
        else:
            low, high = float(inside.min()), float(inside.max())
        lows.append(low)
        highs.append(high if high > low else low + 1.0)
    return tuple(lows), tuple(highs)


def to_grey_levels(values: NDArray[np.float32], low: tuple[float, ...], high: tuple[float, ...]) -> NDArray[np.uint8]:
    """``values`` [bands, rows, columns] with each band's ``low``..``high`` spread over 0..255; NaN becomes 0."""
    out = np.empty(values.shape, np.uint8)
    for i, (least, most) in enumerate(zip(low, high, strict=True)):
        scaled = (values[i] - np.float32(least)) * np.float32(255 / (most - least))
        np.nan_to_num(scaled, copy=False, nan=0.0)
        np.clip(scaled, 0, 255, out=scaled)
        out[i] = np.rint(scaled, out=scaled)
    return out
