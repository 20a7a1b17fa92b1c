"""A map of answers in every format, read back by other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import rasterio.shutil
import shapely
from PIL import Image

from engine.cli.tiled_answer import tiled_text
from engine.errors import ExportRefused, UsageError
from engine.export import TILED_FORMATS, tiled_object, write_tiled_answer
from engine.export.tiled.files import in_cells
from engine.export.tiled.picture import answers_picture
from engine.export.tiled.rows import COLOURS, letter, letter_map, tile_rows
from engine.export.views import View, rgb
from engine.raster import write_geotiff
from engine.records import Grid, PixelWindow, TiledAnswer
from tests.engine.export.handmade import UTM
from tests.engine.export.handmade_tiles import MAP, WINDOW, tiled_by_hand
from tests.engine.export.test_report import Page

Maker = Callable[..., TiledAnswer]


@pytest.fixture
def make_tiled(tmp_path: Path) -> Maker:
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    return partial(tiled_by_hand, arrays)


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, str]:
    paths = {"optical": str(tmp_path / "opt.tif"), "sar": str(tmp_path / "sar.tif")}
    ramp = np.tile(np.linspace(20, 200, 400), (300, 1))
    write_geotiff(paths["optical"], np.stack([ramp] * 3).astype(np.uint8), UTM)
    write_geotiff(paths["sar"], (ramp / 20 - 20).astype(np.float32), UTM)
    return paths


def by_ending(files: tuple[Path, ...]) -> dict[str, Path]:
    return {path.name.split("_", 2)[2][6:]: path for path in files}


def test_every_format_is_written(make_tiled: Maker, pair: dict[str, str], tmp_path: Path) -> None:
    files = by_ending(write_tiled_answer(make_tiled(**pair), tmp_path / "out"))
    assert set(files) == {
        "_answers.tif", "_answers.tif.aux.xml", "_confidence.tif", "_tiles.csv", "_tiles.geojson", "_tiles.gpkg",
        "_tiles.html", "_tiles.json",
    }  # fmt: skip
    assert all(path.name.startswith("what-is-the-main-land-cover_20261121T104455Z_") for path in files.values())


def test_polygons_lie_on_their_tiles(make_tiled: Maker, tmp_path: Path) -> None:
    answer = make_tiled()
    files = by_ending(write_tiled_answer(answer, tmp_path, ("geojson", "gpkg")))
    to_pixel = ~rasterio.Affine(*UTM.transform)
    for ending in ("_tiles.geojson", "_tiles.gpkg"):
        meta, _, shapes, columns = pyogrio.raw.read(files[ending], layer="tiles" if ending.endswith("gpkg") else None)
        there = pyproj.Transformer.from_crs(meta["crs"], UTM.crs, always_xy=True)
        values = dict(zip(meta["fields"].tolist(), columns, strict=True))
        assert len(shapes) == answer.grid.tiles
        for i, wkb in enumerate(shapes):
            points = [to_pixel @ there.transform(*point) for point in shapely.from_wkb(wkb).exterior.coords]
            cols, rows = zip(*points, strict=True)
            box = answer.grid.tile(int(values["row"][i]), int(values["column"][i])).box
            assert [min(cols), min(rows), max(cols), max(rows)] == pytest.approx(
                [box.x0, box.y0, box.x1, box.y1], abs=0.01
            )
        assert values["answer"].tolist() == ["water", "water", "water", "forest", None, None]
        assert values["state"].tolist()[2:5] == ["single-sensor", "answered", "not-answerable"]
        assert values["confidence"][0] == pytest.approx(0.9)
        assert np.isnan(values["confidence"][4])
    union = shapely.union_all(shapely.from_wkb(shapes))
    assert union.area == pytest.approx(200 * 100 * 10 * 10), "together the tiles are the area"


def test_the_geopackage_tells_of_the_whole(make_tiled: Maker, tmp_path: Path) -> None:
    (path,) = write_tiled_answer(make_tiled(), tmp_path, ("gpkg",))
    assert {name for name, _ in pyogrio.list_layers(path)} == {"tiles", "tiled_answers"}
    meta, _, (wkb,), columns = pyogrio.raw.read(path, layer="tiled_answers")
    values = {name: column[0] for name, column in zip(meta["fields"].tolist(), columns, strict=True)}
    assert shapely.from_wkb(wkb).area == pytest.approx(2_000_000)
    assert (values["tiles"], values["tile_side_px"], values["answer"]) == (6, 80, "water")
    assert [count["answer"] for count in json.loads(values["counts"])] == ["water", "forest"]
    assert values["model_sha256"] == "ab" * 32


def test_geojson_is_rfc_7946_with_the_table_beside(make_tiled: Maker, tmp_path: Path) -> None:
    (path,) = write_tiled_answer(make_tiled(messages=("Take care.",)), tmp_path, ("geojson",))
    collection = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in collection
    assert collection["question"] == "What is the main land cover?"
    assert collection["messages"] == ["Take care."]
    assert sum(count["tiles"] for count in collection["counts"]) == 4
    for feature in collection["features"]:
        ring = feature["geometry"]["coordinates"][0]
        assert shapely.LinearRing(ring).is_ccw
        assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in ring)


def test_cogs_lie_on_the_tiles_with_colours_and_names(make_tiled: Maker, tmp_path: Path) -> None:
    files = by_ending(write_tiled_answer(make_tiled(), tmp_path, ("cog",)))
    with rasterio.open(files["_answers.tif"]) as dataset:
        values = dataset.read(1)
        assert values.shape == (20, 40), "200 x 100 px in sixteenths of 80 px"
        assert (values[:16] == 0).all()
        assert (values[16:, :16] == 1).all()
        assert dataset.nodata == 255
        assert (values[16:, 16:] == 255).all()
        assert dataset.bounds == pytest.approx((500400, 4998700, 502400, 4999700)), "as large as the area"
        assert dataset.transform @ (0, 0) == UTM.to_map(WINDOW.col_off, WINDOW.row_off)
        assert dataset.colormap(1)[1] == (*rgb(COLOURS[1]), 255)
        assert {dataset.tags()[f"CLASS_{i}"] for i in (0, 1)} == {"water", "forest"}
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    rasterio.shutil.copy(files["_answers.tif"], tmp_path / "names.vrt", driver="VRT")
    named = ElementTree.parse(tmp_path / "names.vrt").iter("Category")
    assert [category.text for category in named] == ["water", "forest"], "GDAL finds the names of the classes"
    with rasterio.open(files["_confidence.tif"]) as dataset:
        values = dataset.read(1)
        assert values.dtype == np.float32
        assert values[:16] == pytest.approx(0.9)
        assert np.isnan(values[16:, 16:]).all()


def test_a_cog_reaches_past_the_area_by_less_than_a_cell(make_tiled: Maker) -> None:
    """101 x 7 px in tiles of 40 px: three tiles, the last of 21 px, all of 7 px high."""
    answer = make_tiled(window=PixelWindow(3, 5, 101, 7), side_px=40, letters=("ABA",))
    cells, grid = in_cells(answer, np.array([7, 8, 9]))
    assert cells.shape == (3, 41)
    assert [np.count_nonzero(cells[0] == value) for value in (7, 8, 9)] == [16, 16, 9]
    right, bottom = UTM.to_pixel(*grid.to_map(grid.width, grid.height))
    assert 0 <= right - 104 < 2.5
    assert 0 <= bottom - 12 < 2.5


def test_csv_has_a_line_per_tile(make_tiled: Maker, tmp_path: Path) -> None:
    (path,) = write_tiled_answer(make_tiled(names=('wa"ter, deep', "forest")), tmp_path, ("csv",))
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6
    assert lines[0]["answer"] == 'wa"ter, deep'
    assert (lines[5]["answer"], lines[5]["confidence"], lines[5]["state"]) == ("", "", "not-answerable")
    assert (lines[5]["width_px"], lines[5]["height_px"]) == ("40", "20")
    assert (float(lines[0]["x_centre"]), float(lines[0]["y_centre"])) == UTM.to_map(80, 70)


def test_json_spells_the_tiles_out(make_tiled: Maker, pair: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = write_tiled_answer(make_tiled(**pair), out)
    said = json.loads(by_ending(files)["_tiles.json"].read_text(encoding="utf-8"))
    assert said["files"] == sorted(map(str, out.iterdir()))
    assert "arrays" not in said
    assert len(said["tiles"]) == 6
    assert said["grid"] == {
        "window": {"col_off": 40, "row_off": 30, "width": 200, "height": 100}, "side_px": 80, "rows": 2, "columns": 3,
    }  # fmt: skip
    assert {"question", "counts", "states", "area", "gate", "provenance", "messages"} <= set(said)


def test_the_page_shows_map_and_table_and_is_self_contained(
    make_tiled: Maker, pair: dict[str, str], tmp_path: Path
) -> None:
    question = '<script>alert(1)</script> & "quotes"?'
    (path,) = write_tiled_answer(make_tiled(question=question, messages=("Take care.",), **pair), tmp_path, ("html",))
    page = Page(path.read_text(encoding="utf-8"))
    addresses = [attributes.get("src") or attributes.get("href") for _, attributes in page.tags]
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses if address)
    assert sum(tag == "img" for tag, _ in page.tags) == 4  # answers, confidence, optical, SAR
    assert not any(tag in ("script", "link") for tag, _ in page.tags)
    assert question in page.text
    text = " ".join(page.text)
    for said in ("water", "forest", "3 x 2 tiles of 80 px (800 m)", "Take care.", "ab" * 32, "EPSG:32631"):
        assert said in text


def test_the_picture_has_each_tile_in_its_colour(make_tiled: Maker) -> None:
    """Pictures of one grey pixel per raster pixel: the middle of a cell's quarter, away from letter and line."""
    answer = make_tiled()
    grey = View("optical", "Optical", "", np.full((100, 200, 4), (100, 100, 100, 255), np.uint8))
    picture = answers_picture(grey, tile_rows(answer), answer.area.window.box)
    assert isinstance(picture, Image.Image)
    share = 120 / 255
    for at, colour in (((20, 20), COLOURS[0]), ((100, 20), COLOURS[0]), ((10, 90), COLOURS[1])):
        expected = [100 * (1 - share) + channel * share for channel in rgb(colour)]
        assert picture.getpixel(at) == pytest.approx(expected, abs=2)
    assert picture.getpixel((100, 95)) == (100, 100, 100), "nothing is laid over what is not answerable"


