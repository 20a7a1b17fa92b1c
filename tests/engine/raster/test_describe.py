"""What a file is taken to be, from its header, its name and a few pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import Affine

from engine.raster import open_raster
from engine.raster.describe import acquisition_date
from engine.records import PixelWindow

DECIBELS = np.random.default_rng(0).normal(-12, 3, (2, 64, 64)).astype(np.float32)
COUNTS = np.random.default_rng(0).integers(200, 3000, (4, 64, 64)).astype(np.uint16)


@pytest.mark.parametrize(
    ("tags", "name", "sensor", "date"),
    [
        (
            {"ACQUISITION_DATE": "04.11.2020", "TIFFTAG_DATETIME": "2024:01:01 00:00:00"},
            "a.tif",
            "optical",
            "2020-11-04",
        ),
        ({"datetime": "2020-04-08T14:37:29.000000000"}, "a.tif", "sar", "2020-04-08"),
        ({}, "S1A_IW_GRDH_1SDV_20200607T010800_20200607T010825_032904/VV.tif", "sar", "2020-06-07"),
        ({}, "s1a-iw1-slc-hh-20220414t102211-20220414t102236.tiff", "sar", "2022-04-14"),
        ({}, "S2B_MSIL2A_20170924T93020_69_24/B04.tif", "optical", "2017-09-24"),
        ({}, "S2B_MSIL2A_20170924T93020_69_24/sar.tif", "sar", None),
        ({"SOURCE": "S2A_MSIL1C_20201104T183541_N0209.SAFE"}, "a.tif", "optical", "2020-11-04"),
        ({"TIFFTAG_DATETIME": "2021:03:02 10:00:00"}, "a.tif", "unknown", "2021-03-02"),
        ({"TIFFTAG_DATETIME": "yesterday"}, "20209999T000000.tif", "unknown", None),
    ],
)
def test_date(tags, name, sensor, date):
    assert acquisition_date(tags, Path("/data") / name, sensor) == date


@pytest.mark.parametrize(
    ("array", "name", "options", "sensor", "unit"),
    [
        (DECIBELS, "scene_s1.tif", {}, "sar", "db"),
        (DECIBELS, "a.tif", {"descriptions": ("VV", "VH")}, "sar", "db"),
        (DECIBELS, "a.tif", {}, "sar", "db"),
        (10 ** (DECIBELS / 10), "a_sar.tif", {}, "sar", "power"),
        (DECIBELS[0].astype(np.complex64), "a.tif", {}, "sar", "complex"),
        (COUNTS[:1], "s1a-iw-grd-vv.tif", {}, "sar", "digital-number"),
        ((COUNTS[:1] // 16).astype(np.uint8), "014_sar.tif", {}, "sar", "stretched-8bit"),
        (COUNTS, "014_opt.tif", {}, "optical", None),
        (COUNTS, "sar/optical_B02_B03_B04_B08.tif", {}, "optical", None),
        (COUNTS, "a.tif", {"descriptions": ("B02", "B03", "B04", "B08")}, "optical", None),
        (COUNTS[:3].astype(np.uint8), "a.tif", {"photometric": "RGB"}, "optical", None),
        (COUNTS[:1], "a.tif", {}, "unknown", None),
        (np.abs(DECIBELS[:1]) * 50, "elevation.tif", {}, "unknown", None),
    ],
)
def test_sensor_and_unit(make_tiff, array, name, options, sensor, unit):
    with open_raster(make_tiff(array, name, **options)) as raster:
        assert (raster.info.sensor, raster.info.sar_unit) == (sensor, unit)


def test_the_user_knows_better(make_tiff):
    path = make_tiff(COUNTS)
    with open_raster(path, sensor="sar", bands=(3,)) as raster:
        assert raster.info.sensor == "sar"
        assert raster.info.choice.bands == (3,)
        assert raster.info.choice.reason == "asked"


@pytest.mark.parametrize(
    ("options", "notice"),
    [
        ({"crs": None, "transform": Affine.identity()}, "No CRS: positions are in pixels."),
        ({"crs": None}, "No CRS: positions are in pixels, the file's transform is not used."),
        ({"transform": Affine.identity()}, "A CRS but no position: positions are in pixels."),
    ],
)
def test_without_a_georeference_the_frame_is_in_pixels(make_tiff, options, notice):
    with open_raster(make_tiff(COUNTS[:1], **options)) as raster:
        info = raster.info
    assert info.georeference == "none"
    assert info.grid.crs is None
    assert info.grid.gsd_m is None
    assert info.grid.to_map(3, 4) == (3, 4)
    assert notice in info.notices


def test_a_plain_file_has_no_notices(make_tiff):
    path = make_tiff(COUNTS, descriptions=("B02", "B03", "B04", "B08"), tiled=True, blockxsize=16, blockysize=16)
    with open_raster(path) as raster:
        info = raster.info
    assert info.notices == ()
    assert (info.driver, info.width, info.height, info.blocks) == ("GTiff", 64, 64, (16, 16))
    assert info.grid.crs == "EPSG:32631"
    assert info.grid.gsd_m == 10
    assert [band.description for band in info.bands] == ["B02", "B03", "B04", "B08"]


def test_uncalibrated_sar_says_that_its_decibels_are_relative(make_tiff):
    with open_raster(make_tiff(COUNTS[:1], "grd_vv.tif")) as raster:
        assert any("relative" in notice for notice in raster.info.notices)


@pytest.mark.parametrize("value", [-9999.0, -32768.0, 0.0])
def test_zero_is_a_fill_of_float_sar_only(make_tiff, value):
    filled = DECIBELS[0].copy()
    filled[:10] = value
    for sensor, noticed in (("sar", True), ("optical", value != 0)):
        with open_raster(make_tiff(filled), sensor=sensor) as raster:
            assert any("fills part" in notice for notice in raster.info.notices) == noticed


def test_zero_borders_of_sixteen_bit_sar(make_tiff):
    """Sentinel-1 GRD has no nodata tag and borders of 0."""
    counts = COUNTS[0].copy()
    counts[:20] = 0
    with open_raster(make_tiff(counts, "s1a-iw-grd-vv.tif")) as raster:
        assert raster.read(PixelWindow(0, 0, 64, 64), 64, 64).valid.sum() == 44 * 64
    with open_raster(make_tiff(counts, "opt.tif")) as raster:
        assert raster.read(PixelWindow(0, 0, 64, 64), 64, 64).valid.all()


def test_only_files_are_opened_never_urls():
    from engine.errors import RasterUnreadable

    with pytest.raises(RasterUnreadable, match="no file"):
        open_raster("/vsicurl/http://example.invalid/a.tif")
