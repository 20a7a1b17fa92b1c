"""The RSVQA family: fabricated copies, the real part of RSVQA-LR, and each kind of damage."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.datasets.check import check_dataset
from engine.datasets.dataset import QuestionRow
from engine.datasets.readers.rsvqa_hr import area_range
from engine.datasets.readers.rsvqa_lr import count_range
from engine.datasets.table import recognise_layouts
from tests.engine.datasets.damage import checked, cut, edit_json, fabricator, read, replace
from tests.engine.datasets.fabricate import rsvqa_hr, rsvqa_lr, rsvqaxben


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rsvqa_lr.fabricate(tmp_path)
    return tmp_path


def questions(folder: Path, layout: str) -> list[tuple[str, str, str, str]]:
    data, faults = read(folder, layout)
    assert faults == []
    return [(row.split, row.image, row.type, row.answer) for row in data.rows if isinstance(row, QuestionRow)]


def test_lr_counts_are_ranges(folder: Path) -> None:
    assert questions(folder, "rsvqa-lr") == [
        ("train", "0", "rural_urban", "rural"),
        ("train", "0", "presence", "yes"),
        ("train", "0", "count", "between 0 and 10"),
        ("val", "1", "comp", "no"),
        ("val", "1", "count", "0"),
        ("test", "2", "count", "more than 1000"),
        ("test", "2", "count", "between 10 and 100"),
    ]
    data, _ = read(folder, "rsvqa-lr")
    assert [(image.id, image.split, image.optical) for image in data.images] == [
        (str(number), split, folder / "Images_LR" / f"{number}.tif")
        for number, split in enumerate(("train", "val", "test"))
    ]
    assert data.answers is not None
    assert len(data.answers) == 9


def test_hr_areas_are_ranges_and_there_are_two_test_sets(tmp_path: Path) -> None:
    rsvqa_hr.fabricate(tmp_path)
    assert questions(tmp_path, "rsvqa-hr") == [
        ("train", "0", "area", "more than 1000m2"),
        ("train", "0", "count", "17"),
        ("val", "1", "area", "0m2"),
        ("test", "2", "area", "between 10m2 and 100m2"),
        ("test", "2", "presence", "no"),
        ("test_phili", "3", "comp", "yes"),
    ]


def test_ben_answers_are_lists(tmp_path: Path) -> None:
    rsvqaxben.fabricate(tmp_path)
    assert [row[3] for row in questions(tmp_path, "rsvqaxben")] == ["Pastures,Mixed forest", "no", "None", "yes"]


@pytest.mark.parametrize("layout", ["rsvqa-lr", "rsvqa-hr", "rsvqaxben"])
def test_each_is_recognised_and_whole(tmp_path: Path, layout: str) -> None:
    fabricator(layout).fabricate(tmp_path)
    assert recognise_layouts(tmp_path) == (layout,)
    assert check_dataset(tmp_path).faults == ()


def test_the_limits_of_the_ranges() -> None:
    assert [count_range(n) for n in (0, 1, 10, 11, 100, 101, 1000, 1001)] == [
        "0",
        *["between 0 and 10"] * 2,
        *["between 10 and 100"] * 2,
        *["between 100 and 1000"] * 2,
        "more than 1000",
    ]
    assert [area_range(n) for n in (0, 1, 10, 11, 1001)] == [
        "0m2",
        *["between 0m2 and 10m2"] * 2,
        "between 10m2 and 100m2",
        "more than 1000m2",
    ]


@pytest.mark.real
def test_the_real_part_of_rsvqa_lr(shared_data: Path) -> None:
    folder = shared_data / "vqa_optical" / "rsvqa_lr"
    report = check_dataset(folder)
    assert report.faults == ()
    assert (report.layout, report.samples, report.images) == ("rsvqa-lr", 2504, 25)
    found = questions(folder, "rsvqa-lr")
    assert Counter(kind for _, _, kind, _ in found) == {"comp": 1023, "count": 732, "presence": 724, "rural_urban": 25}
    assert Counter(answer for _, _, kind, answer in found if kind == "rural_urban") == {"rural": 14, "urban": 11}
    assert Counter(answer for _, _, kind, answer in found if kind == "count")["0"] == 187
    assert {split for split, *_ in found} == {"test"}


def edit(folder: Path, split: str, kind: str, number: int, **fields: Any) -> str:
    """Change fields of one record (None takes a field away); the file's name."""
    name = f"LR_split_{split}_{kind}.json"

    def change(value: dict[str, Any]) -> None:
        record = {**value[kind][number], **fields}
        value[kind][number] = {key: field for key, field in record.items() if field is not None}

    edit_json(folder / name, change)
    return name


