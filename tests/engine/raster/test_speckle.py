from __future__ import annotations

import numpy as np

from engine.raster import lee_filter


def lee_by_loops(power, valid, size):
    """The formula of the docstring, pixel by pixel (windows mirrored at the rim as scipy's default does)."""
    half = size // 2
    padded = np.pad(np.where(valid, power, np.nan), half, mode="symmetric")
    mean, cx2 = np.zeros(power.shape), np.zeros(power.shape)
    for row in range(power.shape[0]):
        for col in range(power.shape[1]):
            window = padded[row : row + size, col : col + size]
            inside = window[~np.isnan(window)]
            if valid[row, col]:
                mean[row, col] = inside.mean()
                cx2[row, col] = inside.var() / inside.mean() ** 2
    gain = np.clip(1 - np.percentile(cx2[valid], 25) / np.maximum(cx2, 1e-12), 0, 1)
    return np.where(valid, mean + gain * (power - mean), np.nan)


def test_against_the_formula():
    rng = np.random.default_rng(1)
    power = rng.gamma(3, 0.1, (20, 24)).astype(np.float32)
    power[8:12, 10:14] *= 20
    valid = np.ones(power.shape, bool)
    valid[0:3, 0:4] = False
    np.testing.assert_allclose(lee_filter(power, valid, 5), lee_by_loops(power, valid, 5), rtol=2e-3)


def test_speckle_falls_and_targets_stay():
    rng = np.random.default_rng(2)
    power = rng.gamma(1, 1.0, (96, 96)).astype(np.float32)
    power[48, 48] = 500.0
    quiet = lee_filter(power, np.ones(power.shape, bool))
    field = np.s_[4:40, 4:40]
    assert quiet[field].std() < 0.6 * power[field].std()
    assert abs(quiet[field].mean() - power[field].mean()) < 0.03
    assert quiet[48, 48] > 400


def test_nothing_valid():
    assert np.isnan(lee_filter(np.ones((4, 4), np.float32), np.zeros((4, 4), bool))).all()
