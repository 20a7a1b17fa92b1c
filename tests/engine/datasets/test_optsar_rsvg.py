"""OptSAR-RSVG: JSON and XML say the same; sensors and classes are held to each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.dataset import BoxRow, DataSet, Fault, Faults
from engine.datasets.figures import figures_note
from engine.datasets.readers import optsar_rsvg
from tests.engine.datasets.fabricate import optsar_rsvg as fabricated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path / "OptSAR-RSVG")
    return tmp_path / "OptSAR-RSVG"


def read(folder: Path) -> tuple[DataSet, list[Fault]]:
    faults = Faults(folder)
    return optsar_rsvg.read(folder, faults), faults.found


def change(folder: Path, edit: Callable[[dict[str, Any]], object], split: str = "train") -> list[Fault]:
    """Edit a split's JSON and return the faults of reading it."""
    file = folder / f"{split}.json"
    coco = json.loads(file.read_text(encoding="utf-8"))
    edit(coco)
    file.write_text(json.dumps(coco), encoding="utf-8")
    return read(folder)[1]


def facts(data: DataSet) -> list[tuple[object, ...]]:
    rows = [row for row in data.rows if isinstance(row, BoxRow)]
    return [(r.image, r.split, r.expression, r.box_xyxy_px, r.category, r.sensor) for r in rows]


def test_all_rows_of_both_sensors(folder):
    assert optsar_rsvg.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    expected = []
    for split, images in fabricated.IMAGES.items():
        for name, numbers in images.items():
            for number in numbers:
                left, top, width, height = fabricated.box_of(number)
                sensor, category = fabricated.NAMES[number].split(" ", 1)
                box = (left, top, left + width, top + height)
                expected.append((name, split, fabricated.sentence_of(number), box, category, sensor))
    assert facts(data) == expected
    for image in data.images:
        path = image.sar if image.id.startswith("sar") else image.optical
        assert path is not None
        assert path.is_file()
        assert None in (image.sar, image.optical)


def test_the_xml_form_says_the_same(folder, tmp_path):
    fabricated.fabricate(tmp_path / "xml", voc=True)
    assert optsar_rsvg.recognise(tmp_path / "xml")
    data, faults = read(tmp_path / "xml")
    assert faults == []
    assert sorted(facts(data)) == sorted(facts(read(folder)[0]))
    assert data.rows[0].origin.line is not None


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"bbox": [40, 5, 10, 4]}, "The box 40, 5, 50, 9 leaves the image of 48 x 48 pixels."),
        ({"bbox": [4, 5, 0, 4]}, "The box 4, 5, 4, 9 has no area."),
        ({"bbox": [4, 5, 10]}, "The field 'bbox' is not a list of 4 numbers."),
        ({"bbox": [4, 5, "10", 4]}, "The field 'bbox' is not a list of 4 numbers."),
        ({"bbox": None}, "There is no box."),
        ({"caption": None}, "There is no sentence with the box."),
        ({"caption": "  "}, "The field 'caption' is empty."),
        ({"image_id": 99}, "There is no image with the id 99."),
        ({"category_name": "optical submarine"}, "The class 'optical submarine' is none of this data set."),
        ({"category_name": "sar bridge"}, "The class 'sar bridge' is none of this data set."),
        ({"category_name": "ship"}, "The class 'ship' is none of this data set."),
        (
            {"category_name": "sar ship"},
            "The class is one of SAR images, but opt_000001.jpg is an optical image.",
        ),
    ],
)
def test_a_bad_annotation_is_one_fault_and_leaves_out_its_row(folder, fields, what):
    assert change(folder, lambda coco: coco["annotations"][2].update(fields)) == [
        Fault("train.json", None, f"Annotation 2: {what}")
    ]
    assert len(list(read(folder)[0].of_split("train"))) == 13


def test_class_by_id_alone(folder):
    def without_names(coco: dict[str, Any]) -> None:
        for annotation in coco["annotations"]:
            del annotation["category_name"]

    before = facts(read(folder)[0])
    assert change(folder, without_names) == []
    assert facts(read(folder)[0]) == before


def test_an_image_whose_name_tells_nothing_takes_the_sensor_of_its_annotation(folder):
    for old, new in (("sar_000001.jpg", "P0001.jpg"), ("opt_000002.jpg", "P0002.jpg")):
        (folder / "images" / "train" / old).rename(folder / "images" / "train" / new)
    names = ["opt_000001.jpg", "P0002.jpg", "P0001.jpg"]
    assert (
        change(folder, lambda coco: [i.update(file_name=n) for i, n in zip(coco["images"], names, strict=True)]) == []
    )
    assert [image.sar is not None for image in read(folder)[0].images][:3] == [False, False, True]
    assert change(folder, lambda coco: coco["images"].append({"id": 50, "file_name": "P0003.jpg"})) == [
        Fault(
            "train.json",
            None,
            "Image 3: Neither the name nor an annotation tells whether this is an optical or a SAR image.",
        )
    ]


def test_a_path_out_of_the_folder(folder):
    faults = change(folder, lambda coco: coco["images"][0].update(file_name="../../../opt_1.jpg"))
    what = "The path '../../../opt_1.jpg' leads out of the data set's folder; it is not opened."
    assert faults == [Fault("train.json", None, what)]
    assert {row.image for row in read(folder)[0].of_split("train")} == {"opt_000002.jpg", "sar_000001.jpg"}


def test_missing_and_broken_files(folder):
    (folder / "val.json").unlink()
    (folder / "test.json").write_text('{"images": [\n{"id": 0,}]}', encoding="utf-8")
    data, faults = read(folder)
    assert [(fault.file, fault.line) for fault in faults] == [("val.json", None), ("test.json", 2)]
    assert data.splits == ("train",)


def test_a_set_without_splits(folder):
    for split in ("val", "test"):
        (folder / f"{split}.json").unlink()
        for file in (folder / "images" / split).iterdir():
            file.unlink()
        (folder / "images" / split).rmdir()
    (folder / "train.json").rename(folder / "all.json")
    (folder / "images" / "train").rename(folder / "images" / "all")
    assert optsar_rsvg.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    assert data.splits == ("all",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(data=st.data())
def test_any_value_in_any_field_is_at_most_a_fault(folder_for_all, data):
    """A row may be lost and must be reported; the others stay."""
    coco = json.loads((folder_for_all / "train.json").read_text(encoding="utf-8"))
    place = data.draw(st.sampled_from(["images", "annotations", "categories"]))
    entry = data.draw(st.sampled_from(coco[place]))
    entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(JSON)
    (folder_for_all / "test.json").write_text(json.dumps(coco), encoding="utf-8")
    found, faults = read(folder_for_all)
    rows = list(found.of_split("test"))
    assert len(rows) == 14 or faults


@pytest.fixture(scope="module")
def folder_for_all(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("optsar") / "OptSAR-RSVG"
    fabricated.fabricate(folder)
    return folder


def test_figures_of_paper_and_release_are_told_apart(folder):
    note = figures_note(read(folder)[0], optsar_rsvg.FIGURES)
    assert note == (
        "There are 14 train, 3 val, 1 test rows; the paper has 72,118 train, 9,015 val, 9,015 test; "
        "the release has 74,049 train, 7,996 val, 8,103 test."
    )
    for known in optsar_rsvg.FIGURES:
        assert sum(known.rows.values()) == 90_148
        assert sum(known.images.values()) == 46_825
