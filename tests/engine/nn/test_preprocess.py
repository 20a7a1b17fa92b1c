from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelDamaged, UsageError
from engine.nn.preprocess import (
    PreprocessSpec,
    letterbox,
    optical_limits,
    patch_mask,
    sar_limits,
    stretch_optical,
    stretch_sar,
)

SPEC = PreprocessSpec()


@pytest.fixture
def sigma0_db():
    return np.random.default_rng(0).normal(-12, 4, (1, 40, 50)).astype(np.float32)


def everywhere(image):
    return np.ones(image.shape[1:], bool)


def test_every_calibrated_unit_gives_the_same_picture(sigma0_db):
    valid = everywhere(sigma0_db)
    db = stretch_sar(sigma0_db, valid, "db", SPEC)
    power = stretch_sar((10 ** (sigma0_db / 10)).astype(np.float32), valid, "power", SPEC)
    amplitude = stretch_sar((10 ** (sigma0_db / 20)).astype(np.float32), valid, "amplitude", SPEC)
    np.testing.assert_allclose(power, db, atol=1e-4)
    np.testing.assert_allclose(amplitude, db, atol=1e-4)
    assert db[0, 0, 0] == pytest.approx((np.clip(sigma0_db[0, 0, 0], -25, 0) + 25) / 25, abs=1e-5)


@pytest.mark.parametrize("unit", ["amplitude", "digital-number", "stretched-8bit"])
def test_uncalibrated_levels_use_the_whole_range(sigma0_db, unit):
    numbers = (1e4 * 10 ** (sigma0_db / 20)).astype(np.float32)
    stretched = stretch_sar(numbers, everywhere(numbers), unit, SPEC)
    assert stretched.min() == 0.0
    assert stretched.max() == 1.0
    assert 0.02 < stretched.mean() < 0.98


def test_an_unknown_unit_is_refused(sigma0_db):
    with pytest.raises(UsageError, match="furlong"):
        stretch_sar(sigma0_db, everywhere(sigma0_db), "furlong", SPEC)


@given(gain=st.floats(0.01, 1e4), offset=st.floats(-1e4, 1e4))
def test_optical_stretch_hears_neither_gain_nor_offset(gain, offset):
    image = np.random.default_rng(0).uniform(0, 1, (3, 20, 30))
    expected = stretch_optical(image.astype(np.float32), everywhere(image), SPEC)
    moved = (image * gain + offset).astype(np.float32)
    precision = 4 * np.finfo(np.float32).eps * (abs(offset) + gain) / gain + 1e-4
    np.testing.assert_allclose(stretch_optical(moved, everywhere(image), SPEC), expected, atol=precision)


def test_invalid_pixels_have_no_say():
    image = np.random.default_rng(0).uniform(0, 1, (3, 20, 30)).astype(np.float32)
    valid = everywhere(image)
    valid[:10] = False
    loud = image.copy()
    loud[:, :10] = np.nan
    np.testing.assert_array_equal(
        letterbox(stretch_optical(image, valid, SPEC), valid, 16).values,
        letterbox(stretch_optical(loud, valid, SPEC), valid, 16).values,
    )


@pytest.mark.parametrize("unit", ["db", "power", "amplitude", "digital-number"])
def test_a_part_with_the_limits_of_the_whole_is_that_part_of_it(sigma0_db, unit):
    level = {"db": sigma0_db, "power": 10 ** (sigma0_db / 10)}.get(unit, 1e4 * 10 ** (sigma0_db / 20))
    level = level.astype(np.float32)
    valid = everywhere(level)
    valid[:3] = False
    whole, limits = stretch_sar(level, valid, unit, SPEC), sar_limits(level, valid, unit, SPEC)
    np.testing.assert_array_equal(
        stretch_sar(level[:, :20], valid[:20], unit, SPEC, limits), whole[:, :20], strict=True
    )
    whole, limits = stretch_optical(level, valid, SPEC), optical_limits(level, valid, SPEC)
    np.testing.assert_array_equal(stretch_optical(level[:, :20], valid[:20], SPEC, limits), whole[:, :20], strict=True)
    assert optical_limits(level, np.zeros_like(valid), SPEC) is None


@pytest.mark.parametrize("fill", [0.0, 7.0])
def test_a_flat_or_empty_picture_stays_finite(fill):
    image = np.full((3, 8, 8), fill, np.float32)
    assert np.isfinite(stretch_optical(image, everywhere(image), SPEC)).all()
    assert (stretch_optical(image, np.zeros((8, 8), bool), SPEC) == 0).all()


def test_letterbox_geometry_by_hand():
    square = letterbox(np.ones((1, 50, 100), np.float32), np.ones((50, 100), bool), 64)
    assert square.image_part == (0.0, 0.25, 1.0, 0.75)
    assert square.values[0, 16:48].min() > 0.99
    assert square.values[0, :16].max() == square.values[0, 48:].max() == 0.0
    assert square.valid_share[16:48].min() > 0.99
    assert patch_mask(square.valid_share, 16, SPEC).reshape(4, 4).tolist() == [
        [False] * 4, [True] * 4, [True] * 4, [False] * 4
    ]  # fmt: skip


@given(height=st.integers(1, 90), width=st.integers(1, 90))
def test_letterbox_keeps_the_shape_and_the_middle(height, width):
    square = letterbox(np.ones((1, height, width), np.float32), np.ones((height, width), bool), 32)
    x0, y0, x1, y1 = square.image_part
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert max(x1 - x0, y1 - y0) == 1.0
    assert abs((x0 + x1) / 2 - 0.5) <= 0.5 / 32 + 1e-9
    assert patch_mask(square.valid_share, 16, SPEC).any()


def test_spec_survives_the_card():
    assert PreprocessSpec.from_json(SPEC.as_json()) == SPEC
    with pytest.raises(ModelDamaged):
        PreprocessSpec.from_json({"mean": 0.5})
    with pytest.raises(ModelDamaged):
        PreprocessSpec.from_json(SPEC.as_json() | {"mean": "half"})
