"""Split conformal prediction: sets of answers that hold the truth as often as was asked for.

The score is LAC's, 1 − p(true answer) (Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued classifiers with
bounded error levels"). On samples exchangeable with those that the threshold was taken from, a set holds the truth with
a probability of at least 1 − error rate, whatever the model; on others (new wordings, another region) nothing is
promised, so the coverage has to be measured there.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import UsageError

ALL = "all"
"""The group of every sample, which stands in for groups that are too small."""


def conformal_threshold(scores: ArrayLike, error_rate: float) -> float:
    """The largest score 1 − p that an answer in the set may have: the ⌈(n+1)(1−error rate)⌉-th smallest of ``scores``.

    ``scores`` [n] are 1 − p(true answer) of the calibration samples, in 0..1. The n + 1 is the finite-sample
    correction. Where n is too small for the error rate the result is 1, so that every answer is in the set.
    Raises :class:`UsageError` for an error rate that is not between 0 and 1.
    """
    if not 0 < error_rate < 1:
        raise UsageError(f"{error_rate:g} is no error rate.", remedy="Choose one between 0 and 1, such as 0.1.")
    ordered = np.sort(np.asarray(scores, np.float64))
    rank = math.ceil((ordered.size + 1) * (1 - error_rate) - 1e-9)  # 1e-9: 20 * 0.95 is 19, not 19.000…4
    return float(ordered[rank - 1]) if rank <= ordered.size else 1.0


def prediction_set(probabilities: ArrayLike, threshold: float) -> tuple[int, ...]:
    """Indices into ``probabilities`` [C] of the answers whose 1 − p is at most ``threshold``, best first.

    The best answer is always in, as an empty set would say nothing; that only raises the coverage.
    """
    values = np.asarray(probabilities, np.float64)
    order = np.argsort(-values, kind="stable")
    inside = max(1, int(np.count_nonzero(1.0 - values <= threshold)))
    return tuple(order[:inside].tolist())


def true_scores(probabilities: ArrayLike, answer: ArrayLike) -> NDArray[np.float64]:
    """1 − p(true answer) [n] from ``probabilities`` [n, C] and ``answer`` [n]."""
    values, index = np.asarray(probabilities, np.float64), np.asarray(answer, np.int64)
    return 1.0 - values[np.arange(len(index)), index]
