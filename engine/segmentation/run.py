"""One run of LGCE: its data, words and network, and after training calibration, scores, report and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.catalog import MODEL_FOLDER, ModelCard, file_sha256
from engine.catalog.card import PretrainedPart, write_card
from engine.errors import UsageError
from engine.nn.swin_weights import SWIN
from engine.nn.weights import load_part, load_weights, save_weights
from engine.records.pair import SENSOR_SAID
from engine.segmentation.build import build_network, start_from_swin
from engine.segmentation.calibration import fit_calibration
from engine.segmentation.data.drawing import TrainingOrder, only_share
from engine.segmentation.data.referring_set import ReferringSet
from engine.segmentation.evaluation import card_metrics, evaluate_scored
from engine.segmentation.materials import SegmentationMaterials
from engine.segmentation.model import LgceNet
from engine.segmentation.recipe import SegmentationRecipe
from engine.segmentation.report import cut_notes, pick_examples, write_report
from engine.segmentation.scored import SCORED_FILE, Scored
from engine.segmentation.scoring import score_set
from engine.segmentation.task import SegmentationTask, TrainedSegmentation, as_read
from engine.segmentation.words import WordSource, stored_parts
from engine.training.checkpoint import read_tensors
from engine.training.materials import SPLITS
from engine.training.run import (
    REPORT_FOLDER,
    beside_guess,
    card_draft,
    dataset_name,
    report_facts,
    start_of,
    start_part,
    trained_gsd,
)
from engine.training.trainer import Tell

FIGURE = "mIoU"
"""What a part of the test set is judged by."""

LEARNED_MARGIN = 0.1
"""A class counts as learned if its mIoU beats the guess by this much."""

VISION = ("sensors", "sensor_gate", "stages")
"""Parts of the network that no word goes into."""


class SegmentationRun:
    """What one run has in hand: its data, its network, and the way to a model."""

    def __init__(self, recipe: SegmentationRecipe, materials: SegmentationMaterials, tell: Tell) -> None:
        """Read or make all that training needs. All three sets come first: what is wrong with one shows early."""
        self.recipe, self.materials, self.tell = recipe, materials, tell
        self.training, self.validation, self.test = (materials.referrals(recipe, split) for split in SPLITS)
        self.words = materials.words(recipe)
        network = started_network(recipe, self.words)
        self.task = SegmentationTask(
            TrainedSegmentation(network, self.words, recipe.loss),
            recipe.model,
            recipe.preprocess,
            self.training,
            self.validation,
            batch=recipe.batch,
            augment=recipe.augment,
            seed=recipe.train.seed,
        )
        learned_from = only_share(as_read(self.training, recipe.model.sensors), recipe.batch.share)
        self.areas = len({one.area for one in learned_from.expressions})
        self.settings = recipe.settings(len(TrainingOrder(learned_from, recipe.batch, recipe.train.seed)))

    def finish(self, best: Path, out: Path, command: str) -> ModelCard:
        """Round the best weights as they are stored, calibrate and score them, report; the card comes last."""
        tensors, _ = read_tensors(best)
        self.task.model.load_state_dict(tensors)
        parts = stored_parts(self.task.model.network, self.words)
        weights = save_weights(parts, out / MODEL_FOLDER)
        load_weights(parts, weights)
        parts.eval().to(self.recipe.train.device)
        card = replace(
            self._draft(command),
            sha256=file_sha256(weights),
            size_bytes=weights.stat().st_size,
            segmentation_calibration=fit_calibration(self._score(self.validation, "validation")),
        )
        card = self._scored(card, out / REPORT_FOLDER)
        write_card(card, out / MODEL_FOLDER)
        return card

    def _scored(self, card: ModelCard, folder: Path) -> ModelCard:
        """Score the test set and write its report; the card with the figures."""
        recipe, calibration = self.recipe, card.segmentation_calibration
        scored = self._score(self.test, "test")
        scored.save(folder / SCORED_FILE)
        evaluation = evaluate_scored(scored, self.test, calibration)
        guess = self.materials.guess(recipe)
        self.tell({"kind": "stage", "stage": "writing the report"})
        metrics = card_metrics(evaluation)
        limits = limits_of(recipe, self.training, metrics, guess)
        examples = pick_examples(
            scored, self.test, self.task.model.network, self.words, recipe.model, recipe.preprocess, calibration,
            device=recipe.train.device,
        )  # fmt: skip
        write_report(
            folder, evaluation, guess, model=card.name, split=self.test.about, dataset=dataset_name(recipe.data),
            facts=report_facts(card), notes=(*limits, *cut_notes(self.test, self.words, recipe.model.tokens)),
            examples=examples,
        )  # fmt: skip
        return replace(card, metrics_split=self.test.about, metrics=metrics, guess=guess, limits=limits)

    def _score(self, areas: ReferringSet, split: str) -> Scored:
        recipe, stage = self.recipe, f"scoring the {split} set"
        return score_set(
            self.task.model.network, areas, self.words, recipe.model, recipe.preprocess, device=recipe.train.device,
            report=lambda share: self.tell({"kind": "working", "stage": stage, "done": round(100 * share), "of": 100}),
        )  # fmt: skip

    def _draft(self, command: str) -> ModelCard:
        """The card without what is measured."""
        recipe = self.recipe
        return card_draft(
            recipe,
            config=recipe.model.as_json(),
            about=self.training.about,
            samples=self.areas,
            gsd_m=trained_gsd(recipe.data, self.training.gsd_m),
            pretrained=(self.words.pretrained, *begun_with(recipe)),
            command=command,
        )


def started_network(recipe: SegmentationRecipe, words: WordSource) -> LgceNet:
    """The network as the recipe starts to train it; fresh weights come from the recipe's seed.

    Where it starts from a whole model with a text encoder that was trained, ``words`` get that one's weights, too.
    Raises UsageError, ModelNotFound or ModelDamaged where it cannot start from what the recipe names.
    """
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe.model)
    head = recipe.recipe
    if head.start:
        card, weights = start_of(head)
        whole = head.start_parts == "all"
        parts: dict[str, nn.Module | None] = (
            {"": stored_parts(network, words)}
            if whole
            else {f"network.{name}": getattr(network, name) for name in VISION}
        )
        fits = [load_part(part, weights, name) for name, part in parts.items() if part is not None]
        if not all(fits):
            raise UsageError(
                f"{'The network' if whole else 'Swin'} of {card.name} is of other sizes than the recipe's.",
                remedy="Give [model] the sizes of that model's card, or start from another.",
            )
    elif recipe.tune.swin == "published":
        start_from_swin(network, recipe.model, SWIN.find())
    return network


def begun_with(recipe: SegmentationRecipe) -> tuple[PretrainedPart, ...]:
    """What a card says of the weights that the network began with; the text encoder's own apart."""
    if recipe.recipe.start:
        return (start_part(recipe.recipe),)
    return (SWIN.part(SWIN.find(), "image encoder, trained on"),) if recipe.tune.swin == "published" else ()


