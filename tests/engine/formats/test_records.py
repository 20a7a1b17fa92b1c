"""Annotation text read without trust: every bad field is one fault, and nothing is raised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.datasets.dataset import Fault, Faults
from engine.formats.csv_records import read_csv
from engine.formats.records import Record, read_json, read_json_lines, read_text, records_of


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path)


def record(faults: Faults, **values: object) -> Record:
    return Record(values, faults.folder / "a.json", 3, "Entry 7", faults)


def test_good_fields_are_read_and_nothing_is_reported(faults: Faults) -> None:
    entry = record(faults, text=" a ship ", key=7, name="7", box=[1, 2.5, 3, 4], none=None)
    assert entry.text("text") == "a ship"
    assert entry.key("key") == entry.key("name") == "7"
    assert entry.integer("key") == 7
    assert entry.numbers("box", 4) == (1.0, 2.5, 3.0, 4.0)
    assert [name for name in ("box", "none", "absent") if entry.has(name)] == ["box"]
    assert faults.found == []


@pytest.mark.parametrize(
    ("getter", "value", "what"),
    [
        ("text", None, "The field 'x' is missing."),
        ("text", 5, "The field 'x' is not a text."),
        ("text", " \t", "The field 'x' is empty."),
        ("text", "a\0b", "The field 'x' has characters that are no text."),
        ("text", "\ud800", "The field 'x' has characters that are no text."),
        ("integer", True, "The field 'x' is not a whole number."),
        ("integer", 1.0, "The field 'x' is not a whole number."),
        ("integer", 10**30, "The field 'x' is not a whole number."),
        ("key", [1], "The field 'x' is neither a whole number nor a text."),
        ("key", False, "The field 'x' is neither a whole number nor a text."),
        ("numbers", [1, "2"], "The field 'x' is not a list of numbers."),
        ("numbers", [float("nan")], "The field 'x' is not a list of numbers."),
        ("numbers", [10**400], "The field 'x' is not a list of numbers."),
        ("numbers", 4, "The field 'x' is not a list of numbers."),
    ],
)
def test_a_bad_field_is_none_and_one_fault(faults: Faults, getter: str, value: object, what: str) -> None:
    assert getattr(record(faults, x=value), getter)("x") is None
    assert faults.found == [Fault("a.json", 3, f"Entry 7: {what}")]


def test_a_list_of_the_wrong_length(faults: Faults) -> None:
    assert record(faults, box=[1, 2, 3]).numbers("box", 4) is None
    assert faults.found[0].what == "Entry 7: The field 'box' is not a list of 4 numbers."


def test_lines_that_are_no_objects_are_faults_at_their_line(faults: Faults) -> None:
    path = faults.folder / "a.jsonl"
    deep = b"[" * 100_000
    digits = b'{"a": ' + b"9" * 5000 + b"}"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n[1]\n{"a": \n\xff\xfe\n' + deep + b"\n" + digits + b'\n{"a": 2}')
    assert [entry.values["a"] for entry in read_json_lines(path, faults)] == [1, 2]
    assert [fault.line for fault in faults.found] == [3, 4, 5, 6, 7]
    assert faults.found[0].what == "The line is not a JSON object."
    assert faults.found[1].what == "This is not JSON: Expecting value at column 6."
    assert faults.found[2].what == "The line is not UTF-8 text."
    assert faults.found[3].what == "The JSON is nested too deeply."
    assert "digits" in faults.found[4].what


def test_files_that_cannot_be_read(faults: Faults) -> None:
    assert read_json(faults.folder / "none.json", faults) is None
    assert list(read_json_lines(faults.folder / "none.jsonl", faults)) == []
    assert read_text(faults.folder, faults) is None
    (faults.folder / "large.txt").write_text("12345")
    assert read_text(faults.folder / "large.txt", faults, max_bytes=4) is None
    (faults.folder / "latin.txt").write_bytes(b"one\ntw\xf6\n")
    assert read_text(faults.folder / "latin.txt", faults) is None
    assert [(fault.file, fault.line) for fault in faults.found] == [
        ("none.json", None),
        ("none.jsonl", None),
        (".", None),
        ("large.txt", None),
        ("latin.txt", 2),
    ]


def test_broken_json_has_its_line(faults: Faults) -> None:
    path = faults.folder / "a.json"
    path.write_text('{\n"a": 1,\n}')
    assert read_json(path, faults) is None
    assert faults.found[0].line in (2, 3)  # Python 3.13 points at the comma


def test_entries_keep_their_place_when_one_is_bad(faults: Faults) -> None:
    found = records_of({"images": [{}, 5, {}]}, "images", faults.folder / "a.json", faults)
    assert [(entry.index, entry.place) for entry in found] == [(0, "Image 0"), (2, "Image 2")]
    assert faults.found == [Fault("a.json", None, "Image 1 is not an object.")]
    assert records_of({"images": {}}, "images", faults.folder / "a.json", faults) == []
    assert faults.found[1].what == "There is no list 'images' in it."
    assert records_of({}, "categories", faults.folder / "a.json", faults, required=False) == []
    assert records_of(None, "images", faults.folder / "a.json", faults) == []
    assert len(faults.found) == 2


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_as_spreadsheets_save_it(faults: Faults, separator: str) -> None:
    path = faults.folder / "a.csv"
    rows = [["Image ", "question", "ANSWER", "type"], ["1.png", '"Ships, or; ""boats""\tthere?"', "4", ""], [""] * 4]
    path.write_text("\r\n".join(separator.join(row) for row in rows), encoding="utf-8-sig", newline="")
    (row,) = read_csv(path, faults, ("image", "answer"))
    assert row.values == {"image": "1.png", "question": 'Ships, or; "boats"\tthere?', "answer": "4"}
    assert row.line == 2
    assert faults.found == []


def test_csv_faults_have_their_line(faults: Faults) -> None:
    path = faults.folder / "a.csv"
    path.write_text('image,answer\n"two\nlines",1\n1,2,3\n3,4\n"open,5\n6,7\n')
    assert [row.values["image"] for row in read_csv(path, faults, ("image",))] == ["two\nlines", "3"]
    assert [fault.line for fault in faults.found] == [4, 7]
    assert faults.found[0].what == "The row has 3 cells, the header 2."
    assert list(read_csv(path, faults, ("image", "question"))) == []
    assert faults.found[-1] == Fault("a.csv", 1, "The header has no column question.")


def test_json_written_by_json_is_read_back(faults: Faults) -> None:
    path = faults.folder / "a.json"
    value = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    path.write_text(json.dumps(value))
    assert read_json(path, faults) == value
