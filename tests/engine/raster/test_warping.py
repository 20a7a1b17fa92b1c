"""Reads onto another grid, judged by rasterio's own reprojection of the whole file."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.enums import Resampling
from rasterio.transform import Affine, rowcol
from rasterio.warp import reproject, transform

from engine.errors import InputRefused
from engine.raster import identify, open_raster
from engine.raster.gdal import without_georeference_warning
from engine.records import Grid, PixelWindow

UTM = Affine(10, 0, 500_000, 0, -10, 4_000_000)
TURNED = Affine.translation(500_000, 4_000_000) @ Affine.rotation(25) @ Affine.scale(10, -10)
GRID = Grid(120, 90, (7.0, 0.0, 500_100.0, 0.0, -7.0, 3_999_900.0), "EPSG:32631", 7.0)


@pytest.fixture
def smooth() -> np.ndarray:
    """A surface of waves about 30 px long, so that interpolations agree to a few percent."""
    rows, cols = np.mgrid[0:160, 0:200]
    return (100 + 50 * np.sin(cols / 5) * np.cos(rows / 6)).astype(np.float32)


def reference(path, grid: Grid, resampling=Resampling.bilinear) -> np.ndarray:
    out = np.full((grid.height, grid.width), np.nan, np.float32)
    with rasterio.open(path) as dataset:
        reproject(
            rasterio.band(dataset, 1),
            out,
            dst_transform=Affine(*grid.transform),
            dst_crs=grid.crs,
            dst_nodata=np.nan,
            resampling=resampling,
        )
    return out


@pytest.mark.parametrize(("source", "target"), [(UTM, GRID), (TURNED, GRID)])
def test_same_as_rasterios_warp(make_tiff, smooth, source, target):
    path = make_tiff(smooth, transform=source)
    with open_raster(path) as raster:
        read = raster.read(PixelWindow(0, 0, 120, 90), 120, 90, on=target)
    expected = reference(path, target)
    np.testing.assert_array_equal(read.valid, np.isfinite(expected))
    np.testing.assert_allclose(read.values[0][read.valid], expected[read.valid], atol=0.5)


def test_into_another_crs_and_part_of_it(make_tiff, smooth):
    path = make_tiff(smooth)
    width, height = 220, 150
    (west,), (north,) = transform("EPSG:32631", "EPSG:4326", [500_000], [4_000_000])
    grid = Grid(width, height, (1e-4, 0, west - 2e-4, 0, -1e-4, north + 2e-4), "EPSG:4326")
    expected = reference(path, grid)
    with open_raster(path) as raster:
        whole = raster.read(PixelWindow(0, 0, width, height), width, height, on=grid)
        part = raster.read(PixelWindow(30, 40, 50, 60), 50, 60, on=grid)
    both = whole.valid & np.isfinite(expected)
    assert both.sum() > 0.97 * np.isfinite(expected).sum()
    np.testing.assert_allclose(whole.values[0][both], expected[both], atol=1.0)
    np.testing.assert_allclose(part.values, whole.values[:, 40:100, 30:80], atol=0.5)


def test_decimated_is_the_mean_of_the_cells(make_tiff, smooth):
    path = make_tiff(smooth)
    half = Grid(100, 80, (10.0, 0, 500_005.0, 0, -10.0, 3_999_995.0), "EPSG:32631")
    with open_raster(path) as raster:
        full = raster.read(PixelWindow(0, 0, 96, 72), 96, 72, on=half)
        small = raster.read(PixelWindow(0, 0, 96, 72), 24, 18, on=half)
    means = full.values[0].reshape(18, 4, 24, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(small.values[0], means, atol=6)  # of a surface that spans 100
    assert small.values[0].std() == pytest.approx(means.std(), rel=0.1)


@pytest.mark.parametrize("shift", [(3.0, -2.0), (2.5, 1.25)])
@pytest.mark.parametrize("georeferenced", [True, False])
def test_shift_brings_back_what_lies_at_col_plus_dx(make_tiff, smooth, shift, georeferenced):
    """SAR content that lies at (col + dx, row + dy) is returned at (col, row)."""
    path = make_tiff(smooth, **({} if georeferenced else {"crs": None, "transform": Affine.identity()}))
    dx, dy = shift
    with open_raster(path) as raster:
        read = raster.read(PixelWindow(20, 20, 100, 80), 100, 80, on=raster.info.grid, shift_px=shift)
    rows, cols = np.mgrid[20:100, 20:120]
    expected = 100 + 50 * np.sin((cols + dx) / 5) * np.cos((rows + dy) / 6)
    assert read.valid.all()
    np.testing.assert_allclose(read.values[0], expected, atol=1e-3 if dx == 3 else 1.5)


def test_empty_pixels_stay_empty_and_do_not_bleed(make_tiff, smooth):
    smooth[40:80, 60:120] = np.nan
    path = make_tiff(smooth)  # no nodata tag
    grid = Grid(200, 160, (10.0, 0, 500_003.0, 0, -10.0, 3_999_997.0), "EPSG:32631")
    with open_raster(path) as raster:
        read = raster.read(PixelWindow(0, 0, 200, 160), 200, 160, on=grid)
    assert not read.valid[41:78, 61:118].any()
    assert read.valid[:38, :195].all()
    assert 49 <= read.values[0][read.valid].min() <= read.values[0][read.valid].max() <= 151


def test_nowhere_near(make_tiff, smooth):
    far = Grid(10, 10, (10.0, 0, 700_000.0, 0, -10.0, 1_000_000.0), "EPSG:32631")
    with open_raster(make_tiff(smooth)) as raster:
        assert not raster.read(PixelWindow(0, 0, 10, 10), 10, 10, on=far).valid.any()
        assert identify(raster, 5, 5, on=far).values == (None,)


def test_no_common_frame_is_refused(make_tiff, smooth):
    path = make_tiff(smooth, crs=None, transform=Affine.identity())
    with open_raster(path) as raster, pytest.raises(InputRefused, match="without a georeference on both"):
        raster.read(PixelWindow(0, 0, 10, 10), 10, 10, on=GRID)


def test_ground_control_points(make_tiff, smooth):
    """Control points that follow a turned transform place pixels where that transform does."""
    points = [GroundControlPoint(row, col, *(TURNED @ (col, row))) for row in (0, 80, 160) for col in (0, 100, 200)]
    tied = make_tiff(smooth, "gcps.tif", gcps=(points, rasterio.crs.CRS.from_epsg(32631)))
    plain = make_tiff(smooth, "plain.tif", transform=TURNED)
    with open_raster(tied) as by_points, open_raster(plain) as by_transform:
        assert by_points.info.georeference == "gcps"
        assert "ground control points" in by_points.info.notices[0]
        assert by_points.info.grid.crs == "EPSG:32631"
        window = PixelWindow(0, 0, GRID.width, GRID.height)
        ours = by_points.read(window, 120, 90, on=GRID)
        theirs = by_transform.read(window, 120, 90, on=GRID)
        both = ours.valid & theirs.valid
        assert both.sum() > 0.98 * theirs.valid.sum()
        np.testing.assert_allclose(ours.values[0][both], theirs.values[0][both], atol=0.5)
        small = by_points.read(window, 60, 45, on=GRID)
        np.testing.assert_allclose(small.values[0].mean(), ours.values[0].mean(), atol=1)

        own = by_points.info.grid
        x, y = TURNED @ (100.5, 80.5)
        col, row = own.to_pixel(x, y)
        assert identify(by_points, int(col), int(row)).values[0] == pytest.approx(smooth[80, 100], abs=12)


@pytest.mark.real
def test_rational_polynomials(shared_data):
    """A file with RPC only, against GDAL's own warp of it at the same height."""
    path = shared_data / "io" / "rioxarray" / "test_rpcs.tif"
    with open_raster(path) as raster:
        grid = raster.info.grid
        assert raster.info.georeference == "rpc"
        read = raster.read(PixelWindow(0, 0, grid.width, grid.height), grid.width, grid.height)
        middle = raster.read(PixelWindow(100, 100, 60, 60), 30, 30)
    expected = np.zeros((grid.height, grid.width), np.float32)
    with without_georeference_warning(), rasterio.open(path) as dataset:
        reproject(
            dataset.read(1).astype(np.float32),
            expected,
            rpcs=dataset.rpcs,
            src_crs="EPSG:4326",
            dst_crs="EPSG:4326",
            dst_transform=Affine(*grid.transform),
            resampling=Resampling.bilinear,
            src_nodata=0,
            RPC_HEIGHT=dataset.rpcs.height_off,
        )
    both = read.valid & (expected > 0)
    assert both.sum() > 0.97 * (expected > 0).sum()
    np.testing.assert_allclose(read.values[0][both], expected[both], atol=0.5)
    decimated = expected[100:160, 100:160].reshape(30, 2, 30, 2).mean(axis=(1, 3))
    assert np.corrcoef(middle.values[0].ravel(), decimated.ravel())[0, 1] > 0.97


