"""Scores of a network on a set of expressions as one record: mIoU, oIoU, Pr@t, every part of them, its confidence.

The metrics are the paper's (RRSIS, section V-A), on masks of the network's square, where there is data. They hold for
masks as use draws them, at the card's threshold; beside them stand those of the paper's own rule, the more likely of
foreground and background. The record is JSON: ``metrics`` over all expressions, ``subsets`` by what is known of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from engine.catalog import SegmentationCalibration
from engine.metrics import (
    Overlap,
    OverlapTally,
    Subsets,
    expected_calibration_error,
    overlap_intervals,
    reliability,
    size_group,
)
from engine.segmentation.calibration import cut_of, probabilities
from engine.segmentation.data.referring_set import Expression, ReferringSet
from engine.segmentation.scored import ARGMAX, CENTRES, EDGES, Scored

Evaluation = dict[str, Any]
"""What :func:`evaluate_scored` gives, as JSON."""

SCORE_NAMES = {"meanIoU": "mIoU", "cumIoU": "oIoU"}
"""What the paper calls the scores of visual grounding."""

PARTS: tuple[tuple[str, int], ...] = (("none", 0), ("1", 1), ("2 to 5", 5), ("more than 5", 1 << 31))
"""Groups of expressions by how many parts their mask has, each with the most that it goes up to."""

SCATTERED = "small and scattered"
"""Masks of at most :data:`SMALL_SHARE` of the picture in several parts: what LGCE is there for (section I)."""

HIDDEN: tuple[tuple[str, float], ...] = (("in sight", 0.1), ("partly hidden", 0.5), ("mostly hidden", 1.0))
"""Groups by the share of the mask that weather hides in the optical picture, each with the largest."""

SMALL_SHARE = 0.05
"""Fig. 7: the majority of the paper's test masks is below this share of the picture."""

FIG_7_BINS = 20
"""Bars of the foreground-share histogram, 5 % wide (*our reading*: the figure's text names 5 %, no width)."""

BULKY = ("reliability", "foreground_shares", "thresholds")
"""Metrics that only a report shows."""

SHOWN_CUTS = 4
"""Every fourth cut is on the report's curve of thresholds."""

WITH_INTERVALS = ("sensor", "scatter", "hidden")
"""Labels whose parts have intervals, too: those that LGCE and the second sensor are there for."""


def evaluate_scored(
    scored: Scored, areas: ReferringSet, calibration: SegmentationCalibration | None = None
) -> Evaluation:
    """``metrics`` and ``subsets`` of what a network said to ``areas``.

    ``metrics`` has Pr@.5 to Pr@.9, mIoU, oIoU, the number of ``samples``, their ``intervals`` (95 %, a bootstrap over
    areas), how many expressions got an ``empty`` mask; ``argmax`` with the same scores by the paper's rule;
    ``calibration`` and what belongs to it (:func:`pixel_metrics`), and Fig. 7 (:func:`foreground_shares`).
    ``subsets`` maps a label (sensor, category, how, size, parts, scatter, weather, hidden, distractors) to its values
    and these to the scores and ``samples``.
    """
    cut = cut_of(calibration)
    overlaps = scored.overlaps(cut)
    metrics, subsets = mask_metrics(overlaps, scored, areas)
    hit, wrong = scored.drawn(cut)
    metrics |= {
        "areas": len({areas.expressions[index].area for index in scored.expression}),
        "not_asked": len(areas.expressions) - len(scored.expression),
        "empty": int(np.count_nonzero(hit + wrong == 0)),
        "seconds": round(scored.seconds, 3),
        "argmax": OverlapTally.of(scored.overlaps(ARGMAX)).segmentation_scores(),
        "foreground_shares": foreground_shares(scored, overlaps),
        **pixel_metrics(scored, calibration),
    }
    return {"metrics": metrics, "subsets": subsets}


