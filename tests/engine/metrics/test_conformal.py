"""Sets of answers: as few as can be, and the truth in them as often as promised."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from engine.errors import UsageError
from engine.metrics import conformal_threshold, prediction_set, true_scores


def made(rng, samples, sharpness=2.0, answers=6):
    """Probabilities [n, C] of an overconfident model and answers [n] drawn from honest ones."""
    logits = rng.normal(0, sharpness, (samples, answers))
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    answer = (rng.random((samples, 1)) > honest.cumsum(1)).sum(1).clip(max=answers - 1)
    loud = np.exp(2.0 * logits)
    return loud / loud.sum(1, keepdims=True), answer


def test_the_threshold_by_hand():
    scores = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.4, 0.6, 0.8]
    assert conformal_threshold(scores, 0.1) == 0.9  # the ceil(10 * 0.9) = 9th of nine
    assert conformal_threshold(scores, 0.5) == 0.5  # the 5th
    assert conformal_threshold(scores, 0.45) == 0.6  # the ceil(5.5) = 6th
    assert conformal_threshold(scores[:8], 0.1) == 1.0  # ceil(8.1) = 9 of eight: nothing can be left out
    assert conformal_threshold([], 0.1) == 1.0


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(UsageError, match="error rate"):
        conformal_threshold([0.5], rate)


def test_a_set_is_best_first_and_never_empty():
    assert prediction_set([0.1, 0.6, 0.3], 0.75) == (1, 2)
    assert prediction_set([0.1, 0.6, 0.3], 0.0) == (1,)
    assert prediction_set([0.1, 0.6, 0.3], 1.0) == (1, 2, 0)
    np.testing.assert_allclose(true_scores([[0.1, 0.9], [0.8, 0.2]], [1, 1]), [0.1, 0.8])


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.1, 0.2]))
def test_the_truth_is_in_as_often_as_promised(seed, rate):
    """Coverage given the threshold is Beta(k, n + 1 - k): the count on fresh samples stays within its far tails."""
    rng = np.random.default_rng(seed)
    n, fresh = 400, 600
    threshold = conformal_threshold(true_scores(*made(rng, n)), rate)
    probabilities, answer = made(rng, fresh)
    covered = np.mean([a in prediction_set(p, threshold) for p, a in zip(probabilities, answer, strict=True)])
    rank = math.ceil((n + 1) * (1 - rate) - 1e-9)
    low, high = beta.ppf([1e-6, 1 - 1e-6], rank, n + 1 - rank)
    slack = 5 * math.sqrt(rate * (1 - rate) / fresh)
    assert low - slack <= covered
    best = np.mean(probabilities.argmax(1) == answer)
    assert covered <= max(high + slack, best + slack)  # the best answer is always in


@given(st.integers(0, 2**32 - 1))
def test_sets_grow_as_the_error_rate_falls(seed):
    rng = np.random.default_rng(seed)
    scores = true_scores(*made(rng, 100))
    thresholds = [conformal_threshold(scores, rate) for rate in (0.5, 0.2, 0.1, 0.05, 0.005)]
    assert thresholds == sorted(thresholds)
    probabilities, _ = made(rng, 5)
    for row in probabilities:
        sets = [set(prediction_set(row, threshold)) for threshold in thresholds]
        assert all(small <= large for small, large in itertools.pairwise(sets))
        assert all(int(row.argmax()) in one for one in sets)


def test_a_threshold_holds_for_those_like_its_own_samples():
    """Why types of question have thresholds of their own: one for all promises too much to the hard ones."""
    rng = np.random.default_rng(1)
    easy, hard = true_scores(*made(rng, 300, 6.0)), true_scores(*made(rng, 300, 0.5))
    of_easy, of_hard = conformal_threshold(easy, 0.1), conformal_threshold(hard, 0.1)
    of_all = conformal_threshold(np.concatenate([easy, hard]), 0.1)
    assert of_easy < of_all < of_hard
    fresh, answer = made(rng, 3000, 0.5)
    covered = np.mean([a in prediction_set(p, of_hard) for p, a in zip(fresh, answer, strict=True)])
    assert covered == pytest.approx(0.9, abs=0.06)
    assert np.mean([a in prediction_set(p, of_all) for p, a in zip(fresh, answer, strict=True)]) < covered
