"""What a builder says it did: tables and sentences for people, and every single thing in lists for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.datasets.plots import as_text
from engine.datasets.statistics import Cell, Table

REPORT = "build_report.json"
"""The report's name in the folder of a built data set."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """``settings`` tell how it was made (so that it can be made again), ``tables`` are printed, ``lists`` hold one
    object for everything dropped, flagged, refused or added, ``notes`` are sentences."""

    layout: str
    settings: Mapping[str, Cell]
    tables: tuple[Table, ...]
    lists: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it as plain objects."""
        return {
            "layout": self.layout,
            "settings": dict(self.settings),
            "tables": [asdict(table) for table in self.tables],
            "lists": {name: [dict(one) for one in listed] for name, listed in self.lists.items()},
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """Notes and those tables that have something in them, for a terminal."""
        return "\n\n".join([*(as_text(table) for table in self.tables if table.rows), *self.notes])
