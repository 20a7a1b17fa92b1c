"""Scores of a network on a set of expressions as one record: Pr@t, meanIoU, cumIoU, every part of them, its confidence.

The metrics are the paper's (OptiSAR-Net++, section V-A): a missing box is an IoU of 0 with the truth's area in the
union. The record is JSON: ``metrics`` over all expressions and ``subsets`` by what is known of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.catalog import GroundingCalibration
from engine.grounding.calibration import calibrated_classes, probabilities
from engine.grounding.data.expression_set import Expression, ExpressionSet
from engine.grounding.scored import Scored, class_boxes
from engine.metrics import (
    Overlap,
    OverlapTally,
    Subsets,
    at_threshold,
    average_precision,
    expected_calibration_error,
    overlap_intervals,
    reliability,
    size_group,
)
from engine.records.query import DEFAULT_FIND_SCORE

Evaluation = dict[str, Any]
"""What :func:`evaluate_scored` gives, as JSON."""

DIRECTIONS = frozenset({"position", "relation"})
"""Parts of ``Expression.how`` that are said with a direction or a relation to another thing."""

TOLD_APART = "direction or relation alone"
"""Expressions whose thing has others of its class beside it and nothing but :data:`DIRECTIONS` tells it from them: what
adversarial negatives are there for. A network that knows classes only is no better on these than by chance."""

BULKY = ("reliability",)
"""Metrics that only a report shows."""

AT = 0.5


def evaluate_scored(
    scored: Scored, pictures: ExpressionSet, calibration: GroundingCalibration | None = None
) -> Evaluation:
    """``metrics`` and ``subsets`` of what a network said to ``pictures``.

    ``metrics`` has Pr@.5 to Pr@.9, meanIoU, cumIoU, the number of ``samples``, their ``intervals`` (95 %, a bootstrap
    over places), ``missing`` boxes; with experts their load per sensor (:func:`expert_metrics`), with class
    expressions ``classes`` (:func:`class_metrics`), with ``calibration`` its error. ``subsets`` maps a label (sensor,
    category, how, size, weather, distractors, told apart) to its values and these to Pr@t, meanIoU, cumIoU and
    ``samples``; those told apart by a direction or relation alone have ``intervals``, too.
    """
    metrics, subsets = box_metrics(scored.overlaps, scored.expression, pictures)
    metrics |= {
        "pictures": len({pictures.expressions[index].picture for index in scored.expression}),
        "missing": int(np.isnan(scored.boxes).any(1).sum()),
        "seconds": round(scored.seconds, 3),
        **expert_metrics(scored, pictures),
        **class_metrics(scored, pictures, calibration),
        **(calibration_metrics(scored, pictures, calibration) if calibration is not None else {}),
    }
    return {"metrics": metrics, "subsets": subsets}


def box_metrics(
    overlaps: Sequence[Overlap], asked: NDArray[np.int64], pictures: ExpressionSet
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Scores of one box for each of the expressions ``asked`` [Q], over all of them, and by label and value."""
    parts = Subsets(OverlapTally)
    for overlap, index in zip(overlaps, asked, strict=True):
        parts.add(overlap, **labels(pictures.expressions[index], pictures))
    subsets: dict[str, Any] = parts.scores(OverlapTally.grounding_scores)
    metrics: dict[str, Any] = subsets.pop("all")
    places = [_place(pictures, pictures.expressions[index].picture) for index in asked]
    metrics["intervals"] = overlap_intervals(places, overlaps, at=AT)
    alone = [n for n, index in enumerate(asked) if only_directions(pictures.expressions[index])]
    if alone:
        intervals = overlap_intervals([places[n] for n in alone], [overlaps[n] for n in alone], at=AT)
        subsets["told apart"][TOLD_APART]["intervals"] = intervals
    return metrics, subsets


def _place(pictures: ExpressionSet, picture: int) -> str:
    """What two sensors' pictures of one place have in common: its name, which may end in the sensor's."""
    return pictures.names[picture].removesuffix(f" {pictures.sensors[picture]}")


def labels(expression: Expression, pictures: ExpressionSet) -> dict[str, str]:
    """The subsets that a scored expression is in; what is unknown of it is left out."""
    picture, box = expression.picture, pictures.things[expression.things[0]].box_xyxy_px
    found = {
        "sensor": pictures.sensors[picture],
        "category": expression.category,
        "how": expression.how,
        "size": size_group((box[2] - box[0]) * (box[3] - box[1]), pictures.size**2),
        "weather": pictures.weather[picture],
        "distractors": _distractors(expression.distractors),
        "told apart": TOLD_APART if only_directions(expression) else "",
    }
    return {label: value for label, value in found.items() if value}


