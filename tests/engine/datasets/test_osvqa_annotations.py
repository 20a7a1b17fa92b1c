"""Annotations of pairs: every attribute becomes what the format says, and every fault is told with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.building.osvqa_annotations import Annotation, read_annotations
from engine.datasets.building.osvqa_pairs import View, find_pairs
from engine.datasets.dataset import Faults
from engine.errors import DataSetUnreadable
from engine.raster import write_geotiff
from engine.records import Grid
from engine.text import Deduction, Relation, Subject
from tests.engine.datasets.fabricate import ogsod, osvqa_annotations, qxs_saropt
from tests.engine.datasets.fabricate.pictures import write_picture


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs 1 and 2 of 256 x 256 pixels without a place, and 3 of 512 x 256 pixels of 2 m."""
    folder = tmp_path_factory.mktemp("pairs")
    for number in (1, 2):
        write_picture(folder / "optical" / f"{number}.png", number, side=256)
        write_picture(folder / "sar" / f"{number}.png", number, bands=1, side=256)
    grid = Grid(512, 256, (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_000_000.0), "EPSG:32631", 2.0)
    for sensor, bands in (("optical", 3), ("sar", 1)):
        write_geotiff(folder / sensor / "3.tif", np.ones((bands, 256, 512), np.uint8), grid)
    return folder


def read(images: Path, path: Path, *records: Any) -> tuple[dict[str, Annotation], list[str]]:
    """The annotations made of ``records`` by the pair's name, and the faults as LINE: SENTENCE."""
    file = path / "annotations.jsonl"
    file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), encoding="utf-8")
    faults = Faults(path)
    found = read_annotations(file, find_pairs(images, faults), faults)
    return {one.pair.id: one for one in found}, [f"{fault.line}: {fault.what}" for fault in faults.found]


def described(images: Path, path: Path, **fields: Any) -> tuple[Annotation, list[str]]:
    found, faults = read(images, path, {"image": "1"} | fields)
    return found["1"], faults


def test_every_attribute_of_table_one_arrives(images: Path, tmp_path: Path) -> None:
    found, faults = read(images, tmp_path, osvqa_annotations.annotation(1) | {"gsd_m": 1.0, "place": "here"})
    about = found["1"].description
    assert faults == []
    assert (about.match, about.weather, about.urban, about.theme) == (True, "clear", True, "residential area")
    assert dict(about.themes) == {"residential area": True, "harbor": False, "airport": False}
    assert (about.main_cover, about.main_object) == ("built-up area", "building")
    ship = about.subject("cargo ship")
    assert ship == Subject(
        "cargo ship", True, count=1, length_px=40.0, location="left", distribution="single", quality="both"
    )
    assert about.subject("airplane") == Subject("airplane", present=False)
    water = about.subject("water")
    assert water is not None
    assert water.present
    assert dict(water.cells) == {cell: cell == "top" for cell, _ in water.cells}
    assert len(water.cells) == 9
    town = about.subject("built-up area")
    assert town is not None
    assert town.area_px == pytest.approx(40_000)  # 4 ha of pixels of 1 m
    assert about.relations == (
        Relation("cargo ship", "lake", "left", 61.0),
        Relation("lake", "cargo ship", "right", None),
    )
    assert about.deduce[1] == Deduction("swim", "yes")
    assert about.deduce[0].text.endswith("?")
    assert found["1"].boxes_px == {"cargo ship": ((15.0, 100.0, 55.0, 130.0),)}
    assert found["1"].place == "here"


def test_what_is_left_out_is_unknown(images: Path, tmp_path: Path) -> None:
    found, faults = described(images, tmp_path, objects=[{"name": "ship"}])
    assert faults == []
    assert found.description.match is found.description.weather is found.description.urban is None
    assert found.description.subjects == (Subject("ship"),)


def test_units_go_through_size_and_sampling_distance(images: Path, tmp_path: Path) -> None:
    # Pair 3 is 512 pixels wide, of 2 m: a length of the view is half of one of the image and a quarter of its metres.
    objects = [
        {"name": "river", "length_m": 400, "area_ha": 1.0},
        {"name": "lake", "area_m2": 1600, "length_px": 60},
        {"name": "forest", "area_px": 400},
    ]
    relation = {"one": "river", "other": "lake", "distance_m": 120}
    found, faults = read(images, tmp_path, {"image": "3", "objects": objects, "relations": [relation]})
    assert faults == []
    river, lake, forest = found["3"].description.subjects
    assert (river.length_px, river.area_px) == (100.0, 625.0)
    assert (lake.area_px, lake.length_px, forest.area_px) == (100.0, 30.0, 100.0)
    assert found["3"].description.relations[0].distance_px == 30.0


