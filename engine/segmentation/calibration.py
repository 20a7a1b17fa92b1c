"""How likely a pixel is meant, and from how likely it is drawn: both fitted on the validation split.

The probability is Platt's curve (:mod:`engine.metrics.platt`) in the pixel's margin, the foreground's logit less the
background's: two numbers on the card. The softmax as it is says too much, as training weighs foreground more than
background. The threshold is the one of the best mIoU on validation expressions, in which one that names little is worth
as much as one that names much; test expressions have no say in it.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from torch import Tensor

from engine.catalog import SegmentationCalibration
from engine.metrics import fit_platt
from engine.segmentation.scored import ARGMAX, CENTRES, EDGES, Scored

LEAST_SLOPE = 0.01
"""A flatter curve says that margins tell nothing of pixels."""

LEAST_THRESHOLD, MOST_THRESHOLD = 0.05, 0.95
"""A threshold is kept within these: what a user sees as a probability of .03 is not drawn."""

Margins = TypeVar("Margins", Tensor, NDArray[np.float64])


def fit_calibration(scored: Scored) -> SegmentationCalibration | None:
    """Fit both on what a network said to the validation split.

    None where its margins tell nothing of pixels, as with a network that has hardly begun to learn.
    """
    meant, not_meant = scored.foreground.sum(0), scored.background.sum(0)
    right = np.repeat([True, False], len(CENTRES))
    slope, offset = fit_platt(np.tile(CENTRES, 2), right, np.concatenate([meant, not_meant]))
    if slope < LEAST_SLOPE:
        return None
    likely = expit(slope * EDGES + offset)
    allowed = (likely >= LEAST_THRESHOLD) & (likely <= MOST_THRESHOLD)
    if not allowed.any():
        return None
    best = int(np.argmax(np.where(allowed, scored.mean_iou_by_cut(), -1)))
    return SegmentationCalibration(int(meant.sum() + not_meant.sum()), slope, offset, float(likely[best]))


def calibrated(margins: Margins, calibration: SegmentationCalibration | None) -> Margins:
    """Margins whose sigmoid is the probability; the same where there is no calibration."""
    return margins if calibration is None else calibration.slope * margins + calibration.offset


def probabilities(margins: ArrayLike, calibration: SegmentationCalibration | None) -> NDArray[np.float64]:
    """How likely pixels of ``margins`` are meant, 0..1."""
    likely: NDArray[np.float64] = expit(calibrated(np.asarray(margins, np.float64), calibration))
    return likely


def cut_of(calibration: SegmentationCalibration | None) -> int:
    """The cut (:data:`engine.segmentation.scored.EDGES`) that masks are drawn at in use."""
    if calibration is None:
        return ARGMAX
    margin = (logit(calibration.threshold) - calibration.offset) / calibration.slope
    return int(np.argmin(np.abs(EDGES - margin)))
