"""An evaluation as files for people: the record with what it is of, the paper's rows beside it, and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.catalog import SegmentationCalibration
from engine.export.evaluation_parts import Published, evaluation_record, lost_words
from engine.export.evaluation_picks import Kind, picked
from engine.export.segmentation_evaluation import write_segmentation_evaluation
from engine.export.segmentation_examples import MaskExample, Reads
from engine.nn.preprocess import PreprocessSpec
from engine.records.pair import SENSORS
from engine.segmentation.calibration import cut_of, probabilities
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.data.referring_set import ReferringSet
from engine.segmentation.evaluation import Evaluation
from engine.segmentation.published import lgce_table
from engine.segmentation.scored import CENTRES, EDGES, Scored, data_in
from engine.segmentation.scoring import Network, WordVectors, answers

EACH = 6
"""Examples of each kind."""

PAPERS_DATA = "refsegrs"
"""The layout whose figures are on the paper's data."""


class Cuts(Protocol):
    """Says how many tokens a text has more than are read. A ``WordSource`` does."""

    def tokens_cut(self, text: str, tokens: int) -> int: ...


def write_report(
    out: Path,
    evaluation: Evaluation,
    guess: Mapping[str, Any],
    *,
    model: str,
    split: str,
    dataset: str,
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
    examples: Sequence[MaskExample] = (),
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns the record and the files.

    ``evaluation`` is of :func:`engine.segmentation.evaluation.evaluate_scored`, ``guess`` of
    :func:`engine.segmentation.guess.guess_metrics`, {} where nobody could learn it. The rest is as in
    :func:`~engine.export.evaluation_parts.evaluation_record`.
    Raises :class:`~engine.errors.ExportRefused` where the files cannot be written.
    """
    record = evaluation_record(
        evaluation, guess, task="segmentation", model=model, split=split, dataset=dataset, facts=facts, notes=notes
    )
    own, published = paper_figures(evaluation["metrics"]), paper_rows(dataset)
    return record, write_segmentation_evaluation(record, out, examples=examples, published=published, own=own)


def paper_figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Figures in percent by the paper's columns: "Pr@0.5", "oIoU"…; by its own rule, the likelier of both classes."""
    return {name: 100 * share for name, share in metrics["argmax"].items() if name != "samples"}


def paper_rows(dataset: str) -> Published:
    """Table II of the paper, with whether figures on ``dataset`` are on the same data."""
    return lgce_table("II").beside(same_data=dataset == PAPERS_DATA)


def cut_notes(areas: ReferringSet, words: Cuts, tokens: int) -> tuple[str, ...]:
    """How many of the expressions were not read whole, as a sentence above the tables; none where all were."""
    return lost_words([one.text for one in areas.expressions], lambda text: words.tokens_cut(text, tokens))


def pick_examples(
    scored: Scored,
    areas: ReferringSet,
    network: Network,
    words: WordVectors,
    config: SegmentationConfig,
    preprocess: PreprocessSpec,
    calibration: SegmentationCalibration | None = None,
    *,
    device: str | torch.device = "cpu",
    each: int = EACH,
) -> tuple[MaskExample, ...]:
    """``each`` expressions answered best, worst and drawn at random, each of an area of its own, asked once more.

    See :func:`~engine.export.evaluation_picks.picked`.
    """
    cut = cut_of(calibration)
    ious = np.array([one.iou for one in scored.overlaps(cut)])
    sure = mean_probabilities(scored, calibration)
    own = [areas.expressions[index].area for index in scored.expression]
    kinds = {row: kind for kind, row in picked(ious, np.nan_to_num(sure), own, each)}
    rows = {int(scored.expression[row]): row for row in kinds}
    found = {}
    for answer in answers(network, areas, list(rows), words, config, preprocess, device=device):
        row, drawn = rows[answer.expression], answer.margin.cpu().numpy() >= EDGES[cut]
        found[row] = _example(areas, answer.expression, drawn, config.sensors, kinds[row], ious[row], sure[row])
    return tuple(found[row] for row in kinds)


def _example(
    areas: ReferringSet, index: int, drawn: NDArray[np.bool_], reads: Reads, kind: Kind, iou: float, sure: float
) -> MaskExample:
    """The expression of that ``index`` with its pictures, as far as a network that ``reads`` these saw them."""
    expression = areas.expressions[index]
    area = expression.area
    seen = data_in(areas, area, reads)
    truth = areas.mask(expression.mask) & seen
    saw = {name: reads in (name, "both") and areas.has[area, place] for place, name in enumerate(SENSORS)}
    return MaskExample(
        kind=kind,
        place=" · ".join(part for part in (areas.names[area], areas.weather[area]) if part),
        expression=expression.text,
        how=expression.how,
        reads=reads,
        sensor=expression.sensor,
        optical=np.asarray(areas.optical[area]).transpose(1, 2, 0) if saw["optical"] else None,
        sar=np.asarray(areas.sar[area]) if saw["sar"] else None,
        truth=truth,
        drawn=drawn & seen,
        iou=float(iou),
        share=float(truth.sum() / max(seen.sum(), 1)),
        probability=None if np.isnan(sure) else float(sure),
    )


def mean_probabilities(scored: Scored, calibration: SegmentationCalibration | None) -> NDArray[np.float64]:
    """The mean probability of each mask's pixels, [Q]; NaN for an empty mask."""
    cut = cut_of(calibration)
    drawn = (scored.foreground + scored.background)[:, cut:]  # [Q, bins above the cut]
    total = drawn.sum(1)
    said = drawn @ probabilities(CENTRES[cut:], calibration)
    return np.asarray(np.divide(said, total, out=np.full(len(total), np.nan), where=total > 0))
