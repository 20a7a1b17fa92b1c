"""Scores: counts in, numbers out. Nothing here reads files, prints or knows a network."""

from engine.metrics.answers import AnswerTally
from engine.metrics.calibration import expected_calibration_error

__all__ = ["AnswerTally", "expected_calibration_error"]
