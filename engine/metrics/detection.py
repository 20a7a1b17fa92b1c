"""Scores where all boxes are shown, not the best alone: which of them hit, average precision, the best threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.metrics.overlap import Box, box_overlap


def hits(boxes: ArrayLike, truths: ArrayLike, *, at: float = 0.5) -> NDArray[np.bool_]:
    """Which of ``boxes`` [n, 4], best first, hit one of ``truths`` [m, 4] (both in one unit, half-open): bool [n].

    Each takes the free truth that it overlaps most, from an IoU of ``at`` up, and no truth is taken twice: a second
    box on the same thing is wrong (as in the PASCAL VOC and COCO evaluations).
    """
    found, wanted = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(truths, np.float64).reshape(-1, 4)
    free = [_as_box(truth) for truth in wanted]
    hit = np.zeros(len(found), bool)
    for number, box in enumerate(found):
        overlaps = [box_overlap(_as_box(box), truth).iou for truth in free]
        if overlaps and max(overlaps) >= at:
            hit[number] = True
            del free[int(np.argmax(overlaps))]
    return hit


def _as_box(row: NDArray[np.float64]) -> Box:
    box: list[float] = row.tolist()
    return box


def average_precision(scores: ArrayLike, hit: ArrayLike, truths: int) -> float:
    """The area under precision over recall, for boxes with ``scores`` [n] of which ``hit`` [n] are right.

    ``truths`` is how many things there are. Precision at a recall is the best at that or any higher one (VOC 2010).
    Boxes of equal score are taken together. 0 where there is no thing.
    """
    curve = _curve(scores, hit, truths)
    if truths == 0 or not curve.recall.size:
        return 0.0
    best = np.maximum.accumulate(curve.precision[::-1])[::-1]
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * best))


@dataclass(frozen=True, slots=True)
class Operating:
    """A threshold with what holds at it: boxes of at least ``score`` are shown."""

    score: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def best_threshold(scores: ArrayLike, hit: ArrayLike, truths: int) -> Operating | None:
    """The threshold of the highest F1, the highest of several; None where there is no box."""
    curve = _curve(scores, hit, truths)
    points = zip(curve.score.tolist(), curve.precision.tolist(), curve.recall.tolist(), strict=True)
    return max((Operating(*point) for point in points), key=lambda one: one.f1, default=None)


def at_threshold(scores: ArrayLike, hit: ArrayLike, truths: int, least: float) -> Operating:
    """Precision (0 of no boxes) and recall (0 of no things) where boxes of at least ``least`` are shown."""
    shown = np.asarray(scores, np.float64) >= least
    right, boxes = int(np.count_nonzero(np.asarray(hit, bool) & shown)), int(np.count_nonzero(shown))
    return Operating(least, right / max(boxes, 1), right / max(truths, 1))


@dataclass(frozen=True, slots=True)
class _Curve:
    """Precision and recall at every score that occurs, the highest first; [k] each."""

    score: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def _curve(scores: ArrayLike, hit: ArrayLike, truths: int) -> _Curve:
    values, right = np.asarray(scores, np.float64), np.asarray(hit, np.float64)
    order = np.argsort(-values, kind="stable")
    values, found = values[order], np.cumsum(right[order])
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True)) if values.size else np.zeros(0, np.int64)
    return _Curve(values[last], found[last] / (last + 1), found[last] / max(truths, 1))
