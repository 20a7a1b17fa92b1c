"""OptiSAR-Net++'s recipes: the tables of :mod:`engine.training.recipe`, and what they have to fit."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.grounding.augment import AugmentSettings
from engine.grounding.config import GroundingConfig
from engine.grounding.data.drawing import BatchSettings
from engine.grounding.losses import LossWeights
from engine.grounding.slots import SlotSettings
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

FOLLOWS = {"model": {"texts": "slots.texts"}, "augment": {"sar_range_db": "preprocess.sar_db"}}
"""Fields that no recipe sets, and what they follow from."""


@dataclass(frozen=True, slots=True)
class GroundingRecipe:
    """A whole recipe, every field checked.

    Where ``epochs`` is not 0 it says how long to train, in passes over the training pictures, and :meth:`settings` has
    the steps.
    """

    recipe: RecipeHead
    train: TrainSettings
    model: GroundingConfig = field(default_factory=GroundingConfig)
    data: DataSettings = field(default_factory=DataSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    slots: SlotSettings = field(default_factory=SlotSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loss: LossWeights = field(default_factory=LossWeights)
    preprocess: PreprocessSpec = field(default_factory=PreprocessSpec)
    epochs: int = 0

    def settings(self, pictures: int) -> TrainSettings:
        """The loop's settings where ``pictures`` of the training set are trained on."""
        return settings_for(self, pictures, self.batch.pictures)


def recipe_of(tables: Tables) -> GroundingRecipe:
    """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
    tables = checked_tables(tables, GroundingRecipe)
    refuse_followers(tables, FOLLOWS)
    recipe = recipe_from(tables, GroundingRecipe)
    low, high = recipe.preprocess.sar_db
    tables["model"]["texts"] = recipe.slots.texts
    tables["augment"]["sar_range_db"] = high - low
    return recipe_from(tables, GroundingRecipe)
