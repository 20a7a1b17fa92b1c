"""Folders appear whole or not at all, and only a folder of one's own is replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.datasets.writing.whole_folder import whole_folder, write_report
from engine.errors import ExportRefused, UsageError

REPORT = "report.json"


def make(out: Path, content: str, *sources: Path, last: Callable[[], object] = lambda: None) -> None:
    with whole_folder(out, REPORT, *sources) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "file.txt").write_text(content, encoding="utf-8")
        write_report(folder, REPORT, {"content": content})
        last()


def held(out: Path) -> str:
    return (out / "part" / "file.txt").read_text(encoding="utf-8")


def test_new_empty_and_finished_folders_are_taken(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    make(out, "first")
    make(out, "second")
    assert held(out) == "second"
    (tmp_path / "empty").mkdir()
    make(tmp_path / "empty", "third")
    assert held(tmp_path / "empty") == "third"
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["out"]


def test_what_is_not_its_own_or_was_changed_is_never_touched(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, "first")
    (out / "part" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ExportRefused, match="something else"):
        make(out, "second")
    assert held(out) == "first"
    other = tmp_path / "other"
    other.mkdir()
    (other / REPORT).write_text('{"files": "many"}', encoding="utf-8")
    for content in ('{"files": "many"}', "no JSON", "[1]", '{"files": 2}'):
        (other / REPORT).write_text(content, encoding="utf-8")
        with pytest.raises(ExportRefused, match="something else"):
            make(other, "x")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ExportRefused, match="something else"):
        make(tmp_path / "file", "x")


def test_a_folder_that_was_filled_meanwhile_is_not_touched(tmp_path: Path) -> None:
    def fill() -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(ExportRefused, match="something else"):
        make(tmp_path / "out", "x", last=fill)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_however_it_ends_nothing_is_left(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    make(tmp_path / "out", "first")
    with pytest.raises(error):
        make(tmp_path / "out", "second", last=fail)
    assert held(tmp_path / "out") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_result_in_its_source_and_a_source_in_its_result_are_refused(tmp_path: Path) -> None:
    for out, source in ((tmp_path / "a" / "b", tmp_path / "a"), (tmp_path / "a", tmp_path / "a" / "b")):
        with pytest.raises(UsageError, match="lie in one another"):
            make(out, "x", source)
