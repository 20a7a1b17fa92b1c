"""The gate on real imagery: what it must find, and what it must not claim."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine

from engine.records import CheckRequest, GateChoice
from engine.registration import check_pair
from tests.benchmarks.registration import MUST_BE_WITHIN_PX, errors_px, sentinel_pairs, shifted_estimate

pytestmark = pytest.mark.real


def check(optical, sar, **gate):
    return check_pair(CheckRequest(str(optical), str(sar), GateChoice(**gate)))


def sentinel(data, name):
    folder = data / "pairs" / "sentinel_1024"
    return folder / f"{name}_opt.tif", folder / f"{name}_sar.tif"


@pytest.mark.parametrize(("name", "dx", "dy"), [("018", 20, 0), ("030", -13, 9), ("187", 20, 20)])
def test_a_known_shift_moves_the_estimate_by_itself(shared_data, name, dx, dy):
    """A city, hills and fields; all pairs are tried in the slow test below."""
    optical, sar = next(found[1:] for found in sentinel_pairs(shared_data) if found[0] == name)
    own, moved = shifted_estimate(optical, sar, 0, 0), shifted_estimate(optical, sar, dx, dy)
    assert np.subtract(moved.shift_px, own.shift_px) == pytest.approx((dx, dy), abs=MUST_BE_WITHIN_PX)


@pytest.mark.slow
def test_known_shifts_on_all_pairs(shared_data):
    errors = np.array([errors_px(optical, sar)[1] for _, optical, sar in sentinel_pairs(shared_data)])
    assert errors.shape == (31, 6)
    assert (errors <= MUST_BE_WITHIN_PX).all(axis=1).mean() >= 0.95


@pytest.mark.slow
def test_sar_of_another_place_is_never_sure(shared_data):
    pairs = list(sentinel_pairs(shared_data))
    for k, (_, optical, _) in enumerate(pairs):
        assert not shifted_estimate(optical, pairs[(k + 7) % len(pairs)][2], 0, 0).sure


@pytest.mark.parametrize("name", ["014", "018", "253"])
def test_sentinel_pairs_are_aligned_with_a_small_residual(shared_data, name):
    found = check(*sentinel(shared_data, name))
    assert found.verdict == "aligned"
    assert found.shift_is_sure
    assert np.hypot(*found.shift_px) < 12
    assert found.dates["optical"].startswith("2020-")


@pytest.mark.slow
def test_every_sentinel_pair_is_aligned(shared_data):
    for path in sorted((shared_data / "pairs" / "sentinel_1024").glob("*_opt.tif")):
        assert check(*sentinel(shared_data, path.name[:3])).verdict == "aligned"


def test_small_pairs_are_aligned(shared_data):
    for folder in sorted((shared_data / "pairs" / "bigearthnet_120").iterdir()):
        assert check(folder / "optical_B02_B03_B04_B08.tif", folder / "sar_VV_VH_dB.tif").verdict == "aligned"
    stacks = shared_data / "pairs" / "terramesh_224"
    for path in sorted((stacks / "S1RTC").iterdir()):
        assert check(stacks / "S2L2A" / path.name, path).verdict == "aligned"


def test_under_cloud_the_shift_is_not_claimed(shared_data):
    folder = shared_data / "pairs" / "cloudy_256"
    found = check(folder / "ROIs1868_summer_s2_cloudy_19_p30.tif", folder / "ROIs1868_summer_s1_19_p30.tif")
    assert found.verdict == "aligned"
    assert not found.shift_is_sure


def test_different_grids_are_resampled(shared_data):
    folder = shared_data / "bad_pairs" / "different_grid"
    for optical in sorted((folder / "s2a").iterdir()):
        for sar in sorted((folder / "s1").iterdir()):
            found = check(optical / "B4.tif", sar / "VV.tif")
            assert found.verdict == "resampled"
            assert "resampled" in found.messages[0]
            assert found.overlap < 1


def test_missing_sar_data_is_counted(shared_data):
    folder = shared_data / "pairs_and_labels_spacenet" / "sn6_rotterdam"
    found = check(folder / "rgb_unmasked.tif", folder / "sar_masked.tif")
    assert found.verdict == "aligned"
    assert found.valid.sar == pytest.approx(0.61, abs=0.01)


def test_swapped_places_are_refused(shared_data):
    stacks = shared_data / "pairs" / "terramesh_224"
    first, second = sorted((stacks / "S1RTC").iterdir())
    assert check(stacks / "S2RGB" / first.name, second).verdict == "no-overlap"
    elsewhere = next((shared_data / "pairs" / "bigearthnet_120").glob("*/sar*.tif"))
    assert check(sentinel(shared_data, "014")[0], elsewhere).verdict == "no-overlap"
    assert check(sentinel(shared_data, "014")[0], sentinel(shared_data, "015")[1]).verdict == "no-overlap"


def test_a_shift_written_into_a_file_is_called_shifted(shared_data, tmp_path):
    """SAR whose transform says that it lies 22 px further west than it does."""
    optical, sar = sentinel(shared_data, "187")
    with rasterio.open(sar) as file:
        profile, values = file.profile, file.read()
    a, b, c, d, e, f = profile["transform"][:6]
    profile["transform"] = Affine(a, b, c - 22 * a, d, e, f)
    moved = tmp_path / "moved_sar.tif"
    with rasterio.open(moved, "w", **profile) as file:
        file.write(values)
    own, found = check(optical, sar), check(optical, moved)
    assert found.verdict == "shifted"
    assert np.subtract(found.shift_px, own.shift_px) == pytest.approx((-22, 0), abs=MUST_BE_WITHIN_PX)
