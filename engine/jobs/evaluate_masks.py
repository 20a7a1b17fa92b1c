"""Weights of LGCE scored on held-out expressions, as ``rsqa evaluate`` does it."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog import find_model
from engine.jobs.device import Devices
from engine.jobs.evaluate_order import EvaluateOrder, Progress, facts, worlds
from engine.jobs.evaluate_sets import SetMaker, asked_by
from engine.scenes import SPLIT_SEEDS, make_truth
from engine.scenes.plan import VIEW
from engine.scenes.truths.referring import referral_mask
from engine.segmentation.data.folders import referring_folder
from engine.segmentation.data.mask_bits import packed
from engine.segmentation.data.referring_set import Expression, ReferringSet, SensorName
from engine.segmentation.data.scenes import render_referrals
from engine.segmentation.evaluation import evaluate_scored
from engine.segmentation.guess import guess_metrics
from engine.segmentation.predictor import SegmentationPredictor
from engine.segmentation.report import cut_notes, pick_examples, write_report
from engine.segmentation.scoring import score_set

GUESS = (
    "one mask for all expressions of a category in the named part of the picture: where such things were in training "
    "so often that drawing there pays"
)


def evaluate_masks(order: EvaluateOrder, *, progress: Progress) -> dict[str, Any]:
    """See :func:`engine.jobs.evaluate.evaluate`. An expression for which nothing is drawn has an IoU of 0."""
    began = time.perf_counter()
    progress("Loading the model", None)
    asked = asked_by(order, _MASKS)
    device = Devices("rsqa evaluate").claim(order.device)
    predictor = SegmentationPredictor.load(find_model(order.weights), device.name)
    card, config, spec = predictor.card, predictor.config, predictor.spec
    network, words, calibration = predictor.network, predictor.words, card.segmentation_calibration
    areas = asked.made(spec, config.image_size, progress)
    scored = score_set(
        network, areas, words, config, spec, device=device.name, report=lambda share: progress("Scoring", share)
    )
    evaluation = evaluate_scored(scored, areas, calibration)
    learned = asked.training(spec, config.image_size, progress)
    progress("Guessing without pictures", None)
    guess = guess_metrics(learned, areas, config.sensors) if learned is not None else {}
    progress("Writing the report", None)
    record, files = write_report(
        order.out,
        evaluation,
        guess,
        model=card.name,
        split=areas.about,
        dataset=asked.name,
        facts=facts(card, asked.name, GUESS, device, time.perf_counter() - began),
        notes=[*asked.notes(card, areas), *cut_notes(areas, words, config.tokens)],
        examples=pick_examples(scored, areas, network, words, config, spec, calibration, device=device.name),
    )
    page = next(file for file in files if file.suffix == ".html")
    return record | worlds(card, scenes=not order.of_folder) | {"report": str(page)}


class _Named(NamedTuple):
    """An expression about the ``scene``-th scene of the training split, its category, the sensor that shows it, and the
    bits of its mask in the view."""

    scene: int
    text: str
    category: str
    sensor: SensorName
    mask: NDArray[np.uint8]


def _training_expressions(number: int) -> list[_Named]:
    """What the guess learns from the ``number``-th scene of the training split."""
    truth = make_truth(SPLIT_SEEDS["train"] + number, questions_per_type=0)
    return [
        _Named(number, one.text, one.category, one.sensor, packed(referral_mask(truth.facts, one)))
        for one in truth.referrals
        if one.task == "mask"
    ]


def _unseen(named: list[_Named], scenes: int) -> ReferringSet:
    """A set of expressions whose pictures nobody looks at: they take no memory and are black."""
    black = np.zeros(1, np.uint8)
    return ReferringSet(
        about=f"{scenes} training scenes",
        optical=np.broadcast_to(black, (scenes, 3, VIEW, VIEW)),
        sar=np.broadcast_to(black, (scenes, VIEW, VIEW)),
        has=np.ones((scenes, 2), bool),
        masks=np.stack([one.mask for one in named]) if named else np.zeros((0, VIEW * VIEW // 8), np.uint8),
        names=tuple(f"scene {SPLIT_SEEDS['train'] + number}" for number in range(scenes)),
        weather=("",) * scenes,
        gsd_m=(None,) * scenes,
        expressions=tuple(
            Expression(one.scene, number, one.text, one.category, one.sensor) for number, one in enumerate(named)
        ),
    )


_MASKS = SetMaker("segmentation", "masks", render_referrals, referring_folder, _training_expressions, _unseen)
