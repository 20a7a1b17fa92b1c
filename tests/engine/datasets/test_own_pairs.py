"""An analyst's own folder: COCO with boxes and masks, questions in CSV, and what people get wrong in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow, MaskRow, QuestionRow
from engine.datasets.table import recognise_layouts
from tests.engine.datasets.damage import checked, cut, edit_json, read
from tests.engine.datasets.fabricate import own_pairs
from tests.engine.datasets.fabricate.pictures import SIDE, write_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own_pairs.fabricate(tmp_path)
    return tmp_path


def test_questions_boxes_and_masks(folder: Path) -> None:
    assert recognise_layouts(folder) == ("own",)
    data, faults = read(folder, "own")
    assert faults == []
    assert data.task == "vqa"
    questions = [row for row in data.rows if isinstance(row, QuestionRow)]
    assert [(row.image, row.question, row.answer, row.type, row.origin.line) for row in questions] == [
        ("port", "How many ships; small ones too?", "4", "number", 2),
        ("port", "Is there a pier?", "yes", "own", 3),
    ]
    boxes = [row for row in data.rows if isinstance(row, BoxRow)]
    assert [(row.split, row.image, row.expression, row.category, row.sensor, row.box_xyxy_px) for row in boxes] == [
        ("train", "port", "the ship at the pier", "ship", "both", (4, 6, 14, 14)),
        ("val", "river", "the river", "", "both", (0, 0, 4, SIDE)),
    ]
    masks = [row for row in data.rows if isinstance(row, MaskRow)]
    assert [(row.image, row.expression, row.sensor) for row in masks] == [
        ("port", "ship", "sar"),
        ("river", "the river", "both"),
    ]
    assert masks[0].mask.polygons_px == ((0, 0, 20, 0, 20, 10),)
    assert masks[1].mask.rle_size == (SIDE, SIDE)
    assert [(image.id, image.split, image.width) for image in data.images] == [
        ("port", "train", SIDE),
        ("river", "val", None),
    ]
    assert data.images[0].optical == folder / "optical" / "port.png"
    assert data.images[0].sar == folder / "sar" / "port.jpg"
    report = check_dataset(folder)
    assert (report.faults, report.samples, report.images) == ((), 6, 2)


def test_one_sensor_alone(folder: Path) -> None:
    shutil.rmtree(folder / "sar")
    edit_json(folder / "train.json", lambda coco: coco["annotations"].pop())
    data, _ = read(folder, "own")
    assert {row.sensor for row in data.rows if not isinstance(row, QuestionRow)} == {"optical"}
    assert checked(folder, "own") == []


def test_the_task_is_that_of_the_first_kind_there_is(folder: Path) -> None:
    (folder / "train.csv").unlink()
    assert read(folder, "own")[0].task == "grounding"
    for name in ("train.json", "val.json"):
        edit_json(folder / name, lambda coco: [annotation.pop("bbox", None) for annotation in coco["annotations"]])
    data, _ = read(folder, "own")
    assert data.task == "segmentation"
    assert len(data.rows) == 2


def test_pictures_without_truth_are_listed(folder: Path) -> None:
    write_picture(folder / "optical" / "lake.png", 50)
    write_picture(folder / "sar" / "lake.png", 51, bands=1)
    data, _ = read(folder, "own")
    assert [(image.id, image.split) for image in data.images] == [("port", "train"), ("river", "val"), ("lake", "all")]


def change(folder: Path, **fields: Any) -> None:
    """Change fields of the first annotation of train; None takes a field away."""

    def edit(coco: dict[str, Any]) -> None:
        merged = {**coco["annotations"][0], **fields}
        coco["annotations"][0] = {name: value for name, value in merged.items() if value is not None}

    edit_json(folder / "train.json", edit)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"bbox": [40, 6, 10, 8]}, "Annotation 0: The box 40, 6, 50, 14 leaves the image of 48 x 48 pixels."),
        ({"bbox": [4, 6, 0, 8]}, "Annotation 0: The box 4, 6, 4, 14 has no area."),
        ({"bbox": [4, 6, -2, 8]}, "Annotation 0: The box 4, 6, 2, 14 has no area."),
        ({"bbox": None}, "Annotation 0: It has neither a box nor a mask."),
        (
            {"caption": None, "category_id": None},
            "Annotation 0: It has neither a caption nor a category, so nothing says what it is.",
        ),
        ({"caption": " "}, "Annotation 0: The field 'caption' is empty."),
        ({"sensor": "radar"}, "Annotation 0: The field 'sensor' is none of optical, sar, both."),
        ({"image_id": 8}, "Annotation 0: There is no image with the id 8."),
        ({"segmentation": [[0, 0, 99, 0, 20, 10]]}, "Annotation 0: A polygon leaves the image of 48 x 48 pixels."),
        (
            {"segmentation": {"size": [24, 48], "counts": [0, 24 * 48]}},
            "Annotation 0: The mask has 48 x 24 pixels, its image 48 x 48.",
        ),
        (
            {"segmentation": {"size": [48, 48], "counts": [5]}},
            "Annotation 0: The run lengths do not add up to 48 x 48 pixels.",
        ),
        ({"segmentation": {"size": [48, 48], "counts": [48 * 48]}}, "Annotation 0: The mask is empty."),
        (
            {"segmentation": {"size": [48, 48], "counts": "not packed"}},
            "Annotation 0: The packed run lengths are damaged.",
        ),
    ],
)
def test_a_bad_annotation(folder: Path, fields: dict[str, Any], what: str) -> None:
    change(folder, **fields)
    assert checked(folder, "own") == [("train.json", None, what)]


def test_a_sensor_that_the_image_has_not_got(folder: Path) -> None:
    shutil.rmtree(folder / "sar")
    assert checked(folder, "own") == [
        ("train.json", None, "Annotation 1: The sensor is 'sar', and the image has not got it.")
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("none.png", "Image 0: There is no picture 'none.png' in optical or sar."),
        ("../port.png", "Image 0: The path '../port.png' leads out of the folders optical and sar; it is not opened."),
        ("/port.png", "Image 0: The path '/port.png' leads out of the folders optical and sar; it is not opened."),
        ("a/b/port", "Image 0: The path 'a/b/port' leads out of the folders optical and sar; it is not opened."),
    ],
)
def test_an_image_that_is_not_there(folder: Path, name: str, what: str) -> None:
    edit_json(folder / "val.json", lambda coco: coco["images"][0].update(file_name=name))
    assert ("val.json", None, what) in checked(folder, "own")
    assert len(read(folder, "own")[0].rows) == 4


def test_rows_of_a_csv(folder: Path) -> None:
    (folder / "train.csv").write_text(
        "image,question,answer\nport,Is it?,yes\nport,,yes\nport,Is it?\nnone.png,Is it?,no\nport,Is it?,yes,no\n"
    )
    assert checked(folder, "own") == [
        ("train.csv", 3, "The field 'question' is missing."),
        ("train.csv", 4, "The field 'answer' is missing."),
        ("train.csv", 5, "There is no picture 'none.png' in optical or sar."),
        ("train.csv", 6, "The row has 4 cells, the header 3."),
    ]
    (folder / "train.csv").write_text("picture,question,answer\nport,Is it?,yes\n")
    assert checked(folder, "own") == [("train.csv", 1, "The header has no column image.")]


def test_pictures_of_a_pair_that_do_not_fit(folder: Path) -> None:
    write_picture(folder / "sar" / "port.jpg", 0, bands=1, side=56)
    cut(folder / "sar" / "river.jpg", 0.9)
    assert [(file, what) for file, _, what in checked(folder, "own")] == [
        ("sar/port.jpg", "The image has 56 x 56 pixels, not 48 x 48 as it should."),
        ("sar/port.jpg", "The SAR image has 56 x 56 pixels, the optical one 48 x 48."),
        ("sar/river.jpg", "river.jpg cannot be decoded: libjpeg: Premature end of JPEG file."),
    ]


def test_a_missing_partner_and_a_shared_picture(folder: Path) -> None:
    (folder / "sar" / "river.jpg").unlink()
    shutil.copy(folder / "optical" / "port.png", folder / "optical" / "river.png")
    assert checked(folder, "own") == [
        ("optical/river.png", None, "The image has no SAR partner."),
        ("optical/river.png", None, "The image is in two splits: in val here, and in train as optical/port.png."),
    ]


def test_a_json_file_that_is_none(folder: Path) -> None:
    (folder / "train.json").write_text("{'images': []}")
    (folder / "val.json").write_text(json.dumps([1, 2]))
    assert checked(folder, "own") == [
        ("train.json", 1, "This is not JSON: Expecting property name enclosed in double quotes at column 2."),
        ("val.json", None, "There is no list 'images' in it."),
        ("val.json", None, "There is no list 'annotations' in it."),
    ]
