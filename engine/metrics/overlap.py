"""IoU scores of boxes and masks: Pr@t, the mean over samples and the ratio of summed areas.

Grounding calls the last two meanIoU and cumIoU (OptiSAR-Net++, section V-A), referring segmentation mIoU and oIoU
(LGCE, section V-A); they are the same sums. A prediction that is missing has no intersection, and the truth's area
still counts in the union, so that silence never scores better than a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import UsageError

THRESHOLDS: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9)
"""IoU thresholds of both papers' tables."""

Box = Sequence[float]
"""Left, top, right, bottom, half-open, in any one unit."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What one sample contributes: areas of intersection and union, in square pixels."""

    intersection: float
    union: float

    @property
    def iou(self) -> float:
        """0 where both are empty: an expression that names nothing was not answered by drawing nothing."""
        return self.intersection / self.union if self.union > 0 else 0.0


def box_overlap(predicted: Box | None, truth: Box) -> Overlap:
    """Overlap of two upright boxes; ``predicted`` is None where there was none.

    Raises :class:`UsageError` for a box that is not finite or ends before it begins.
    """
    area = _area(truth)
    if predicted is None:
        return Overlap(0.0, area)
    width = min(predicted[2], truth[2]) - max(predicted[0], truth[0])
    height = min(predicted[3], truth[3]) - max(predicted[1], truth[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return Overlap(shared, _area(predicted) + area - shared)


def _area(box: Box) -> float:
    if not np.all(np.isfinite(box)) or box[2] < box[0] or box[3] < box[1]:
        raise UsageError(f"{tuple(box)} is no box.", remedy="Give left, top, right, bottom with left ≤ right.")
    return (box[2] - box[0]) * (box[3] - box[1])


def mask_overlap(predicted: ArrayLike | None, truth: ArrayLike, valid: NDArray[np.bool_] | None = None) -> Overlap:
    """Overlap of two masks of one shape, anything non-zero being foreground, where ``valid``.

    Raises :class:`UsageError` for masks of different shapes.
    """
    wanted = np.asarray(truth) != 0
    given = np.zeros_like(wanted) if predicted is None else np.asarray(predicted) != 0
    if given.shape != wanted.shape:
        raise UsageError(
            f"A mask of {given.shape} cannot be compared with one of {wanted.shape}.",
            remedy="Resample the prediction to the truth's grid first.",
        )
    if valid is not None:
        wanted, given = wanted & valid, given & valid
    return Overlap(float(np.count_nonzero(given & wanted)), float(np.count_nonzero(given | wanted)))


@dataclass(slots=True)
class OverlapTally:
    """Overlaps of many samples, in order."""

    overlaps: list[Overlap] = field(default_factory=list)

    @classmethod
    def of(cls, overlaps: Iterable[Overlap]) -> OverlapTally:
        return cls(list(overlaps))

    def add(self, overlap: Overlap) -> None:
        self.overlaps.append(overlap)

    @property
    def mean_iou(self) -> float:
        """meanIoU, mIoU: the mean of per-sample IoU, 0 of nothing."""
        return sum(o.iou for o in self.overlaps) / len(self.overlaps) if self.overlaps else 0.0

    @property
    def cumulative_iou(self) -> float:
        """cumIoU, oIoU: ΣI / ΣU, 0 of nothing; large objects weigh more."""
        union = sum(o.union for o in self.overlaps)
        return sum(o.intersection for o in self.overlaps) / union if union > 0 else 0.0

    def precision(self, threshold: float) -> float:
        """Pr@t: share of samples with IoU ≥ ``threshold``."""
        reached = sum(o.iou >= threshold for o in self.overlaps)
        return reached / len(self.overlaps) if self.overlaps else 0.0

    def grounding_scores(self) -> dict[str, float]:
        """In the words of visual grounding, with the number of samples."""
        return self._scores("meanIoU", "cumIoU")

    def segmentation_scores(self) -> dict[str, float]:
        """In the words of referring segmentation, with the number of samples."""
        return self._scores("mIoU", "oIoU")

    def _scores(self, mean: str, cumulative: str) -> dict[str, float]:
        precisions = {f"Pr@{t:g}": self.precision(t) for t in THRESHOLDS}
        return precisions | {mean: self.mean_iou, cumulative: self.cumulative_iou, "samples": len(self.overlaps)}
