from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from engine.errors import ExportRefused
from engine.raster import open_raster, write_cog, write_geotiff, write_png
from engine.raster import writing as writing_module
from engine.records import Grid

GRID = Grid(600, 520, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), "EPSG:32631", 10.0)
TURNED = Grid(60, 50, (8.0, 2.0, 500_000.0, 2.0, -8.0, 4_000_000.0), "EPSG:32631")
PIXELS = Grid(60, 50, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


@pytest.mark.parametrize("write", [write_geotiff, write_cog])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_what_is_written_is_read(tmp_path, write, dtype):
    array = np.random.default_rng(0).integers(0, 200, (2, 520, 600)).astype(dtype)
    path = tmp_path / "new folder" / "map.tif"
    write(path, array, GRID, nodata=7, tags={"MODEL": "tgfnet"}, descriptions=("first", "second"))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), array)
        assert dataset.crs == CRS.from_epsg(32631)
        assert tuple(dataset.transform)[:6] == GRID.transform
        assert dataset.nodata == 7
        assert dataset.tags()["MODEL"] == "tgfnet"
        assert dataset.descriptions == ("first", "second")
        assert dataset.compression.name.lower() == "deflate"
        assert dataset.block_shapes[0] == (256, 256)
        assert bool(dataset.overviews(1)) == (write is write_cog)
        assert (dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG") == (write is write_cog)
    assert [p.name for p in path.parent.iterdir()] == ["map.tif"]


@pytest.mark.parametrize("grid", [TURNED, PIXELS])
def test_turned_and_without_crs(tmp_path, grid):
    write_geotiff(tmp_path / "a.tif", np.ones((50, 60), np.float32), grid, nodata=float("nan"))
    with open_raster(tmp_path / "a.tif") as raster:
        assert raster.info.grid.transform == grid.transform
        assert raster.info.grid.crs == grid.crs


def test_png_with_its_world_file(tmp_path):
    rgba = np.random.default_rng(0).integers(0, 255, (50, 60, 4)).astype(np.uint8)
    files = write_png(tmp_path / "view.png", rgba, TURNED)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["view.pgw", "view.png"]
    assert set(files) == set(tmp_path.iterdir())
    with rasterio.open(tmp_path / "view.png") as dataset:
        np.testing.assert_array_equal(dataset.read().transpose(1, 2, 0), rgba)
        assert tuple(dataset.transform)[:6] == pytest.approx(TURNED.transform)


@pytest.mark.parametrize("write", [write_geotiff, write_cog, write_png])
def test_a_shape_that_does_not_fit_is_refused(tmp_path, write):
    with pytest.raises(ExportRefused, match="520 rows and 600 columns"):
        write(tmp_path / "a.out", np.zeros((5, 6, 4), np.uint8), GRID)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_geotiff, write_cog])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, write, monkeypatch):
    path = tmp_path / "a.tif"
    path.write_text("the old one")

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(writing_module.os, "fsync", full)
    with pytest.raises(ExportRefused, match=r"a\.tif cannot be written: No space left on device\.") as refusal:
        write(path, np.zeros((520, 600), np.uint8), GRID)
    assert str(tmp_path) in refusal.value.remedy
    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_full_disk(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(ExportRefused):
        write_geotiff(full / "a.tif", np.zeros((520, 600), np.uint8), GRID)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportRefused, match=r"a\.tif cannot be written"):
        write_cog(tmp_path / "file" / "a.tif", np.zeros((520, 600), np.uint8), GRID)
