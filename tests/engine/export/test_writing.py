"""Whole exports of a real (small) pair: what lies in the folder, where it lies on the map, and nothing on failure."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from PIL import Image
from rasterio.windows import from_bounds

import engine.export.geopackage
import engine.export.writing
from engine.errors import ExportRefused, RasterUnreadable, UsageError
from engine.export import FORMATS, answer_object, refused_formats, write_answer
from engine.export.names import stem
from engine.protocol import from_json, to_json
from engine.raster import write_geotiff
from engine.records import Answer, Grid, PixelWindow
from tests.engine.export.handmade import UTM, WINDOW, AnswerMaker

ROTATED = Grid(400, 300, (8.0, 3.0, 500000.0, 3.0, -8.0, 5000000.0), "EPSG:32631", 8.5)
MARS = Grid(400, 300, (100.0, 0.0, 10000.0, 0.0, -100.0, 20000.0), "IAU_2015:49910", 100.0)
NO_CRS = Grid(400, 300, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def pair_on(folder: Path, grid: Grid) -> tuple[str, str]:
    """An optical and a SAR file with a bright square over columns 100–150, rows 60–100."""
    rng = np.random.default_rng(7)
    optical = rng.integers(20, 60, (3, grid.height, grid.width), dtype=np.uint8)
    sar = rng.normal(-14, 2, (grid.height, grid.width)).astype(np.float32)
    optical[:, 60:100, 100:150] = 250
    sar[60:100, 100:150] = 3
    paths = str(folder / "opt.tif"), str(folder / "sar.tif")
    write_geotiff(paths[0], optical, grid)
    write_geotiff(paths[1], sar, grid)
    return paths


@pytest.fixture
def make_pair_answer(make_answer: AnswerMaker, tmp_path: Path) -> AnswerMaker:
    def make(grid: Grid = UTM, **fields: object) -> Answer:
        optical, sar = pair_on(tmp_path, grid)
        return make_answer(grid, optical=optical, sar=sar, **fields)

    return make


@pytest.mark.parametrize("grid", [UTM, ROTATED], ids=["utm", "rotated"])
def test_every_format_is_written_and_named_alike(make_pair_answer: AnswerMaker, tmp_path: Path, grid: Grid) -> None:
    answer = make_pair_answer(grid)
    files = write_answer(answer, tmp_path / "out")
    base = stem(answer)
    assert [path.name.removeprefix(base) for path in files] == [
        ".geojson", ".gpkg", ".html", "_answer.json", "_optical.pgw", "_optical.png", "_regions-sar.tif",
        "_sar.pgw", "_sar.png", "_trust.tif", "_view.png",
    ]  # fmt: skip
    assert sorted(files) == sorted((tmp_path / "out").iterdir())  # nothing else, nothing hidden


@pytest.mark.parametrize("grid", [UTM, ROTATED, MARS, NO_CRS], ids=["utm", "rotated", "mars", "no CRS"])
def test_maps_lie_on_their_own_grid(make_pair_answer: AnswerMaker, tmp_path: Path, grid: Grid) -> None:
    answer = make_pair_answer(grid)
    files = write_answer(answer, tmp_path / "out", ("cog",))
    for path, (name, one) in zip(files, sorted(answer.explanations.items()), strict=True):
        with rasterio.open(path) as dataset:
            assert dataset.dtypes == ("float32",)
            assert np.isnan(dataset.nodata)
            assert np.array_equal(dataset.read(1), np.load(one.path), equal_nan=True)
            if grid.crs is None:
                assert dataset.crs is None
            else:
                assert pyproj.CRS(dataset.crs.to_wkt()).equals(pyproj.CRS(grid.crs), ignore_axis_order=True)
            rows, cols = one.shape
            corners = [grid.to_pixel(*(dataset.transform @ at)) for at in ((0, 0), (cols, 0), (cols, rows), (0, rows))]
            assert np.array(corners) == pytest.approx(np.array(one.extent_px.corners), abs=0.01)
            tags = dataset.tags()
            assert tags["QUESTION"] == answer.question
            assert tags["MODEL_SHA256"] == answer.provenance.model_sha256
            assert tags["SENSOR"] == one.sensor, name


def test_maps_are_cloud_optimised(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    (path, *_) = write_answer(make_pair_answer(), tmp_path / "out", ("cog",))
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    # The structural metadata of a COG (GDAL's "ghost area") stands right behind the header, before any pixel.
    assert b"LAYOUT=IFDS_BEFORE_DATA" in path.read_bytes()[:100]


def test_single_views_lie_where_the_world_file_says(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    files = write_answer(make_pair_answer(), tmp_path / "out", ("png",))
    for path in (file for file in files if file.name.endswith(("_optical.png", "_sar.png"))):
        with rasterio.open(path) as dataset:
            left, top = UTM.to_map(WINDOW.box.x0, WINDOW.box.y0)
            assert (dataset.bounds.left, dataset.bounds.top) == pytest.approx((left, top))
            # The bright square of the scene is where it should be: its mean is high inside and low around.
            square = (*UTM.to_map(102, 98), *UTM.to_map(148, 62))
            inside = dataset.read(1, window=from_bounds(*square, dataset.transform))
            assert inside.mean() > 240
            assert dataset.read(1).mean() < 160


def test_sar_is_drawn_where_the_answer_moved_it(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    """SAR content found 12 columns right and 5 rows up of optical is drawn 12 columns left and 5 rows down again."""
    answer = make_pair_answer(shift_applied=(12.0, -5.0))
    files = write_answer(answer, tmp_path / "out", ("png",))
    (sar,) = (file for file in files if file.name.endswith("_sar.png"))
    with Image.open(sar) as picture:  # enlarged by three; its first pixel is the window's
        grey = np.asarray(picture.convert("L"))
    left, top = 3 * (100 - 12 - WINDOW.col_off), 3 * (60 + 5 - WINDOW.row_off)
    assert grey[top : top + 120, left : left + 150].min() == 255
    around = (grey[top - 3 : top, left : left + 150], grey[top : top + 120, left + 150 : left + 153])
    assert max(strip.mean() for strip in around) < 180


def test_the_poster_has_both_views_and_the_regions(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    files = write_answer(make_pair_answer(), tmp_path / "out", ("png",))
    (view,) = (file for file in files if file.name.endswith("_view.png"))
    with Image.open(view) as picture:
        assert picture.width > 2 * 3 * WINDOW.width  # enlarged by three, side by side
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    assert {(0x56, 0xB4, 0xE9), (0xE6, 0x9F, 0x00), (0x00, 0x9E, 0x73), (255, 255, 255)} <= colours


def test_one_sensor_makes_one_view(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    answer = make_pair_answer()
    answer = replace(
        answer,
        area=replace(answer.area, valid_optical=None),
        provenance=replace(answer.provenance, optical=None, optical_bands=()),
    )
    names = [path.name for path in write_answer(answer, tmp_path / "out", ("png", "html"))]
    assert not any("optical" in name for name in names)
    assert any(name.endswith("_sar.png") for name in names)


def test_answer_json_is_what_the_command_line_prints(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    answer = make_pair_answer()
    files = write_answer(answer, tmp_path / "out")
    (path,) = (file for file in files if file.name.endswith("_answer.json"))
    written = json.loads(path.read_text(encoding="utf-8"))
    complete = replace(answer, files=tuple(map(str, files)))
    assert written == json.loads(to_json(answer_object(complete)))
    assert written["files"] == list(map(str, files))
    assert {name: Path(tif).suffix for name, tif in written["explanations"].items()} == {
        "regions-sar": ".tif",
        "trust": ".tif",
    }
    assert set(written) >= {
        "answer",
        "confidence",
        "alternatives",
        "answer_set",
        "experts",
        "area",
        "gate",
        "provenance",
    }


def test_an_answer_survives_the_wire_before_export(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    """The desktop exports through the worker, from the JSON of the record."""
    answer = make_pair_answer()
    again = from_json(to_json(answer), Answer)
    assert [path.name for path in write_answer(again, tmp_path / "a")] == [
        path.name for path in write_answer(answer, tmp_path / "b")
    ]


@pytest.mark.parametrize("grid", [MARS, NO_CRS], ids=["mars", "no CRS"])
def test_what_cannot_be_geojson_is_said_and_the_rest_is_written(
    make_pair_answer: AnswerMaker, tmp_path: Path, grid: Grid
) -> None:
    answer = make_pair_answer(grid)
    (reason,) = refused_formats(answer).values()
    files = write_answer(answer, tmp_path / "out")
    endings = {path.suffix for path in files}
    assert ".geojson" not in endings
    assert {".gpkg", ".tif", ".png", ".html", ".json"} <= endings
    (path,) = (file for file in files if file.name.endswith("_answer.json"))
    assert reason in json.loads(path.read_text(encoding="utf-8"))["messages"]
    with pytest.raises(ExportRefused, match="GeoJSON"):
        write_answer(answer, tmp_path / "only", ("geojson",))
    assert not (tmp_path / "only").exists()


def test_an_unknown_format_is_a_usage_error(make_answer: AnswerMaker, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shp"):
        write_answer(make_answer(), tmp_path / "out", ("geojson", "shp"))


def test_a_vanished_raster_is_named_and_nothing_is_written(make_pair_answer: AnswerMaker, tmp_path: Path) -> None:
    answer = make_pair_answer()
    Path(answer.provenance.sar or "").unlink()
    with pytest.raises(RasterUnreadable, match=r"sar\.tif"):
        write_answer(answer, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("failing", FORMATS)
def test_a_disk_that_fills_up_leaves_the_folder_as_it_was(
    make_pair_answer: AnswerMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Whichever format hits the full disk: the former export is still whole, and nothing of the new one is there."""
    answer, out = make_pair_answer(), tmp_path / "out"
    before = {path: path.read_bytes() for path in write_answer(answer, out, (failing,))}
    write = engine.export.writing._WRITERS[failing]

    def full(export: engine.export.writing._Export) -> None:
        write(export)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(engine.export.writing._WRITERS, failing, full)
    with pytest.raises(ExportRefused, match="No space left") as refusal:
        write_answer(answer, out, (failing,))
    assert "room" in refusal.value.remedy
    assert str(out) in str(refusal.value)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_gdal_failing_to_write_is_a_refusal(
    make_pair_answer: AnswerMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise engine.export.geopackage.DataSourceError("sqlite3_exec() failed: database or disk is full")

    monkeypatch.setattr(engine.export.geopackage.pyogrio.raw, "write", full)
    with pytest.raises(ExportRefused, match="disk is full"):
        write_answer(make_pair_answer(), tmp_path / "out", ("gpkg",))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(make_answer: AnswerMaker, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ExportRefused, match="out") as refusal:
        write_answer(make_answer(), tmp_path / "out", ("geojson",))
    assert "file stands" in refusal.value.remedy
    assert (tmp_path / "out").read_text() == "mine"


def test_exporting_again_replaces_only_its_own_files(make_answer: AnswerMaker, tmp_path: Path) -> None:
    answer = make_answer()
    first = write_answer(answer, tmp_path, ("geojson",))
    assert write_answer(answer, tmp_path, ("geojson",)) == first
    other = make_answer(window=PixelWindow(0, 0, 50, 50))
    assert write_answer(other, tmp_path, ("geojson",)) != first
    assert len(list(tmp_path.glob("*.geojson"))) == 2
