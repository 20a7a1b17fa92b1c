"""GeoJSON and GeoPackage, read back by other programs' readers: the right place, the right words."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import pyproj
import pytest
import shapely

from engine.errors import ExportRefused
from engine.export.geojson import write_geojson
from engine.export.geopackage import write_geopackage
from engine.export.properties import flat_properties
from engine.export.regions import key_regions
from engine.records import Answer, ExpertOpinion, Grid, PixelWindow
from tests.engine.export.handmade import UTM, WINDOW, AnswerMaker

ROOT = Path(__file__).resolve().parents[3]
ROTATED = Grid(400, 300, (8.0, 3.0, 500000.0, 3.0, -8.0, 5000000.0), "EPSG:32631", 8.5)
MARS = Grid(400, 300, (100.0, 0.0, 10000.0, 0.0, -100.0, 20000.0), "IAU_2015:49910", 100.0)
NO_CRS = Grid(400, 300, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
FIJI = Grid(400, 300, (100.0, 0.0, 160000.0, 0.0, -100.0, 8000000.0), "EPSG:32701", 100.0)


def read_layer(path: Path, layer: str) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    meta, _, geometry, columns = pyogrio.raw.read(path, layer=layer)
    return meta, shapely.from_wkb(geometry), dict(zip(meta["fields"], columns, strict=True))


def corners_px(grid: Grid, polygon: Any, to_scene: pyproj.Transformer | None = None) -> np.ndarray:
    points = polygon.exterior.coords
    if to_scene is not None:
        points = [to_scene.transform(*point) for point in points]
    return np.array([grid.to_pixel(*point) for point in points])


def bounds_px(pixels: np.ndarray) -> list[float]:
    return [*pixels.min(axis=0), *pixels.max(axis=0)]


WINDOW_BOUNDS = [WINDOW.box.x0, WINDOW.box.y0, WINDOW.box.x1, WINDOW.box.y1]


@pytest.mark.parametrize("grid", [UTM, ROTATED], ids=["utm", "rotated"])
def test_geojson_lies_where_the_area_lies(make_answer: AnswerMaker, tmp_path: Path, grid: Grid) -> None:
    path = tmp_path / "a.geojson"
    write_geojson(path, make_answer(grid))
    meta, (polygon,), _ = read_layer(path, "a")
    assert pyproj.CRS(meta["crs"]).to_authority() in (("OGC", "CRS84"), ("EPSG", "4326"))
    pixels = corners_px(grid, polygon, pyproj.Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True))
    assert bounds_px(pixels) == pytest.approx(WINDOW_BOUNDS, abs=0.01)


def test_geojson_follows_rfc_7946(make_answer: AnswerMaker, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    write_geojson(path, make_answer())
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["type"] == "FeatureCollection"
    assert "crs" not in data
    (feature,) = data["features"]
    ring = feature["geometry"]["coordinates"][0]
    polygon = shapely.geometry.shape(feature["geometry"])
    assert ring[0] == ring[-1]
    assert polygon.is_valid
    assert polygon.exterior.is_ccw
    assert feature["bbox"] == pytest.approx(polygon.bounds)
    west, south, _, _ = feature["bbox"]
    assert 3 < west < 3.1  # longitude first: the tile is at 3° E, 45° N
    assert 45 < south < 45.2


def test_geojson_at_the_date_line_is_cut_and_its_bbox_wraps(make_answer: AnswerMaker, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    window = PixelWindow(0, 0, 400, 300)
    write_geojson(path, make_answer(FIJI, window))
    (feature,) = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    parts = shapely.geometry.shape(feature["geometry"])
    assert parts.is_valid
    assert all(part.exterior.is_ccw for part in parts.geoms)
    east_part, west_part = sorted(parts.geoms, key=lambda part: -part.bounds[0])
    assert east_part.bounds[2] == 180
    assert west_part.bounds[0] == -180
    west, _, east, _ = feature["bbox"]
    assert west == pytest.approx(east_part.bounds[0])
    assert east == pytest.approx(west_part.bounds[2])
    assert west > east
    back = pyproj.Transformer.from_crs("OGC:CRS84", FIJI.crs, always_xy=True)
    pixels = np.concatenate([corners_px(FIJI, part, back) for part in parts.geoms])
    assert bounds_px(pixels) == pytest.approx([0, 0, 400, 300], abs=0.01)


@pytest.mark.parametrize("grid", [MARS, NO_CRS], ids=["mars", "no CRS"])
def test_geojson_is_refused_where_there_is_no_longitude_on_earth(
    make_answer: AnswerMaker, tmp_path: Path, grid: Grid
) -> None:
    with pytest.raises(ExportRefused, match="GeoJSON"):
        write_geojson(tmp_path / "a.geojson", make_answer(grid))


@pytest.mark.parametrize("grid", [UTM, ROTATED, MARS, NO_CRS], ids=["utm", "rotated", "mars", "no CRS"])
def test_geopackage_lies_where_the_area_lies(make_answer: AnswerMaker, tmp_path: Path, grid: Grid) -> None:
    path = tmp_path / "a.gpkg"
    answer = make_answer(grid)
    write_geopackage(path, answer, key_regions(answer))
    assert [name for name, _ in pyogrio.list_layers(path)] == ["answers", "key_regions"]
    meta, (polygon,), _ = read_layer(path, "answers")
    if grid.crs is None:
        assert meta["crs"] is None or "Undefined" in meta["crs"]
    else:
        assert pyproj.CRS(meta["crs"]).equals(pyproj.CRS(grid.crs), ignore_axis_order=True)
    assert bounds_px(corners_px(grid, polygon)) == pytest.approx(WINDOW_BOUNDS, abs=0.01)


def test_geopackage_takes_a_crs_as_wkt(make_answer: AnswerMaker, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    wkt = pyproj.CRS("EPSG:3395").to_wkt("WKT2_2019")
    write_geopackage(path, make_answer(replace(UTM, crs=wkt)), ())
    assert pyproj.CRS(pyogrio.read_info(path)["crs"]).to_epsg() == 3395


def test_geopackage_keeps_every_property_with_its_type(make_answer: AnswerMaker, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    answer = make_answer(optical="/data/o.tif", messages=("No overviews.", "Said aloud."), error_rate=0.1)
    write_geopackage(path, answer, ())
    _, _, columns = read_layer(path, "answers")
    assert {name: column[0] for name, column in columns.items()} == flat_properties(answer)
    types = {name: str(column.dtype) for name, column in columns.items()}
    assert types["confidence"] == "float64"
    assert types["width_px"] == "int64"
    assert types["shift_is_sure"] == "bool"


def test_the_columns_are_the_same_whatever_is_missing(make_answer: AnswerMaker, tmp_path: Path) -> None:
    """A GIS appends exports of many answers into one layer, so a missing value must not change a column's type."""
    full, bare = tmp_path / "full.gpkg", tmp_path / "bare.gpkg"
    answer = make_answer()
    write_geopackage(full, answer, ())
    lonely = _without_sar(answer)
    write_geopackage(bare, lonely, ())
    info = pyogrio.read_info(full), pyogrio.read_info(bare)
    assert list(info[0]["fields"]) == list(info[1]["fields"])
    assert list(info[0]["dtypes"]) == list(info[1]["dtypes"])
    _, _, columns = read_layer(bare, "answers")
    assert np.isnan(columns["sar_weight"][0])
    assert columns["sar_answer"][0] is None


