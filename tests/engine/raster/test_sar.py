from __future__ import annotations

import numpy as np
import pytest

from engine.raster import sar_to_db
from engine.raster.sar import recognise_unit

GAMMA = np.random.default_rng(0).gamma(1.0, 0.1, 4000)  # single-look power around -10 dB


@pytest.mark.parametrize(
    ("dtype", "words", "sample", "unit"),
    [
        ("complex64", (), np.abs(GAMMA) * 1e4, "complex"),
        ("complex_int16", (), np.empty(0), "complex"),
        ("uint8", ("vv",), np.arange(256.0), "stretched-8bit"),
        ("uint8", ("vv_db",), np.arange(256.0), "stretched-8bit"),
        ("float32", (), 10 * np.log10(GAMMA), "db"),
        ("float64", ("Gamma0_VV_dB",), np.array([1.0, 2.0, 12.0]), "db"),
        ("int16", (), 10 * np.log10(GAMMA), "db"),
        ("float32", (), GAMMA, "power"),
        ("float32", ("sigma0_vv",), GAMMA * 1e3, "power"),
        ("float32", ("Amplitude_VV",), np.sqrt(GAMMA), "amplitude"),
        ("float32", (), np.sqrt(GAMMA) * 1e3, "digital-number"),
        ("uint16", ("s1a-iw-grd-vv",), np.sqrt(GAMMA) * 1e3, "digital-number"),
        ("uint16", ("db",), np.sqrt(GAMMA) * 1e3, "digital-number"),
    ],
)
def test_unit_is_recognised(dtype, words, sample, unit):
    assert recognise_unit(dtype, words, sample) == unit


@pytest.mark.parametrize(
    ("unit", "value", "decibels"),
    [
        ("db", -12.5, -12.5),
        ("power", 0.1, -10.0),
        ("power", 0.0, -60.0),
        ("amplitude", 0.1, -20.0),
        ("amplitude", 0.0, -60.0),
        ("complex", 3 + 4j, 20 * np.log10(5)),
        ("digital-number", 100, 40.0),
        ("digital-number", 0, 0.0),
        ("stretched-8bit", 10, 20.0),
    ],
)
def test_decibels_by_hand(unit, value, decibels):
    out = sar_to_db(np.array([[value]]), unit)
    assert out.dtype == np.float32
    assert out[0, 0] == pytest.approx(decibels, abs=1e-4)


@pytest.mark.parametrize("unit", ["db", "power", "amplitude", "digital-number"])
def test_nan_stays_nan(unit):
    out = sar_to_db(np.array([np.nan, 1.0], np.float32), unit)
    assert np.isnan(out[0])
    assert np.isfinite(out[1])


def test_input_is_not_changed():
    values = np.array([0.0, 0.5], np.float32)
    sar_to_db(values, "power")
    np.testing.assert_array_equal(values, [0.0, 0.5])
