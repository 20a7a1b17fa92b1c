from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import expected_calibration_error, fit_platt, reliability

COUNTED = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 5)), min_size=1, max_size=30)


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans(), st.integers(1, 5)), min_size=2, max_size=20))
def test_a_weight_is_so_many_of_the_same(seen):
    logits, right, times = (np.array(column) for column in zip(*seen, strict=True))
    weighted = fit_platt(logits, right, times)
    one_by_one = fit_platt(np.repeat(logits, times), np.repeat(right, times))
    likely = [1 / (1 + np.exp(-(slope * logits + offset))) for slope, offset in (weighted, one_by_one)]
    np.testing.assert_allclose(*likely, atol=2e-3)


@pytest.mark.parametrize("right", [True, False])
def test_a_curve_of_one_outcome_is_finite(right):
    slope, offset = fit_platt(np.linspace(-3, 3, 50), np.full(50, right))
    likely = 1 / (1 + np.exp(-(slope * np.linspace(-3, 3, 50) + offset)))
    assert ((likely > 0.9) & (likely < 1) if right else (likely < 0.1) & (likely > 0)).all()


@given(COUNTED)
def test_weights_count_samples_in_calibration_errors(seen):
    sure, right, times = (np.array(column) for column in zip(*seen, strict=True))
    many = np.repeat(sure, times), np.repeat(right, times)
    assert expected_calibration_error(sure, right, weights=times) == pytest.approx(expected_calibration_error(*many))
    for one, other in zip(reliability(sure, right, weights=times), reliability(*many), strict=True):
        assert (one.low, one.samples) == (other.low, other.samples)
        assert (one.confidence, one.accuracy) == (pytest.approx(other.confidence), pytest.approx(other.accuracy))
