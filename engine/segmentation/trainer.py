"""LGCE as ``rsqa train`` needs it: recipes, runs, and figures beside the paper's Tables II to IV."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.catalog import ModelCard
from engine.metrics.overlap import OverlapTally
from engine.nn.swin_weights import SWIN
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.counts import OPERATIONS, PARAMETERS, count_operations, count_parts
from engine.segmentation.materials import SegmentationMaterials
from engine.segmentation.published import lgce_table
from engine.segmentation.recipe import SegmentationRecipe, recipe_of
from engine.segmentation.report import paper_figures
from engine.segmentation.run import SegmentationRun
from engine.training.published import PublishedTable
from engine.training.recipe import Tables, training_said
from engine.training.trainer import Rivals, Tell

OPERATIONS_TWICE = "FLOPs (G)"
"""The column of Table IV with the operations, of which a multiply-accumulate is two."""

SCORES = tuple(name for name in OverlapTally().segmentation_scores() if name != "samples")
"""The columns of Tables II and III."""

SHOWN_PARTS = ("sensor", "size", "scatter", "hidden")
"""Labels of parts of the test set whose values, as words before a score, are columns that a study may name."""


class SegmentationTrainer:
    """See :class:`engine.training.trainer.Trainer`."""

    paths = ()
    columns = ("mIoU", "oIoU", "Pr@0.5")
    guess = "from category and position"

    def recipe_of(self, tables: Tables) -> SegmentationRecipe:
        """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
        return recipe_of(tables)

    def fetch(self, recipe: SegmentationRecipe, say: Callable[[str], None]) -> None:
        """Bring the weights of BERT and of Swin from the hub. Raises ModelNotFound where it does not answer."""
        from engine.nn.bert import fetch_bert

        fetch_bert(recipe.model.text_encoder)
        if recipe.tune.swin == "published":
            SWIN.fetch()

    def materials(self, folder: Path, tell: Tell) -> SegmentationMaterials:
        """A maker of referring sets and words below ``folder``."""
        return SegmentationMaterials(folder, tell)

    def open(self, recipe: SegmentationRecipe, materials: SegmentationMaterials, tell: Tell) -> SegmentationRun:
        """Read or make all that training needs."""
        return SegmentationRun(recipe, materials, tell)

    def published(self, number: str) -> PublishedTable:
        """A table of the paper. Raises UsageError where there is none such."""
        return lgce_table(number)

    def figures(self, card: ModelCard) -> dict[str, float]:
        """A card's figures: the paper's columns by its own rule, the likelier of foreground and background; "in use
        mIoU" and parts' ("small and scattered mIoU") at the card's threshold; counts of Table IV."""
        in_use = {f"in use {name}": 100 * card.metrics[name] for name in SCORES}
        config = SegmentationConfig.from_json(card.config)
        return paper_figures(card.metrics) | in_use | _of_parts(card.metrics) | complexity(config)

    def guessed(self, card: ModelCard) -> dict[str, float]:
        """The same for what one scores without looking, where there is no threshold to choose."""
        own = {name: 100 * card.guess[name] for name in SCORES}
        return own | {f"in use {name}": share for name, share in own.items()} | _of_parts(card.guess)

    def said(self, card: ModelCard) -> str:
        """The test's result as a sentence."""
        mean, overall = (100 * card.metrics[name] for name in ("mIoU", "oIoU"))
        return f"Test mIoU {mean:.1f}, oIoU {overall:.1f}; the guess {100 * card.guess['mIoU']:.1f}."

    def notes(self, recipe: SegmentationRecipe) -> Iterator[str]:
        """What differs from the paper's network."""
        if recipe.recipe.preset != "paper":
            yield (
                f"Ours are the {recipe.recipe.preset} preset at {recipe.model.image_size} px with the text encoder "
                f"{recipe.model.text_encoder}, the paper's are Swin-B at 480 px with BERT-base."
            )
        if recipe.model.sensors != "optical":
            yield "Ours read optical and SAR pictures, the paper's optical ones alone."

    def facts(self, recipe: SegmentationRecipe) -> dict[str, str]:
        """How the recipe trains, and where masks are drawn."""
        batch, model = recipe.batch, recipe.model
        said = f"{batch.areas} areas with {batch.expressions} expression{'s' if batch.expressions > 1 else ''} each"
        return {
            "training": training_said(recipe, said),
            "text encoder": f"{model.text_encoder}, {'trained with the network' if model.train_text else 'frozen'}",
            "Swin begins": f"with {recipe.tune.swin} weights",
            "masks": "columns of the paper: the likelier of foreground and background; in use, and of parts: from the "
            "threshold up that was best on the validation split",
        }

    def rivals(self, recipe: SegmentationRecipe, names: Collection[str], materials: SegmentationMaterials) -> Rivals:
        """Nothing: the other networks of the paper are not built here."""
        return Rivals()


@cache
def complexity(config: SegmentationConfig) -> dict[str, float]:
    """The columns of Table IV: millions of parameters without the text encoder's, and billions of operations of one
    expression, as :mod:`engine.segmentation.counts` counts them."""
    operations = count_operations(config).weights / 1e9
    parameters = sum(count_parts(config).values()) / 1e6
    return {OPERATIONS_TWICE: 2 * operations, PARAMETERS: parameters, OPERATIONS: operations}


def _of_parts(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Scores of parts of the test set in percent: "optical mIoU", "mostly hidden Pr@0.5"."""
    return {
        f"{'SAR' if value == 'sar' else value} {name}": 100 * part[name]
        for label in SHOWN_PARTS
        for value, part in metrics["subsets"].get(label, {}).items()
        for name in SCORES
    }
