from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint

from engine.errors import RasterUnreadable, UsageError
from engine.records import CheckRequest, GateChoice
from engine.registration import TOLERANCE_PX, check_pair
from tests.engine.registration.conftest import ORIGIN, STEP
from tests.engine.registration.structured import pair


def check(paths, **gate):
    return check_pair(CheckRequest(*paths, GateChoice(**gate)))


def test_aligned(files):
    found = check(files(dx=3, dy=-2))
    assert found.verdict == "aligned"
    assert not found.refused
    assert found.shift_is_sure
    assert found.shift_px == pytest.approx((3, -2), abs=0.5)
    assert found.shift_m == pytest.approx((30, -20), abs=5)
    assert (found.overlap, found.valid.optical, found.valid.sar) == (1, 1, 1)
    assert found.resolution_ratio == pytest.approx(1)
    assert found.tolerance_px == TOLERANCE_PX == 16
    assert "one grid" in found.messages[0]


def test_shifted_beyond_the_tolerance(files):
    found = check(files(dx=20, dy=-5))
    assert found.verdict == "shifted"
    assert not found.refused
    assert found.shift_px == pytest.approx((20, -5), abs=0.5)
    assert "right" in found.messages[1]
    assert "up" in found.messages[1]
    assert "--correct-shift" in found.messages[1]


def test_the_verdict_does_not_depend_on_whether_a_shift_is_to_be_corrected(files):
    """So that it can be kept per pair of files."""
    paths = files(dx=20)
    assert check(paths, correct_shift=True) == check(paths)


def test_the_users_tolerance_goes_before_the_engines_before_the_default(files):
    paths = files(dx=10)
    assert check(paths).verdict == "aligned"
    assert check(paths, tolerance_px=5).verdict == "shifted"
    assert check_pair(CheckRequest(*paths), tolerance_px=5).verdict == "shifted"
    assert check_pair(CheckRequest(*paths, GateChoice(tolerance_px=20)), tolerance_px=5).verdict == "aligned"


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_distance(files, tolerance):
    with pytest.raises(UsageError):
        check(files(), tolerance_px=tolerance)


def test_a_tolerance_beyond_the_search_is_said(files):
    assert any("searched up to 48 px" in message for message in check(files(), tolerance_px=60).messages)


def test_an_unsure_estimate_is_never_shifted(write):
    """Two different places given one georeference."""
    optical = write("optical.tif", pair(1)[0])
    sar = write("sar_vv.tif", pair(50)[1])
    found = check((str(optical), str(sar)), tolerance_px=0.01)
    assert found.verdict == "aligned"
    assert not found.shift_is_sure
    assert any("could not be measured" in message or "uncertain" in message for message in found.messages)


def test_a_fraction_of_a_pixel_is_resampled(files):
    found = check(files(sar={"x": ORIGIN[0] + 3}))
    assert found.verdict == "resampled"
    assert "another origin" in found.messages[0]
    assert found.shift_px == pytest.approx((0.3, 0), abs=0.4)  # what the file says is 3 m east is shown there


def test_another_crs_is_resampled_and_shift_is_what_remains(write):
    """SAR in degrees, made from the same place, 18 px off after it is laid on the optical grid."""
    import pyproj
    from rasterio.warp import reproject

    optical, sar = pair(11, 320, 320, dx=18)
    first = write("optical.tif", optical)
    lon, lat = pyproj.Transformer.from_crs(32631, 4326, always_xy=True).transform(*ORIGIN)
    step = 0.0001
    second = write("sar_vv.tif", np.zeros((330, 470), "float32"), x=lon, y=lat, step=step, crs="EPSG:4326", nodata=-99)
    with rasterio.open(first) as on, rasterio.open(second, "r+") as file:
        out = np.full(file.shape, -99, "float32")
        reproject(
            sar,
            out,
            src_crs=on.crs,
            src_transform=on.transform,
            dst_crs=file.crs,
            dst_transform=file.transform,
            dst_nodata=-99,
            init_dest_nodata=True,
        )
        file.write(out, 1)
    found = check((str(first), str(second)))
    assert found.verdict == "shifted"
    assert found.shift_px == pytest.approx((18, 0), abs=1)
    assert "another coordinate system" in found.messages[0]


def test_coarse_sar_is_still_compared_in_optical_pixels(write):
    optical, sar = pair(11, 512, 512, dx=24, dy=8)
    coarse = sar.reshape(256, 2, 256, 2).mean(axis=(1, 3))
    paths = str(write("optical.tif", optical)), str(write("sar_vv.tif", coarse, step=2 * STEP))
    found = check(paths)
    assert found.resolution_ratio == pytest.approx(2, rel=0.01)
    assert found.verdict == "shifted"
    assert found.shift_px == pytest.approx((24, 8), abs=2)
    assert any("2.0 times as coarse" in message for message in found.messages)


