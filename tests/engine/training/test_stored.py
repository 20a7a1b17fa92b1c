"""Rows of arrays on disk: whole or not at all, gone on with, never mixed up."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from engine.errors import UsageError
from engine.training.stored import AT_ONCE, Column, stored_rows

COLUMNS = {"numbers": Column(np.int32, (2,)), "flags": Column(np.bool_, ())}
COUNT = 2 * AT_ONCE + 7


class Maker:
    """Makes rows and remembers which; breaks at row ``until``."""

    def __init__(self, until: int = COUNT) -> None:
        self.until, self.made = until, []

    def __call__(self, first):
        for number in range(first, COUNT):
            if number == self.until:
                raise KeyboardInterrupt
            self.made.append(number)
            yield {"numbers": np.array([number, -number]), "flags": np.array(number % 2)}, {"name": f"row {number}"}


def right(arrays, records) -> bool:
    return (
        arrays["numbers"].tolist() == [[n, -n] for n in range(COUNT)]
        and arrays["flags"].tolist() == [bool(n % 2) for n in range(COUNT)]
        and [record["name"] for record in records] == [f"row {n}" for n in range(COUNT)]
    )


def test_memory_and_disk_hold_the_same(tmp_path):
    told = []
    assert right(*stored_rows(None, {}, COLUMNS, COUNT, Maker(), lambda *done: told.append(done)))
    assert told == [(AT_ONCE, COUNT), (2 * AT_ONCE, COUNT), (COUNT, COUNT)]
    assert right(*stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, Maker()))
    again = Maker()
    assert right(*stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, again))
    assert again.made == []


@pytest.mark.parametrize("stop", [0, 3, AT_ONCE, AT_ONCE + 1, COUNT - 1])
def test_what_was_stopped_goes_on_after_the_last_rows_that_were_recorded(tmp_path, stop):
    with pytest.raises(KeyboardInterrupt):
        stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, Maker(stop))
    assert not (tmp_path / "set").exists()
    second = Maker()
    assert right(*stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, second))
    assert second.made[0] == stop // AT_ONCE * AT_ONCE
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_line_that_was_cut_short_does_not_count(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, Maker(AT_ONCE + 1))
    lines = tmp_path / "set.part" / "rows.jsonl"
    lines.write_text(lines.read_text()[:-5])
    second = Maker()
    assert right(*stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, second))
    assert second.made[0] == AT_ONCE - 1


@pytest.mark.parametrize("half", [True, False])
def test_what_was_made_from_something_else_is_made_anew(tmp_path, half):
    first = Maker(AT_ONCE + 1 if half else COUNT)
    try:
        stored_rows(tmp_path / "set", {"a": 1}, COLUMNS, COUNT, first)
    except KeyboardInterrupt:
        assert half
    second = Maker()
    assert right(*stored_rows(tmp_path / "set", {"a": 2}, COLUMNS, COUNT, second))
    assert len(second.made) == COUNT


def test_a_disk_without_room_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    maker = Maker()
    with pytest.raises(UsageError, match="GB free") as caught:
        stored_rows(tmp_path / "set", {}, COLUMNS, COUNT, maker)
    assert "room" in caught.value.remedy
    assert maker.made == []
    assert list(tmp_path.iterdir()) == []