def test_letters_fit_the_alphabet_and_say_the_rest(make_tiled: Maker) -> None:
    answer = make_tiled()
    assert letter_map(answer, tile_rows(answer)) == "\n".join(MAP).replace(".", "·")
    assert [letter(place) for place in (-1, 0, 25, 26, 300)] == ["·", "A", "Z", "+", "+"]


def test_the_terminal_shows_table_and_map(make_tiled: Maker) -> None:
    text = tiled_text(make_tiled(files=("a.tif",)))
    assert "3 x 2 tiles of 80 px (800 m): 3 answered · 1 answered by one sensor alone · 2 not answerable" in text
    assert "AAa" in text
    assert "small letter: one sensor alone, · not answerable" in text
    lines = text.splitlines()
    water = next(line for line in lines if " water " in line)
    assert [word for word in water.split() if word != "water"] == ["A", "3", "91", "%", "1.6", "km²", "90", "%"]
    assert lines[-1].split() == ["Wrote", "a.tif"]


def test_a_map_too_wide_for_a_terminal_is_left_out(make_tiled: Maker) -> None:
    wide = make_tiled(window=PixelWindow(0, 0, 120, 1), side_px=1, letters=("A" * 119 + "B",))
    assert "AAA" not in tiled_text(wide)


def test_without_a_place_on_earth_there_is_no_geojson(make_tiled: Maker, tmp_path: Path) -> None:
    plain = Grid(400, 300, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    answer = make_tiled(grid=plain)
    files = by_ending(write_tiled_answer(answer, tmp_path / "out", ("geojson", "gpkg", "json")))
    assert set(files) == {"_tiles.gpkg", "_tiles.json"}
    said = json.loads(files["_tiles.json"].read_text(encoding="utf-8"))
    assert any("no CRS" in message for message in said["messages"])
    with pytest.raises(ExportRefused, match="no CRS"):
        write_tiled_answer(answer, tmp_path / "none", ("geojson",))
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_written_leaves_nothing(make_tiled: Maker, tmp_path: Path) -> None:
    answer = make_tiled()
    with pytest.raises(UsageError, match="png"):
        write_tiled_answer(answer, tmp_path / "out", ("png",))
    Path(answer.arrays.state).unlink()
    with pytest.raises(ExportRefused, match="map of states"):
        write_tiled_answer(answer, tmp_path / "out", ("csv",))
    assert not list((tmp_path / "out").iterdir())


def test_two_maps_do_not_share_a_name(make_tiled: Maker, tmp_path: Path) -> None:
    first = make_tiled()
    other = replace(first, counts=first.counts[::-1])
    names = {write_tiled_answer(answer, tmp_path, ("csv",))[0].name for answer in (first, first, other)}
    assert len(names) == 2
    assert tiled_object(first)["states"] == {"answered": 3, "single-sensor": 1, "not-answerable": 2}
    assert "csv" in TILED_FORMATS