def _distractors(count: int) -> str:
    return "" if count < 0 else str(count) if count < 2 else "2+"


def only_directions(expression: Expression) -> bool:
    """Whether a direction or a relation, and nothing else, tells the thing from others of its class."""
    return expression.distractors > 0 and bool(expression.how) and set(expression.how.split("+")) <= DIRECTIONS


def expert_metrics(scored: Scored, pictures: ExpressionSet) -> dict[str, Any]:
    """``experts``: the mean share of patches that each of PL-MoE's experts takes, ``load`` by sensor; {} without.

    ``divergence`` is the Jensen-Shannon divergence (base 2) of the two sensors' loads: 0 where both use the experts
    alike, 1 where they share none. It is None where there are pictures of one sensor only.
    """
    if scored.load.shape[1] == 0:
        return {}
    sensor, known = np.array(pictures.sensors), ~np.isnan(scored.load).any(1)
    load = {
        str(name): scored.load[known & (sensor == name)].mean(0, dtype=np.float64) for name in np.unique(sensor[known])
    }
    both = len(load) == 2
    return {
        "experts": {
            "load": {name: shares.tolist() for name, shares in load.items()},
            "divergence": divergence(*load.values()) if both else None,
        }
    }


def divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence, base 2, of two loads [E], each taken as shares of its sum."""
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2
    return float(sum(_relative_entropy(part, middle) for part in (p, q)) / 2)


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Σ p log₂(p / q), where 0 log 0 is 0."""
    there = p > 0
    return float(np.sum(p[there] * np.log2(p[there] / q[there])))


def class_metrics(
    scored: Scored, pictures: ExpressionSet, calibration: GroundingCalibration | None = None
) -> dict[str, Any]:
    """``classes``: how well all things of a class are found, where that was asked; {} where it was not.

    ``AP@0.5`` is the mean over categories of average precision, ``per_category`` each one's with the number of its
    ``things``. Precision, recall and F1 are at ``least_score``, the card's, or what is used without one; as in use it
    is compared with probabilities where there is a ``calibration``. A class is asked only of pictures that have it, so
    that these are no figures of a detector.
    """
    shown = class_boxes(scored, pictures) if calibration is None else calibrated_classes(scored, pictures, calibration)
    if not shown.things:
        return {}
    own = {name: shown.category == name for name in sorted(shown.things)}
    per_category = {
        name: {"AP@0.5": average_precision(shown.scores[at], shown.hit[at], shown.things[name]),
               "things": shown.things[name]}
        for name, at in own.items()
    }  # fmt: skip
    chosen = None if calibration is None else calibration.least_score
    least = DEFAULT_FIND_SCORE if chosen is None else chosen
    there = at_threshold(shown.scores, shown.hit, sum(shown.things.values()), least)
    return {
        "classes": {
            "AP@0.5": float(np.mean([one["AP@0.5"] for one in per_category.values()])),
            "per_category": per_category,
            "expressions": sum(not expression.scored for expression in pictures.expressions),
            "things": sum(shown.things.values()),
            "least_score": least,
            "precision": there.precision,
            "recall": there.recall,
            "F1": there.f1,
        }
    }


def calibration_metrics(scored: Scored, pictures: ExpressionSet, calibration: GroundingCalibration) -> dict[str, Any]:
    """ECE of the best boxes' scores as probabilities of being right, before and after calibration, and by sensor.

    A missing box is no box whose score could be wrong: it is left out.
    """
    found = ~np.isnan(scored.boxes).any(1)
    right = scored.ious[found] >= calibration.at
    sensors = [pictures.sensors[pictures.expressions[index].picture] for index in scored.expression[found]]
    before = scored.scores[found]
    after = probabilities(calibration, before, sensors)
    by_sensor = {
        name: expected_calibration_error(after[own], right[own])
        for name in sorted(set(sensors))
        if (own := np.array(sensors) == name).any()
    }
    return {
        "calibration": {
            "ECE": expected_calibration_error(after, right),
            "ECE_before": expected_calibration_error(before, right),
            "ECE_by_sensor": by_sensor,
            "at": calibration.at,
        },
        "reliability": {
            name: [asdict(one) for one in reliability(values, right)]
            for name, values in (("before", before), ("after", after))
        },
    }


def card_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The metrics as they stand on a card: with the subsets, without tables that only a report shows."""
    kept = {name: value for name, value in evaluation["metrics"].items() if name not in BULKY}
    return kept | {"subsets": evaluation["subsets"]}