def _without_sar(answer: Answer) -> Answer:
    return replace(
        answer,
        experts={"optical": ExpertOpinion("yes", 0.9, 0.6)},
        gate=replace(answer.gate, verdict="single-sensor", shift_px=None, shift_m=None),
        area=replace(answer.area, model_gsd_m=None, valid_sar=None),
    )


def test_key_regions_are_rectangles_inside_the_area_best_first(make_answer: AnswerMaker, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    answer = make_answer()
    write_geopackage(path, answer, key_regions(answer))
    _, polygons, columns = read_layer(path, "key_regions")
    assert list(columns["score"]) == pytest.approx([0.9, 0.4])  # the one in the padding is no ground
    assert list(columns["sensor"]) == ["sar", "sar"]
    # Row 3, column 2 of 7 x 7 cells over the square (40, -20)…(240, 180): 200/7 px a cell.
    cell = 200 / 7
    wanted = [40 + 2 * cell, -20 + 3 * cell, 40 + 3 * cell, -20 + 4 * cell]
    assert bounds_px(corners_px(UTM, polygons[0])) == pytest.approx(wanted, abs=0.01)


def test_a_vanished_map_is_named(make_answer: AnswerMaker) -> None:
    answer = make_answer()
    Path(answer.explanations["regions-sar"].path).unlink()
    with pytest.raises(ExportRefused, match="regions-sar"):
        key_regions(answer)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from engine.errors import ExportRefused
from engine.export.geopackage import write_geopackage
from engine.export.regions import key_regions
from tests.engine.export.handmade import answer_by_hand

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
answer = answer_by_hand(folder)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write beyond the limit fails like one on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write_geopackage(folder / "a.gpkg", answer, key_regions(answer))
except ExportRefused as refusal:
    sys.exit(f"refused: {refusal}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
@pytest.mark.parametrize("limit", [4_096, 76_000, 90_000])
def test_a_geopackage_that_the_disk_cut_short_is_refused(tmp_path: Path, limit: int) -> None:
    """GDAL alone closes some of these files without an error, a table or an index short."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(limit)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1
    assert "refused: “a.gpkg” cannot be written" in done.stderr
