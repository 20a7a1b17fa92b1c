"""The report of an evaluation of boxes: an object, a table and a page, with every figure beside the guess.

The record comes from ``engine.grounding.evaluation`` and is JSON; nothing is computed here but how it looks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.export.evaluation_examples import COLOURS
from engine.export.evaluation_parts import Published, percent, write_files
from engine.export.grounding_examples import BoxExample, BoxExampleView, box_example_view
from engine.export.pages import page_template
from engine.metrics import SIZES, THRESHOLDS

SCORES = (*(f"Pr@{threshold:g}" for threshold in THRESHOLDS), "meanIoU", "cumIoU")
"""Columns of tables: the paper's metrics."""

GUESSED = ("Pr@0.5", "meanIoU")
"""Those that the guess stands beside."""

GROUPS = {
    "sensor": "Sensor",
    "told apart": "Where only words for places help",
    "how": "What tells the thing apart",
    "distractors": "Others of its class beside it",
    "size": "Size of the thing",
    "weather": "Weather",
    "category": "Category",
}
"""Labels of subsets in the order of the page, with their headings."""

KINDS = {"best": "The best", "worst": "The worst: the surest of those that miss most", "random": "Drawn at random"}
"""Kinds of examples, in the order of the page, with their headings."""


def write_grounding_evaluation(
    record: Mapping[str, Any],
    out: Path,
    *,
    examples: Sequence[BoxExample] = (),
    published: Published | None = None,
    own: Mapping[str, float] | None = None,
) -> tuple[Path, ...]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns them in this order.

    ``record`` is of :func:`~engine.export.evaluation_parts.evaluation_record`; ``own`` are this model's figures by the
    columns of ``published``, in percent.
    Raises :class:`~engine.errors.ExportRefused` where they cannot be written; older ones are then untouched.
    """
    page = grounding_page(record, examples, published, own or {})
    return write_files(record, grounding_table(record), page, out)


@dataclass(frozen=True, slots=True)
class Row:
    """One group of expressions: ``model`` and ``guess`` are shares 0..1 by score, ``guess`` {} where there is none."""

    group: str
    name: str
    samples: int
    scores: Mapping[str, float]
    guessed: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]

    @property
    def model(self) -> float:
        """What is drawn: meanIoU."""
        return self.scores["meanIoU"]

    @property
    def guess(self) -> float | None:
        """The guess beside it."""
        return self.guessed.get("meanIoU")

    @property
    def interval(self) -> Sequence[float] | None:
        """Where 95 % of it lie."""
        return self.intervals.get("meanIoU")

    @property
    def blind(self) -> bool:
        """Whether the model is no better than one that sees no picture."""
        return self.guess is not None and self.model <= self.guess


def rows_of(record: Mapping[str, Any]) -> list[Row]:
    """All expressions first, then every subset, in the order of :data:`GROUPS`."""
    metrics, guess = record["metrics"], record["guess"]
    rows = [Row("overall", "all", metrics["samples"], metrics, guess, metrics["intervals"])]
    for group in GROUPS:
        found = record["subsets"].get(group, {})
        blind = guess.get("subsets", {}).get(group, {})
        rows += [
            Row(group, name, found[name]["samples"], found[name], blind.get(name, {}), found[name].get("intervals", {}))
            for name in sorted(found, key=lambda name, group=group: _place(group, name))  # type: ignore[misc]
        ]
    return rows


def _place(group: str, name: str) -> tuple[int, str]:
    """Sizes from small to large; all others by name."""
    sizes = [size for size, _ in SIZES]
    return (sizes.index(name) if group == "size" else 0), name


def grounding_table(record: Mapping[str, Any]) -> str:
    """The CSV: one line per group, shares 0..1; empty where there is no such figure."""
    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    ends = [f"{name} {end}_95" for name in GUESSED for end in ("low", "high")]
    lines.writerow(["group", "name", "samples", *SCORES, *ends, *(f"guess {name}" for name in GUESSED), "data"])
    for row in rows_of(record):
        shares: list[float | None] = [row.scores[name] for name in SCORES]
        for name in GUESSED:
            shares += row.intervals.get(name, (None, None))
        shares += [row.guessed.get(name) for name in GUESSED]
        told = ["" if share is None else f"{share:.6f}" for share in shares]
        lines.writerow([row.group, row.name, row.samples, *told, record["split"]])
    return stream.getvalue()


def grounding_page(
    record: Mapping[str, Any],
    examples: Sequence[BoxExample] = (),
    published: Published | None = None,
    own: Mapping[str, float] | None = None,
) -> str:
    """The page: printable, without scripts, nothing loaded from elsewhere."""
    rows = rows_of(record)
    headings = {"overall": "", **GROUPS}
    groups = {name: [row for row in rows if row.group == name] for name in headings}
    return page_template("grounding_evaluation.html", percent=percent).render(
        it=record,
        metrics=record["metrics"],
        groups={name: (headings[name], found) for name, found in groups.items() if found},
        scores=SCORES,
        guessed=GUESSED,
        published=published,
        own=own or {},
        colours=COLOURS,
        kinds=dict(_by_kind(examples)),
    )


def _by_kind(examples: Sequence[BoxExample]) -> Iterator[tuple[str, list[BoxExampleView]]]:
    for kind, heading in KINDS.items():
        found = [box_example_view(example) for example in examples if example.kind == kind]
        if found:
            yield heading, found
