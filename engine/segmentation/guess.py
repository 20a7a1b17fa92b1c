"""*The guess*: what one scores without looking at a picture, learned from training expressions alone.

Of an expression the guess knows the category and the part of the picture that it names, and gives all of these the same
mask: of the places where things like it were in training, those that are meant so often that drawing them pays. Weights
that are no better have learned words and the habits of a data set, not to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.segmentation.data.referring_set import Expression, ReferringSet
from engine.segmentation.evaluation import mask_metrics
from engine.segmentation.scored import asked_of, scored_masks
from engine.text import parse

GRID = 32
"""Cells along a side of the guess's masks; the sides of all networks' squares divide by it."""

LEAST = 20
"""A category, or a category in a part of the picture, with fewer training expressions has no mask of its own."""

LEVELS = 40
"""How many thresholds are tried for each mask."""

Key = tuple[object, ...]


def guess_metrics(training: ReferringSet, test: ReferringSet, sensors: str = "both") -> dict[str, Any]:
    """What the guess scores on the expressions of ``test`` that a network reading ``sensors`` is asked: metrics, and
    their ``subsets``, as ``evaluate_scored`` has them; JSON.

    Raises UsageError where there is no training expression.
    """
    usual = usual_masks(training)
    asked = (test.expressions[index] for index in asked_of(test, sensors))
    scored = scored_masks(test, sensors, (_enlarged(constant_mask(one, usual), test.size) for one in asked))
    metrics, subsets = mask_metrics(scored.overlaps(), scored, test)
    return {**metrics, "subsets": subsets}


def constant_mask(expression: Expression, usual: dict[Key, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The mask, bool [GRID, GRID], of the nearest to ``expression`` that :func:`usual_masks` knows."""
    return next(usual[key] for key in _keys(expression) if key in usual)


def usual_masks(training: ReferringSet) -> dict[Key, NDArray[np.bool_]]:
    """For categories in a part of the picture, for categories, and for anything: the mask of the best mean IoU."""
    if not training.expressions:
        raise UsageError(f"{training.about} has no expression: there is nothing to guess from.")
    shares = np.stack([_cells(training.mask(one.mask)) for one in training.expressions])  # [N, GRID²]
    rows: dict[Key, list[int]] = {}
    for row, one in enumerate(training.expressions):
        for key in _keys(one):
            rows.setdefault(key, []).append(row)
    return {key: best_mask(shares[own]) for key, own in rows.items() if len(own) >= LEAST or not key}


def best_mask(shares: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The cells, bool [GRID, GRID], that are meant at least so often in ``shares`` [N, GRID²] (0..1) that no other such
    choice has a better mean IoU with them."""
    often = shares.mean(0)  # [GRID²]
    levels = np.unique(np.quantile(often, np.linspace(0, 1, LEVELS)))
    masks = often >= levels[:, None]  # [L, GRID²]
    shared = shares @ masks.T.astype(np.float32)  # [N, L]
    union = shares.sum(1, keepdims=True) + masks.sum(1) - shared
    best = masks[int(np.argmax((shared / union).mean(0)))]
    return np.asarray(best.reshape(GRID, GRID))


def _keys(expression: Expression) -> Iterator[Key]:
    """What is known of an expression, from all of it to nothing."""
    parsed = parse(expression.text)
    category = expression.category or parsed.category
    if parsed.position is not None:
        yield category, parsed.position
    if category:
        yield (category,)
    yield ()


def _cells(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The share of each cell that ``mask`` [S, S] covers, [GRID²]."""
    step = len(mask) // GRID
    return np.asarray(mask.reshape(GRID, step, GRID, step).mean((1, 3), dtype=np.float32).ravel())


def _enlarged(cells: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """``cells`` [GRID, GRID] in pixels of a square of ``size``."""
    step = size // GRID
    return cells.repeat(step, 0).repeat(step, 1)
