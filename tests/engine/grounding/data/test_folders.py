"""Every published layout of boxes as an expression set: pictures, boxes in their square, faults said."""

from __future__ import annotations

import json
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from engine.datasets.dataset import BoxRow, Faults
from engine.datasets.table import read_dataset
from engine.errors import DataSetUnreadable
from engine.grounding.data.folders import expression_folder
from engine.nn.preprocess import PreprocessSpec, letterbox, letterboxed_box
from tests.engine.datasets.fabricate import (
    coco_grounding,
    corrections,
    dior_rsvg,
    opt_rsvg,
    optsar_rsvg,
    osvqa,
    own_pairs,
    tacmt,
)
from tests.engine.datasets.fabricate.pictures import SIDE

SPEC = PreprocessSpec()
LAYOUTS = {
    "optsar": (optsar_rsvg.fabricate, "optsar-rsvg"),
    "optsar-voc": (lambda folder: optsar_rsvg.fabricate(folder, voc=True), "optsar-rsvg"),
    "dior-rsvg": (dior_rsvg.fabricate, "dior-rsvg"),
    "opt-rsvg": (opt_rsvg.fabricate, "opt-rsvg"),
    "rsvgd": (coco_grounding.fabricate, "coco-grounding"),
    "tacmt": (tacmt.fabricate, "tacmt"),
    "corrections": (corrections.fabricate, "corrections"),
    "own": (own_pairs.fabricate, "own"),
}


def fabricated(tmp_path, kind):
    folder = tmp_path / kind
    folder.mkdir()
    LAYOUTS[kind][0](folder)
    return folder


def read(folder, split="train", cache=None, size=32, **options):
    return expression_folder(folder, split, SPEC, size, cache, **options)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_layout_is_read_row_by_row(tmp_path, kind):
    folder = fabricated(tmp_path, kind)
    data = read_dataset(folder, Faults(folder))
    assert data.layout == LAYOUTS[kind][1]
    rows = [row for row in data.of_split("train") if isinstance(row, BoxRow)]
    found = read(folder)
    assert rows
    assert found.left_out == ()
    texts = Counter(text for row in rows for text in [row.expression] * (2 if row.sensor == "both" else 1))
    assert Counter(one.text for one in found.expressions) == texts
    zoom = 32 / SIDE  # all pictures are squares of one size
    where = {(row.expression, tuple(edge * zoom for edge in row.box_xyxy_px)) for row in rows}
    for one in found.expressions:
        thing = found.things[one.things[0]]
        assert thing.picture == one.picture
        assert (one.text, pytest.approx(thing.box_xyxy_px)) in [(text, box) for text, box in where]
        assert one.scored
        assert one.distractors == -1
        assert thing.category in found.closed or thing.category == ""
    assert found.pixels.shape == (len(found), 3, 32, 32)
    assert found.valid.all()
    assert not found.categories_known


def test_the_sensor_of_each_picture_is_its_own(tmp_path):
    found = read(fabricated(tmp_path, "optsar"))
    assert found.names == ("opt_000001.jpg", "opt_000002.jpg", "sar_000001.jpg")
    assert found.sensors == ("optical", "optical", "sar")
    np.testing.assert_array_equal(found.pixels[2, 0], found.pixels[2, 2])  # one band, three times
    assert (found.pixels[0, 0] != found.pixels[0, 2]).any()
    assert {found.things[one.things[0]].category for one in found.expressions if one.picture == 2} == {
        "transmission tower",
        "ship",
    }
    assert len(found.closed) == 15  # sixteen classes, of which two are ships


def test_what_both_sensors_see_is_asked_in_each_picture(tmp_path):
    found = read(fabricated(tmp_path, "own"))
    assert found.names == ("port optical", "port sar")
    assert found.sensors == ("optical", "sar")
    assert [(one.picture, one.text) for one in found.expressions] == [
        (0, "the ship at the pier"),
        (1, "the ship at the pier"),
    ]
    river = read(tmp_path / "own", "validation")
    assert {thing.category for thing in river.things} == {"river"}  # no class is told: the sentence tells it