@pytest.mark.real
def test_the_pair_on_different_grids(shared_data):
    """Optical and SAR of one place whose grids disagree by about 4 px: the same ground comes back."""
    folder = shared_data / "bad_pairs" / "different_grid"
    optical = next(folder.glob("s2a/20200604*/B4.tif"))
    sar = next(folder.glob("s1/*20200607*/VV.tif"))
    with open_raster(optical) as first, open_raster(sar) as second:
        grid = first.info.grid
        read = second.read(PixelWindow(0, 0, 264, 264), 264, 264, on=grid)
        np.testing.assert_allclose(read.values[0][read.valid], reference(sar, grid)[read.valid], atol=0.05)
        assert read.valid.mean() > 0.95


@pytest.mark.real
def test_dateline(shared_data):
    path = shared_data / "io" / "rio_tiler" / "cog_dateline.tif"
    with open_raster(path) as raster:
        grid = raster.info.grid
        other = Grid(
            200,
            200,
            (grid.transform[0] * 10, 0, grid.transform[2] + 37, 0, grid.transform[4] * 10, grid.transform[5] - 41),
            grid.crs,
        )
        assert raster.read(PixelWindow(0, 0, 200, 200), 200, 200, on=other).valid.mean() > 0.9


def test_rotated_transform_is_kept(make_tiff, smooth):
    path = make_tiff(smooth, transform=TURNED)
    with open_raster(path) as raster:
        assert raster.info.grid.transform[1] != 0, "rotated"
        assert raster.info.grid.gsd_m == pytest.approx(10)
        x, y = raster.info.grid.to_map(70.5, 30.5)
        assert rowcol(TURNED, x, y) == (30, 70)
        assert identify(raster, 70, 30).values[0] == pytest.approx(smooth[30, 70])


def test_identify_through_another_crs(make_tiff, smooth):
    path = make_tiff(smooth)
    (x,), (y,) = transform("EPSG:32631", "EPSG:4326", [500_705.0], [3_999_395.0])
    grid = Grid(1, 1, (1e-5, 0, x - 5e-6, 0, -1e-5, y + 5e-6), "EPSG:4326")
    with open_raster(path) as raster:
        assert identify(raster, 0, 0, on=grid).values[0] == pytest.approx(smooth[60, 70])
