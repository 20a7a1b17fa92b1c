from __future__ import annotations

import numpy as np
import pytest

from engine.raster import default_display, identify, open_raster, render, with_limits
from engine.records import DisplaySpec, PixelWindow

RNG = np.random.default_rng(0)


def test_limits_are_percentiles_of_the_chosen_bands(make_tiff):
    array = RNG.integers(0, 4000, (4, 100, 100)).astype(np.uint16)
    with open_raster(make_tiff(array, descriptions=("B02", "B03", "B04", "B08"))) as raster:
        display = default_display(raster)
    assert display.bands == (3, 2, 1)
    assert display.low == pytest.approx([np.percentile(array[b], 2) for b in (2, 1, 0)])
    assert display.high == pytest.approx([np.percentile(array[b], 98) for b in (2, 1, 0)])
    assert not display.to_db


@pytest.mark.parametrize(
    ("unit", "array", "to_db"),
    [
        ("power", RNG.gamma(1, 0.1, (80, 80)).astype(np.float32), True),
        ("db", RNG.normal(-12, 3, (80, 80)).astype(np.float32), False),
        ("complex", (RNG.normal(size=(80, 80)) + 1j * RNG.normal(size=(80, 80))).astype(np.complex64), True),
        ("digital-number", RNG.integers(1, 900, (80, 80)).astype(np.uint16), True),
        ("stretched-8bit", RNG.integers(0, 255, (80, 80)).astype(np.uint8), False),
    ],
)
def test_sar_is_shown_in_decibels(make_tiff, unit, array, to_db):
    with open_raster(make_tiff(array), sensor="sar") as raster:
        assert raster.info.sar_unit == unit
        display = default_display(raster)
        assert display.to_db == to_db
        rgba, draft = render(raster, PixelWindow(0, 0, 80, 80), 80, 80, display)
    assert not draft
    assert 80 < rgba[..., 0].mean() < 200, "the stretch spreads the picture over the greys"
    if unit == "power":
        decibels = 10 * np.log10(array)
        expected = np.clip(np.rint((decibels - display.low[0]) / (display.high[0] - display.low[0]) * 255), 0, 255)
        assert np.abs(rgba[..., 0].astype(int) - expected).max() <= 1


def test_colours_alpha_and_outside(make_tiff):
    array = np.zeros((3, 10, 10), np.uint8)
    array[0], array[1], array[2] = 10, 20, 30
    array[:, :2] = 0
    display = DisplaySpec((1, 2, 3), (0, 0, 0), (255, 255, 255), method="fixed")
    with open_raster(make_tiff(array, nodata=0, photometric="RGB")) as raster:
        rgba, _ = render(raster, PixelWindow(-5, 0, 15, 10), 15, 10, display)
    assert rgba.shape == (10, 15, 4)
    assert rgba.dtype == np.uint8
    assert (rgba[:, :5, 3] == 0).all()
    assert (rgba[:2, :, 3] == 0).all()
    np.testing.assert_array_equal(rgba[5, 9], [10, 20, 30, 255])


def test_pixels_stay_sharp_when_enlarged(make_tiff, ramp):
    display = DisplaySpec((1,), (0,), (6000,))
    with open_raster(make_tiff(ramp)) as raster:
        rgba, _ = render(raster, PixelWindow(4, 4, 5, 5), 50, 50, display)
    blocks = rgba[..., 0].reshape(5, 10, 5, 10)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_a_palette_shows_its_own_colours(make_tiff):
    index = np.array([[0, 1], [1, 0]], np.uint8)
    path = make_tiff(index, photometric="palette", colormap={0: (10, 20, 30, 255), 1: (200, 100, 0, 255)})
    with open_raster(path) as raster:
        rgba, _ = render(raster, PixelWindow(0, 0, 3, 2), 3, 2, default_display(raster))
    np.testing.assert_array_equal(rgba[0, :2], [[10, 20, 30, 255], [200, 100, 0, 255]])
    assert rgba[0, 2, 3] == 0


def test_limits_over_a_window(make_tiff, ramp):
    with open_raster(make_tiff(ramp)) as raster:
        display = with_limits(raster, PixelWindow(10, 20, 5, 5), default_display(raster), "min-max")
    assert (display.low, display.high, display.method) == ((2010.0,), (2414.0,), "min-max")


@pytest.mark.parametrize("unit", ["db", "power"])
def test_the_speckle_filter_changes_the_picture_only(make_tiff, unit):
    power = RNG.gamma(1, 0.1, (64, 64)).astype(np.float32)
    array = 10 * np.log10(power) if unit == "db" else power
    with open_raster(make_tiff(array), sensor="sar") as raster:
        assert raster.info.sar_unit == unit
        plain = default_display(raster)
        quiet = DisplaySpec(plain.bands, plain.low, plain.high, plain.to_db, speckle_filter=True)
        window = PixelWindow(0, 0, 64, 64)
        first, _ = render(raster, window, 64, 64, plain)
        second, _ = render(raster, window, 64, 64, quiet)
        np.testing.assert_allclose(raster.read(window, 64, 64).values[0], array)
    assert second[..., 0].std() < 0.7 * first[..., 0].std()


def test_identify_gives_stored_numbers(make_tiff):
    array = np.array([[[5, 0]], [[-7, 0]]], np.int16)
    path = make_tiff(array, nodata=0, scales=(0.1, 0.1), offsets=(0, 0))
    with open_raster(path) as raster:
        assert identify(raster, 0, 0).values == (5.0, -7.0)
        assert identify(raster, 1, 0).values == (None, None)
        assert identify(raster, 2, 0).values == (None, None)
        assert identify(raster, 0, -1).values == (None, None)
        assert identify(raster, 0, 0).sigma0_db is None


def test_identify_gives_decibels_of_calibrated_sar(make_tiff):
    power = np.full((64, 64), 0.1, np.float32)
    with open_raster(make_tiff(power), sensor="sar") as raster:
        assert identify(raster, 3, 3).sigma0_db == pytest.approx(-10, abs=1e-4)
    counts = np.full((64, 64), 100, np.uint16)
    with open_raster(make_tiff(counts), sensor="sar") as raster:
        assert identify(raster, 3, 3).values == (100.0,)
        assert identify(raster, 3, 3).sigma0_db is None, "counts are not calibrated"


def test_identify_under_a_mask_and_of_complex(make_tiff):
    mask = np.zeros((4, 4), np.uint8)
    mask[0, 0] = 255
    with open_raster(make_tiff(np.full((4, 4), 3 + 4j, np.complex64), "slc.tif")) as raster:
        assert identify(raster, 0, 0).values == (5.0,)
    with open_raster(make_tiff(np.full((4, 4), 9, np.uint8), mask=mask)) as raster:
        assert identify(raster, 0, 0).values == (9.0,)
        assert identify(raster, 1, 1).values == (None,)