def limits_of(
    recipe: SegmentationRecipe, training: ReferringSet, metrics: Mapping[str, Any], guess: Mapping[str, Any]
) -> tuple[str, ...]:
    """What a user has to know of a model's weaknesses; classes that it did not learn are named."""
    synthetic = "Trained on synthetic scenes alone: on real imagery its outlines are suggestions, to be checked."
    classes = sorted({one.category for one in training.expressions if one.category})
    blind = [
        f"{name} ({right:.0%}, the guess {blindly:.0%})"
        for name, right, blindly in _of(metrics, guess, "category")
        if right < blindly + LEARNED_MARGIN
    ]
    sensors = [f"{SENSOR_SAID.get(name, name)} {iou:.0%}" for name, iou, _ in _of(metrics, guess, "sensor")]
    hidden = [f"{name} {iou:.0%}" for name, iou, _ in _of(metrics, guess, "hidden")]
    scattered = [
        f"Where things are {name}, its mean IoU is {iou:.0%}, the guess's {blindly:.0%}."
        for name, iou, blindly in _of(metrics, guess, "scatter")
    ]
    return (
        *([synthetic] if recipe.data.source == "scenes" else []),
        *([f"It was taught {len(classes)} classes ({', '.join(classes)}) and English wordings."] if classes else []),
        *([f"Its mean IoU by sensor: {', '.join(sensors)}."] if sensors else []),
        *([f"Its mean IoU by what weather hides of the optical picture: {', '.join(hidden)}."] if hidden else []),
        *scattered,
        f"Things smaller than a few pixels of the {recipe.model.image_size} px square are not outlined; ask about a "
        "smaller area.",
        *([f"Outlined hardly better than by a guess: {', '.join(blind)}."] if blind else []),
    )


def _of(metrics: Mapping[str, Any], guess: Mapping[str, Any], label: str) -> list[tuple[str, float, float]]:
    return beside_guess(metrics, guess, label, FIGURE)
