"""What a box's score means: how likely the best box is right, and from how likely all boxes of a class are shown.

Both are fitted on the validation split and stand as plain numbers on the card. The probability is Platt's curve (Platt
1999, "Probabilistic outputs for support vector machines") in the logit of the score: two parameters, monotone, so that
it changes no order of boxes. One network serves two sensors whose scores need not mean the same, so each has its own
curve where there are enough expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from engine.catalog import GroundingCalibration, ScoreCurve
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.scored import ClassBoxes, Scored, class_boxes
from engine.metrics import best_threshold, fit_platt

AT = 0.5
"""The IoU from which a box counts as right, as in Pr@.5."""

LEAST_EXPRESSIONS = 100
"""A sensor with fewer validation expressions has no curve of its own."""

LEAST_SCORE, MOST_SCORE = 0.01, 0.99
"""A threshold is kept within these: at 0 or 1 all or nothing would be shown whatever the picture."""

LEAST_SLOPE = 0.01
"""From scores of :data:`EDGE` to those of 1 less it, a flatter curve changes a probability by less than 0.07: such
scores say nothing, and every threshold would show all boxes or none."""

EDGE = 1e-6
"""Scores are kept so far from 0 and 1, where their logit has no end."""


def fit_calibration(
    scored: Scored, pictures: ExpressionSet, *, least: int = LEAST_EXPRESSIONS
) -> GroundingCalibration | None:
    """Fit both on the validation split ``pictures``, as a network ``scored`` it.

    A missing box says nothing of scores and is left out. None where no expression has a box, as with a network that
    has hardly begun to learn, or where scores say nothing of what is right: see :func:`usable`.
    """
    found = ~np.isnan(scored.boxes).any(1)
    if not found.any():
        return None
    right = scored.ious >= AT
    sensor = np.array([pictures.sensors[pictures.expressions[index].picture] for index in scored.expression])
    curves = {
        str(name): fit_curve(scored.scores[of_it], right[of_it])
        for name in np.unique(sensor)
        if np.count_nonzero(of_it := found & (sensor == name)) >= least
    }
    fitted = usable(GroundingCalibration(common=fit_curve(scored.scores[found], right[found]), sensors=curves, at=AT))
    return None if fitted is None else replace(fitted, least_score=fit_least_score(scored, pictures, fitted))


def usable(calibration: GroundingCalibration) -> GroundingCalibration | None:
    """``calibration`` without sensors' curves that are flat (:data:`LEAST_SLOPE`), for which the common one stands in;
    None where that is flat itself: raw scores at least order the boxes of one picture."""
    if calibration.common.slope < LEAST_SLOPE:
        return None
    rising = {sensor: curve for sensor, curve in calibration.sensors.items() if curve.slope >= LEAST_SLOPE}
    return replace(calibration, sensors=rising)


def fit_curve(scores: ArrayLike, right: ArrayLike) -> ScoreCurve:
    """The curve that makes ``scores`` [n] in 0..1 most likely for what was ``right`` [n], as :func:`fit_platt`."""
    slope, offset = fit_platt(_logits(scores), right)
    return ScoreCurve(len(np.asarray(right)), slope, offset)


def probabilities(calibration: GroundingCalibration, scores: ArrayLike, sensors: Sequence[str]) -> NDArray[np.float64]:
    """How likely boxes of ``scores`` [n], in pictures of ``sensors`` [n], are right, [n]."""
    curves = [calibration.sensors.get(sensor, calibration.common) for sensor in sensors]
    slope, offset = (np.array([getattr(curve, name) for curve in curves]) for name in ("slope", "offset"))
    likely: NDArray[np.float64] = expit(slope * _logits(scores) + offset)
    return likely


def calibrated_classes(scored: Scored, pictures: ExpressionSet, calibration: GroundingCalibration) -> ClassBoxes:
    """The boxes shown for classes with probabilities for scores, as use orders and cuts them."""
    shown = class_boxes(scored, pictures)
    sensors = [pictures.sensors[pictures.expressions[index].picture] for index in scored.shown_for]
    return replace(shown, scores=probabilities(calibration, shown.scores, sensors))


def fit_least_score(scored: Scored, pictures: ExpressionSet, calibration: GroundingCalibration) -> float | None:
    """The probability of the best F1 over all class expressions together; None where there are none, or no box is
    right."""
    shown = calibrated_classes(scored, pictures, calibration)
    best = best_threshold(shown.scores, shown.hit, sum(shown.things.values()))
    if best is None or best.f1 == 0:
        return None
    return min(max(best.score, LEAST_SCORE), MOST_SCORE)


def _logits(scores: ArrayLike) -> NDArray[np.float64]:
    values: NDArray[np.float64] = logit(np.clip(np.asarray(scores, np.float64), EDGE, 1 - EDGE))
    return values
