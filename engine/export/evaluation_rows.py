"""Scores of boxes or of masks as rows: everything that was asked, then every part of it, each beside the guess."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.metrics import SIZES, THRESHOLDS


@dataclass(frozen=True, slots=True)
class Columns:
    """What a task's tables have: its ``scores``; those that the guess stands beside, ``guessed``; the one that is
    ``drawn``; and ``groups``, labels of subsets in the order of the page with their headings.

    ``orders`` has the values of a group in their order, where it is not that of the alphabet.
    """

    scores: tuple[str, ...]
    guessed: tuple[str, ...]
    drawn: str
    groups: Mapping[str, str]
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)


PRECISIONS = tuple(f"Pr@{threshold:g}" for threshold in THRESHOLDS)
SIZE_ORDER = tuple(name for name, _ in SIZES)


@dataclass(frozen=True, slots=True)
class Row:
    """One group of expressions: ``scores`` and ``guessed`` are shares 0..1 by score, ``guessed`` {} where there is
    none. ``drawn`` names the score that a chart shows."""

    group: str
    name: str
    samples: int
    scores: Mapping[str, float]
    guessed: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]
    drawn: str

    @property
    def model(self) -> float:
        """What is drawn."""
        return self.scores[self.drawn]

    @property
    def guess(self) -> float | None:
        """The guess beside it."""
        return self.guessed.get(self.drawn)

    @property
    def interval(self) -> Sequence[float] | None:
        """Where 95 % of it lie."""
        return self.intervals.get(self.drawn)

    @property
    def blind(self) -> bool:
        """Whether the model is no better than one that sees no picture."""
        return self.guess is not None and self.model <= self.guess


def rows_of(record: Mapping[str, Any], columns: Columns) -> list[Row]:
    """All expressions first, then every subset, in the order of the groups."""
    metrics, guess = record["metrics"], record["guess"]
    rows = [Row("overall", "all", metrics["samples"], metrics, guess, metrics["intervals"], columns.drawn)]
    for group in columns.groups:
        found = record["subsets"].get(group, {})
        blind = guess.get("subsets", {}).get(group, {})
        order = list(columns.orders.get(group, sorted(found)))
        rows += [
            Row(group, name, one["samples"], one, blind.get(name, {}), one.get("intervals", {}), columns.drawn)
            for name in order
            if (one := found.get(name)) is not None
        ]
    return rows


def grouped(rows: Sequence[Row], columns: Columns) -> dict[str, tuple[str, list[Row]]]:
    """Rows by group with its heading, "overall" first; groups without rows are left out."""
    headings = {"overall": "", **columns.groups}
    found = {name: [row for row in rows if row.group == name] for name in headings}
    return {name: (headings[name], own) for name, own in found.items() if own}


def table_of(record: Mapping[str, Any], columns: Columns) -> str:
    """The CSV: one line per group, shares 0..1; empty where there is no such figure."""
    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    ends = [f"{name} {end}_95" for name in columns.guessed for end in ("low", "high")]
    guesses = [f"guess {name}" for name in columns.guessed]
    lines.writerow(["group", "name", "samples", *columns.scores, *ends, *guesses, "data"])
    for row in rows_of(record, columns):
        shares: list[float | None] = [row.scores[name] for name in columns.scores]
        for name in columns.guessed:
            shares += row.intervals.get(name, (None, None))
        shares += [row.guessed.get(name) for name in columns.guessed]
        told = ["" if share is None else f"{share:.6f}" for share in shares]
        lines.writerow([row.group, row.name, row.samples, *told, record["split"]])
    return stream.getvalue()
