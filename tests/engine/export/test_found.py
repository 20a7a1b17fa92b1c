"""Findings read back by other programs: the right place, the right words, and nothing by halves."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from PIL import Image
from pycocotools.coco import COCO

from engine.errors import ExportRefused, UsageError
from engine.export import FOUND_FORMATS, finding_object, refused_formats, write_finding
from engine.formats.coco import read_coco
from tests.engine.export.handmade import UTM, WINDOW
from tests.engine.export.handmade_found import BOXES, finding_by_hand
from tests.engine.export.test_report import Page
from tests.engine.export.test_vectors import MARS, NO_CRS, read_layer
from tests.engine.jobs.child import write_raster


@pytest.fixture
def make_finding(tmp_path):
    return lambda grid=UTM, **changes: finding_by_hand(tmp_path, grid, **changes)


@pytest.fixture
def rasters(tmp_path):
    """The pair's files, in which pictures of the area are found."""
    grey = np.full((3, 300, 400), 128, np.uint8)
    grey[:, ::7] = 90
    write_raster(tmp_path / "optical.tif", grey, origin=(500000.0, 5000000.0))
    write_raster(tmp_path / "sar.tif", np.full((1, 300, 400), -12, np.float32), origin=(500000.0, 5000000.0))


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_every_format_is_written_and_named(make_finding, rasters, tmp_path):
    files = write_finding(make_finding(), tmp_path / "out")
    endings = sorted(path.name.split("_", 3)[3] for path in files)
    assert endings == [
        "boxes.coco.json", "boxes.csv", "boxes.geojson", "boxes.gpkg", "finding.html", "finding.json", "gate.tif",
        "optical.pgw", "optical.png", "sar.pgw", "sar.png",
    ]  # fmt: skip
    said = json.loads(one(tmp_path / "out", "*_finding.json").read_bytes())
    assert said["files"] == sorted(map(str, files))
    assert said["boxes"][0]["box_xyxy_px"] == [60.5, 40.0, 90.0, 60.25]
    assert "box" not in said["boxes"][0]
    assert said["explanations"]["gate"] == str(one(tmp_path / "out", "*_gate.tif")), "the COG, not the array"
    assert files == write_finding(make_finding(), tmp_path / "out"), "an export again replaces its own files"


def test_boxes_lie_where_they_were_found(make_finding, tmp_path):
    finding = make_finding()
    write_finding(finding, tmp_path / "out", ("gpkg", "geojson"))
    _, polygons, columns = read_layer(one(tmp_path / "out", "*.gpkg"), "boxes")
    for polygon, (box, *_) in zip(polygons, BOXES, strict=True):
        pixels = np.array([UTM.to_pixel(*point) for point in polygon.exterior.coords])
        assert [*pixels.min(0), *pixels.max(0)] == pytest.approx([box.x0, box.y0, box.x1, box.y1], abs=1e-6)
    assert columns["label"].tolist() == ["storage tank", "ship", "ship"]
    assert columns["score"].tolist() == pytest.approx([0.91, 0.5, 0.3])
    assert columns["rank"].tolist() == [1, 2, 3]
    _, (area,), searched = read_layer(one(tmp_path / "out", "*.gpkg"), "searched_area")
    assert area.covers(shapely.union_all(polygons))
    assert (searched["boxes"][0], searched["expression"][0]) == (3, "white tanks and ships")
    collection = json.loads(one(tmp_path / "out", "*.geojson").read_bytes())
    assert [feature["properties"]["sensor"] for feature in collection["features"]] == ["both", "optical", "sar"]
    west, south, east, north = collection["features"][0]["bbox"]
    assert 2 < west < east < 4, "UTM 31 is around 3 degrees east"
    assert 45 < south < north < 46


