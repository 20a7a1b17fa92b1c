from __future__ import annotations

import numpy as np
import pytest

from engine.raster import stretch_limits
from engine.raster.stretch import to_grey_levels

HUNDRED_AND_ONE = np.arange(101, dtype=np.float32).reshape(1, 1, 101)
ALL = np.ones((1, 101), bool)


def test_percentiles_by_hand():
    assert stretch_limits(HUNDRED_AND_ONE, ALL) == ((2.0,), (98.0,))
    assert stretch_limits(HUNDRED_AND_ONE, ALL, percentiles=(10, 50)) == ((10.0,), (50.0,))


def test_sigma_by_hand():
    low, high = stretch_limits(HUNDRED_AND_ONE, ALL, "sigma", sigmas=1)
    deviation = np.sqrt((101**2 - 1) / 12)  # of 0, 1, ..., 100
    assert low[0] == pytest.approx(50 - deviation)
    assert high[0] == pytest.approx(50 + deviation)


def test_min_max_of_valid_pixels_only():
    valid = ALL.copy()
    valid[0, :5] = valid[0, 90:] = False
    assert stretch_limits(HUNDRED_AND_ONE, valid, "min-max") == ((5.0,), (89.0,))


@pytest.mark.parametrize("method", ["percentile", "sigma", "min-max"])
def test_nothing_and_a_constant_have_limits_too(method):
    constant = np.full((2, 3, 3), 7, np.float32)
    assert stretch_limits(constant, np.zeros((3, 3), bool), method) == ((0.0, 0.0), (1.0, 1.0))
    assert stretch_limits(constant, np.ones((3, 3), bool), method) == ((7.0, 7.0), (8.0, 8.0))


def test_grey_levels_by_hand():
    values = np.array([[[-5.0, 10.0, 15.0, 20.0, 99.0, np.nan]]], np.float32)
    np.testing.assert_array_equal(to_grey_levels(values, (10.0,), (20.0,)), [[[0, 0, 128, 255, 255, 0]]])
