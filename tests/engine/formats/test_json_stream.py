"""Long JSON lists, record by record: the same records as json.load gives, and where the file breaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.dataset import Fault, Faults
from engine.formats import json_stream
from engine.formats.json_stream import list_lines, stream_records

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(
    records=st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=5),
    before=VALUES,
    indent=st.sampled_from([None, 0, 2]),
    chunk=st.integers(1, 40),
)
def test_it_gives_what_json_load_gives_in_whatever_pieces(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]], before: object, indent: int, chunk: int
) -> None:
    path = tmp_path_factory.mktemp("stream") / "a.json"
    path.write_text(json.dumps({"info": before, "rows": records, "after": before}, indent=indent), encoding="utf-8")
    faults = Faults(path.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        found = list(stream_records(path, "rows", faults))
    assert [record and record.values for record in found] == records
    assert [record and record.index for record in found] == list(range(len(records)))
    assert faults.found == []


@settings(max_examples=40)
@given(
    rows=st.lists(VALUES, max_size=4),
    other=VALUES,
    indent=st.sampled_from([0, 2]),
)
def test_lines_of_a_list_that_is_written_in_lines(rows: list[object], other: object, indent: int) -> None:
    text = json.dumps({"other": other, "rows": rows}, indent=indent, ensure_ascii=False)
    lines = text.split("\n")
    found = list_lines(text)["rows"]
    assert len(found) == len(rows)
    assert found == sorted(found)
    for line, row in zip(found, rows, strict=True):
        assert lines[line - 1].strip()[0] == json.dumps(row, ensure_ascii=False)[0]


def test_one_line_has_no_lines_to_tell() -> None:
    assert list_lines('{"rows": [{}, {}]}\n') == {}
    assert list_lines("[1,\n2]") == {}
    assert list_lines('{"rows": [1,\n2], "more": [3,\n}') == {"rows": [1, 2]}
    assert list_lines('{"rows":\n[{},\n{}], "rows": [5]}') == {"rows": [3]}


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_a_number_that_is_cut_by_the_end_of_a_piece(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    (tmp_path / "a.json").write_text('{"a": -1.5e+10, "b": 0.25, "rows": [{"a": 12E-1}]}')
    (record,) = stream_records(tmp_path / "a.json", "rows", Faults(tmp_path))
    assert record is not None
    assert record.values == {"a": 1.2}


def test_lines_behind_a_value_that_is_larger_than_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_LARGEST_RECORD", 10)
    assert list_lines('{"index": "' + "x" * 100 + '",\n"rows": [1,\n2]}') == {"rows": [2, 3]}


def test_records_know_their_line_and_place(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"questions": [\n{"id": 1},\n{"id":\n2}, 5,\n{"id": 3}]}')
    faults = Faults(tmp_path)
    found = list(stream_records(path, "questions", faults))
    assert [record and (record.line, record.place) for record in found] == [
        (2, "Question 0"),
        (3, "Question 1"),
        None,
        (5, "Question 3"),
    ]
    assert faults.found == [Fault("a.json", 4, "Question 2 is not an object.")]


@pytest.mark.parametrize(
    ("text", "given_before", "line", "what"),
    [
        ('{"rows": [{"a": 1},\n{"a": 2', 1, 2, "This is not JSON: Expecting ',' delimiter. The rest is not read."),
        ('{"rows": [{"a": 1}', 1, 1, "This is not JSON: the file ends where ',' is needed."),
        ('{"rows": [{"a": 1} {"a": 2}]}', 1, 1, "This is not JSON: there is '{' where ',' is needed."),
        ('{"rows": [{"a": 1},\n\n{"a": x}]}', 1, 3, "This is not JSON: Expecting value. The rest is not read."),
        ("[1]", 0, 1, "This is not JSON: there is '[' where '{' is needed."),
        ("", 0, 1, "This is not JSON: the file ends where '{' is needed."),
        ('{"other": []}', 0, None, "There is no list 'rows' in it."),
        ('{"rows": {}}', 0, None, "There is no list 'rows' in it."),
        ('{"rows": [' + "[" * 100_000, 0, 1, "The JSON is nested too deeply. The rest is not read."),
        ('{"rows": [' + "9" * 5000 + "]}", 0, 1, "This JSON cannot be read: "),
    ],
)
def test_where_the_json_breaks_is_one_fault(
    tmp_path: Path, text: str, given_before: int, line: int | None, what: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    faults = Faults(tmp_path)
    assert len(list(stream_records(path, "rows", faults))) == given_before
    (fault,) = faults.found
    assert fault.line == line
    assert fault.what.startswith(what)


def test_a_file_that_is_no_text_or_is_not_there(tmp_path: Path) -> None:
    faults = Faults(tmp_path)
    (tmp_path / "a.json").write_bytes(b'{"rows": [{"a": "\xff"}]}')
    assert list(stream_records(tmp_path / "a.json", "rows", faults)) == []
    assert list(stream_records(tmp_path / "b.json", "rows", faults)) == []
    assert [fault.what for fault in faults.found] == ["The file is not UTF-8 text.", "The file is missing."]


def test_a_lost_bracket_does_not_read_the_rest_as_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", 1 << 10)
    monkeypatch.setattr(json_stream, "_LARGEST_RECORD", 1 << 14)
    path = tmp_path / "a.json"
    path.write_text('{"rows": [{"a": [' + '{"b": 1},' * 100_000)
    faults = Faults(tmp_path)
    reader_texts = []
    more = json_stream._Reader._more

    def watched(reader: json_stream._Reader) -> bool:
        found = more(reader)
        reader_texts.append(len(reader._text))
        return found

    monkeypatch.setattr(json_stream._Reader, "_more", watched)
    assert list(stream_records(path, "rows", faults)) == []
    assert len(faults.found) == 1
    assert max(reader_texts) <= (1 << 14) + (1 << 10)
