"""Weights of OptiSAR-Net++ scored on held-out expressions, as ``rsqa evaluate`` does it."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from engine.catalog import find_model
from engine.grounding.data.expression_set import Box, Expression, ExpressionSet, NamedThing, SensorName
from engine.grounding.data.folders import expression_folder
from engine.grounding.data.scenes import render_expressions
from engine.grounding.evaluation import evaluate_scored
from engine.grounding.guess import guess_metrics
from engine.grounding.predictor import GroundingPredictor
from engine.grounding.report import cut_notes, pick_examples, write_report
from engine.grounding.scoring import score_set
from engine.jobs.device import Devices
from engine.jobs.evaluate_order import EvaluateOrder, Progress, facts, worlds
from engine.jobs.evaluate_sets import SetMaker, asked_by
from engine.scenes import SPLIT_SEEDS, make_truth
from engine.scenes.plan import VIEW

GUESS = (
    "the better, by meanIoU, of the median training box of a category, moved to where the sentence says, and a small "
    "network that sees the words alone"
)


def evaluate_boxes(order: EvaluateOrder, *, progress: Progress) -> dict[str, Any]:
    """See :func:`engine.jobs.evaluate.evaluate`. An expression without a box has an IoU of 0."""
    began = time.perf_counter()
    progress("Loading the model", None)
    asked = asked_by(order, _BOXES)
    device = Devices("rsqa evaluate").claim(order.device)
    predictor = GroundingPredictor.load(find_model(order.weights), device.name)
    card, calibration = predictor.card, predictor.calibration
    pictures = asked.made(predictor.spec, predictor.config.image_size, progress)
    scored = score_set(
        predictor.network, pictures, predictor.embedder, predictor.config, predictor.spec, device=device.name,
        report=lambda share: progress("Scoring", share),
    )  # fmt: skip
    evaluation = evaluate_scored(scored, pictures, calibration)
    learned = asked.training(predictor.spec, predictor.config.image_size, progress)
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


_BOXES = SetMaker("grounding", "boxes", render_expressions, expression_folder, _training_expressions, _unseen)
