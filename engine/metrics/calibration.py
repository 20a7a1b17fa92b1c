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


def reliability(
    confidence: ArrayLike, correct: ArrayLike, bins: int = 15, weights: ArrayLike | None = None
) -> list[ReliabilityBin]:
    """The bins that have samples, from unsure to sure: what a reliability diagram shows.

    Arguments as for :func:`expected_calibration_error`.
    """
    sure, right, seen, index = _binned(confidence, correct, bins, weights)
    found = []
    for number in np.unique(index[seen > 0]):
        inside = index == number
        samples = float(seen[inside].sum())
        means = (float(values[inside] @ seen[inside]) / samples for values in (sure, right))
        found.append(ReliabilityBin(number / bins, (number + 1) / bins, round(samples), *means))
    return found


def expected_calibration_error(
    confidence: ArrayLike, correct: ArrayLike, bins: int = 15, weights: ArrayLike | None = None
) -> float:
    """ECE (Guo et al. 2017): Σ over equal-width bins of (share of samples) |accuracy - mean confidence|.

    ``confidence`` [n] in 0..1, ``correct`` [n] bool or the share that was; ``weights`` [n] says how many samples each
    stands for, one without. A bin is open below and closed above; 0 belongs to the first. Returns 0 for no samples.
    """
    sure, right, seen, index = _binned(confidence, correct, bins, weights)
    if not seen.sum():
        return 0.0
    gap = np.bincount(index, right * seen, bins) - np.bincount(index, sure * seen, bins)
    return float(np.abs(gap).sum() / seen.sum())


def _binned(
    confidence: ArrayLike, correct: ArrayLike, bins: int, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Confidence, how often right, how many samples, and the bin of each, [n]."""
    sure = np.asarray(confidence, np.float64)
    index = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    seen = np.ones(len(sure)) if weights is None else np.asarray(weights, np.float64)
    return sure, np.asarray(correct, np.float64), seen, index
