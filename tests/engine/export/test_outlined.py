"""Outlines read back by other programs: the right pixels, the right hectares, holes and all."""

from __future__ import annotations

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
from shapely.geometry import shape

from engine.datasets.dataset import MaskSource
from engine.datasets.masks import read_mask
from engine.errors import ExportRefused, UsageError
from engine.export import OUTLINED_FORMATS, outline_object, refused_formats, write_outline
from engine.raster.masks import LEVELS, NO_DATA
from engine.records import Grid
from tests.engine.export.handmade import UTM, WINDOW
from tests.engine.export.handmade_outlined import lakes, outline_by_hand
from tests.engine.export.test_report import Page
from tests.engine.export.test_vectors import MARS, NO_CRS, read_layer
from tests.engine.jobs.child import write_raster

WINDOW_SIZE = (WINDOW.width, WINDOW.height)
NOTHING = np.zeros(WINDOW_SIZE[::-1], np.uint8)


@pytest.fixture
def make_outline(tmp_path):
    return lambda grid=UTM, **changes: outline_by_hand(tmp_path, grid, **changes)


@pytest.fixture
def rasters(tmp_path):
    """The pair's files, in which pictures of the area are found."""
    write_raster(tmp_path / "optical.tif", np.full((3, 300, 400), 128, np.uint8), origin=(500000.0, 5000000.0))
    write_raster(tmp_path / "sar.tif", np.full((1, 300, 400), -12, np.float32), origin=(500000.0, 5000000.0))


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_every_format_is_written_and_named(make_outline, rasters, tmp_path):
    files = write_outline(make_outline(), tmp_path / "out")
    endings = sorted(path.name.split("_", 3)[3] for path in files)
    assert endings == [
        "mask.tif", "optical.pgw", "optical.png", "outline.coco.json", "outline.geojson", "outline.gpkg",
        "outline.html", "outline.json", "probability.tif", "sar.pgw", "sar.png", "word-1.tif",
    ]  # fmt: skip
    said = json.loads(one(tmp_path / "out", "*_outline.json").read_bytes())
    assert said["files"] == sorted(map(str, files))
    for name, pattern in {"mask": "*_mask.tif", "polygons": "*_outline.geojson", "probability": "*_prob*.tif"}.items():
        assert said[name] == str(one(tmp_path / "out", pattern)), "the file for others, not the job's array"
    assert said["area_ha"] == pytest.approx(said["area_m2"] / 10_000)
    assert said["threshold"] == 0.5
    assert files == write_outline(make_outline(), tmp_path / "out"), "an export again replaces its own files"


def test_polygons_lie_on_their_pixels_with_their_holes(make_outline, tmp_path):
    outline = make_outline()
    write_outline(outline, tmp_path / "out", ("gpkg", "geojson"))
    _, polygons, columns = read_layer(one(tmp_path / "out", "*.gpkg"), "outline")
    assert [len(polygon.interiors) for polygon in polygons] == [1, 0]
    pixels = np.count_nonzero(lakes() == 220)
    assert polygons[0].area == pytest.approx(100 * pixels, rel=0.01), "the map's frame: 10 m pixels"
    assert columns["area_px"].tolist() == [pixels, 200]
    assert columns["area_m2"][1] == pytest.approx(20_000, rel=2e-3), "UTM shrinks by up to 0.4 in a thousand a side"
    assert columns["area_ha"][1] == pytest.approx(columns["area_m2"][1] / 1e4)
    _, (area,), whole = read_layer(one(tmp_path / "out", "*.gpkg"), "outlined_area")
    assert area.covers(shapely.union_all(polygons))
    assert (whole["parts"][0], whole["expression"][0]) == (2, "the lakes")
    collection = json.loads(one(tmp_path / "out", "*.geojson").read_bytes())
    lake = shape(collection["features"][0]["geometry"])
    assert lake.is_valid
    assert len(lake.interiors) == 1
    geodesic, _ = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(lake)
    assert geodesic == pytest.approx(collection["features"][0]["properties"]["area_m2"], rel=0.01)


def test_a_lake_on_the_date_line_is_cut_there(make_outline, tmp_path):
    grid = Grid(400, 300, (0.001, 0, 179.9, 0, -0.001, -16.0), "EPSG:4326", 100.0)
    write_outline(make_outline(grid), tmp_path / "out", ("geojson",))
    (lake, _) = json.loads(one(tmp_path / "out", "*.geojson").read_bytes())["features"]
    polygon = shape(lake["geometry"])
    assert polygon.geom_type == "MultiPolygon"
    assert polygon.is_valid
    west, _, east, _ = lake["bbox"]
    assert west > 0 > east
    assert polygon.area * 1e6 == pytest.approx(lake["properties"]["area_px"], rel=0.01), "the island is a hole still"


