"""Windows on a raster's own grid: which numbers, which mask, how much memory."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from engine.errors import RasterUnreadable, ReadTooLarge, UsageError
from engine.raster import open_raster
from engine.records import PixelWindow

UTM = Affine(10, 0, 500_000, 0, -10, 4_000_000)
WHOLE = PixelWindow(0, 0, 80, 60)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.integers(-100, 100),
    st.integers(-100, 100),
    st.integers(1, 150),
    st.integers(1, 150),
)
def test_any_window_at_full_resolution(make_tiff, ramp, col, row, width, height):
    path = Path(make_tiff(ramp))
    with open_raster(path) as raster:
        read = raster.read(PixelWindow(col, row, width, height), width, height)
    rows, cols = np.mgrid[row : row + height, col : col + width]
    inside = (rows >= 0) & (rows < 60) & (cols >= 0) & (cols < 80)
    np.testing.assert_array_equal(read.valid, inside)
    np.testing.assert_array_equal(read.values[0][inside], (rows * 100 + cols)[inside])
    assert np.isnan(read.values[0][~inside]).all()


@pytest.mark.parametrize("overviews", [(), (2, 4)])
def test_shrinking_averages(make_tiff, overviews):
    rng = np.random.default_rng(3)
    array = rng.integers(0, 1000, (64, 64)).astype(np.uint16)
    with open_raster(make_tiff(array, tiled=True, blockxsize=16, blockysize=16)) as raster:
        read = raster.read(PixelWindow(0, 0, 64, 64), 16, 16)
    expected = array.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(read.values[0], expected, atol=0.51)  # GDAL rounds to the stored type


def test_overviews_are_used(make_tiff):
    """The overviews of this file are a lie, so whoever reads through them is caught."""
    path = make_tiff(np.zeros((512, 512), np.uint8), tiled=True, blockxsize=64, blockysize=64, overviews=[8])
    with rasterio.open(path, "r+", OVERVIEW_LEVEL=0) as overview:
        overview.write(np.full((1, 64, 64), 200, np.uint8))
    with open_raster(path) as raster:
        assert raster.info.overviews == (8,)
        assert raster.read(PixelWindow(0, 0, 512, 512), 64, 64).values.max() == 200
        assert raster.read(PixelWindow(0, 0, 512, 512), 512, 512).values.max() == 0


def test_nodata_is_neither_shown_nor_averaged(make_tiff):
    array = np.full((8, 8), 100, np.uint16)
    array[:, 3:] = 0
    with open_raster(make_tiff(array, nodata=0)) as raster:
        read = raster.read(PixelWindow(0, 0, 8, 8), 4, 4)
    np.testing.assert_array_equal(read.valid[0], [True, True, False, False])
    np.testing.assert_array_equal(read.values[0, :, :2], np.full((4, 2), 100))


def test_a_colour_that_equals_nodata_in_one_band_only_stays(make_tiff):
    array = np.full((3, 4, 4), 50, np.uint8)
    array[2] = 0
    array[:, 0, 0] = 0
    with open_raster(make_tiff(array, nodata=0, photometric="RGB")) as raster:
        read = raster.read(PixelWindow(0, 0, 4, 4), 4, 4)
    assert not read.valid[0, 0]
    assert read.valid.sum() == 15
    assert read.values[2, 1, 1] == 0


@pytest.mark.parametrize("nodata", [None, float("nan")])
def test_nan_spreads_no_further_than_its_cell(make_tiff, nodata):
    array = np.ones((16, 16), np.float32)
    array[0:4, 0:4] = np.nan
    array[8, 8] = np.inf
    with open_raster(make_tiff(array, nodata=nodata)) as raster:
        full = raster.read(PixelWindow(0, 0, 16, 16), 16, 16)
        half = raster.read(PixelWindow(0, 0, 16, 16), 4, 4)
    assert (~full.valid).sum() == 17
    assert not half.valid[0, 0]
    assert half.valid.sum() >= 14, "one infinite pixel may cost its own cell, no other"
    assert set(half.values[0][half.valid].tolist()) == {1.0}


def test_float_nodata_written_as_text(make_tiff):
    lowest = float(np.finfo(np.float32).min)
    array = np.array([[lowest, 1.5]], np.float32)
    with open_raster(make_tiff(array, nodata=-3.4028235e38)) as raster:
        assert raster.read(PixelWindow(0, 0, 2, 1), 2, 1).valid.tolist() == [[False, True]]


def test_internal_mask_and_alpha(make_tiff):
    mask = np.full((6, 6), 255, np.uint8)
    mask[:3] = 0
    masked = make_tiff(np.full((3, 6, 6), 9, np.uint8), "mask.tif", mask=mask)
    rgba = np.full((4, 6, 6), 9, np.uint8)
    rgba[3] = mask
    alpha = make_tiff(rgba, "alpha.tif", photometric="RGB", alpha="YES")
    for path in (masked, alpha):
        with open_raster(path) as raster:
            assert raster.info.choice.bands == (1, 2, 3)
            read = raster.read(PixelWindow(0, 0, 6, 6), 6, 6)
            np.testing.assert_array_equal(read.valid, mask > 0)


def test_mask_in_a_file_beside(make_tiff):
    mask = np.zeros((6, 6), bool)
    mask[2:4] = True
    path = make_tiff(np.full((6, 6), 9, np.uint8))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert path.with_name("a.tif.msk").exists()
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read(PixelWindow(0, 0, 6, 6), 6, 6).valid, mask)


def test_scale_and_offset(make_tiff):
    array = np.array([[0, 10000, -5]], np.int16)
    path = make_tiff(array, scales=(0.0001,), offsets=(-0.1,), nodata=-5)
    with open_raster(path) as raster:
        read = raster.read(PixelWindow(0, 0, 3, 1), 3, 1)
        assert raster.info.bands[0].scale == 0.0001
    np.testing.assert_allclose(read.values[0, 0, :2], [-0.1, 0.9], rtol=1e-6)
    assert read.valid.tolist() == [[True, True, False]]


def test_complex_is_read_as_amplitude_also_when_shrunk(make_tiff):
    phase = np.exp(1j * np.random.default_rng(4).uniform(0, 2 * np.pi, (40, 40)))
    with open_raster(make_tiff((5 * phase).astype(np.complex64))) as raster:
        assert raster.info.sar_unit == "complex"
        for size in (40, 10, 7):
            read = raster.read(PixelWindow(0, 0, 40, 40), size, size)
            np.testing.assert_allclose(read.values, 5, rtol=1e-5)  # averaged phases would cancel


def test_palette_is_read_as_colours(make_tiff):
    index = np.array([[0, 1], [2, 1]], np.uint8)
    colormap = {0: (10, 20, 30, 255), 1: (200, 0, 0, 255), 2: (5, 5, 5, 255)}
    with open_raster(make_tiff(index, photometric="palette", colormap=colormap, nodata=2)) as raster:
        read = raster.read(PixelWindow(0, 0, 2, 2), 2, 2)
        stored = raster.read(PixelWindow(0, 0, 2, 2), 2, 2, bands=(1,))
    np.testing.assert_array_equal(read.values[:, 0, 0], [10, 20, 30])
    np.testing.assert_array_equal(read.values[:, 1, 1], [200, 0, 0])
    assert not read.valid[1, 0]
    np.testing.assert_array_equal(stored.values[0], [[0, 1], [np.nan, 1]])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float64"])
def test_every_dtype(make_tiff, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    with open_raster(make_tiff(array)) as raster:
        read = raster.read(PixelWindow(0, 0, 4, 3), 4, 3)
    np.testing.assert_array_equal(read.values[0], np.arange(12).reshape(3, 4))


def test_untagged_fill_of_float_sar_is_left_out(make_tiff):
    array = np.random.default_rng(5).normal(-12, 2, (200, 200)).astype(np.float32)
    array[:60] = -9999
    with open_raster(make_tiff(array, "sar_vv.tif")) as raster:
        assert any("-9999" in notice for notice in raster.info.notices)
        assert raster.info.sar_unit == "db"
        read = raster.read(PixelWindow(0, 0, 200, 200), 50, 50)
    assert (~read.valid).sum() == 15 * 50
    assert read.values[0][read.valid].min() > -40, "nothing was averaged with the fill"


def test_too_large_a_read_is_refused_with_the_numbers(make_tiff, ramp):
    with open_raster(make_tiff(ramp)) as raster:
        with pytest.raises(ReadTooLarge, match=r"9,?\d{3} x 9000 px of a\.tif needs [\d,]+ MB, more than the 268 MB"):
            raster.read(WHOLE, 9000, 9000)
        with pytest.raises(ReadTooLarge, match="more than the 0 MB allowed"):
            raster.read(WHOLE, 80, 60, max_bytes=1000)
        raster.read(WHOLE, 1000, 1000)


def test_one_block_that_would_fill_the_memory_is_refused(make_tiff):
    """A single tile of 303 MB: a few bytes on disk, and GDAL could only decode it whole."""
    path = make_tiff(np.zeros((1, 1), np.uint8))
    side = 17_408
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "compress": "deflate"}
    tiles = {"tiled": True, "blockxsize": side, "blockysize": side, "SPARSE_OK": True}
    with rasterio.open(path, "w", transform=UTM, **profile, **tiles):
        pass
    with open_raster(path) as raster, pytest.raises(ReadTooLarge, match=r"a\.tif needs 303 MB"):
        raster.read(PixelWindow(0, 0, 10, 10), 10, 10)


def test_what_would_take_minutes_to_decode_is_refused(make_tiff):
    """90,000 px square without overviews: the mean of everything needs 8.1 GB, a nearest pixel here and there less."""
    path = make_tiff(np.zeros((1, 1), np.uint8))
    side = 90_000
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "compress": "deflate"}
    with rasterio.open(path, "w", transform=UTM, blockysize=8, SPARSE_OK=True, BIGTIFF="YES", **profile):
        pass
    with open_raster(path) as raster:
        whole = PixelWindow(0, 0, side, side)
        with pytest.raises(ReadTooLarge, match=r"decoding 8\.1 GB, more than the 4\.3 GB allowed"):
            raster.read(whole, 500, 500)
        assert raster.read(whole, 50, 50, resampling="nearest").valid.all()
        assert raster.read(PixelWindow(0, 0, 9000, 90), 500, 5).valid.all()


def test_bad_bands_sizes_and_files(make_tiff, ramp, tmp_path):
    with open_raster(make_tiff(ramp)) as raster:
        with pytest.raises(UsageError, match="no band 2"):
            raster.read(WHOLE, 8, 6, bands=(2,))
        with pytest.raises(UsageError, match="empty"):
            raster.read(WHOLE, 0, 6)
        with pytest.raises(UsageError, match="none of auto, nearest"):
            raster.read(WHOLE, 8, 6, resampling="guess")
    with pytest.raises(RasterUnreadable, match=r"no file .*none\.tif"):
        open_raster(tmp_path / "none.tif")
    text = tmp_path / "text.tif"
    text.write_text("not a raster")
    with pytest.raises(RasterUnreadable, match=r"^text\.tif cannot be opened: .*not recognized"):
        open_raster(text)
    with pytest.raises(RasterUnreadable):
        open_raster(tmp_path)


def test_a_cut_off_file_is_named_with_gdals_reason(make_tiff, capfd):
    rng = np.random.default_rng(6)
    path = make_tiff(rng.integers(0, 255, (300, 300)).astype(np.uint8), compress="deflate", blockysize=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RasterUnreadable, match=r"^a\.tif cannot be (opened|read): .+\."), open_raster(path) as raster:
        raster.read(PixelWindow(0, 0, 300, 300), 300, 300)
    assert capfd.readouterr() == ("", ""), "GDAL's own chatter must not reach the terminal"


def test_half_cells_at_the_rim_are_empty(make_tiff, ramp):
    """A cell of 4 x 4 pixels that reaches past the raster has no whole content."""
    with open_raster(make_tiff(ramp)) as raster:
        read = raster.read(PixelWindow(-2, -2, 84, 64), 21, 16)
    assert not read.valid[0].any()
    assert not read.valid[:, 0].any()
    assert read.valid[1:-1, 1:-1].all()
    rows = 2 + 4 * 1 + np.arange(4) - 4
    expected = np.mean([r * 100 + c for r in rows for c in rows])
    assert math.isclose(read.values[0, 1, 1], expected, abs_tol=1)
