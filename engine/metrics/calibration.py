"""How far a model's confidence is from its accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Samples whose confidence is in ``(low, high]``: how many, how sure on average, how often right."""

    low: float
    high: float
    samples: int
    confidence: float
    accuracy: float


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> list[ReliabilityBin]:
    """The bins that have samples, from unsure to sure: what a reliability diagram shows."""
    sure, right, index = _binned(confidence, correct, bins)
    found = []
    for number in np.unique(index):
        inside = index == number
        mean_sure, mean_right = float(sure[inside].mean()), float(right[inside].mean())
        found.append(ReliabilityBin(number / bins, (number + 1) / bins, int(inside.sum()), mean_sure, mean_right))
    return found


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """ECE (Guo et al. 2017): Σ over equal-width bins of (share of samples) |accuracy - mean confidence|.

    ``confidence`` [n] in 0..1, ``correct`` [n] bool. A bin is open below and closed above; 0 belongs to the first.
    Returns 0 for no samples.
    """
    sure, right, index = _binned(confidence, correct, bins)
    if not sure.size:
        return 0.0
    gap = np.bincount(index, right, bins) - np.bincount(index, sure, bins)
    return float(np.abs(gap).sum() / sure.size)


def _binned(
    confidence: ArrayLike, correct: ArrayLike, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    sure = np.asarray(confidence, np.float64)
    index = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    return sure, np.asarray(correct, np.float64), index
