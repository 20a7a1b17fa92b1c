"""Figures that others published, as data (``published.toml``): Tables III to V of the TGFNet paper.

None of them is ours. Every record carries the words that have to stand beside it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from engine.errors import UsageError

PAPER = "the paper's figure on OSVQA"
"""What stands beside every figure of :func:`published_table`."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A row: ``values`` in percent by column; ``modality`` "SAR", "OPT" or "MUL", ``venue`` as printed, or ""."""

    name: str
    values: dict[str, float]
    modality: str = ""
    venue: str = ""


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A whole table. ``notes`` are what a reader has to know of it, such as where the paper contradicts itself."""

    number: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    notes: tuple[str, ...] = ()

    def row(self, name: str, modality: str = "") -> PublishedRow:
        """The row of a method, in a modality where the table has several. Raises UsageError, naming the rows."""
        for row in self.rows:
            if row.name == name and modality in ("", row.modality):
                return row
        known = ", ".join(f"{row.name} {row.modality}".strip() for row in self.rows)
        raise UsageError(f"Table {self.number} has no row “{name} {modality}”.", remedy=f"Its rows: {known}.")


def published_table(number: str) -> PublishedTable:
    """Table "III", "IV" or "V" of the paper. Raises UsageError for another."""
    tables = _content()["tables"]
    if number not in tables:
        raise UsageError(f"There is no published table “{number}”.", remedy=f"There are {', '.join(tables)}.")
    table = tables[number]
    return PublishedTable(number, table["title"], tuple(table["columns"]), _rows(table), tuple(table["notes"]))


def _rows(table: dict[str, Any]) -> tuple[PublishedRow, ...]:
    return tuple(
        PublishedRow(
            row["name"],
            dict(zip(table["columns"], row["values"], strict=True)),
            row.get("modality", ""),
            row.get("venue", ""),
        )
        for row in table["rows"]
    )


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads((files("engine.vqa") / "published.toml").read_text(encoding="utf-8"))
