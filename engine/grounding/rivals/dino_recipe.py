"""Recipes for fine-tuning Grounding DINO: the tables of :mod:`engine.training.recipe`, and what they have to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.catalog import json_fields
from engine.errors import UsageError
from engine.grounding.augment import AugmentSettings
from engine.grounding.config import GroundingConfig
from engine.grounding.data.drawing import BatchSettings
from engine.grounding.recipe import GroundingRecipe
from engine.grounding.rivals.grounding_dino import FOLDER_VARIABLE, IMAGENET
from engine.nn.preprocess import PreprocessSpec
from engine.training import TrainSettings
from engine.training.recipe import (
    DataSettings,
    RecipeHead,
    Tables,
    checked_tables,
    recipe_from,
    refuse_followers,
    settings_for,
)

FOLLOWS = {
    "augment": {"sar_range_db": "preprocess.sar_db"},
    "preprocess": {"mean": "the published backbone", "std": "the published backbone"},
}
"""Fields that no recipe sets, and what they follow from."""

LEAST_PX = 128
"""Its coarsest map is a sixty-fourth of the picture, and needs two cells."""


@dataclass(frozen=True, slots=True)
class DinoConfig:
    """What there is to choose of a network whose sizes are published: the side of its square."""

    image_size: int = 640  # pixels; as ours, so that both see the same pictures

    def __post_init__(self) -> None:
        """Raises UsageError for a square that is too small."""
        if self.image_size < LEAST_PX:
            raise UsageError(f"Grounding DINO needs pictures of {LEAST_PX} px or more, not of {self.image_size} px.")

    def as_json(self) -> dict[str, Any]:
        return json_fields(self)


@dataclass(frozen=True, slots=True)
class GroundingDinoRecipe:
    """A whole recipe, every field checked; see :class:`engine.grounding.recipe.GroundingRecipe`."""

    recipe: RecipeHead
    train: TrainSettings
    model: DinoConfig = field(default_factory=DinoConfig)
    data: DataSettings = field(default_factory=DataSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    preprocess: PreprocessSpec = IMAGENET
    epochs: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for other weights to start from than the published ones."""
        if self.recipe.start:
            raise UsageError(
                f"Grounding DINO is fine-tuned from its published weights, not from {self.recipe.start}.",
                remedy=f"Leave recipe.start out, and name the folder of those weights in {FOLDER_VARIABLE}.",
            )

    @property
    def sets(self) -> GroundingRecipe:
        """The recipe of ours that has the same pictures and expressions, and the same guess beside them."""
        return GroundingRecipe(
            recipe=self.recipe,
            train=self.train,
            model=GroundingConfig(image_size=self.model.image_size),
            data=self.data,
            batch=self.batch,
            preprocess=self.preprocess,
        )

    def settings(self, pictures: int) -> TrainSettings:
        """The loop's settings where ``pictures`` of the training set are trained on."""
        return settings_for(self, pictures, self.batch.pictures)


def dino_recipe_of(tables: Tables) -> GroundingDinoRecipe:
    """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
    tables = checked_tables(tables, GroundingDinoRecipe)
    refuse_followers(tables, FOLLOWS)
    tables["preprocess"] |= {"mean": IMAGENET.mean, "std": IMAGENET.std}
    recipe = recipe_from(tables, GroundingDinoRecipe)
    low, high = recipe.preprocess.sar_db
    tables["augment"]["sar_range_db"] = high - low
    return recipe_from(tables, GroundingDinoRecipe)
