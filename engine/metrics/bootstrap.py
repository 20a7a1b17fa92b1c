"""How far scores would move on other scenes like these: percentile intervals of a bootstrap over scenes.

What is asked about one scene is not independent, so whole scenes are drawn, each with all that was asked about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.metrics.overlap import Overlap

DRAWS, LEVEL = 1000, 0.95


def score_intervals(
    scenes: ArrayLike,
    groups: Sequence[str],
    correct: ArrayLike,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, list[float]]:
    """``{"OA": [low, high], "AA": [low, high]}``: where ``level`` of the scores of ``draws`` resampled sets lie.

    For each question ``scenes`` [n] has the number of its scene, ``groups`` its type and ``correct`` whether it was
    answered rightly. AA of a draw is over the types that it asks. The same seed gives the same intervals; of no
    questions both are [0, 0].
    """
    asked, right = _counts(scenes, groups, correct)
    if not asked.size:
        return {"OA": [0.0, 0.0], "AA": [0.0, 0.0]}
    drawn_asked, drawn_right = _drawn([asked, right], draws, seed)  # [draws, types] each
    overall = drawn_right.sum(1) / drawn_asked.sum(1)
    share = np.divide(drawn_right, drawn_asked, out=np.zeros_like(drawn_right), where=drawn_asked > 0)
    average = share.sum(1) / np.count_nonzero(drawn_asked, axis=1)
    return {name: _between(scores, level) for name, scores in (("OA", overall), ("AA", average))}


def overlap_intervals(
    scenes: Sequence[Any],
    overlaps: Sequence[Overlap],
    *,
    at: float = 0.5,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, list[float]]:
    """The same for boxes: ``{"Pr@0.5": [low, high], "meanIoU": …, "cumIoU": …}``, the first at the threshold ``at``.

    ``scenes`` names the scene of each of ``overlaps``. Of no samples all are [0, 0].
    """
    names = (f"Pr@{at:g}", "meanIoU", "cumIoU")
    if not overlaps:
        return {name: [0.0, 0.0] for name in names}
    found = np.array([(1.0, one.iou >= at, one.iou, one.intersection, one.union) for one in overlaps])  # [n, 5]
    _, scene = np.unique(np.asarray(scenes), return_inverse=True)
    per_scene = np.zeros((int(scene.max()) + 1, found.shape[1]))
    np.add.at(per_scene, scene, found)
    (drawn,) = _drawn([per_scene], draws, seed)  # [draws, 5]
    samples, union = drawn[:, 0], drawn[:, 4]
    cumulative = np.divide(drawn[:, 3], union, out=np.zeros_like(union), where=union > 0)
    scores = (drawn[:, 1] / samples, drawn[:, 2] / samples, cumulative)
    return {name: _between(values, level) for name, values in zip(names, scores, strict=True)}


def _drawn(sums: Sequence[NDArray[Any]], draws: int, seed: int) -> list[NDArray[Any]]:
    """Per-scene ``sums`` [S, K] each, added up over ``draws`` sets of S scenes drawn with replacement: [draws, K]."""
    S = len(sums[0])
    times = np.random.default_rng(seed).multinomial(S, np.full(S, 1 / S), draws)  # [draws, S]
    return [times @ one for one in sums]


def _between(scores: NDArray[Any], level: float) -> list[float]:
    """The ends that ``level`` of ``scores`` lie between."""
    ends: list[float] = np.quantile(scores, ((1 - level) / 2, (1 + level) / 2)).tolist()
    return ends


def _counts(scenes: ArrayLike, groups: Sequence[str], correct: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Questions asked and answered rightly of each scene and type, [S, types] float64; scenes without any are out."""
    _, scene = np.unique(np.asarray(scenes), return_inverse=True)
    names, kind = np.unique(np.asarray(groups, str), return_inverse=True)
    S = int(scene.max()) + 1 if scene.size else 0
    cell, cells = scene * len(names) + kind, S * len(names)
    asked = np.bincount(cell, minlength=cells).astype(np.float64)
    right = np.bincount(cell, np.asarray(correct, np.float64), minlength=cells)
    return asked.reshape(S, -1) if S else asked, right.reshape(S, -1) if S else right
