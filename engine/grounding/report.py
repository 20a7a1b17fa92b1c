"""An evaluation as files for people: the record with what it is of, the paper's rows beside it, and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.catalog import GroundingCalibration
from engine.export.evaluation_parts import Published, evaluation_record, lost_words
from engine.export.evaluation_picks import picked
from engine.export.grounding_evaluation import write_grounding_evaluation
from engine.export.grounding_examples import Box, BoxExample
from engine.grounding.calibration import probabilities
from engine.grounding.config import GroundingConfig
from engine.grounding.counts import PARAMETERS, parameters_m
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.evaluation import Evaluation
from engine.grounding.published import optisar_table
from engine.grounding.scored import Scored
from engine.nn.embeddings import TextEmbedder

EACH = 8
"""Examples of each kind."""

TABLES = {"optsar-rsvg": "I", "dior-rsvg": "IV"}
"""The table of the paper that is on the same data, by layout. Other data have Table I beside them."""


def write_report(
    out: Path,
    evaluation: Evaluation,
    guess: Mapping[str, Any],
    *,
    model: str,
    split: str,
    dataset: str,
    facts: Mapping[str, str],
    config: GroundingConfig | None = None,
    notes: Sequence[str] = (),
    examples: Sequence[BoxExample] = (),
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns the record and the files.

    ``evaluation`` is of :func:`engine.grounding.evaluation.evaluate_scored`, ``guess`` of
    :func:`engine.grounding.guess.guess_metrics`, {} where nobody could learn it. ``config`` is the model's, whose
    parameters then stand beside those of the paper's rows. The rest is as in
    :func:`~engine.export.evaluation_parts.evaluation_record`.
    Raises :class:`~engine.errors.ExportRefused` where the files cannot be written.
    """
    record = evaluation_record(
        evaluation, guess, task="grounding", model=model, split=split, dataset=dataset, facts=facts, notes=notes
    )
    own = paper_figures(evaluation["metrics"], evaluation["subsets"])
    if config is not None:
        own |= {PARAMETERS: parameters_m(config)}
    return record, write_grounding_evaluation(record, out, examples=examples, published=paper_rows(dataset), own=own)


def paper_figures(metrics: Mapping[str, Any], subsets: Mapping[str, Any]) -> dict[str, float]:
    """Figures in percent by the names of the paper's columns: "Pr@0.5", and "all", "optical" and "SAR" before each."""
    parts = {"": metrics, "all ": metrics}
    parts |= {("SAR " if name == "sar" else f"{name} "): part for name, part in subsets.get("sensor", {}).items()}
    return {
        before + name: 100 * part[name]
        for before, part in parts.items()
        for name in part
        if name.startswith("Pr@") or name in ("meanIoU", "cumIoU")
    }


def cut_notes(pictures: ExpressionSet, embedder: TextEmbedder) -> tuple[str, ...]:
    """How many of the asked expressions were not read whole, as a sentence above the tables; none where all were."""
    return lost_words([one.text for one in pictures.expressions], embedder.tokens_cut)


def paper_rows(dataset: str) -> Published:
    """The paper's table on ``dataset``, else Table I, with whether figures on ``dataset`` are on the same data."""
    return optisar_table(TABLES.get(dataset, "I")).beside(same_data=dataset in TABLES)


def pick_examples(
    scored: Scored,
    pictures: ExpressionSet,
    calibration: GroundingCalibration | None = None,
    *,
    each: int = EACH,
) -> tuple[BoxExample, ...]:
    """``each`` expressions answered best, worst and drawn at random, each of a picture of its own.

    See :func:`~engine.export.evaluation_picks.picked`.
    """
    ious, sensors = scored.ious, [pictures.sensors[one.picture] for one in _expressions(scored, pictures)]
    sure = None if calibration is None else probabilities(calibration, scored.scores, sensors)
    examples = []
    own = [one.picture for one in _expressions(scored, pictures)]
    for kind, row in picked(ious, scored.scores, own, each):
        expression = pictures.expressions[scored.expression[row]]
        picture = expression.picture
        examples.append(
            BoxExample(
                kind=kind,
                place=" · ".join(part for part in (pictures.names[picture], pictures.weather[picture]) if part),
                expression=expression.text,
                category=expression.category,
                how=expression.how,
                sensor=pictures.sensors[picture],
                picture=np.ascontiguousarray(np.asarray(pictures.pixels[picture]).transpose(1, 2, 0)),
                truth=_box(scored.truths[row]),
                found=None if np.isnan(scored.boxes[row]).any() else _box(scored.boxes[row]),
                iou=float(ious[row]),
                score=float(scored.scores[row]),
                probability=None if sure is None else float(sure[row]),
            )
        )
    return tuple(examples)


def _expressions(scored: Scored, pictures: ExpressionSet) -> Iterator[Any]:
    return (pictures.expressions[index] for index in scored.expression)


def _box(row: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(edge) for edge in row)
    return x0, y0, x1, y1
