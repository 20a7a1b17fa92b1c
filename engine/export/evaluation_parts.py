"""What reports of evaluations share, whatever was evaluated: the record, its three files, and a paper's rows beside it.

Nothing is computed here but how it looks. Figures of a paper are marked as the paper's wherever they stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.export.staging import refused_as_export, staged

STEM = "evaluation"


@dataclass(frozen=True, slots=True)
class PublishedFigures:
    """A row of figures by column, as printed. ``what`` is a word on the method, such as what it sees.

    ``by_others`` says that the paper does not have it: others published it since.
    """

    name: str
    what: str
    values: Mapping[str, float]
    by_others: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """Rows of a paper to stand beside ours, in percent but for the columns that are ``counts``.

    ``mark`` is what is printed beside each row; ``same_data`` says whether ours were measured on the same data set.
    """

    title: str
    mark: str
    columns: tuple[str, ...]
    rows: tuple[PublishedFigures, ...]
    same_data: bool
    notes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()

    def row(self, name: str, what: str) -> Mapping[str, float]:
        """The values of a row, none where it is not there."""
        return next((row.values for row in self.rows if (row.name, row.what) == (name, what)), {})


def evaluation_record(
    evaluation: Mapping[str, Any],
    guess: Mapping[str, Any],
    *,
    task: str,
    model: str,
    split: str,
    dataset: str,
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """``evaluation`` with what it is of, as the object that is written, and printed with ``--json``.

    ``guess`` is {} where nobody could learn it. ``split`` says in a line what was asked, ``dataset`` is its short name
    ("scenes", "exam-v1", a layout). ``facts`` are printed under the tables, ``notes`` (sentences) above them.
    """
    said = {"task": task, "model": model, "dataset": dataset, "split": split}
    return said | {"notes": list(notes), "facts": dict(facts), **evaluation, "guess": dict(guess)}


def write_files(record: Mapping[str, Any], table: str, page: str, out: Path) -> tuple[Path, ...]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns them in this order.

    Raises :class:`~engine.errors.ExportRefused` where they cannot be written; older ones are then untouched.
    """
    files = {".csv": table, ".html": page, ".json": json.dumps(record, indent=2) + "\n"}
    with staged(out) as (stage, finals):
        for ending, text in files.items():
            with refused_as_export(out / (STEM + ending)):
                (stage / (STEM + ending)).write_text(text, encoding="utf-8")
    return tuple(finals)


def lost_words(texts: Sequence[str], tokens_cut: Callable[[str], int]) -> tuple[str, ...]:
    """How many of the expressions ``texts`` lose tokens, as a sentence above the tables; none where all are read
    whole."""
    lost = {text for text in dict.fromkeys(texts) if tokens_cut(text)}
    cut = [text for text in texts if text in lost]
    if not cut:
        return ()
    return (
        f"{len(cut):,} of {len(texts):,} expressions are too long and lose their last words; the first: “{cut[0]}”.",
    )


def percent(share: float | None, places: int = 1) -> str:
    """``0.7181`` as ``71.8``; a dash where there is no figure. Never 100 or 0 unless it is."""
    if share is None:
        return "–"
    said = f"{100 * share:.{places}f}"
    if said == f"{100:.{places}f}" and share < 1:
        return f"{100 - 10**-places:.{places}f}"
    if said == f"{0:.{places}f}" and share > 0:
        return f"{10**-places:.{places}f}"
    return said