def test_coco_is_read_by_its_own_tools(make_finding, tmp_path, capsys):
    write_finding(make_finding(), tmp_path / "out", ("coco", "csv"))
    path = one(tmp_path / "out", "*.coco.json")
    coco = COCO(str(path))
    capsys.readouterr()
    ships = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(catNms=["ship"])))
    assert [each["bbox"] for each in ships] == [[100, 50, 30, 20], [200, 110, 30, 20]]
    assert [(each["score"], each["sensor"]) for each in ships] == [(0.5, "optical"), (0.3, "sar")]
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (image["file_name"], image["width"], image["height"]) == ("optical.tif", 400, 300)

    class NoFaults:
        def add(self, file, line, what):
            raise AssertionError(what)

    assert len(read_coco(path, NoFaults()).annotations) == 3
    with one(tmp_path / "out", "*.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["label"] for row in rows] == ["storage tank", "ship", "ship"]
    assert float(rows[0]["x0_px"]) == 60.5


def test_boxes_are_drawn_on_the_pictures_of_the_images_that_show_them(make_finding, rasters, tmp_path):
    write_finding(make_finding(), tmp_path / "out", ("png",))
    for sensor, (shown, hidden) in {"optical": (BOXES[1], BOXES[2]), "sar": (BOXES[2], BOXES[1])}.items():
        picture = np.asarray(Image.open(one(tmp_path / "out", f"*_{sensor}.png")).convert("RGB")).astype(int)
        scale = picture.shape[1] / WINDOW.width
        colours = {"optical": (0xE6, 0x9F, 0x00), "sar": (0x56, 0xB4, 0xE9), "both": (0x00, 0x9E, 0x73)}
        for (box, _, _, found_in), there in ((shown, True), (hidden, False), (BOXES[0], True)):
            x = round(((box.x0 + box.x1) / 2 - WINDOW.col_off) * scale)
            rows = slice(*(round((y - WINDOW.row_off) * scale) + d for y, d in ((box.y1, -6), (box.y1, 2))))
            column = picture[rows, x]
            assert (np.abs(column - colours[found_in]).sum(1) < 30).any() == there


def test_maps_are_cogs_that_say_what_they_are(make_finding, tmp_path):
    write_finding(make_finding(), tmp_path / "out", ("cog",))
    with rasterio.open(one(tmp_path / "out", "*_gate.tif")) as dataset:
        tags = dataset.tags()
        assert (tags["EXPRESSION"], tags["BOXES"], tags["KIND"]) == ("white tanks and ships", "3", "gate")
        assert "TGDF" in tags["MEANING"]


def test_the_page_is_whole_and_stands_alone(make_finding, rasters, tmp_path):
    write_finding(make_finding(expression="<b>ships</b> & tanks"), tmp_path / "out", ("html",))
    text = one(tmp_path / "out", "*_finding.html").read_text(encoding="utf-8")
    addresses = [tag.get("src") or tag.get("href") for _, tag in Page(text).tags]
    assert sum(bool(address) for address in addresses) == 3, "two views and the gate"
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses if address)
    assert "&lt;b&gt;ships&lt;/b&gt; &amp; tanks" in text
    assert text.count('class="key"') == 3 + len(BOXES), "of the legend and of each box"
    assert "3 boxes in optical and SAR, all from a score of 0.25" in text


def test_layers_are_read_by_ogr_even_without_a_box(make_finding, tmp_path):
    for name, boxes in (("some", 3), ("none", 0)):
        finding = make_finding() if boxes else make_finding(boxes=())
        write_finding(finding, tmp_path / name, ("gpkg", "geojson"))
        path = one(tmp_path / name, "*.gpkg")
        meta, polygons, columns = read_layer(path, "boxes")
        assert len(polygons) == boxes
        assert pyproj.CRS(meta["crs"]).to_epsg() == 32631
        assert {"score", "label", "sensor", "area_m2", "length_m", "width_m", "expression", "model"} <= set(columns)
        if (ogrinfo := shutil.which("ogrinfo")) is not None:
            for file in (path, one(tmp_path / name, "*.geojson")):
                said = subprocess.run([ogrinfo, "-ro", "-al", "-so", file], capture_output=True, text=True, check=True)
                assert f"Feature Count: {boxes}" in said.stdout
                assert "ERROR" not in said.stderr


def test_nothing_found_is_written_too(make_finding, rasters, tmp_path):
    write_finding(make_finding(boxes=()), tmp_path / "out")
    assert "Nothing was found." in one(tmp_path / "out", "*.html").read_text(encoding="utf-8")
    assert COCO(str(one(tmp_path / "out", "*.coco.json"))).getAnnIds() == []
    assert json.loads(one(tmp_path / "out", "*.geojson").read_bytes())["features"] == []
    _, (_,), searched = read_layer(one(tmp_path / "out", "*.gpkg"), "searched_area")
    assert searched["boxes"][0] == 0
    assert one(tmp_path / "out", "*.csv").read_text(encoding="utf-8").count("\n") == 1


@pytest.mark.parametrize(("grid", "why"), [(NO_CRS, "no CRS"), (MARS, "body")], ids=["pixels", "mars"])
def test_without_a_place_on_earth_there_is_no_geojson_and_it_is_said(make_finding, rasters, tmp_path, grid, why):
    finding = make_finding(grid)
    assert why in refused_formats(finding, FOUND_FORMATS)["geojson"]
    files = write_finding(finding, tmp_path / "out", ("geojson", "gpkg", "json"))
    assert not any(path.suffix == ".geojson" for path in files)
    said = json.loads(one(tmp_path / "out", "*_finding.json").read_bytes())
    assert any(why in message for message in said["messages"])
    with pytest.raises(ExportRefused, match=why):
        write_finding(finding, tmp_path / "out", ("geojson",))
    with pytest.raises(UsageError, match="no export format"):
        write_finding(finding, tmp_path / "out", ("shapefile",))


def test_the_object_names_maps_by_path(make_finding):
    found = finding_object(make_finding())
    assert found["explanations"] == {"gate": found["explanation_maps"]["gate"]["path"]}
    assert found["boxes"][1]["label"] == "ship"
