"""The real pairs: what they are taken for, and that they can be seen."""

from __future__ import annotations

import pytest

from engine.raster import default_display, open_raster, render
from engine.records import PixelWindow

pytestmark = pytest.mark.real

PAIRS = [
    ("pairs/sentinel_1024/014_opt.tif", "optical", None, (1, 2, 3), "2020-11-04"),
    ("pairs/sentinel_1024/014_sar.tif", "sar", "stretched-8bit", (1,), "2020-11-07"),
    ("pairs/terramesh_224/S2L2A/637U_59R_1_3.tif", "optical", None, (4, 3, 2), None),
    ("pairs/terramesh_224/S1RTC/637U_59R_1_3.tif", "sar", "db", (1,), "2017-10-30"),
    (
        "pairs/bigearthnet_120/S2B_MSIL2A_20170924T93020_69_24/optical_B02_B03_B04_B08.tif",
        "optical",
        None,
        (3, 2, 1),
        "2017-09-24",
    ),
    ("pairs/bigearthnet_120/S2B_MSIL2A_20170924T93020_69_24/sar_VV_VH_dB.tif", "sar", "db", (1,), None),
    ("pairs/cloudy_256/ROIs1868_summer_s2_cloudy_19_p30.tif", "optical", None, (4, 3, 2), None),
    ("pairs/cloudy_256/ROIs1868_summer_s1_19_p30.tif", "sar", "db", (1,), None),
    ("pairs_and_labels_spacenet/sn6_rotterdam/sar_masked.tif", "sar", "db", (1,), None),
    ("pairs_and_labels_spacenet/sn6_rotterdam/sar_hh.tif", "sar", "complex", (1,), None),
    ("pairs_and_labels_spacenet/sn6_rotterdam/rgb_unmasked.tif", "optical", None, (1, 2, 3), None),
]


@pytest.mark.parametrize(("name", "sensor", "unit", "bands", "date"), PAIRS)
def test_taken_for_what_it_is(shared_data, name, sensor, unit, bands, date):
    with open_raster(shared_data / name) as raster:
        info = raster.info
        rgba, draft = render(raster, PixelWindow(0, 0, info.width, info.height), 200, 200, default_display(raster))
    assert (info.sensor, info.sar_unit, info.choice.bands, info.acquired) == (sensor, unit, bands, date)
    assert info.georeference == "transform"
    assert info.grid.gsd_m is not None
    assert not draft
    seen = rgba[rgba[..., 3] > 0]
    assert len(seen) > 0.5 * 200 * 200
    assert 40 < seen[:, :3].mean() < 215


def test_empty_pixels_without_a_tag(shared_data):
    """SpaceNet's SAR has NaN for a frame and no nodata tag."""
    with open_raster(shared_data / "pairs_and_labels_spacenet/sn6_rotterdam/sar_masked.tif") as raster:
        read = raster.read(PixelWindow(0, 0, 200, 200), 100, 100)
    assert 0.3 < read.valid.mean() < 0.9


def test_grids_that_differ_by_a_fraction_of_a_millimetre_are_one(shared_data):
    folder = shared_data / "pairs_and_labels_spacenet" / "sn6_rotterdam"
    with open_raster(folder / "rgb_unmasked.tif") as optical, open_raster(folder / "sar_masked.tif") as sar:
        window = PixelWindow(20, 30, 64, 64)
        own = sar.read(window, 64, 64)
        on = sar.read(window, 64, 64, on=optical.info.grid)
    assert (own.valid == on.valid).all()
    assert (own.values[0][own.valid] == on.values[0][on.valid]).all(), "read, not resampled"
