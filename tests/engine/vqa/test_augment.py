"""Augmentation changes what it says, and masks what it takes away."""

from __future__ import annotations

import numpy as np

from engine.nn.preprocess import PreprocessSpec
from engine.vqa.augment import AugmentSettings, PairPixels, augment_pair
from engine.vqa.data.weathers import with_drawn_weather


def pair_of(rng, side=32):
    there = np.ones((side, side), bool)
    optical, sar = rng.random((3, side, side), np.float32), rng.random((side, side), np.float32)
    return PairPixels(optical, sar, there, there.copy())


def test_holes_and_shifts_are_masked():
    rng = np.random.default_rng(0)
    pair = pair_of(rng)
    holes = shifts = 0
    for _ in range(200):
        seen = augment_pair(pair, AugmentSettings(), rng)
        assert seen.optical.shape == (3, 32, 32)
        assert 0 <= seen.optical.min() <= seen.optical.max() <= 1
        assert seen.optical_valid.any()
        assert seen.sar_valid.any()
        holes += seen.optical_valid.mean() < 1
        shifts += seen.sar_valid.mean() < 1
    assert 2 <= holes <= 25  # half of a tenth of the views
    assert shifts > 150
    assert pair.optical_valid.all()
    assert pair.sar_valid.all()


def test_an_absent_sensor_stays_absent_and_the_other_keeps_something():
    rng = np.random.default_rng(0)
    pair = pair_of(rng)
    alone = PairPixels(pair.optical, pair.sar, pair.optical_valid & False, pair.sar_valid)
    for _ in range(50):
        seen = augment_pair(alone, AugmentSettings(hole=1.0, hole_share=1.0), rng)
        assert not seen.optical_valid.any()
        assert seen.sar_valid.any()


def test_no_augmentation_is_the_picture_itself():
    rng = np.random.default_rng(0)
    still = AugmentSettings(gain=0, offset=0, colour=0, noise=0, shift_px=0, drop_sensor=0, hole=0)
    pair = pair_of(rng, 8)
    seen = augment_pair(pair, still, rng)
    np.testing.assert_allclose(seen.optical, pair.optical, atol=1e-6)
    np.testing.assert_allclose(seen.sar, pair.sar, atol=1e-6)
    assert seen.sar_valid.all()


def test_weather_changes_the_optical_picture_alone_and_only_where_there_is_one():
    rng = np.random.default_rng(0)
    pair = pair_of(rng, 64)
    pair.optical_valid[:, :20] = False
    for weather in ("cloud", "fog", "dark"):
        seen = with_drawn_weather(pair, weather, np.random.default_rng(1), PreprocessSpec())
        assert seen.optical[:, :, :20].max() == 0
        assert np.abs(seen.optical - pair.optical)[:, :, 20:].mean() > 0.02
        assert 0 <= seen.optical.min() <= seen.optical.max() <= 1
        assert seen.sar is pair.sar
