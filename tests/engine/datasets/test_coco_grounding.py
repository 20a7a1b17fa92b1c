"""RSVGD and SARVG: one reader, one table of mappings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.datasets.dataset import BoxRow, Fault, Faults
from engine.datasets.readers import coco_grounding
from engine.datasets.readers.coco_grounding import FieldMapping
from tests.engine.datasets.fabricate import coco_grounding as fabricated


@pytest.mark.parametrize(("name", "sensor"), [("RSVGD", "optical"), ("rssvg_v1", "optical"), ("SARVG", "sar")])
def test_sensor_and_class_come_from_the_mapping(tmp_path, name, sensor):
    folder = tmp_path / name
    fabricated.fabricate(folder)
    assert coco_grounding.recognise(folder)
    faults = Faults(folder)
    data = coco_grounding.read(folder, faults)
    assert faults.found == []
    rows = [row for row in data.rows if isinstance(row, BoxRow)]
    assert [row.expression for row in rows] == [text for texts in fabricated.SENTENCES.values() for text in texts]
    assert {(row.sensor, row.category) for row in rows} == {(sensor, "ship")}
    assert rows[1].box_xyxy_px == (4, 5, 14, 13.5)
    assert {(image.sar is None) for image in data.images} == {sensor == "optical"}


def test_other_folders_are_not_recognised(tmp_path):
    fabricated.fabricate(tmp_path / "mine")
    assert not coco_grounding.recognise(tmp_path / "mine")


def test_one_edit_of_the_table_adapts_another_layout(tmp_path, monkeypatch):
    folder = tmp_path / "NewSet"
    fabricated.fabricate(folder)
    for split in fabricated.SENTENCES:
        coco = json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))
        for image in coco["images"]:
            image["name"] = image.pop("file_name")
        for annotation in coco["annotations"]:
            annotation["box"] = annotation.pop("bbox")
            annotation["referring"] = annotation.pop("description")
        (folder / "ann").mkdir(exist_ok=True)
        (folder / "ann" / f"new_{split}.json").write_text(json.dumps(coco), encoding="utf-8")
        (folder / "images" / split / f"{split}.jpg").rename(folder / "images" / f"{split}.jpg")
    mapping = FieldMapping(
        "newset",
        "sar",
        "airplane",
        {"name": "file_name", "box": "bbox", "referring": "caption"},
        annotations="ann/new_{split}.json",
        images="images",
    )
    monkeypatch.setattr(coco_grounding, "MAPPINGS", (mapping,))
    assert coco_grounding.recognise(folder)
    faults = Faults(folder)
    data = coco_grounding.read(folder, faults)
    assert faults.found == []
    assert {(row.category, row.sensor) for row in data.rows if isinstance(row, BoxRow)} == {("airplane", "sar")}
    assert all(image.sar is not None and image.sar.is_file() for image in data.images)


def test_faults_name_file_and_record(tmp_path):
    folder = tmp_path / "RSVGD"
    fabricated.fabricate(folder)
    coco = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    coco["annotations"][0]["bbox"] = [-1, 0, 5, 5]
    coco["annotations"][1]["description"] = 7
    (folder / "train.json").write_text(json.dumps(coco), encoding="utf-8")
    (folder / "val.json").unlink()
    faults = Faults(folder)
    assert len(coco_grounding.read(folder, faults).rows) == 1
    assert sorted(faults.found, key=lambda fault: (fault.file, fault.what)) == [
        Fault("train.json", None, "Annotation 0: The box -1, 0, 4, 5 leaves the image of 48 x 48 pixels."),
        Fault("train.json", None, "Annotation 1: The field 'caption' is not a text."),
        Fault("val.json", None, "The file is missing."),
    ]


def test_a_folder_of_another_name_reads_as_plain_coco(tmp_path: Path):
    fabricated.fabricate(tmp_path)
    faults = Faults(tmp_path)
    data = coco_grounding.read(tmp_path, faults)
    assert faults.found == []
    assert {(row.category, row.sensor) for row in data.rows if isinstance(row, BoxRow)} == {("", "optical")}
