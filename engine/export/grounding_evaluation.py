"""The report of an evaluation of boxes: an object, a table and a page, with every figure beside the guess.

The record comes from ``engine.grounding.evaluation`` and is JSON; nothing is computed here but how it looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.export.evaluation_examples import COLOURS
from engine.export.evaluation_parts import Published, percent, write_files
from engine.export.evaluation_picks import KINDS
from engine.export.evaluation_rows import PRECISIONS, SIZE_ORDER, Columns, grouped, rows_of, table_of
from engine.export.grounding_examples import BoxExample, BoxExampleView, box_example_view
from engine.export.pages import page_template

COLUMNS = Columns(
    scores=(*PRECISIONS, "meanIoU", "cumIoU"),
    guessed=("Pr@0.5", "meanIoU"),
    drawn="meanIoU",
    groups={
        "sensor": "Sensor",
        "told apart": "Where only words for places help",
        "how": "What tells the thing apart",
        "distractors": "Others of its class beside it",
        "size": "Size of the thing",
        "weather": "Weather",
        "category": "Category",
    },
    orders={"size": SIZE_ORDER},
)
"""The paper's metrics, and the parts of the page in their order."""


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
    return write_files(record, table_of(record, COLUMNS), page, out)


def grounding_page(
    record: Mapping[str, Any],
    examples: Sequence[BoxExample] = (),
    published: Published | None = None,
    own: Mapping[str, float] | None = None,
) -> str:
    """The page: printable, without scripts, nothing loaded from elsewhere."""
    return page_template("grounding_evaluation.html", percent=percent).render(
        it=record,
        metrics=record["metrics"],
        groups=grouped(rows_of(record, COLUMNS), COLUMNS),
        columns=COLUMNS,
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