@settings(max_examples=40)
@given(st.integers(16, 5000), st.integers(16, 5000), st.floats(0.1, 60), st.floats(0.01, 0.99))
def test_pixels_and_metres_agree(width: int, height: int, gsd_m: float, share: float) -> None:
    from engine.datasets.building.osvqa_fields import measure
    from engine.formats.records import Record

    faults = Faults(Path())
    view = View(width, height, gsd_m)
    side = share * max(width, height)
    fields = {"distance_px": side, "length_m": side * gsd_m, "area_m2": (side * gsd_m) ** 2}
    record = Record(fields, Path("x"), 1, "", faults)
    assert measure(record, "distance", view) == pytest.approx(256 * share)
    assert measure(record, "length", view) == pytest.approx(256 * share)
    assert measure(record, "area", view) == pytest.approx((256 * share) ** 2)
    assert faults.found == []


OGSOD_NAMES = tuple(f"{split}/{stem}" for split, images in ogsod.UPRIGHT.items() for stem in images)

FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"fog_dark": "cloud"}, "'cloud', which there is not; cloudy may be meant"),
    ({"urbann": True}, "no field 'urbann'; 'urban' may be meant"),
    ({"urban": "yes"}, "'urban' is neither true nor false"),
    ({"main_cover": "ship"}, "'main_cover'"),
    ({"themes": {"castle": True}}, "'castle' is no kind of place"),
    ({"themes": ["harbor"]}, "'themes' is not an object"),
    ({"themes": {"residential area": False}, "residential": True}, "contradict each other"),
    ({"themes": {"harbor": False}, "theme": "harbor"}, "denied elsewhere"),
    ({"residential": False, "theme": "residential area"}, "denied elsewhere"),
    ({"gsd_m": 0}, "'gsd_m' is not between"),
    ({"objects": {"name": "ship"}}, "'objects' is not a list"),
    ({"objects": [7]}, "Object 0 is not an object"),
    ({"objects": [{"number": 3}]}, "Object 0: The field 'name' is missing"),
    ({"objects": [{"name": "shipp"}]}, "ship"),
    ({"objects": [{"name": "ship", "subcategory": "wide road"}]}, "'wide road'"),
    ({"objects": [{"name": "ship"}, {"name": "ship"}]}, "Object 1: There is a second entry for 'ship'"),
    ({"objects": [{"name": "ship", "number": -1}]}, "number -1 is not between"),
    ({"objects": [{"name": "ship", "number": 2.5}]}, "'number' is not a whole number"),
    ({"objects": [{"name": "ship", "number": 2, "present": False}]}, "There is no ship, and yet"),
    ({"objects": [{"name": "ship", "number": 0, "present": True}]}, "its number is 0"),
    ({"objects": [{"name": "ship", "present": True, "cells": []}]}, "in no part of the picture"),
    ({"objects": [{"name": "ship", "number": 3, "distribution": "single"}]}, "a single ship"),
    ({"objects": [{"name": "ship", "number": 3, "length_px": 20}]}, "of one thing, and there are 3"),
    ({"objects": [{"name": "largest lake", "number": 1}]}, "names one thing"),
    ({"objects": [{"name": "ship", "cells": ["middle"]}]}, "'cells' is not a list of"),
    ({"objects": [{"name": "ship", "boxes_px": [[1, 2, 3]]}]}, "boxes of four numbers"),
    ({"objects": [{"name": "ship", "boxes_px": [[1, 2, 300, 20]]}]}, "leaves the image of 256 x 256"),
    ({"objects": [{"name": "ship", "number": 2, "boxes_px": [[1, 2, 30, 20]]}]}, "there are 1 boxes"),
    ({"objects": [{"name": "water", "area_px": 70_000}]}, "not in the range of the image"),
    ({"objects": [{"name": "water", "area_px": -5}]}, "not in the range of the image"),
    ({"objects": [{"name": "water", "area_px": 5, "area_ha": 1}]}, "given in px and in ha"),
    ({"objects": [{"name": "river", "length_m": 5}]}, "tells the size of a pixel"),
    ({"objects": [{"name": "lake", "shape": "triangle"}]}, "'triangle'"),
    ({"objects": [{"name": "lake", "quality": "optical"}]}, "optical image"),
    ({"relations": [{"one": "ship", "position": "left"}]}, "Relation 0: The field 'other' is missing"),
    ({"relations": [{"one": "ship", "other": "lake", "position": "center"}]}, "'center'"),
    ({"relations": [{"one": "ship", "other": "ship", "position": "left"}]}, "have one name"),
    ({"relations": [{"one": "ship", "other": "lake", "distance_px": 400}]}, "not in the range"),
    ({"relations": [{"one": "ship", "other": "lake", "distance_px": 4}] * 2}, "a second relation"),
    (
        {
            "objects": [{"name": "ship", "number": 2}],
            "relations": [{"one": "ship", "other": "lake", "position": "top"}],
        },
        "not clear which one is meant",
    ),
    ({"deduce": [{"question": "Is it?", "answer": "maybe"}]}, "'maybe'"),
    ({"deduce": [{"answer": "yes"}]}, "either a 'question' or a 'topic'"),
    ({"deduce": [{"question": "Is it?", "topic": "swim", "answer": "yes"}]}, "either a 'question' or a 'topic'"),
    ({"deduce": [{"topic": "fly", "answer": "yes"}]}, "'fly'"),
    ({"deduce": [{"topic": "swim", "answer": "3"}]}, "answered with yes or no"),
)


