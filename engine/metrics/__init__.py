"""Scores: counts in, numbers out. Nothing here reads files, prints or knows a network.

``answers`` for questions (OA, AA), ``overlap`` for boxes and masks (Pr@t, IoU by sample and by area), ``calibration``
for confidence, ``subsets`` for any of them by sensor, weather or size.
"""

from engine.metrics.answers import BOTH_SENSOR_TYPES, AnswerTally
from engine.metrics.calibration import ReliabilityBin, expected_calibration_error, reliability
from engine.metrics.overlap import THRESHOLDS, Overlap, OverlapTally, box_overlap, mask_overlap
from engine.metrics.subsets import SIZES, Subsets, size_group

__all__ = [
    "BOTH_SENSOR_TYPES",
    "SIZES",
    "THRESHOLDS",
    "AnswerTally",
    "Overlap",
    "OverlapTally",
    "ReliabilityBin",
    "Subsets",
    "box_overlap",
    "expected_calibration_error",
    "mask_overlap",
    "reliability",
    "size_group",
]
