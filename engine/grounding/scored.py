"""What a network said to every expression of a set, as arrays: the input of calibration and of evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.grounding.data.expression_set import ExpressionSet
from engine.metrics import Overlap, box_overlap, hits

SCORED_FILE = "scored.npz"
"""What a run's network said to its test set, beside the report."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Answers to the Q scored expressions of a set, the D boxes shown for its class expressions, and experts' shares.

    ``expression`` int64 [Q] indexes ``ExpressionSet.expressions``. ``boxes`` float32 [Q, 4] are the best ones and
    ``truths`` [Q, 4] the things', in the set's pixels (x0, y0, x1, y1); NaN where there was no box. ``scores`` [Q] are
    the network's own, 0..1, 0 without a box. Expressions that are not scored, a class in the plural, are answered with
    many boxes: ``shown_for`` int64 [D] their index, ``shown_boxes`` [D, 4], ``shown_scores`` [D], the best of each
    first. ``load`` float32 [S, E] is each expert's mean share of a picture's patches with data, NaN where nothing was
    asked of the picture; E is 0 without experts. ``seconds`` is what it took, encoding included.
    """

    expression: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    truths: NDArray[np.float32]
    shown_for: NDArray[np.int64]
    shown_boxes: NDArray[np.float32]
    shown_scores: NDArray[np.float32]
    load: NDArray[np.float32]
    seconds: float = 0.0

    @property
    def overlaps(self) -> list[Overlap]:
        """What each scored expression contributes to the scores; a missing box is an IoU of 0."""
        pairs = zip(self.boxes.astype(float), self.truths.astype(float), strict=True)
        return [box_overlap(None if np.isnan(box).any() else box.tolist(), truth.tolist()) for box, truth in pairs]

    @property
    def ious(self) -> NDArray[np.float64]:
        """IoU of each best box with its truth, [Q]."""
        return np.array([one.iou for one in self.overlaps], np.float64)

    def save(self, path: Path) -> None:
        """Keep it in the file ``path`` (``.npz``), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with part.open("wb") as stream:
            np.savez_compressed(stream, **{field.name: getattr(self, field.name) for field in fields(self)})
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Scored:
        """What :meth:`save` kept."""
        with np.load(path, allow_pickle=False) as kept:
            arrays = {field.name: kept[field.name] for field in fields(cls) if field.name != "seconds"}
            return cls(**arrays, seconds=float(kept["seconds"]))


def scored_boxes(
    pictures: ExpressionSet, boxes: NDArray[np.float32], scores: NDArray[np.float32] | None = None
) -> Scored:
    """``boxes`` [Q, 4] given to the Q scored expressions of ``pictures``, in their order, by whatever gives boxes.

    Without ``scores`` all are as sure. Nothing is shown for classes, and there are no experts.
    """
    asked, none = scored_expressions(pictures), np.zeros(0, np.float32)
    return Scored(
        expression=asked,
        boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.ones(len(asked), np.float32) if scores is None else scores,
        truths=true_boxes(pictures, asked),
        shown_for=np.zeros(0, np.int64),
        shown_boxes=none.reshape(0, 4),
        shown_scores=none,
        load=np.zeros((len(pictures), 0), np.float32),
    )


def scored_expressions(pictures: ExpressionSet) -> NDArray[np.int64]:
    """Indices of the expressions that name exactly one thing and count, [Q]."""
    return np.array([n for n, expression in enumerate(pictures.expressions) if expression.scored], np.int64)


def true_boxes(pictures: ExpressionSet, asked: Iterable[int]) -> NDArray[np.float32]:
    """The box of the (first) thing that each of the expressions ``asked`` names, [Q, 4]."""
    things = [pictures.things[pictures.expressions[index].things[0]].box_xyxy_px for index in asked]
    return np.array(things, np.float32).reshape(-1, 4)


@dataclass(frozen=True, slots=True)
class ClassBoxes:
    """The D boxes shown for class expressions: ``scores`` [D], ``category`` [D] and whether each is right, ``hit`` [D].

    ``things`` is how many things of each category there were to find.
    """

    scores: NDArray[np.float32] | NDArray[np.float64]
    category: NDArray[np.str_]
    hit: NDArray[np.bool_]
    things: dict[str, int]


def class_boxes(scored: Scored, pictures: ExpressionSet, *, at: float = 0.5) -> ClassBoxes:
    """Judge the boxes shown for each class expression against its things; right is an IoU of ``at`` or more."""
    hit = np.zeros(len(scored.shown_for), bool)
    things: dict[str, int] = {}
    for index, expression in enumerate(pictures.expressions):
        if not expression.scored:
            truths = [pictures.things[thing].box_xyxy_px for thing in expression.things]
            things[expression.category] = things.get(expression.category, 0) + len(truths)
            own = scored.shown_for == index
            hit[own] = hits(scored.shown_boxes[own], truths, at=at)
    category = [pictures.expressions[index].category for index in scored.shown_for]
    return ClassBoxes(scored.shown_scores, np.array(category, np.str_), hit, things)
