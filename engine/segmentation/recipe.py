"""LGCE's recipes: the tables of :mod:`engine.training.recipe`, and what they have to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.augment import AugmentSettings
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.data.drawing import BatchSettings
from engine.segmentation.losses import LossWeights
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

FOLLOWS = {"augment": {"sar_range_db": "preprocess.sar_db"}}
"""Fields that no recipe sets, and what they follow from."""


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """Which parts begin with weights that others trained, where ``recipe.start`` names no model.

    ``swin`` "published" begins every stage of Swin with Swin-B's weights (``engine.nn.swin_weights``), as LAVT does;
    each sensor's first stage begins with the same.
    """

    swin: Literal["random", "published"] = "random"


@dataclass(frozen=True, slots=True)
class SegmentationRecipe:
    """A whole recipe, every field checked.

    Where ``epochs`` is not 0 it says how long to train, in passes over the training expressions, and :meth:`settings`
    has the steps.
    """

    recipe: RecipeHead
    train: TrainSettings
    model: SegmentationConfig = field(default_factory=SegmentationConfig)
    data: DataSettings = field(default_factory=DataSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loss: LossWeights = field(default_factory=LossWeights)
    tune: TuneSettings = field(default_factory=TuneSettings)
    preprocess: PreprocessSpec = field(default_factory=PreprocessSpec)
    epochs: int = 0

    def settings(self, visits: int) -> TrainSettings:
        """The loop's settings where one pass over the training set has ``visits`` (``data.drawing``)."""
        return settings_for(self, visits, self.batch.areas)


def recipe_of(tables: Tables) -> SegmentationRecipe:
    """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
    tables = checked_tables(tables, SegmentationRecipe)
    refuse_followers(tables, FOLLOWS)
    low, high = recipe_from(tables, SegmentationRecipe).preprocess.sar_db
    tables["augment"]["sar_range_db"] = high - low
    return recipe_from(tables, SegmentationRecipe)
