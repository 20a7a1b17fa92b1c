"""TGFNet's recipes: the tables of :mod:`engine.training.recipe`, and what they have to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.training import TrainSettings
from engine.training.recipe import (
    DataSettings,
    RecipeHead,
    Tables,
    checked_tables,
    recipe_from,
    settings_for,
)
from engine.vqa.config import CLIP, TgfnetConfig
from engine.vqa.task import BatchSettings

PATHS = ("model.clip_model", "model.clip_weights")
"""Fields that may be paths of one machine, beside those of every recipe."""


@dataclass(frozen=True, slots=True)
class QuestionData(DataSettings):
    """What is trained on.

    ``variants`` are the weathers in which each optical picture is also kept (``engine.vqa.data.weathers``); training
    shows them to ``batch.variant_share`` of its views. Scenes only: questions of each type per scene, which are
    ``exam_questions_per_type`` in validation and test.
    """

    variants: tuple[str, ...] = ()
    questions_per_type: int = 3
    exam_questions_per_type: int = 1


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """What becomes of the pretrained encoders: trained with the rest, kept as they are, or changed by low-rank parts.

    ``cache`` keeps the image tokens of a frozen encoder on disk, in every variant of the weather; then the variants
    are the augmentation, as the pixels are not touched again.
    """

    backbone: Literal["full", "frozen", "lora"] = "full"
    backbone_rate: float = 1.0  # factor of the learning rate for encoders tuned in full; LoRA's parts learn at 1
    rank: int = 8  # LoRA's r
    alpha: float = 16.0  # LoRA's scale, alpha / r
    cache: bool = True

    def __post_init__(self) -> None:
        if not self.backbone_rate > 0:
            raise UsageError(
                f"The encoders cannot learn at {self.backbone_rate} times the learning rate.",
                remedy='Set tune.backbone to "frozen" to keep them as they are.',
            )


@dataclass(frozen=True, slots=True)
class VqaRecipe:
    """A whole recipe, every field checked.

    ``model.answers`` is 1 until the data are read, which know the answers. Where ``epochs`` is not 0 it says how long
    to train, in passes over the training questions, and :meth:`settings` has the steps.
    """

    recipe: RecipeHead
    model: TgfnetConfig
    train: TrainSettings
    data: QuestionData = field(default_factory=QuestionData)
    batch: BatchSettings = field(default_factory=BatchSettings)
    preprocess: PreprocessSpec = field(default_factory=PreprocessSpec)
    tune: TuneSettings = field(default_factory=TuneSettings)
    epochs: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for an encoder that would stay random for ever."""
        if self.model.vision == CLIP:
            return
        if self.tune.backbone == "frozen" and not self.recipe.start:
            raise UsageError(
                "The recipe freezes an image encoder that nobody has trained.",
                remedy='Name a trained model in recipe.start, or set tune.backbone to "full".',
            )
        if self.tune.backbone == "lora":
            raise UsageError(
                "Low-rank tuning (LoRA) is for CLIP's image encoder, which this recipe does not use.",
                remedy='Set tune.backbone to "full", or model.vision to "clip".',
            )

    def settings(self, questions: int) -> TrainSettings:
        """The loop's settings where ``questions`` of the training set's questions can be trained on."""
        return settings_for(self, questions, self.batch.views * self.batch.questions)


def recipe_of(tables: Tables) -> VqaRecipe:
    """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
    tables = checked_tables(tables, VqaRecipe)
    model = tables.setdefault("model", {})
    for name in ("answers", "clip_stored"):
        if name in model:
            raise UsageError(f"The recipe sets model.{name}, which follows from its data and [tune].")
    model["answers"] = 1
    tuned = tables.get("tune", {}).get("backbone", "full") != "frozen"
    model["clip_stored"] = tuned and CLIP in (model.get("vision"), model.get("text_encoder"))
    return recipe_from(tables, VqaRecipe)