@pytest.mark.parametrize(("fields", "told"), FAULTS, ids=[told for _, told in FAULTS])
def test_one_fault_is_told_and_the_rest_is_used(
    fields: dict[str, Any], told: str, images: Path, tmp_path: Path
) -> None:
    found, faults = described(images, tmp_path, **({"match": True} | fields))
    assert len(faults) == 1
    assert faults[0].startswith("1: ")
    assert told in faults[0]
    assert found.description.match is True


def test_all_faults_of_all_lines_are_told_at_once(images: Path, tmp_path: Path) -> None:
    several = {"image": "2", "fog_dark": "mist", "objects": [{"name": "ship", "number": -1}, {"name": "x"}]}
    found, faults = read(
        images, tmp_path, {"image": "1"}, several, "{not json", {"image": "9"}, {"image": "1.png"}, {"urban": True}, [1]
    )
    assert sorted(found) == ["1", "2"]
    assert [fault.partition(":")[0] for fault in faults] == ["2", "2", "2", "3", "4", "5", "6", "7"]
    assert "annotated twice" in faults[5]
    assert found["2"].description.subjects == (Subject("ship"),)


def test_a_folder_of_files_lends_its_names(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "2.json").write_text('{"urban": true}', encoding="utf-8")
    (folder / "other.json").write_text('{"image": 1, "urban": false}', encoding="utf-8")
    (folder / "list.json").write_text("[]", encoding="utf-8")
    faults = Faults(folder)
    found = read_annotations(folder, find_pairs(images, faults), faults)
    assert {one.pair.id: one.description.urban for one in found} == {"1": False, "2": True}
    assert [(fault.file, fault.what) for fault in faults.found] == [("list.json", "The file is not a JSON object.")]


@pytest.mark.parametrize(
    ("fabricate", "gsd_m", "names"),
    [(qxs_saropt.fabricate, 1.0, ("1", "2.png", "10", "all/2")), (ogsod.fabricate, 10.0, OGSOD_NAMES)],
)
def test_published_sets_tell_their_sampling_distance(
    fabricate: Callable[[Path], None], gsd_m: float, names: tuple[str, ...], tmp_path: Path
) -> None:
    fabricate(tmp_path)
    pairs = find_pairs(tmp_path, Faults(tmp_path))
    for name in names:
        pair = pairs.find(name)
        assert pair is not None
        assert pairs.view(pair) == View(256, 256, gsd_m)
    assert pairs.find("../1") is None


def test_where_nothing_can_be_used_that_is_said(images: Path, tmp_path: Path) -> None:
    with pytest.raises(DataSetUnreadable, match="There is no pair of images 'x'"):
        read(images, tmp_path, {"image": "x"})
    faults = Faults(tmp_path)
    with pytest.raises(DataSetUnreadable, match="There is no"):
        read_annotations(tmp_path / "nowhere", find_pairs(images, faults), faults)
    with pytest.raises(DataSetUnreadable, match="no pair of images"):
        find_pairs(tmp_path, Faults(tmp_path))


def test_an_image_without_its_partner_is_told(tmp_path: Path) -> None:
    for name in ("optical/1.png", "optical/2.png", "sar/2.png"):
        write_picture(tmp_path / name, 1)
    faults = Faults(tmp_path)
    assert find_pairs(tmp_path, faults).find("1") is None
    assert [(fault.file, fault.what) for fault in faults.found] == [("optical/1.png", "The image has no SAR partner.")]
