"""OSVQA: a fabricated copy read whole, then with each kind of damage, and the exact line of the report."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from engine.datasets.check import check_dataset
from engine.datasets.dataset import QuestionRow
from engine.datasets.readers import osvqa
from tests.engine.datasets.damage import checked, cut, read, replace
from tests.engine.datasets.fabricate import osvqa as fabricated
from tests.engine.datasets.fabricate.pictures import write_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path)
    return tmp_path


def add_line(folder: Path, split: str, **fields: object) -> int:
    """Add a line to a split; its number."""
    good = {"image": "1.png", "question": "Is it?", "answer": "yes", "type": "presence"}
    path = folder / f"{split}.jsonl"
    text = path.read_text() + json.dumps(good | fields) + "\n"
    path.write_text(text)
    return text.count("\n")


def test_rows_are_the_lines(folder: Path) -> None:
    assert osvqa.recognise(folder)
    data, faults = read(folder, "osvqa")
    assert faults == []
    for split, questions in fabricated.QUESTIONS.items():
        rows = [row for row in data.of_split(split) if isinstance(row, QuestionRow)]
        assert [(row.image, row.question, row.answer, row.type) for row in rows] == questions
        assert [row.origin.line for row in rows] == list(range(1, len(rows) + 1))
        assert {row.origin.file for row in rows} == {folder / f"{split}.jsonl"}
    assert [(image.id, image.split) for image in data.images] == [
        *[("1.png", "train"), ("2.png", "train"), ("3.png", "train")],
        *[("10.png", "val"), ("11.png", "test"), ("12.png", "test")],
    ]
    assert data.images[0].optical == folder / "optical" / "1.png"
    assert data.images[0].sar == folder / "sar" / "1.png"
    assert data.answers == ("0", "3", "forest", "good", "no", "top left", "yes")


def test_it_is_whole(folder: Path) -> None:
    report = check_dataset(folder)
    assert report.ok
    assert (report.layout, report.samples, report.images, report.faults) == ("osvqa", 10, 6, ())
    assert report.notes == (
        "There are 4 train, 2 val, 4 test rows; the paper has 625,086 train, 203,030 val, 208,578 test.",
    )


def test_questions_without_splits(folder: Path) -> None:
    (folder / "train.jsonl").rename(folder / "questions.jsonl")
    (folder / "val.jsonl").unlink()
    (folder / "test.jsonl").unlink()
    (folder / "answers.txt").unlink()
    data, faults = read(folder, "osvqa")
    assert faults == []
    assert data.splits == ("all",)
    assert data.answers is None
    assert len(data.rows) == 4
    assert check_dataset(folder).ok


def test_other_names_of_fields_are_one_edit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "train.jsonl"
    path.write_text(path.read_text().replace('"image"', '"img_name"').replace('"type"', '"category"'))
    (folder / "sar").rename(folder / "SAR")
    monkeypatch.setitem(osvqa.FIELDS, "image", "img_name")
    monkeypatch.setitem(osvqa.FIELDS, "type", "category")
    monkeypatch.setitem(osvqa.FOLDERS, "sar", "SAR")
    monkeypatch.setattr(osvqa, "SPLIT_FILES", {"train": "train.jsonl"})
    assert checked(folder, "osvqa") == []
    assert len(read(folder, "osvqa")[0].rows) == 4


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"answer": None}, "The field 'answer' is missing."),
        ({"question": "  "}, "The field 'question' is empty."),
        ({"image": 7}, "The field 'image' is not a text."),
        ({"image": ["a"]}, "The field 'image' is not a text."),
        ({"type": "colour"}, f"The type 'colour' is none of {', '.join(osvqa.QUESTION_TYPES)}."),
        (
            {"image": "../../secret.png"},
            "The path '../../secret.png' leads out of the data set's folder; it is not opened.",
        ),
        ({"image": "/etc/passwd"}, "The path '/etc/passwd' leads out of the data set's folder; it is not opened."),
        ({"image": "..\\..\\x.png"}, r"The path '..\\..\\x.png' leads out of the data set's folder; it is not opened."),
        ({"image": "C:x.png"}, "The path 'C:x.png' leads out of the data set's folder; it is not opened."),
        ({"question": "\ud83d"}, "The field 'question' has characters that are no text."),
    ],
)
def test_a_bad_line_is_left_out_and_reported(folder: Path, fields: dict[str, object], what: str) -> None:
    line = add_line(folder, "train", **fields)
    data, _ = read(folder, "osvqa")
    assert len(data.rows) == 10
    assert checked(folder, "osvqa") == [("train.jsonl", line, what)]


def test_an_answer_outside_the_list(folder: Path) -> None:
    line = add_line(folder, "train", answer="maybe")
    assert checked(folder, "osvqa") == [("train.jsonl", line, "The answer 'maybe' is not in the list of answers.")]


def test_ids_that_occur_twice_in_any_file(folder: Path) -> None:
    add_line(folder, "train", id=5)
    add_line(folder, "train", id="six")
    line = add_line(folder, "val", id="5", image="10.png")
    assert checked(folder, "osvqa") == [("val.jsonl", line, "The id 5 occurs twice.")]


def test_a_missing_picture_is_one_line_whoever_asks_for_it(folder: Path) -> None:
    (folder / "optical" / "11.png").unlink()
    shutil.rmtree(folder / "sar")
    (folder / "sar").mkdir()
    faults = checked(folder, "osvqa")
    assert faults[0] == ("optical/11.png", None, "The file is missing. It is named in test.jsonl, line 1.")
    assert [file for file, *_ in faults[1:]] == [f"sar/{n}.png" for n in (1, 10, 11, 12, 2, 3)]


def test_a_truncated_picture(folder: Path) -> None:
    cut(folder / "optical" / "1.png")
    assert checked(folder, "osvqa") == [("optical/1.png", None, "1.png is cut short.")]


def test_a_picture_that_is_a_folder_or_no_picture(folder: Path) -> None:
    (folder / "optical" / "1.png").unlink()
    (folder / "optical" / "1.png").mkdir()
    (folder / "sar" / "1.png").write_text("<VRTDataset/>")
    assert checked(folder, "osvqa") == [
        ("optical/1.png", None, "The file is missing."),
        ("sar/1.png", None, "1.png is neither PNG, JPEG nor TIFF."),
    ]


def test_partners_of_two_sizes(folder: Path) -> None:
    write_picture(folder / "sar" / "1.png", 0, bands=1, side=56)
    assert checked(folder, "osvqa") == [
        ("sar/1.png", None, "The SAR image has 56 x 56 pixels, the optical one 48 x 48.")
    ]


def test_one_name_in_two_splits(folder: Path) -> None:
    add_line(folder, "val", image="1.png")
    what = "The image is in two splits: in val here, and in train."
    assert checked(folder, "osvqa") == [("optical/1.png", None, what), ("sar/1.png", None, what)]


def test_one_picture_in_two_splits_under_two_names(folder: Path) -> None:
    shutil.copy(folder / "optical" / "1.png", folder / "optical" / "12.png")
    assert checked(folder, "osvqa") == [
        ("optical/12.png", None, "The image is in two splits: in test here, and in train as optical/1.png.")
    ]


def test_the_same_picture_twice_in_one_split_is_no_leak(folder: Path) -> None:
    shutil.copy(folder / "optical" / "1.png", folder / "optical" / "2.png")
    assert checked(folder, "osvqa") == []


def test_links(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder of the layout may be a link to another disk; a picture may not be one to another place."""
    elsewhere = tmp_path_factory.mktemp("disk")
    shutil.move(folder / "optical", elsewhere / "optical")
    (folder / "optical").symlink_to(elsewhere / "optical")
    assert checked(folder, "osvqa") == []
    (elsewhere / "secret.png").write_bytes((folder / "sar" / "1.png").read_bytes())
    (folder / "sar" / "1.png").unlink()
    (folder / "sar" / "1.png").symlink_to(elsewhere / "secret.png")
    what = "The path '1.png' leads out of the data set's folder; it is not opened."
    assert checked(folder, "osvqa") == [("train.jsonl", 1, what), ("train.jsonl", 2, what)]


def test_a_byte_order_mark_and_windows_lines_are_no_fault(folder: Path) -> None:
    path = folder / "train.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert checked(folder, "osvqa") == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_name_on_disk_that_is_no_text(folder: Path) -> None:
    (folder / "sar" / os.fsdecode(b"n\xff.png")).write_bytes(b"")
    (folder / "optical" / os.fsdecode(b"n\xff.png")).write_bytes(b"")
    (folder / "train.csv").write_text("image,question,answer\n1,Is it?,yes\n")
    faults = [fault for fault in checked(folder, "own") if fault[0].startswith("sar/n")]
    assert faults == [("sar/n\\udcff.png", None, "n\\udcff.png is empty.")]


def test_a_broken_line_costs_only_itself(folder: Path) -> None:
    replace(folder / "train.jsonl", '"answer": "3"', '"answer": "3')
    data, faults = read(folder, "osvqa")
    assert len(data.rows) == 9
    assert [(file, line) for file, line, _ in faults] == [("train.jsonl", 2)]