@pytest.mark.parametrize(
    ("kind", "fields", "what"),
    [
        ("questions", {"question": ""}, "Question 1: The field 'question' is empty."),
        ("questions", {"type": None}, "Question 1: The field 'type' is missing."),
        ("questions", {"img_id": 2}, "Question 1: Its image 2 is not an active one of this split."),
        ("questions", {"img_id": "../0"}, "Question 1: The field 'img_id' is not a whole number."),
        ("questions", {"id": 7}, "Question 1: Its id is 7, but its place in the list is 1."),
        ("questions", {"id": None}, "Question 1: The field 'id' is missing."),
        ("questions", {"answers_ids": []}, "Question 1: It has no answer."),
        ("questions", {"answers_ids": [99]}, "Question 1: It has no answer: there is no answer 99."),
        ("questions", {"answers_ids": [-1]}, "Question 1: It has no answer: there is no answer -1."),
        ("questions", {"answers_ids": [3]}, "Question 1: Its answer 3 is not an active, usable one of this split."),
        ("questions", {"answers_ids": None}, "Question 1: The field 'answers_ids' is missing."),
    ],
)
def test_a_bad_question_is_left_out(folder: Path, kind: str, fields: dict[str, Any], what: str) -> None:
    name = edit(folder, "train", kind, 1, **fields)
    assert len(read(folder, "rsvqa-lr")[0].rows) == 6
    assert checked(folder, "rsvqa-lr") == [(name, 1, what)]


def test_an_answer_that_the_set_does_not_have(folder: Path) -> None:
    name = edit(folder, "val", "answers", 3, answer="perhaps")
    assert checked(folder, "rsvqa-lr") == [
        (name, 1, "Answer 3: The answer 'perhaps' is none that RSVQA-LR (questions on Sentinel-2 images) has."),
        (
            "LR_split_val_questions.json",
            1,
            "Question 3: Its answer 3 is not an active, usable one of this split.",
        ),
    ]


def test_inactive_records_may_hold_anything(folder: Path) -> None:
    edit(folder, "train", "questions", 3, img_id="x", question=5, id="y")
    assert checked(folder, "rsvqa-lr") == []


def test_a_missing_image(folder: Path) -> None:
    (folder / "Images_LR" / "1.tif").unlink()
    assert checked(folder, "rsvqa-lr") == [
        ("Images_LR/1.tif", None, "The file is missing. It is named in LR_split_val_questions.json, line 1.")
    ]


def test_a_truncated_image(folder: Path) -> None:
    cut(folder / "Images_LR" / "1.tif", 0.7)
    ((file, line, what),) = checked(folder, "rsvqa-lr")
    assert (file, line) == ("Images_LR/1.tif", None)
    assert what.startswith("1.tif cannot be decoded: ")


def test_an_image_of_another_size(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("ben")
    rsvqaxben.fabricate(other)
    shutil.copy(other / "Images" / "0.tif", folder / "Images_LR" / "0.tif")
    what = "The image has 120 x 120 pixels, not 256 x 256 as it should."
    assert checked(folder, "rsvqa-lr") == [("Images_LR/0.tif", None, what)]


def test_one_image_in_two_splits(folder: Path) -> None:
    edit(folder, "test", "images", 0, active=True)
    assert checked(folder, "rsvqa-lr") == [
        ("Images_LR/0.tif", None, "The image is in two splits: in test here, and in train.")
    ]


def test_a_split_without_one_of_its_files(folder: Path) -> None:
    (folder / "LR_split_val_answers.json").unlink()
    assert checked(folder, "rsvqa-lr") == [(".", None, "The split val has no file …_val_answers.json.")]
    assert read(folder, "rsvqa-lr")[0].splits == ("test", "train")


def test_a_file_that_breaks_off_gives_what_came_before(folder: Path) -> None:
    cut(folder / "LR_split_train_questions.json", 0.3)
    data, faults = read(folder, "rsvqa-lr")
    assert sum(row.split == "train" for row in data.rows) == 1
    ((file, line, what),) = faults
    assert (file, line) == ("LR_split_train_questions.json", 1)
    assert what.startswith("This is not JSON: ")


def test_the_wrong_list_in_a_file(folder: Path) -> None:
    replace(folder / "LR_split_train_questions.json", '"questions": [', '"answers": [')
    assert checked(folder, "rsvqa-lr") == [
        ("LR_split_train_questions.json", None, "There is no list 'questions' in it.")
    ]


def test_files_of_the_whole_database_are_not_read(folder: Path) -> None:
    shutil.copy(folder / "LR_split_train_questions.json", folder / "all_questions.json")
    assert len(read(folder, "rsvqa-lr")[0].rows) == 7
