"""Exports over real imagery: every format is written, and lies on the ground where the raster does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyogrio
import pyproj
import pytest
import rasterio
import shapely

from engine.export import write_answer
from engine.raster import open_raster
from engine.records import PixelWindow
from tests.engine.export.handmade import AnswerMaker

pytestmark = pytest.mark.real

PAIRS = {
    "sentinel": ("pairs/sentinel_1024/059_opt.tif", "pairs/sentinel_1024/059_sar.tif"),
    "terramesh": ("pairs/terramesh_224/S2L2A/637U_59R_1_3.tif", "pairs/terramesh_224/S1RTC/637U_59R_1_3.tif"),
    "cloudy": (
        "pairs/cloudy_256/ROIs1868_summer_s2_cloudy_19_p30.tif",
        "pairs/cloudy_256/ROIs1868_summer_s1_19_p30.tif",
    ),
    "spacenet": (
        "pairs_and_labels_spacenet/sn6_rotterdam/rgb_unmasked.tif",
        "pairs_and_labels_spacenet/sn6_rotterdam/sar_hh.tif",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_every_format_lies_on_its_raster(
    shared_data: Path, make_answer: AnswerMaker, tmp_path: Path, name: str
) -> None:
    optical, sar = (str(shared_data / path) for path in PAIRS[name])
    with open_raster(optical, sensor="optical") as raster:
        grid, bands = raster.info.grid, raster.info.choice.bands
    window = PixelWindow(10, 20, grid.width // 2, grid.height // 2)
    answer = make_answer(grid, window, optical, sar)
    answer = replace(answer, provenance=replace(answer.provenance, optical_bands=bands))
    files = {path.name.split("_", 2)[2][6:]: path for path in write_answer(answer, tmp_path / "out")}
    assert set(files) == {
        ".geojson", ".gpkg", ".html", "_answer.json", "_optical.pgw", "_optical.png", "_regions-sar.tif",
        "_sar.pgw", "_sar.png", "_trust.tif", "_view.png",
    }  # fmt: skip
    box = [window.box.x0, window.box.y0, window.box.x1, window.box.y1]
    with rasterio.open(optical) as dataset:  # what another program says about where the raster is
        crs, to_pixel = pyproj.CRS(dataset.crs.to_wkt()), ~dataset.transform
    for ending in (".geojson", ".gpkg"):
        meta, _, (wkb,), _ = pyogrio.raw.read(files[ending], layer=0)
        there = pyproj.Transformer.from_crs(meta["crs"], crs, always_xy=True)
        points = [to_pixel @ there.transform(*point) for point in shapely.from_wkb(wkb).exterior.coords]
        cols, rows = zip(*points, strict=True)
        assert [min(cols), min(rows), max(cols), max(rows)] == pytest.approx(box, abs=0.01)
    with rasterio.open(files["_trust.tif"]) as dataset:
        assert pyproj.CRS(dataset.crs.to_wkt()).equals(crs, ignore_axis_order=True)
        left, top = to_pixel @ (dataset.transform @ (0, 0))
        assert (left, top) == pytest.approx(
            (answer.explanations["trust"].extent_px.x0, answer.explanations["trust"].extent_px.y0), abs=0.01
        )
