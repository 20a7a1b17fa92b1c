"""One run of TGFNet: its data, encoders and network, and after training calibration, scores, report and model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from engine.catalog import MODEL_FOLDER, ModelCard, file_sha256
from engine.catalog.card import write_card
from engine.errors import UsageError
from engine.nn.weights import load_weights, save_weights
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.text import ANSWERS_VERSION
from engine.training.checkpoint import read_tensors
from engine.training.materials import SPLITS
from engine.training.run import REPORT_FOLDER, card_draft, dataset_name, report_facts, trained_gsd
from engine.training.trainer import Tell
from engine.vqa.calibration import PROBE_QUESTIONS, Calibration, fit_calibration, fit_probe
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.drawing import sensors_present
from engine.vqa.data.question_set import QuestionSet, types_of
from engine.vqa.data.table import UNKNOWN_ANSWER
from engine.vqa.evaluation import card_metrics, evaluate_set, pooled_text, score
from engine.vqa.materials import Materials
from engine.vqa.network import VqaNetwork
from engine.vqa.recipe import VqaRecipe
from engine.vqa.report import cut_notes, pick_examples, write_report
from engine.vqa.scored import Scored
from engine.vqa.task import TrainedVqa, VqaTask
from engine.vqa.tuning import (
    clip_towers,
    copy_architecture,
    named_clip,
    pretrained_parts,
    tuned_network,
    whole_network,
)

if TYPE_CHECKING:
    from engine.nn.clip import ClipTowers

LEARNED_MARGIN = 0.1
"""A type of question counts as learned if it beats the guess by this much."""


class TgfnetRun:
    """What one run has in hand: its data, its network, and the way to a model."""

    def __init__(self, recipe: VqaRecipe, materials: Materials, tell: Tell) -> None:
        """Read or make all that training needs. All three sets come first: what is wrong with one shows early."""
        self.recipe, self.materials, self.tell = recipe, materials, tell
        self.training, self.validation, self.test = (materials.question_set(recipe, split) for split in SPLITS)
        self.answers = self.training.vocabulary
        self.config: TgfnetConfig = replace(recipe.model, answers=len(self.answers))
        for views in (self.training, self.validation, self.test):
            require_its_sensor(views, self.config)
        self.clip: ClipTowers | None = clip_towers(self.config)
        self.settings = recipe.settings(int((self._table("train").answer != UNKNOWN_ANSWER).sum()))
        network = tuned_network(recipe, self.config, self.answers, self.clip)
        learns_patches = self.training.patches is not None and recipe.tune.backbone != "frozen"
        trained = TrainedVqa(
            network,
            patch_width=self.config.width if learns_patches and recipe.batch.patch_weight else 0,
            patch_weight=recipe.batch.patch_weight,
            label_smoothing=recipe.batch.label_smoothing,
        )
        self.task = VqaTask(
            trained,
            self.config,
            recipe.preprocess,
            recipe.batch,
            self.training,
            self.validation,
            materials.reader(self.config, self.clip),
            self.answers,
            seed=recipe.train.seed,
            steps=self.settings.steps,
            backbone_rate=recipe.tune.backbone_rate if recipe.tune.backbone == "full" else 1.0,
            features=self._features("train", network),
            validation_features=self._features("validation", network),
            tables=(self._table("train"), self._table("validation")),
        )

    def finish(self, best: Path, out: Path, command: str) -> ModelCard:
        """Round the best weights as they are stored, calibrate and score them, report; the card comes last."""
        tensors, _ = read_tensors(best)
        self.task.model.load_state_dict(tensors)
        network = whole_network(self.task.model.network, self.recipe)
        weights = save_weights(network, out / MODEL_FOLDER)
        load_weights(network, weights)
        network.eval().to(self.recipe.train.device)
        calibration = self._calibrate(network)
        card = replace(
            self._draft(command),
            sha256=file_sha256(weights),
            size_bytes=weights.stat().st_size,
            **calibration.save(out / MODEL_FOLDER),
        )
        card = replace(card, extra_files=card.extra_files | copy_architecture(self.config, out / MODEL_FOLDER))
        card = self._scored(card, network, calibration, out / REPORT_FOLDER)
        write_card(card, out / MODEL_FOLDER)
        return card

    def _calibrate(self, network: VqaNetwork) -> Calibration:
        self.tell({"kind": "stage", "stage": "calibrating on the validation set"})
        scored = self._score(network, self.validation, "validation")
        kinds = [question.type for question in self.validation.questions]
        # The probe learns from training questions: there are more, and on those it has learned from it would err less
        # than it will later, so that thresholds fitted on what it tells of them would be too low.
        table, asked = self._table("train"), self.training.questions
        some = torch.linspace(0, len(asked) - 1, min(len(asked), PROBE_QUESTIONS)).round().long()
        text = table.pooled(network.text_tower)[table.text_row[some]]
        probe = fit_probe(text, [asked[index].type for index in some.tolist()])
        return fit_calibration(scored, kinds, pooled_text(self._table("validation"), network), probe=probe)

    def _scored(self, card: ModelCard, network: VqaNetwork, calibration: Calibration, folder: Path) -> ModelCard:
        """Score the test set and write its report; the card with the figures."""
        recipe, table = self.recipe, self._table("test")
        scored = self._score(network, self.test, "test")
        evaluation = evaluate_set(
            network, self.test, table, self.config, recipe.preprocess, calibration, self.answers,
            device=recipe.train.device, features=self._features("test", network), scored=scored, report=self._share,
        )  # fmt: skip
        guess = self.materials.guess(recipe, self.answers, self.clip, network)
        self.tell({"kind": "stage", "stage": "writing the report"})
        examples = pick_examples(
            network, self.test, table, self.config, recipe.preprocess, calibration, self.answers, scored,
            device=recipe.train.device,
        )  # fmt: skip
        limits = limits_of(recipe, self.training, evaluation["metrics"], guess)
        write_report(
            folder, evaluation, guess, model=card.name, split=self.test.about, dataset=dataset_name(recipe.data),
            facts=report_facts(card), notes=(*limits, *cut_notes(table)), examples=examples,
        )  # fmt: skip
        metrics = card_metrics(evaluation)
        return replace(card, metrics_split=self.test.about, metrics=metrics, guess=guess, limits=limits)

    def _score(self, network: VqaNetwork, views: QuestionSet, split: str) -> Scored:
        return score(
            network, views, self._table(split), self.config, self.recipe.preprocess,
            device=self.recipe.train.device, features=self._features(split, network),
            report=lambda share: self._share(f"scoring the {split} set", share),
        )  # fmt: skip

    def _table(self, split: str) -> Any:
        return self.materials.table(self.recipe, split, self.answers, self.clip)

    def _features(self, split: str, network: VqaNetwork) -> Any:
        return self.materials.features(self.recipe, self.config, network, split)

    def _share(self, stage: str, share: float) -> None:
        self.tell({"kind": "working", "stage": stage, "done": round(100 * share), "of": 100})

    def _draft(self, command: str) -> ModelCard:
        """The card without what is measured."""
        recipe = self.recipe
        scenes = recipe.data.source == "scenes"
        return card_draft(
            recipe,
            config=named_clip(self.config).as_json(),
            about=self.training.about,
            samples=len(self.training),
            gsd_m=trained_gsd(recipe.data, self.training.gsd_m),
            pretrained=pretrained_parts(recipe, self.clip),
            command=command,
            answers=self.answers,
            answers_version=str(ANSWERS_VERSION) if scenes else "",
        )


def require_its_sensor(views: QuestionSet, config: TgfnetConfig) -> None:
    """Raises UsageError where no view has data of the one sensor that the network looks at: it would learn to guess."""
    if config.sensors == "both" or sensors_present(views)[:, SENSORS.index(config.sensors)].any():
        return
    raise UsageError(
        f"The network looks at {SENSOR_SAID[config.sensors]} images only, and {views.about} has none.",
        remedy="Set model.sensors to both or to the other sensor, or take other data.",
    )


def limits_of(
    recipe: VqaRecipe, training: QuestionSet, metrics: dict[str, Any], guess: dict[str, Any]
) -> tuple[str, ...]:
    """What a user has to know of a model's weaknesses; question types that it did not learn are named."""
    kinds = types_of(training.questions)
    blind = [
        f"{kind} ({accuracy:.0%}, the guess {guess['per_type'][kind]:.0%})"
        for kind, accuracy in metrics["per_type"].items()
        if accuracy < guess["per_type"][kind] + LEARNED_MARGIN
    ]
    synthetic = "Trained on synthetic scenes alone: on real imagery its answers are suggestions, to be checked."
    return (
        *([synthetic] if recipe.data.source == "scenes" else []),
        f"It knows {len(kinds)} kinds of question ({', '.join(kinds)}) and English wordings.",
        f"Objects smaller than a few pixels of the {recipe.model.image_size} px square are not seen; ask about a "
        "smaller area.",
        *([f"Answered hardly better than by a guess: {', '.join(blind)}."] if blind else []),
    )