def test_two_sentences_about_one_box_name_one_thing_and_others_boxes_are_known(tmp_path):
    folder = fabricated(tmp_path, "own")
    file = folder / "train.json"
    coco = json.loads(file.read_text())
    coco["annotations"] += [
        {"id": 7, "image_id": 1, "category_id": 5, "caption": "the boat", "bbox": [4, 6, 10, 8], "sensor": "sar"},
        {"id": 8, "image_id": 1, "category_id": 5, "caption": "a ship", "bbox": [20, 6, 10, 8], "sensor": "sar"},
    ]
    file.write_text(json.dumps(coco))
    found = read(folder)
    assert [len(own) for own in found.things_by_picture()] == [1, 2]
    named = {one.text: one.things for one in found.expressions if one.picture == 1}
    assert named["the ship at the pier"] == named["the boat"] != named["a ship"]


@pytest.mark.parametrize(("width", "height"), [(90, 30), (31, 77), (200, 200), (20, 11)])
def test_a_box_lies_in_the_square_where_its_pixels_do(tmp_path, width, height):
    """A bright rectangle is drawn; its bounds in the network's square are those of the box, to a pixel."""
    folder = tmp_path / "own"
    (folder / "optical").mkdir(parents=True)
    left, top, right, bottom = width // 4, height // 3, width // 4 + width // 2, height // 3 + height // 2
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top:bottom, left:right] = 255
    Image.fromarray(pixels).save(folder / "optical" / "one.png")
    box = {"image_id": 1, "id": 1, "caption": "the roof", "bbox": [left, top, right - left, bottom - top]}
    annotations = {"images": [{"id": 1, "file_name": "one"}], "annotations": [box]}
    (folder / "train.json").write_text(json.dumps(annotations))
    found = read(folder, size=64)
    rows, columns = np.nonzero(found.pixels[0, 0] > 127)
    seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert found.things[0].box_xyxy_px == pytest.approx(seen, abs=1.01)
    bounds = letterbox(np.ones((1, height, width), np.float32), np.ones((height, width), bool), 64).image_part
    assert letterboxed_box((0, 0, width, height), width, height, 64) == pytest.approx([64 * edge for edge in bounds])
    assert found.valid[0].mean() == pytest.approx(min(width, height) / max(width, height), abs=0.03)


def test_what_is_broken_is_left_out_and_said(tmp_path):
    folder = fabricated(tmp_path, "tacmt")
    data = read_dataset(folder, Faults(folder))
    images = [image for image in data.images if image.split == "train"]
    names = [image.id for image in images]
    images[0].sar.write_bytes(b"no picture")
    found = read(folder)
    assert [one.startswith(f"{names[0]}: ") for one in found.left_out] == [True]
    assert not any(one.picture == 0 for one in found.expressions)
    assert found.names == tuple(names)  # the row stays, empty
    assert not found.valid[0].any()
    for image in images:
        image.sar.unlink()
    with pytest.raises(DataSetUnreadable, match="can be used; the first") as caught:
        read(folder)
    assert caught.value.remedy


def test_a_box_outside_its_picture_is_left_out_and_said(tmp_path):
    folder = fabricated(tmp_path, "own")
    file = folder / "train.json"
    coco = json.loads(file.read_text())
    del coco["images"][0]["width"], coco["images"][0]["height"]  # the annotation does not tell: the file does
    coco["annotations"].append({"id": 9, "image_id": 1, "caption": "a crane", "bbox": [SIDE - 4, 2, 9, 9]})
    file.write_text(json.dumps(coco))
    found = read(folder)
    assert {one.text for one in found.expressions} == {"the ship at the pier"}
    assert len(found.left_out) == 2  # in either sensor's picture
    assert "leaves the image" in found.left_out[0]


def test_pictures_are_kept_until_a_file_changes(tmp_path):
    folder = fabricated(tmp_path, "dior-rsvg")
    told: list[int] = []
    for _ in range(2):
        kept = read(folder, cache=tmp_path / "cache", report=lambda done, of: told.append(done))
    assert told == [len(kept)]
    fresh = read(folder)
    np.testing.assert_array_equal(kept.pixels, fresh.pixels)
    assert (kept.key, kept.expressions, kept.things) == (fresh.key, fresh.expressions, fresh.things)
    os.utime(folder / "JPEGImages" / kept.names[0], ns=(1, 1))
    assert read(folder, cache=tmp_path / "cache").key != kept.key


def test_what_is_not_there_is_refused(tmp_path):
    folder = fabricated(tmp_path, "tacmt")
    with pytest.raises(DataSetUnreadable, match="no boxes in a split") as caught:
        read(folder, "nosuch")
    assert "train" in caught.value.remedy
    questions = tmp_path / "questions"
    questions.mkdir()
    osvqa.fabricate(questions)
    with pytest.raises(DataSetUnreadable, match="which has no boxes"):
        read(questions)
