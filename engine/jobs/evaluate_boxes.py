"""Weights of OptiSAR-Net++ scored on held-out expressions, as ``rsqa evaluate`` does it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.catalog import ModelCard, find_model
from engine.datasets.dataset import DataSet
from engine.grounding.data.expression_set import Box, Expression, ExpressionSet, NamedThing, SensorName
from engine.grounding.data.folders import expression_folder
from engine.grounding.data.scenes import render_expressions
from engine.grounding.evaluation import evaluate_scored
from engine.grounding.guess import guess_metrics
from engine.grounding.predictor import GroundingPredictor
from engine.grounding.report import cut_notes, pick_examples, write_report
from engine.grounding.scoring import score_set
from engine.jobs.device import Devices
from engine.jobs.evaluate_order import (
    SCENES,
    EvaluateOrder,
    Progress,
    facts,
    folder_notes,
    limited,
    scene_notes,
    worlds,
)
from engine.scenes import SPLIT_SEEDS, make_truth
from engine.scenes.plan import VIEW
from engine.training.pictures import SPLIT_NAMES, read_annotations
from engine.training.scene_sets import SceneSetSpec, exam_spec

GUESS = (
    "the better, by meanIoU, of the median training box of a category, moved to where the sentence says, and a small "
    "network that sees the words alone"
)


def evaluate_boxes(order: EvaluateOrder, *, progress: Progress) -> dict[str, Any]:
    """See :func:`engine.jobs.evaluate.evaluate`. An expression without a box has an IoU of 0."""
    began = time.perf_counter()
    progress("Loading the model", None)
    asked = _AskedFolder(order) if order.of_folder else _AskedScenes(order)
    device = Devices("rsqa evaluate").claim(order.device)
    predictor = GroundingPredictor.load(find_model(order.weights), device.name)
    card, calibration = predictor.card, predictor.card.grounding_calibration
    pictures = asked.pictures(predictor, progress)
    scored = score_set(
        predictor.network, pictures, predictor.embedder, predictor.config, predictor.spec, device=device.name,
        report=lambda share: progress("Scoring", share),
    )  # fmt: skip
    evaluation = evaluate_scored(scored, pictures, calibration)
    learned = asked.training(predictor, progress)
    progress("Guessing without pictures", None)
    guess = guess_metrics(learned, pictures, predictor.embedder) if learned is not None else {}
    progress("Writing the report", None)
    record, files = write_report(
        order.out,
        evaluation,
        guess,
        model=card.name,
        split=pictures.about,
        dataset=asked.name,
        facts=facts(card, asked.name, GUESS, device, time.perf_counter() - began),
        config=predictor.config,
        notes=[*asked.notes(card, pictures), *cut_notes(pictures, predictor.embedder)],
        examples=pick_examples(scored, pictures, calibration),
    )
    page = next(file for file in files if file.suffix == ".html")
    return record | worlds(card, scenes=not order.of_folder) | {"report": str(page)}


class _AskedScenes:
    """What is asked, and what the guess may learn from: fresh scenes, or those of an exam."""

    def __init__(self, order: EvaluateOrder) -> None:
        self.order, self._exam = order, order.exam
        self.name = self._exam.name if self._exam else SCENES

    @property
    def _count(self) -> int:
        """How many scenes are asked about."""
        if self._exam is None:
            return self.order.scenes
        return min(self.order.limit or self._exam.count, self._exam.count)

    def pictures(self, predictor: GroundingPredictor, progress: Progress) -> ExpressionSet:
        """The set, rendered for the model's square."""
        size = predictor.config.image_size
        if self._exam:
            spec = exam_spec(self._exam, self._count, size)
        else:
            spec = SceneSetSpec(SPLIT_SEEDS["test"], self._count, "held-out", VIEW, size)
        return render_expressions(
            spec,
            predictor.spec,
            self.order.place(f"{self.name}-boxes"),
            workers=self.order.workers,
            report=lambda done, of: progress("Rendering scenes", done / of),
        )

    def training(self, predictor: GroundingPredictor, progress: Progress) -> ExpressionSet:
        """Expressions of the training split, in its wordings; nothing is rendered for them."""
        return _unseen(self.order.learned(_training_expressions, progress), self.order.guess_scenes)

    def notes(self, card: ModelCard, pictures: ExpressionSet) -> Iterator[str]:
        """Sentences on how the figures are to be read."""
        return scene_notes(card, self._exam, self._count)


class _Named(NamedTuple):
    """An expression about the ``scene``-th scene of the training split, its category, and the box in the view."""

    scene: int
    text: str
    category: str
    box_xyxy_px: Box


def _training_expressions(number: int) -> list[_Named]:
    """What the guess learns from the ``number``-th scene of the training split."""
    truth = make_truth(SPLIT_SEEDS["train"] + number, questions_per_type=0)
    return [_Named(number, r.text, r.category, r.box_xyxy_px) for r in truth.referrals if r.box_xyxy_px is not None]


def _unseen(named: list[_Named], scenes: int) -> ExpressionSet:
    """A set of expressions whose pictures nobody looks at: they take no memory and are black."""
    sensor: SensorName = "optical"
    return ExpressionSet(
        about=f"{scenes} training scenes",
        pixels=np.broadcast_to(np.zeros(1, np.uint8), (scenes, 3, VIEW, VIEW)),
        sensors=(sensor,) * scenes,
        names=tuple(f"scene {SPLIT_SEEDS['train'] + number}" for number in range(scenes)),
        weather=("",) * scenes,
        gsd_m=(None,) * scenes,
        things=tuple(NamedThing(one.scene, one.box_xyxy_px, one.category) for one in named),
        expressions=tuple(Expression(one.scene, one.text, (n,), one.category) for n, one in enumerate(named)),
    )


class _AskedFolder:
    """The same for a data set on disk."""

    def __init__(self, order: EvaluateOrder) -> None:
        self.order, self._folder = order, Path(order.dataset)
        self.name = self._data.layout

    @cached_property
    def _data(self) -> DataSet:
        data, self._faults = read_annotations(self._folder, "grounding")
        return data

    def pictures(self, predictor: GroundingPredictor, progress: Progress) -> ExpressionSet:
        """The split, decoded for the model's square."""
        return self._decoded(predictor, self.order.split, self.order.limit, "Reading pictures", progress)

    def training(self, predictor: GroundingPredictor, progress: Progress) -> ExpressionSet | None:
        """The folder's training split, None where it has none or is itself asked."""
        if self.order.asks_training or not self._data.of_split(SPLIT_NAMES["train"]):
            return None
        return self._decoded(predictor, "train", 0, "Reading what the guess learns from", progress)

    def _decoded(
        self, predictor: GroundingPredictor, split: str, limit: int, stage: str, progress: Progress
    ) -> ExpressionSet:
        return expression_folder(
            limited(self._data, SPLIT_NAMES.get(split, split), limit),
            split,
            predictor.spec,
            predictor.config.image_size,
            self.order.place(f"{self._folder.resolve().name}-{split}-boxes"),
            workers=self.order.workers,
            report=lambda done, of: progress(stage, done / of),
        )

    def notes(self, card: ModelCard, pictures: ExpressionSet) -> Iterator[str]:
        """Sentences on how the figures are to be read."""
        return folder_notes(self._data, self.order.limit, [*self._faults, *pictures.left_out])
