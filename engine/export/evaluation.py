"""The report of an evaluation of answers: an object, a table and a page, with every figure beside the guess.

The record comes from ``engine.vqa.evaluation`` and is JSON; nothing is computed here but how it looks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.export.evaluation_examples import COLOURS, Example, ExampleView, example_view
from engine.export.evaluation_parts import Published, percent, write_files
from engine.export.pages import page_template

KINDS = {
    "right": "Right and sure",
    "wrong": "Wrong, and sure of it",
    "unsure": "Unsure",
}
"""Kinds of examples, in the order of the page, with their headings."""


def write_evaluation(
    evaluation: Mapping[str, Any],
    out: Path,
    *,
    examples: Sequence[Example] = (),
    published: Published | None = None,
) -> tuple[Path, ...]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns them in this order.

    ``evaluation`` has ``model``, ``split``, ``facts`` (names and sentences, printed as they are), ``metrics``,
    ``guess`` (empty where there were no training questions) and ``subsets``. Whatever else it has, such as a list of
    the questions that were cut, is in the object alone.
    Raises :class:`~engine.errors.ExportRefused` where they cannot be written; older ones are then untouched.
    """
    page = evaluation_page(evaluation, examples, published)
    return write_files(evaluation, evaluation_table(evaluation), page, out)


@dataclass(frozen=True, slots=True)
class Row:
    """One group of questions: shares 0..1, None where there is no such figure."""

    group: str
    name: str
    asked: int | None
    model: float
    guess: float | None
    optical: float | None
    sar: float | None
    interval: tuple[float, float] | None = None

    @property
    def blind(self) -> bool:
        """Whether the model is no better than one that sees no picture."""
        return self.guess is not None and self.model <= self.guess


def rows_of(evaluation: Mapping[str, Any]) -> list[Row]:
    """All of it, the paper's comparable part, every type, every weather, in this order."""
    metrics, guess = evaluation["metrics"], evaluation["guess"]
    alone = [evaluation["subsets"].get(name, {}) for name in ("optical-only", "sar-only")]
    rows = []
    for name in ("OA", "AA"):
        low, high = metrics["intervals"][name]
        blind, optical, sar = (part.get(name) for part in (guess, *alone))
        rows.append(Row("overall", name, metrics["questions"], metrics[name], blind, optical, sar, (low, high)))
    for name in ("OA", "AA"):
        blind, optical, sar = (part.get("comparable", {}).get(name) for part in (guess, *alone))
        rows.append(Row("comparable", name, None, metrics["comparable"][name], blind, optical, sar))
    for group, key, counts in (("type", "per_type", "asked"), ("weather", "per_weather", "asked_by_weather")):
        for name, share in metrics[key].items():
            blind, optical, sar = (part.get(key, {}).get(name) for part in (guess, *alone))
            rows.append(Row(group, name, metrics[counts][name], share, blind, optical, sar))
    return rows


def evaluation_table(evaluation: Mapping[str, Any]) -> str:
    """The CSV: one line per group, shares 0..1; empty where there is no such figure."""
    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow(
        ["group", "name", "asked", "accuracy", "low_95", "high_95", "guess", "optical_only", "sar_only", "data"]
    )
    for row in rows_of(evaluation):
        shares = [row.model, *(row.interval or (None, None)), row.guess, row.optical, row.sar]
        told = ["" if share is None else f"{share:.6f}" for share in shares]
        lines.writerow([row.group, row.name, "" if row.asked is None else row.asked, *told, evaluation["split"]])
    return stream.getvalue()


def evaluation_page(
    evaluation: Mapping[str, Any], examples: Sequence[Example] = (), published: Published | None = None
) -> str:
    """The page: printable, without scripts, nothing loaded from elsewhere."""
    rows = rows_of(evaluation)
    metrics = evaluation["metrics"]
    groups = {name: [row for row in rows if row.group == name] for name in ("overall", "comparable", "type", "weather")}
    return page_template("evaluation.html", percent=percent).render(
        it=evaluation,
        metrics=metrics,
        groups=groups,
        published=published,
        own={
            name: 100 * share
            for name, share in (metrics["per_type"] | metrics["comparable"]).items()
            if name != "excluded"
        },
        paper=published.row("TGFNet", "MUL") if published is not None else {},
        colours=COLOURS,
        kinds=dict(_by_kind(examples)),
    )


def _by_kind(examples: Sequence[Example]) -> Iterator[tuple[str, list[ExampleView]]]:
    numbered = [example_view(example, number) for number, example in enumerate(examples)]
    for kind, heading in KINDS.items():
        found = [view for view in numbered if view.example.kind == kind]
        if found:
            yield heading, found
