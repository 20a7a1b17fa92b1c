"""One run of OptiSAR-Net++: its data, texts and network, and after training calibration, scores, report and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.catalog import MODEL_FOLDER, ModelCard, file_sha256
from engine.catalog.card import write_card
from engine.errors import UsageError
from engine.grounding.build import build_network
from engine.grounding.calibration import fit_calibration
from engine.grounding.data.drawing import TrainingOrder
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.evaluation import TOLD_APART, card_metrics, evaluate_scored
from engine.grounding.materials import GroundingMaterials
from engine.grounding.model import OptiSarNet
from engine.grounding.recipe import GroundingRecipe
from engine.grounding.report import cut_notes, pick_examples, write_report
from engine.grounding.scored import SCORED_FILE, Scored
from engine.grounding.scoring import score_set
from engine.grounding.task import GroundingTask, TrainedGrounding
from engine.nn.weights import load_part, load_weights, save_weights
from engine.records.pair import SENSOR_SAID
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

FIGURE = "Pr@0.5"
"""What a part of the test set is judged by."""

LEARNED_MARGIN = 0.1
"""A class, or what only a direction tells apart, counts as learned if its Pr@.5 beats the guess by this much."""


class GroundingRun:
    """What one run has in hand: its data, its network, and the way to a model."""

    def __init__(self, recipe: GroundingRecipe, materials: GroundingMaterials, tell: Tell) -> None:
        """Read or make all that training needs. The text encoder comes first, as it may be missing, and then all three
        sets: what is wrong with one shows early."""
        self.recipe, self.materials, self.tell = recipe, materials, tell
        self.embedder = materials.embedder(recipe)
        self.training, self.validation, self.test = (materials.expressions(recipe, split) for split in SPLITS)
        self.pictures = len(TrainingOrder(self.training, recipe.batch, recipe.train.seed))
        self.settings = recipe.settings(self.pictures)
        self.task = GroundingTask(
            TrainedGrounding(started_network(recipe), recipe.loss),
            recipe.model,
            recipe.preprocess,
            self.training,
            self.validation,
            self.embedder,
            batch=recipe.batch,
            slots=recipe.slots,
            augment=recipe.augment,
            seed=recipe.train.seed,
            steps=self.settings.steps,
        )

    def finish(self, best: Path, out: Path, command: str) -> ModelCard:
        """Round the best weights as they are stored, calibrate and score them, report; the card comes last."""
        tensors, _ = read_tensors(best)
        self.task.model.load_state_dict(tensors)
        network = self.task.model.network
        weights = save_weights(network, out / MODEL_FOLDER)
        load_weights(network, weights)
        network.eval().to(self.recipe.train.device)
        scored = self._score(network, self.validation, "validation")
        card = replace(
            self._draft(command),
            sha256=file_sha256(weights),
            size_bytes=weights.stat().st_size,
            grounding_calibration=fit_calibration(scored, self.validation),
        )
        card = self._scored(card, network, out / REPORT_FOLDER)
        write_card(card, out / MODEL_FOLDER)
        return card

    def _scored(self, card: ModelCard, network: OptiSarNet, folder: Path) -> ModelCard:
        """Score the test set and write its report; the card with the figures."""
        recipe, calibration = self.recipe, card.grounding_calibration
        scored = self._score(network, self.test, "test")
        scored.save(folder / SCORED_FILE)
        evaluation = evaluate_scored(scored, self.test, calibration)
        guess = self.materials.guess(recipe)
        self.tell({"kind": "stage", "stage": "writing the report"})
        metrics = card_metrics(evaluation)
        limits = limits_of(recipe, self.training, metrics, guess)
        write_report(
            folder, evaluation, guess, model=card.name, split=self.test.about, dataset=dataset_name(recipe.data),
            facts=report_facts(card), config=recipe.model, notes=(*limits, *cut_notes(self.test, self.embedder)),
            examples=pick_examples(scored, self.test, calibration),
        )  # fmt: skip
        return replace(card, metrics_split=self.test.about, metrics=metrics, guess=guess, limits=limits)

    def _score(self, network: OptiSarNet, pictures: ExpressionSet, split: str) -> Scored:
        stage = f"scoring the {split} set"
        return score_set(
            network, pictures, self.embedder, self.recipe.model, self.recipe.preprocess,
            device=self.recipe.train.device,
            report=lambda share: self.tell({"kind": "working", "stage": stage, "done": round(100 * share), "of": 100}),
        )  # fmt: skip

    def _draft(self, command: str) -> ModelCard:
        """The card without what is measured."""
        recipe = self.recipe
        start = (start_part(recipe.recipe),) if recipe.recipe.start else ()
        return card_draft(
            recipe,
            config=recipe.model.as_json(),
            about=self.training.about,
            samples=self.pictures,
            gsd_m=trained_gsd(recipe.data, self.training.gsd_m),
            pretrained=(self.embedder.pretrained, *start),
            command=command,
        )


def started_network(recipe: GroundingRecipe) -> OptiSarNet:
    """The network as the recipe starts to train it; fresh weights come from the recipe's seed.

    Raises UsageError or ModelNotFound where it cannot start from the model that the recipe names.
    """
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe.model)
    if recipe.recipe.start:
        card, weights = start_of(recipe.recipe)
        whole = recipe.recipe.start_parts == "all"
        if not (load_part(network, weights, "") if whole else load_part(network.backbone, weights, "backbone")):
            raise UsageError(
                f"{'The network' if whole else 'The backbone'} of {card.name} is of other sizes than the recipe's.",
                remedy="Give [model] the sizes of that model's card, or start from another.",
            )
    return network


def limits_of(
    recipe: GroundingRecipe, training: ExpressionSet, metrics: Mapping[str, Any], guess: Mapping[str, Any]
) -> tuple[str, ...]:
    """What a user has to know of a model's weaknesses; classes that it did not learn are named."""
    synthetic = "Trained on synthetic scenes alone: on real imagery its boxes are suggestions, to be checked."
    classes = sorted({thing.category for thing in training.things})
    blind = [
        f"{name} ({right:.0%}, the guess {blindly:.0%})"
        for name, right, blindly in beside_guess(metrics, guess, "category", FIGURE)
        if right < blindly + LEARNED_MARGIN
    ]
    sensors = [f"{SENSOR_SAID[name]} {right:.0%}" for name, right, _ in beside_guess(metrics, guess, "sensor", FIGURE)]
    apart = [
        f"Where only a direction or a relation tells a thing from others, its box is right in {right:.0%} of cases, "
        f"the guess's in {blindly:.0%}."
        for name, right, blindly in beside_guess(metrics, guess, "told apart", FIGURE)
        if name == TOLD_APART
    ]
    return (
        *([synthetic] if recipe.data.source == "scenes" else []),
        f"It was taught {len(classes)} classes ({', '.join(classes)}) and English wordings.",
        *([f"Its box is right (IoU of .5 or more) by sensor: {', '.join(sensors)}."] if sensors else []),
        *apart,
        f"Things smaller than a few pixels of the {recipe.model.image_size} px square are not seen; search a smaller "
        "area.",
        *([f"Found hardly better than by a guess: {', '.join(blind)}."] if blind else []),
    )
