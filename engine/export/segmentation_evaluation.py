"""The report of an evaluation of masks: an object, a table and a page, with every figure beside the guess.

The record comes from ``engine.segmentation.evaluation`` and is JSON; nothing is computed here but how it looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.export.evaluation_examples import COLOURS
from engine.export.evaluation_parts import Published, percent, write_files
from engine.export.evaluation_picks import KINDS
from engine.export.evaluation_rows import PRECISIONS, SIZE_ORDER, Columns, grouped, rows_of, table_of
from engine.export.pages import page_template
from engine.export.segmentation_examples import MaskExample, MaskExampleView, mask_example_view

COLUMNS = Columns(
    scores=(*PRECISIONS, "mIoU", "oIoU"),
    guessed=("Pr@0.5", "mIoU"),
    drawn="mIoU",
    groups={
        "sensor": "Picture that shows it",
        "size": "Share of the picture that is meant (tiny: up to 0.1 %, small: 1 %, medium: 5 %)",
        "parts": "Number of its parts",
        "scatter": "What LGCE is there for: at most 5 % of the picture, in several parts",
        "weather": "Weather over the optical picture",
        "hidden": "How much of it that weather hides (in sight: up to 10 %, partly: 50 %)",
        "how": "What tells the things apart",
        "distractors": "Others of its class that are not meant",
        "category": "Category",
    },
    orders={
        "size": SIZE_ORDER,
        "parts": ("none", "1", "2 to 5", "more than 5"),
        "hidden": ("in sight", "partly hidden", "mostly hidden"),
    },
)
"""The paper's metrics, and the parts of the page in their order."""


def write_segmentation_evaluation(
    record: Mapping[str, Any],
    out: Path,
    *,
    examples: Sequence[MaskExample] = (),
    published: Published | None = None,
    own: Mapping[str, float] | None = None,
) -> tuple[Path, ...]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns them in this order.

    Arguments and errors are those of :func:`~engine.export.grounding_evaluation.write_grounding_evaluation`.
    """
    page = segmentation_page(record, examples, published, own or {})
    return write_files(record, table_of(record, COLUMNS), page, out)


def segmentation_page(
    record: Mapping[str, Any],
    examples: Sequence[MaskExample] = (),
    published: Published | None = None,
    own: Mapping[str, float] | None = None,
) -> str:
    """The page: printable, without scripts, nothing loaded from elsewhere."""
    bars = record["metrics"]["foreground_shares"]
    return page_template("segmentation_evaluation.html", percent=percent).render(
        it=record,
        metrics=record["metrics"],
        groups=grouped(rows_of(record, COLUMNS), COLUMNS),
        columns=COLUMNS,
        below_5=sum(one["samples"] for one in bars if one["high"] <= 0.05) / max(sum(b["samples"] for b in bars), 1),
        published=published,
        own=own or {},
        colours=COLOURS,
        kinds=dict(_by_kind(examples)),
    )


def _by_kind(examples: Sequence[MaskExample]) -> Iterator[tuple[str, list[MaskExampleView]]]:
    numbered = [mask_example_view(example, number) for number, example in enumerate(examples)]
    for kind, heading in KINDS.items():
        found = [view for view in numbered if view.example.kind == kind]
        if found:
            yield heading, found
