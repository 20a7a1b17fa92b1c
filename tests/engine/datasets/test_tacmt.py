"""SARVG1.0 of TACMT: pickled lists read without unpickling, or as JSON lines."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from engine.datasets.dataset import BoxRow, DataSet, Fault, Faults
from engine.datasets.readers import tacmt
from tests.engine.datasets.fabricate import tacmt as fabricated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path / "SARVG1.0")
    return tmp_path / "SARVG1.0"


def read(folder: Path) -> tuple[DataSet, list[Fault]]:
    faults = Faults(folder)
    return tacmt.read(folder, faults), faults.found


def facts(data: DataSet) -> list[tuple[object, ...]]:
    rows = [row for row in data.rows if isinstance(row, BoxRow)]
    return [(r.image, r.split, r.expression, r.box_xyxy_px, r.category, r.sensor) for r in rows]


EXPECTED = [
    (name, split, phrase, (x, y, x + w, y + h), "transmission tower", "sar")
    for split in ("testA", "train", "val")
    for name, (x, y, w, h), phrase in fabricated.ROWS[split]
]


def test_pickled_lists(folder):
    assert tacmt.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    assert facts(data) == EXPECTED
    assert all(image.sar is not None and image.sar.is_file() and image.optical is None for image in data.images)


def test_lists_where_the_loader_has_them(folder):
    (folder / "data" / "sarvg").mkdir(parents=True)
    for file in folder.glob("*.pth"):
        file.rename(folder / "data" / "sarvg" / file.name)
    (folder / "sarvg").mkdir()
    (folder / "images").rename(folder / "sarvg" / "images")
    assert tacmt.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    assert facts(data) == EXPECTED
    assert data.images[0].sar == folder / "sarvg" / "images" / "iceye_4.png"


class Harmful:
    """What an attacker's pickle would do when it is loaded."""

    def __reduce__(self):
        return os.system, ("echo harmed > harmed.txt",)


def test_a_harmful_pickle_is_refused_and_not_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / "sarvg_val.pth").write_bytes(pickle.dumps([("a.png", [0, 0, 1, 1], Harmful())]))
    data, faults = read(folder)
    assert [fault.file for fault in faults] == ["sarvg_val.pth"]
    assert "not plain data" in faults[0].what
    assert not (tmp_path / "harmed.txt").exists()
    assert data.splits == ("testA", "train")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("iceye_2.png", [0, 0, 5, 5]), "Row 1 is not an image, a box and a phrase."),
        (17, "Row 1 is not an image, a box and a phrase."),
        (("iceye_2.png", [0, 0, 5], "a"), "Row 1: The field 'bbox' is not a list of 4 numbers."),
        (("iceye_2.png", [0, 0, 5, float("inf")], "a"), "Row 1: The field 'bbox' is not a list of 4 numbers."),
        (("iceye_2.png", [0, 0, 0, 5], "a"), "Row 1: The box 0, 0, 0, 5 has no area."),
        (("iceye_2.png", [-3, 0, 5, 5], "a"), "Row 1: The box -3, 0, 2, 5 leaves the image."),
        (("iceye_2.png", [0, 0, 5, 5], " "), "Row 1: The field 'phrase' is empty."),
        ((b"iceye_2.png", [0, 0, 5, 5], "a"), "Row 1: The field 'image' is not a text."),
        (
            ("/etc/passwd", [0, 0, 5, 5], "a"),
            "The path '/etc/passwd' leads out of the data set's folder; it is not opened.",
        ),
    ],
)
def test_a_bad_row_is_a_fault_with_its_place(folder, row, what):
    (folder / "sarvg_train.pth").write_bytes(pickle.dumps([fabricated.ROWS["train"][0], row]))
    data, faults = read(folder)
    assert faults == [Fault("sarvg_train.pth", None, what)]
    assert len(list(data.of_split("train"))) == 1


def test_no_list_and_no_pickle(folder):
    (folder / "sarvg_train.pth").write_bytes(pickle.dumps({"a": 1}))
    (folder / "sarvg_val.pth").write_bytes(b"hello")
    _, faults = read(folder)
    assert faults[0] == Fault("sarvg_train.pth", None, "The pickle holds no list.")
    assert faults[1].file == "sarvg_val.pth"
    assert len(faults) == 2


def test_json_lines_are_read_before_a_pickle(folder):
    rows = [dict(zip(("image", "bbox", "phrase"), row, strict=True)) for row in fabricated.ROWS["train"]]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "sarvg_train.jsonl").write_text(lines, encoding="utf-8")
    (folder / "sarvg_train.pth").write_bytes(b"not looked at")
    assert tacmt.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    assert facts(data) == EXPECTED
    assert data.rows[2].origin.line == 2
    broken = '{"image": "gf3_3.png", "bbox": [1, 2, 3], "phrase": "a"}\n[1]\n'
    (folder / "sarvg_val.jsonl").write_text(broken, encoding="utf-8")
    assert read(folder)[1] == [
        Fault("sarvg_val.jsonl", 1, "The field 'bbox' is not a list of 4 numbers."),
        Fault("sarvg_val.jsonl", 2, "The line is not a JSON object."),
    ]
