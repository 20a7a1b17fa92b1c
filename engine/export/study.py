"""The report of a study: our runs beside the paper's rows, as a page, a table and an object.

Every figure says whose it is. Ours are means over seeds with their spread; the paper's are printed as it has them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from engine.export.pages import page_template
from engine.export.staging import refused_as_export, staged

STEM = "study"


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One line of the table: ``ours`` and ``paper`` in percent by column, either empty where there is none.

    ``ours`` is the mean over ``done`` of ``wanted`` seeds, ``spread`` their standard deviation (n - 1), empty for one
    seed. ``what`` is a word on the method. ``folders`` are those of the finished runs, relative to the report.
    ``whose`` stands beside the figures of ``paper`` in every format: "paper", or "others" where they are not even the
    paper's.
    """

    name: str
    what: str = ""
    done: int = 0
    wanted: int = 0
    ours: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    paper: Mapping[str, float] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    whose: str = "paper"


@dataclass(frozen=True, slots=True)
class StudyReport:
    """A whole study. ``ours_on`` and ``paper_on`` say which data the figures are on, ``notes`` are sentences.

    ``columns`` are names of figures, of which ``counts`` are no percentages, and none of them is better for being
    larger; ``facts`` (base recipe, seeds, software …) are printed as they are.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[StudyRow, ...]
    ours_on: str
    paper_on: str
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[str, ...] = ()

    @property
    def best(self) -> dict[str, float]:
        """The best figure of our runs in each column in which there are several to choose from."""
        found = {
            name: [row.ours[name] for row in self.rows if name in row.ours and row.folders] for name in self.columns
        }
        return {name: max(values) for name, values in found.items() if len(values) > 1 and name not in self.counts}


def write_study(report: StudyReport, out: Path) -> tuple[Path, ...]:
    """Write ``study.html``, ``study.csv`` and ``study.json`` into ``out``; returns them.

    Raises :class:`~engine.errors.ExportRefused` where they cannot be written; older ones are then untouched.
    """
    with staged(out) as (stage, finals), refused_as_export(out / STEM):
        (stage / f"{STEM}.html").write_text(study_page(report), encoding="utf-8")
        (stage / f"{STEM}.csv").write_text(study_table(report), encoding="utf-8")
        (stage / f"{STEM}.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return tuple(finals)


def study_table(report: StudyReport) -> str:
    """The CSV: per row a line of ours and a line of the paper's, told apart by the column ``whose``.

    Figures are in percent, but for counts.
    """
    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    spreads = [f"{name} ±" for name in report.columns]
    lines.writerow(["name", "what", "whose", "data", "seeds", *report.columns, *spreads])
    for row in report.rows:
        for whose, data, seeds, values, spread in (
            ("ours", report.ours_on, f"{row.done}", row.ours, row.spread),
            (row.whose, report.paper_on, "", row.paper, {}),
        ):
            if values:
                figures = [_figure(part.get(name)) for part in (values, spread) for name in report.columns]
                lines.writerow([row.name, row.what, whose, data, seeds, *figures])
    return stream.getvalue()


def study_page(report: StudyReport) -> str:
    """The page, light and printable, nothing loaded from elsewhere."""
    return page_template("study.html").render(
        report=report, best=report.best, figure=_figure, printed=partial(_as_printed, report), chart=_chart(report)
    )


@dataclass(frozen=True, slots=True)
class _Chart:
    """A dot plot of the first column in percent: rows at equal heights, figures between ``low`` and ``high``."""

    column: str
    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a figure lies, in percent of the plot's width."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def _chart(report: StudyReport) -> _Chart | None:
    """None where all columns are counts."""
    column = next((name for name in report.columns if name not in report.counts), None)
    if column is None:
        return None
    values = [v[column] for row in report.rows for v in (row.ours, row.paper) if column in v]
    reach = [
        row.ours[column] + sign * row.spread[column] for row in report.rows for sign in (-1, 1) if column in row.spread
    ]
    low, high = min([*values, *reach], default=0.0), max([*values, *reach], default=100.0)
    right = min(100.0, 5 * (high // 5 + 1))
    return _Chart(column, max(0.0, min(5 * (low // 5), right - 5)), right)  # also where every figure is 100


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _as_printed(report: StudyReport, name: str, value: float) -> str:
    """A paper's figure of column ``name``: percentages have two decimals there, counts as many as were printed."""
    return f"{value}" if name in report.counts else _figure(value)