def mask_metrics(
    overlaps: Sequence[Overlap], scored: Scored, areas: ReferringSet
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Scores of one mask for each expression of ``scored``, over all of them, and by label and value."""
    parts = Subsets(OverlapTally)
    labelled = [
        labels(areas.expressions[index], areas, share)
        for index, share in zip(scored.expression, scored.shares.tolist(), strict=True)
    ]
    for overlap, found in zip(overlaps, labelled, strict=True):
        parts.add(overlap, **found)
    subsets: dict[str, Any] = parts.scores(OverlapTally.segmentation_scores)
    metrics: dict[str, Any] = subsets.pop("all")
    metrics["intervals"] = _intervals(range(len(overlaps)), overlaps, scored, areas)
    for label in WITH_INTERVALS:
        for value, part in subsets.get(label, {}).items():
            own = [row for row, found in enumerate(labelled) if found.get(label) == value]
            part["intervals"] = _intervals(own, overlaps, scored, areas)
    return metrics, subsets


def _intervals(
    rows: Sequence[int], overlaps: Sequence[Overlap], scored: Scored, areas: ReferringSet
) -> dict[str, list[float]]:
    """Where 95 % of the scores of ``rows`` lie, by a bootstrap over areas; two of one name are one place."""
    names = [areas.names[areas.expressions[scored.expression[row]].area] for row in rows]
    found = overlap_intervals(names, [overlaps[row] for row in rows])
    return {SCORE_NAMES.get(name, name): ends for name, ends in found.items()}


def labels(expression: Expression, areas: ReferringSet, share: float) -> dict[str, str]:
    """The subsets that an expression is in whose mask is ``share`` of its picture; what is unknown is left out.

    The weather, and how much it hides, is said of expressions that the optical picture has to show: no radar sees a
    cloud.
    """
    small = share <= SMALL_SHARE and expression.parts > 1
    weather = "" if expression.sensor == "sar" else areas.weather[expression.area]
    found = {
        "sensor": expression.sensor,
        "category": expression.category,
        "how": expression.how,
        "size": size_group(share, 1),
        "parts": _group(PARTS, expression.parts),
        "scatter": SCATTERED if small else "",
        "weather": weather,
        "hidden": _group(HIDDEN, expression.hidden_share) if weather else "",
        "distractors": _distractors(expression.distractors),
    }
    return {label: value for label, value in found.items() if value}


def _group(groups: Sequence[tuple[str, float]], value: float) -> str:
    """The first of ``groups`` that goes up to ``value``."""
    return next(name for name, most in groups if value <= most)


def _distractors(count: int) -> str:
    return "" if count < 0 else str(count) if count < 2 else "2+"


def foreground_shares(scored: Scored, overlaps: Sequence[Overlap]) -> list[dict[str, Any]]:
    """Fig. 7: how many expressions name which share of their picture, with each bar's mIoU (None for no expression).

    Bars are ``low`` to ``high``, open below and closed above, and the first has what names nothing.
    """
    bar = np.clip(np.ceil(scored.shares * FIG_7_BINS - 1e-9).astype(int) - 1, 0, FIG_7_BINS - 1)
    iou = np.array([one.iou for one in overlaps])
    return [
        {
            "low": number / FIG_7_BINS,
            "high": (number + 1) / FIG_7_BINS,
            "samples": int(np.count_nonzero(bar == number)),
            "mIoU": float(iou[bar == number].mean()) if (bar == number).any() else None,
        }
        for number in range(FIG_7_BINS)
    ]


def pixel_metrics(scored: Scored, calibration: SegmentationCalibration | None) -> dict[str, Any]:
    """How honest the probability of pixels is, and what other thresholds would score.

    ``calibration`` has the ECE over all pixels with data, before and after (the same without a calibration); as most
    pixels are easy ground, also what the pixels that are drawn say of themselves, ``drawn_said``, and how many of them
    are meant, ``drawn_right``. ``thresholds`` are pairs of a probability and the mIoU of masks drawn from it up.
    """
    meant, not_meant = scored.foreground.sum(0), scored.background.sum(0)
    pixels = meant + not_meant
    right = np.divide(meant, pixels, out=np.zeros(len(pixels)), where=pixels > 0)
    curves = {"before": probabilities(CENTRES, None), "after": probabilities(CENTRES, calibration)}
    errors = {name: expected_calibration_error(likely, right, weights=pixels) for name, likely in curves.items()}
    cut = cut_of(calibration)
    drawn = max(int(pixels[cut:].sum()), 1)
    of_cuts = zip(probabilities(EDGES, calibration), scored.mean_iou_by_cut(), strict=True)
    return {
        "calibration": {
            "fitted": calibration is not None,
            "ECE": errors["after"],
            "ECE_before": errors["before"],
            "threshold": 0.5 if calibration is None else calibration.threshold,
            "drawn_said": float(curves["after"][cut:] @ pixels[cut:] / drawn),
            "drawn_right": float(meant[cut:].sum() / drawn),
        },
        "reliability": {
            name: [asdict(one) for one in reliability(likely, right, weights=pixels)] for name, likely in curves.items()
        },
        "thresholds": [[float(likely), float(iou)] for likely, iou in of_cuts][::SHOWN_CUTS],
    }


def card_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The metrics as they stand on a card: with the subsets, without tables that only a report shows."""
    kept = {name: value for name, value in evaluation["metrics"].items() if name not in BULKY}
    return kept | {"subsets": evaluation["subsets"]}
