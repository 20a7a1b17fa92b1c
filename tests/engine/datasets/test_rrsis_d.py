"""RRSIS-D: pickled references joined with COCO masks of every kind."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.dataset import DataSet, Fault, Faults, MaskRow
from engine.datasets.masks import read_mask
from engine.datasets.readers import rrsis_d
from tests.engine.datasets.fabricate import rrsis_d as fabricated
from tests.engine.datasets.fabricate.pictures import SIDE, box_mask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path / "RRSIS-D")
    return tmp_path / "RRSIS-D"


def read(folder: Path) -> tuple[DataSet, list[Fault]]:
    faults = Faults(folder)
    return rrsis_d.read(folder, faults), faults.found


def test_every_sentence_is_a_row_with_its_mask(folder):
    assert rrsis_d.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    rows = [row for row in data.rows if isinstance(row, MaskRow)]
    expected = [(text, index) for index, texts in enumerate(fabricated.SENTENCES) for text in texts]
    assert [row.expression for row in rows] == [text for text, _ in expected]
    assert [row.category for row in rows] == ["ship", "bridge", "bridge", "harbor", "dam"]
    for row, (_, index) in zip(rows, expected, strict=True):
        assert row.split == fabricated.SPLITS[index]
        mask = read_mask(row.mask, SIDE, SIDE)
        np.testing.assert_array_equal(mask, box_mask(fabricated.BOXES[index]) > 0)
    assert [(image.id, image.split, image.width) for image in data.images] == [
        ("00001.jpg", "train", SIDE),
        ("00002.jpg", "val", SIDE),
        ("00003.jpg", "test", SIDE),
    ]


def test_where_the_published_loader_has_its_files(tmp_path):
    fabricated.fabricate(tmp_path, place="rrsisd", images="images/rrsisd/JPEGImages")
    assert rrsis_d.recognise(tmp_path)
    data, faults = read(tmp_path)
    assert faults == []
    assert all(image.optical is not None and image.optical.is_file() for image in data.images)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"ann_id": 99}, "There is no annotation with the id 99."),
        ({"ann_id": None}, "The field 'ann_id' is missing."),
        ({"image_id": 3}, "The annotation 3 is of the image 2, the reference of another."),
        ({"split": "holdout"}, "There is no split 'holdout'."),
        ({"sentences": []}, "There is no sentence with it."),
        ({"sentences": ["a harbor"]}, "A sentence is not an object."),
        ({"sentences": [{"raw": "a harbor"}]}, "The field 'sent' is missing."),
    ],
)
def test_a_bad_reference_is_a_fault_with_its_place(folder, fields, what):
    references = fabricated.references()
    references[2].update(fields)
    (folder / "refs(unc).p").write_bytes(pickle.dumps(references))
    data, faults = read(folder)
    assert faults == [Fault("refs(unc).p", None, f"Reference 2: {what}")]
    assert len(data.rows) == 4


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"segmentation": [{"size": [48], "counts": "0"}]}, "neither polygons nor run lengths"),
        ({"segmentation": [[1, 2, 3]]}, "a polygon that is not three or more points"),
        ({"segmentation": None}, "The annotation 3 has no mask."),
    ],
)
def test_a_bad_mask_is_a_fault(folder, fields, what):
    coco: Any = fabricated.instances()
    coco["annotations"][2].update(fields)
    (folder / "instances.json").write_text(json.dumps(coco), encoding="utf-8")
    data, faults = read(folder)
    assert what in faults[0].what
    assert len(data.rows) == 4


def test_a_path_out_of_the_folder_is_one_fault(folder):
    coco: Any = fabricated.instances()
    coco["images"][0]["file_name"] = "../../a.jpg"
    (folder / "instances.json").write_text(json.dumps(coco), encoding="utf-8")
    data, faults = read(folder)
    what = "The path '../../a.jpg' leads out of the data set's folder; it is not opened."
    assert faults == [Fault("instances.json", None, what)]
    assert len(data.rows) == 2


@settings(max_examples=40)
@given(data=st.data())
def test_no_bytes_crash_the_reader(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    for name, whole in (
        ("instances.json", json.dumps(fabricated.instances()).encode()),
        ("refs(unc).p", pickle.dumps(fabricated.references())),
    ):
        place = data.draw(st.integers(0, len(whole)))
        damaged = whole[:place] + data.draw(st.binary(max_size=6)) + whole[place + data.draw(st.integers(0, 30)) :]
        (folder / name).write_bytes(damaged)
    assert len(read(folder)[0].rows) <= 5


def test_a_pickle_that_is_no_list_of_references(folder):
    (folder / "refs(unc).p").write_bytes(pickle.dumps("refs"))
    assert [fault.what for fault in read(folder)[1]] == ["There is no list 'references' in it."]
    (folder / "refs(unc).p").write_bytes(pickle.dumps([1, {}]))
    assert read(folder)[1][0].what == "Reference 0 is not an object."
    (folder / "refs(unc).p").write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    _, faults = read(folder)
    assert len(faults) == 1
    assert "not plain data" in faults[0].what
