from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.errors import UsageError
from engine.registration import estimate_shift
from engine.registration.cfog import cfog
from engine.registration.shift import SURE_CONFIDENCE, estimate_shift_over
from tests.engine.registration.structured import pair

whole_pixels = st.integers(-40, 40)


def everywhere(image):
    return np.ones(image.shape, bool)


def estimate(optical, sar, **options):
    return estimate_shift(optical, sar, everywhere(optical), everywhere(sar), **options)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), dx=whole_pixels, dy=whole_pixels)
def test_a_known_shift_is_found_surely_and_with_its_sign(seed, dx, dy):
    found = estimate(*pair(seed, dx=dx, dy=dy))
    assert found.sure
    assert found.shift_px == pytest.approx((dx, dy), abs=0.75)


def test_the_sign_in_words_of_the_record():
    """A road at column 100 of the optical array and at column 104 of the SAR array: +4 columns."""
    optical, _ = pair(5)
    optical[:, 100:104] = 250
    sar = np.roll(optical, 4, axis=1)
    assert estimate(optical, sar).shift_px == pytest.approx((4, 0), abs=0.25)


@pytest.mark.parametrize("fraction", [0.25, 0.5])
def test_parts_of_a_pixel(fraction):
    optical, sar = pair(3)
    moved = ndimage.shift(sar, (fraction, -fraction), order=3, mode="nearest")
    base, found = estimate(optical, sar).shift_px, estimate(optical, moved).shift_px
    assert np.subtract(found, base) == pytest.approx((-fraction, fraction), abs=0.2)


def test_the_sign_of_contrast_does_not_matter():
    optical, sar = pair(8, dx=9, dy=-4)
    assert estimate(optical, sar).shift_px == pytest.approx(estimate(optical, -sar).shift_px, abs=0.01)


def test_gain_and_offset_do_not_matter():
    optical, sar = pair(8, dx=9, dy=-4)
    assert estimate(optical * 30 + 1000, sar / 7 - 3).shift_px == pytest.approx((9, -4), abs=0.75)


@pytest.mark.parametrize("seed", range(12))
def test_two_different_places_are_never_sure(seed):
    optical, _ = pair(seed)
    _, sar = pair(seed + 100)
    assert not estimate(optical, sar).sure


@pytest.mark.parametrize("seed", range(12))
def test_noise_is_never_sure(seed):
    rng = np.random.default_rng(seed)
    found = estimate(*rng.normal(size=(2, 300, 300)).astype(np.float32))
    assert not found.sure
    assert found.confidence < 0.5


