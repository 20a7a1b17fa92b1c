"""Figures that others published, as data: a network keeps its paper's tables in a TOML file of its own.

None of them is ours. Every record carries the words that have to stand beside it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.export.evaluation_parts import Published, PublishedFigures


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A row: ``values`` by column, as printed (percent, but for counts); ``modality`` and ``venue`` as printed, or "".

    ``whose`` is "paper", or "others" for a figure that the paper does not have and others published since.
    """

    name: str
    values: dict[str, float]
    modality: str = ""
    venue: str = ""
    whose: str = "paper"


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A whole table, of figures on the data set ``on``.

    ``notes`` are what a reader has to know of it, such as where the paper contradicts itself. ``counts`` are the
    columns that are no percentages.
    """

    number: str
    title: str
    on: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    notes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """What stands beside every figure of the table."""
        return f"the paper's figure on {self.on}"

    def beside(self, *, same_data: bool) -> Published:
        """The table as it stands beside our figures in a report; ``same_data`` says that ours are on its data, too."""
        rows = tuple(
            PublishedFigures(row.name, row.modality or row.venue, row.values, row.whose == "others")
            for row in self.rows
        )
        title = f"Table {self.number} of the paper"
        return Published(title, self.mark, self.columns, rows, same_data, self.notes, self.counts)

    def row(self, name: str, modality: str = "") -> PublishedRow:
        """The row of a method, in a modality where the table has several. Raises UsageError, naming the rows."""
        for row in self.rows:
            if row.name == name and modality in ("", row.modality):
                return row
        known = ", ".join(f"{row.name} {row.modality}".strip() for row in self.rows)
        raise UsageError(f"Table {self.number} has no row “{name} {modality}”.", remedy=f"Its rows: {known}.")


def published_table(file: Path, number: str) -> PublishedTable:
    """The table with that number ("III") of ``file``. Raises UsageError where it has none such."""
    tables = _content(file)["tables"]
    if number not in tables:
        raise UsageError(f"There is no published table “{number}”.", remedy=f"There are {', '.join(tables)}.")
    table = tables[number]
    return PublishedTable(
        number,
        table["title"],
        table["on"],
        tuple(table["columns"]),
        tuple(_row(row, table["columns"]) for row in table["rows"]),
        tuple(table["notes"]),
        tuple(table.get("counts", ())),
    )


def _row(row: dict[str, Any], columns: list[str]) -> PublishedRow:
    """A row of the file; "-" stands for a figure that was not printed."""
    values = {name: value for name, value in zip(columns, row["values"], strict=True) if value != "-"}
    return PublishedRow(row["name"], values, row.get("modality", ""), row.get("venue", ""), row.get("whose", "paper"))


@cache
def _content(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
