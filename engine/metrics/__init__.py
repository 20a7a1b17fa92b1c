"""Scores: counts in, numbers out. Nothing here reads files, prints or knows a network.

``answers`` for questions (OA, AA) with ``confusion`` for what was said instead, ``overlap`` for boxes and masks (Pr@t,
IoU by sample and by area), ``detection`` where all boxes are shown, ``bootstrap`` for the intervals of either,
``calibration`` for confidence and ``platt`` to mend it, ``conformal`` for sets of answers at a chosen error rate,
``subsets`` for any of them by sensor, weather or size.
"""

from engine.metrics.answers import BOTH_SENSOR_TYPES, AnswerTally
from engine.metrics.bootstrap import overlap_intervals, score_intervals
from engine.metrics.calibration import ReliabilityBin, expected_calibration_error, reliability
from engine.metrics.conformal import (
    ALL,
    conformal_threshold,
    prediction_set,
    true_scores,
)
from engine.metrics.confusion import OTHER, confusion
from engine.metrics.detection import Operating, at_threshold, average_precision, best_threshold, hits
from engine.metrics.overlap import THRESHOLDS, Overlap, OverlapTally, box_overlap, mask_overlap
from engine.metrics.platt import fit_platt
from engine.metrics.subsets import SIZES, Subsets, size_group

__all__ = [
    "ALL",
    "BOTH_SENSOR_TYPES",
    "OTHER",
    "SIZES",
    "THRESHOLDS",
    "AnswerTally",
    "Operating",
    "Overlap",
    "OverlapTally",
    "ReliabilityBin",
    "Subsets",
    "at_threshold",
    "average_precision",
    "best_threshold",
    "box_overlap",
    "conformal_threshold",
    "confusion",
    "expected_calibration_error",
    "fit_platt",
    "hits",
    "mask_overlap",
    "overlap_intervals",
    "prediction_set",
    "reliability",
    "score_intervals",
    "size_group",
    "true_scores",
]