def test_rasters_hold_the_mask_and_the_probability(make_outline, tmp_path):
    outline = make_outline()
    write_outline(outline, tmp_path / "out", ("cog",))
    with rasterio.open(one(tmp_path / "out", "*_mask.tif")) as dataset:
        mask = dataset.read(1)
        assert dataset.nodata == NO_DATA
        assert dataset.colormap(1)[1][:3] == (0, 158, 115)
        assert dataset.xy(0, 0) == UTM.to_map(WINDOW.col_off + 0.5, WINDOW.row_off + 0.5)
    with rasterio.open(one(tmp_path / "out", "*_probability.tif")) as dataset:
        probability = dataset.read(1)
        assert dataset.tags()["EXPRESSION"] == "the lakes"
    assert (mask == np.load(outline.mask)).all()
    assert np.nanmax(np.abs(probability - lakes() / LEVELS)[lakes() != NO_DATA]) < 1e-6
    assert np.isnan(probability[lakes() == NO_DATA]).all()
    with rasterio.open(one(tmp_path / "out", "*_word-1.tif")) as dataset:
        assert "word" in dataset.tags()["MEANING"]


def test_coco_holds_the_mask_with_its_hole(make_outline, tmp_path, capsys):
    write_outline(make_outline(), tmp_path / "out", ("coco",))
    coco = COCO(str(one(tmp_path / "out", "*.coco.json")))
    capsys.readouterr()
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    stored = annotation["segmentation"]
    mask = read_mask(MaskSource(rle_counts=stored["counts"], rle_size=tuple(stored["size"])), *WINDOW_SIZE)
    assert (mask == ((lakes() > 127) & (lakes() != NO_DATA))).all()
    assert annotation["caption"] == "the lakes"
    assert coco.cats[annotation["category_id"]]["name"] == "lake"


def test_the_mask_is_drawn_on_both_pictures(make_outline, rasters, tmp_path):
    write_outline(make_outline(), tmp_path / "out", ("png",))
    for sensor in ("optical", "sar"):
        picture = np.asarray(Image.open(one(tmp_path / "out", f"*_{sensor}.png")).convert("RGB")).astype(int)
        scale = picture.shape[1] / WINDOW.width

        def at(col, row, picture=picture, scale=scale):
            return picture[round(row * scale), round(col * scale)]

        water, island, pond, land = at(60, 25), at(60, 50), at(160, 75), at(120, 20)
        assert (np.abs(island - land) < 3).all()
        assert (np.abs(water - pond) < 3).all()
        assert np.abs(water - land).max() > 20
        edge = picture[round(70 * scale) - 4 : round(70 * scale) + 4, round(160 * scale)]
        assert (np.abs(edge - (0x00, 0x9E, 0x73)).sum(1) < 10).any(), "its line"
        assert (edge.sum(1) > 740).any(), "and the line's casing"


def test_the_page_is_whole_and_stands_alone(make_outline, rasters, tmp_path):
    write_outline(make_outline(expression="<b>lakes</b> & ponds"), tmp_path / "out", ("html",))
    text = one(tmp_path / "out", "*_outline.html").read_text(encoding="utf-8")
    addresses = [tag.get("src") or tag.get("href") for _, tag in Page(text).tags]
    assert sum(bool(address) for address in addresses) == 3, "two views and one word"
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses if address)
    assert "&lt;b&gt;lakes&lt;/b&gt; &amp; ponds" in text
    assert "ha in 2 polygons" in text


def test_layers_are_read_by_ogr_even_without_a_polygon(make_outline, rasters, tmp_path):
    for name, levels, count in (("some", None, 2), ("none", NOTHING, 0)):
        write_outline(make_outline(levels=levels), tmp_path / name, ("gpkg", "geojson", "coco", "html", "json"))
        _, polygons, columns = read_layer(one(tmp_path / name, "*.gpkg"), "outline")
        assert len(polygons) == count
        assert columns["holes"].dtype.kind == "i"
        assert columns["mean_probability"].dtype.kind == "f"
        for path in (one(tmp_path / name, "*.gpkg"), one(tmp_path / name, "*.geojson")):
            if shutil.which("ogrinfo"):
                said = subprocess.run(
                    ["ogrinfo", "-ro", "-al", "-so", path], capture_output=True, text=True, check=True
                )
                assert "ERROR" not in said.stderr


@pytest.mark.parametrize("grid", [NO_CRS, MARS])
def test_off_the_earth_there_is_a_geopackage_and_no_geojson(make_outline, grid, tmp_path):
    outline = make_outline(grid)
    assert set(refused_formats(outline, OUTLINED_FORMATS)) == {"geojson"}
    files = write_outline(outline, tmp_path / "out", ("geojson", "gpkg", "json"))
    assert sorted(path.suffix for path in files) == [".gpkg", ".json"]
    said = json.loads(one(tmp_path / "out", "*_outline.json").read_bytes())
    assert any("GeoJSON" in message for message in said["messages"])


def test_a_mask_that_is_gone_is_said_and_nothing_is_left(make_outline, tmp_path):
    outline = make_outline()
    Path(outline.mask).unlink()
    with pytest.raises(ExportRefused, match="mask"):
        write_outline(outline, tmp_path / "out", ("geojson", "cog"))
    assert not list((tmp_path / "out").glob("*"))


def test_an_unknown_format_is_named(make_outline, tmp_path):
    with pytest.raises(UsageError, match="shp"):
        write_outline(make_outline(), tmp_path / "out", ("shp",))


def test_before_an_export_the_object_names_the_arrays(make_outline):
    outline = make_outline()
    said = outline_object(outline)
    assert (said["mask"], said["polygons"]) == (outline.mask, "")
    assert said["explanations"] == {"word-1": outline.explanations["word-1"].path}
