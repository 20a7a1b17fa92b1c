"""Rows of arrays that take long to make, kept in memory or in a folder that appears whole.

A folder has one ``NAME.npy`` per array and ``rows.json`` with what it was made from and a record per row. While it is
made it is called ``NAME.part``; its ``rows.jsonl`` then says how many rows are done, so that work that was stopped,
however it was stopped, goes on where it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.scenes.stream import in_order

I = TypeVar("I")  # noqa: E741
T = TypeVar("T")

Arrays = dict[str, NDArray[Any]]
Row = tuple[Mapping[str, NDArray[Any]], Any]
"""The values of one row by the name of the array, and its record, which JSON can hold."""

RowsFrom = Callable[[int], Iterable[Row]]
"""Makes the rows from a number on, in order."""

Report = Callable[[int, int], None]
"""Hears (rows done, rows in all)."""

AT_ONCE = 50
"""Rows between two reports, after which they count as done."""

_DONE = "rows.json"
_UNDER_WAY = "rows.jsonl"


@dataclass(frozen=True, slots=True)
class Column:
    """One array: its type and the shape of one row."""

    dtype: type[np.generic]
    shape: tuple[int, ...]

    def bytes_of(self, rows: int) -> int:
        """What ``rows`` rows take."""
        return rows * int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def stored_rows(
    folder: Path | None,
    made_from: Mapping[str, Any],
    columns: Mapping[str, Column],
    count: int,
    rows_from: RowsFrom,
    report: Report | None = None,
) -> tuple[Arrays, list[Any]]:
    """``count`` rows as arrays with one row each along the first axis, and their records.

    Into memory where ``folder`` is None. A folder made from the same is opened again (its arrays are memory-mapped),
    one made from something else is made anew; a half made one is gone on with. ``made_from`` has to be JSON. Raises
    :class:`UsageError` where the disk lacks the room, before anything is computed.
    """
    if folder is None:
        arrays: Arrays = {name: np.empty((count, *column.shape), column.dtype) for name, column in columns.items()}
        records: list[Any] = []
        for number, (values, record) in enumerate(rows_from(0)):
            _fill(arrays, number, values)
            records.append(record)
            _tell(report, number + 1, count)
        return arrays, records
    key = json.loads(json.dumps(made_from))
    if (folder / _DONE).is_file():
        stored = json.loads((folder / _DONE).read_text(encoding="utf-8"))
        if stored["made_from"] == key:
            return _opened(folder, columns), stored["rows"]
        shutil.rmtree(folder)
    part = folder.with_name(folder.name + ".part")
    records = _begin(part, key, columns, count)
    _go_on(part, columns, count, records, rows_from, report)
    (part / _DONE).write_text(json.dumps({"made_from": key, "rows": records}), encoding="utf-8")
    (part / _UNDER_WAY).unlink()
    part.rename(folder)
    return _opened(folder, columns), records


def made_in_order(work: Callable[[I], T], items: Sequence[I], workers: int) -> Iterator[T]:
    """``work(item)`` for each of ``items`` by ``workers`` processes, see :func:`engine.scenes.stream.in_order`.

    One worker works in this process: a second one would only add its start.
    """
    with closing(in_order(work, items, workers if workers > 1 else 0)) as made:
        yield from made


def _begin(part: Path, key: Any, columns: Mapping[str, Column], count: int) -> list[Any]:
    """Make ``part`` ready: the records of the rows that it has already, none where it was begun from something else."""
    if (part / _UNDER_WAY).is_file():
        # The last line may be cut short by what stopped the work: only what ends with a newline counts.
        lines = (part / _UNDER_WAY).read_text(encoding="utf-8").split("\n")[:-1]
        if lines and json.loads(lines[0]) == key:
            records = [json.loads(line) for line in lines[1:]]
            (part / _UNDER_WAY).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            return records
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    needed, free = sum(column.bytes_of(count) for column in columns.values()), shutil.disk_usage(part).free
    if needed > free:
        part.rmdir()
        raise UsageError(
            f"{part.parent} has {free / 1e9:.1f} GB free, and what is to be kept there takes {needed / 1e9:.1f} GB.",
            remedy="Make room, choose another disk, or keep fewer variants.",
        )
    for name, column in columns.items():
        open_memmap(part / f"{name}.npy", "w+", column.dtype, (count, *column.shape))
    (part / _UNDER_WAY).write_text(json.dumps(key) + "\n", encoding="utf-8")
    return []


def _go_on(
    part: Path,
    columns: Mapping[str, Column],
    count: int,
    records: list[Any],
    rows_from: RowsFrom,
    report: Report | None,
) -> None:
    """Make the rows that are missing in ``part``; ``records`` grows with them.

    A row's record is written only after its values are on the disk, so that what is recorded is there.
    """
    arrays: Arrays = {name: np.load(part / f"{name}.npy", mmap_mode="r+") for name in columns}
    lines: list[str] = []
    with (part / _UNDER_WAY).open("a", encoding="utf-8") as under_way:
        for values, record in rows_from(len(records)) if len(records) < count else ():
            _fill(arrays, len(records), values)
            records.append(record)
            lines.append(json.dumps(record) + "\n")
            if len(lines) == AT_ONCE or len(records) == count:
                for array in arrays.values():
                    array.flush()  # type: ignore[attr-defined]
                under_way.writelines(lines)
                under_way.flush()
                lines.clear()
            _tell(report, len(records), count)


def _fill(arrays: Arrays, row: int, values: Mapping[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        array[row] = values[name]


def _tell(report: Report | None, done: int, count: int) -> None:
    if report is not None and (done % AT_ONCE == 0 or done == count):
        report(done, count)


def _opened(folder: Path, columns: Mapping[str, Column]) -> Arrays:
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in columns}