def test_two_places_are_refused_with_their_distance(files):
    found = check(files(sar={"x": ORIGIN[0] + 100_000}))
    assert found.verdict == "no-overlap"
    assert found.refused
    assert (found.overlap, found.shift_px) == (0, None)
    reason, remedy = found.messages
    assert "optical.tif" in reason
    assert "sar_vv.tif" in reason
    assert "100 km" in reason
    assert remedy


def test_a_common_edge_is_no_overlap(files):
    assert check(files(sar={"x": ORIGIN[0] + 256 * STEP})).verdict == "no-overlap"


def test_part_of_the_pair_overlaps(files):
    found = check(files(sar={"x": ORIGIN[0] + 128 * STEP}))
    assert found.verdict == "resampled"
    assert found.overlap == pytest.approx(0.5, abs=0.001)
    assert found.valid.sar == 1  # of the overlap, not of the whole
    assert any("Only 50 %" in message for message in found.messages)


@pytest.mark.parametrize("without", ["optical", "sar", "both"])
def test_without_georeference(files, without):
    bare = {"crs": None}
    paths = files(dx=20, optical=bare if without != "sar" else {}, sar=bare if without != "optical" else {})
    refused = check(paths)
    assert refused.verdict == "not-georeferenced"
    assert refused.refused
    assert "no georeference" in refused.messages[0]
    assert "--assume-registered" in refused.messages[1]
    trusted = check(paths, assume_registered=True)
    assert trusted.verdict == "shifted"
    assert trusted.shift_px == pytest.approx((20, 0), abs=0.5)
    assert "as you said" in trusted.messages[0]


def test_trust_needs_images_of_one_size(write):
    optical, sar = pair(1)
    paths = str(write("optical.tif", optical, crs=None)), str(write("sar_vv.tif", sar[:-1], crs=None))
    found = check(paths, assume_registered=True)
    assert found.verdict == "not-georeferenced"
    assert "256 x 255" in found.messages[0]


def test_ground_control_points_count_as_georeference(write):
    optical, sar = pair(11)
    points = [
        GroundControlPoint(row=r, col=c, x=ORIGIN[0] + STEP * c, y=ORIGIN[1] - STEP * r)
        for r in (0, 256)
        for c in (0, 256)
    ]
    found = check((str(write("optical.tif", optical)), str(write("sar_vv.tif", sar, crs=None, gcps=points))))
    assert found.sar.georeference == "gcps"
    assert found.verdict in ("aligned", "resampled")
    assert found.shift_px == pytest.approx((0, 0), abs=1)


def test_missing_data_is_counted_in_the_overlap(write):
    optical, sar = pair(11)
    sar[:64] = np.nan
    found = check((str(write("optical.tif", optical)), str(write("sar_vv.tif", sar, nodata=np.nan))))
    assert found.valid.sar == pytest.approx(0.75)
    assert found.valid.optical == 1
    assert any("25 % of the overlap has no SAR data" in message for message in found.messages)


@pytest.mark.parametrize(
    ("optical", "sar", "words"),
    [
        ("2020-11-04", "2020-12-08", "34 days apart"),
        ("2020-11-05", "2020-11-04", "1 day apart"),
        ("2020-11-04", "2020-11-04", None),
        ("2020-11-04", None, None),
    ],
)
def test_dates(files, optical, sar, words):
    found = check(files(optical={"date": optical}, sar={"date": sar}))
    assert found.dates == {"optical": optical, "sar": sar}
    assert any("apart" in message for message in found.messages) is (words is not None)
    assert words is None or any(words in message for message in found.messages)


@pytest.mark.parametrize("present", ["optical", "sar"])
@pytest.mark.parametrize("crs", ["EPSG:32631", None])
def test_a_single_sensor_is_allowed_even_without_crs(files, present, crs):
    optical, sar = files(optical={"crs": crs}, sar={"crs": crs})
    found = check((optical, None) if present == "optical" else (None, sar))
    assert found.verdict == "single-sensor"
    assert not found.refused
    assert (found.optical is None, found.sar is None) == (present != "optical", present != "sar")
    assert getattr(found.valid, present) == 1
    assert found.dates.keys() == {"optical", "sar"}
    assert found.messages


def test_a_file_that_is_not_there(files):
    with pytest.raises(RasterUnreadable):
        check((files()[0], "nowhere.tif"))
