"""How far OA and AA would move on other scenes like these: percentile intervals of a bootstrap over scenes.

Questions about one scene are not independent, so whole scenes are drawn, each with all that was asked about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    S = len(asked)
    times = np.random.default_rng(seed).multinomial(S, np.full(S, 1 / S), draws)  # [draws, S]
    drawn_asked, drawn_right = times @ asked, times @ right  # [draws, types]
    overall = drawn_right.sum(1) / drawn_asked.sum(1)
    share = np.divide(drawn_right, drawn_asked, out=np.zeros_like(drawn_right), where=drawn_asked > 0)
    average = share.sum(1) / np.count_nonzero(drawn_asked, axis=1)
    ends = ((1 - level) / 2, (1 + level) / 2)
    return {name: np.quantile(scores, ends).tolist() for name, scores in (("OA", overall), ("AA", average))}


def _counts(scenes: ArrayLike, groups: Sequence[str], correct: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Questions asked and answered rightly of each scene and type, [S, types] float64; scenes without any are out."""
    _, scene = np.unique(np.asarray(scenes), return_inverse=True)
    names, kind = np.unique(np.asarray(groups, str), return_inverse=True)
    S = int(scene.max()) + 1 if scene.size else 0
    cell, cells = scene * len(names) + kind, S * len(names)
    asked = np.bincount(cell, minlength=cells).astype(np.float64)
    right = np.bincount(cell, np.asarray(correct, np.float64), minlength=cells)
    return asked.reshape(S, -1) if S else asked, right.reshape(S, -1) if S else right
