"""How far a model's confidence is from its accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """ECE (Guo et al. 2017): Σ over equal-width bins of (share of samples) |accuracy - mean confidence|.

    ``confidence`` [n] in 0..1, ``correct`` [n] bool. A bin is open below and closed above; 0 belongs to the first.
    Returns 0 for no samples.
    """
    sure = np.asarray(confidence, float)
    right = np.asarray(correct, float)
    if not sure.size:
        return 0.0
    index = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(index, right, bins) - np.bincount(index, sure, bins)
    return float(np.abs(gap).sum() / sure.size)