def test_a_pattern_that_repeats_is_never_sure():
    """A street grid every 16 px fits as well at 16, 32, ... px: high peaks, many of them."""
    rows, cols = np.indices((256, 256))
    blocks = ((rows // 8 + cols // 8) % 2).astype(np.float32)
    rng = np.random.default_rng(0)
    found = estimate(blocks + rng.normal(0, 0.1, blocks.shape), 1 - blocks + rng.normal(0, 0.3, blocks.shape))
    assert not found.sure


def test_a_shift_beyond_the_search_is_never_sure():
    assert not estimate(*pair(4, dx=50), max_shift_px=32).sure


def test_masks_do_not_attract_the_estimate():
    """Both have a wedge without data at the same place, as two sensors cut to one tile do; the content is 18 px off."""
    optical, sar = pair(6, dx=18, dy=-7)
    rows, cols = np.indices(optical.shape)
    valid = cols + 0.4 * rows > 110
    optical[~valid], sar[~valid] = 0, np.nan
    found = estimate_shift(optical, sar, valid, valid)
    assert found.sure
    assert found.shift_px == pytest.approx((18, -7), abs=0.75)


def test_a_fill_that_nobody_declared_does_not_attract_the_estimate():
    optical, sar = pair(6, 384, 384, dx=18, dy=-7)
    optical[:, :90], sar[:, :90] = 0, -30
    assert estimate(optical, sar).shift_px == pytest.approx((18, -7), abs=0.75)


def test_invalid_numbers_outside_the_mask_are_not_read():
    optical, sar = pair(7, dx=-6, dy=5)
    valid = everywhere(sar)
    valid[:80] = False
    clean = estimate_shift(optical, sar, everywhere(optical), valid)
    sar[:80] = np.inf
    dirty = estimate_shift(optical, sar, everywhere(optical), valid)
    assert dirty == clean


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (8, 8), (40, 44)])
def test_small_arrays_give_an_estimate_or_none_but_no_warning(shape):
    optical, sar = (image[: shape[0], : shape[1]] for image in pair(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate(optical, sar)
    assert 0 <= found.confidence <= 1


@pytest.mark.parametrize("flat", ["optical", "sar", "both"])
def test_nothing_to_compare(flat):
    optical, sar = pair(1)
    if flat != "sar":
        optical[:] = 12
    if flat != "optical":
        sar[:] = np.nan
    found = estimate(optical, sar)
    assert (found.shift_px, found.confidence, found.sure) == (None, 0.0, False)


def test_windows_of_one_pair_vote_together():
    """Four windows too small to be sure alone."""
    optical, sar = pair(9, 512, 512, dx=11, dy=3)
    parts = [np.s_[r : r + 72, c : c + 72] for r in (0, 300) for c in (20, 400)]
    windows = [(optical[p], sar[p], everywhere(optical[p]), everywhere(sar[p])) for p in parts]
    together = estimate_shift_over(windows)
    assert together.shift_px == pytest.approx((11, 3), abs=1)
    assert together.confidence > max(estimate_shift(*window).confidence for window in windows)


def test_terrain_spreads_the_shift_and_flat_land_does_not():
    """Rows further down are shifted further, up to 12 px, as on a slope that SAR was not corrected for."""
    optical, sar = pair(12, 768, 768)
    rows, cols = np.indices(sar.shape).astype(np.float32)
    sloping = ndimage.map_coordinates(sar, [rows, cols - 12 * rows / 768], order=1, mode="nearest")
    assert estimate(optical, sar).spread_px <= 1
    found = estimate(optical, sloping)
    assert 2 <= found.spread_px <= 6
    assert -1 <= found.shift_px[0] <= 13
    assert estimate(optical[:256, :256], sar[:256, :256]).spread_px is None


def test_tiles_without_data_have_no_vote():
    optical, sar = pair(13, 768, 768, dx=7, dy=7)
    valid = everywhere(sar)
    valid[:, 300:] = False
    found = estimate_shift(optical, sar, everywhere(optical), valid)
    assert found.sure
    assert found.confidence > 0.99


def test_a_band_without_structure_changes_nothing():
    optical, sar = pair(9, 512, 512, dx=11, dy=3)
    flat = np.zeros((256, 256), np.float32)
    window = optical, sar, everywhere(optical), everywhere(sar)
    assert estimate_shift_over([window, (flat, flat, everywhere(flat), everywhere(flat))]) == estimate_shift(*window)


def test_sure_is_a_matter_of_confidence():
    found = estimate(*pair(2, dx=5))
    assert found.sure
    assert found.confidence >= SURE_CONFIDENCE


def test_arrays_of_different_shapes_are_refused():
    optical, sar = pair(1)
    with pytest.raises(UsageError, match="one size"):
        estimate_shift(optical, sar[:-1], everywhere(optical), everywhere(sar[:-1]))


def test_descriptors_are_unit_vectors_that_ignore_contrast():
    optical, _ = pair(2)
    valid = everywhere(optical)
    channels, trusted = cfog(optical, valid, 1.0)
    inverted, _ = cfog(255 - optical, valid, 1.0)
    assert channels.shape == (9, 256, 256)
    assert np.linalg.norm(channels, axis=0)[trusted] == pytest.approx(1, abs=0.02)
    assert np.allclose(channels, inverted, atol=1e-3)


def test_an_edge_lights_up_the_channel_across_it():
    """Gradient along the columns is orientation 0; along the rows 90 degrees, between channels 4 and 5 of nine."""
    step = np.zeros((64, 64), np.float32)
    step[:, 32:] = 100
    channels, _ = cfog(step, everywhere(step), 1.0)
    assert channels[:, 32, 32].argmax() == 0
    channels, _ = cfog(step.T.copy(), everywhere(step), 1.0)
    assert channels[:, 32, 32].argmax() in (4, 5)


def test_trust_ends_before_missing_pixels():
    optical, _ = pair(2)
    valid = everywhere(optical)
    valid[100:110, 100:110] = False
    channels, trusted = cfog(optical, valid, 2.0)
    assert not trusted[94:116, 94:116].any()
    assert trusted[90, 105]
    assert not channels[:, ~trusted].any()
