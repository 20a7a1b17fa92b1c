"""TGFNet as ``rsqa train`` needs it: its recipes, its runs, and its figures beside the paper's Tables III to V."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.catalog import ModelCard
from engine.training.published import PublishedTable
from engine.training.recipe import Tables, training_said
from engine.training.trainer import Rivals, Tell
from engine.vqa.materials import Materials
from engine.vqa.published import tgfnet_table
from engine.vqa.recipe import PATHS, VqaRecipe, recipe_of
from engine.vqa.run import TgfnetRun
from engine.vqa.tuning import fetch_clip


class TgfnetTrainer:
    """See :class:`engine.training.trainer.Trainer`."""

    paths = PATHS
    columns = ("OA", "AA")
    guess = "from the question alone"

    def recipe_of(self, tables: Tables) -> VqaRecipe:
        """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
        return recipe_of(tables)

    def fetch(self, recipe: VqaRecipe, say: Callable[[str], None]) -> None:
        """Bring CLIP's weights from the hub into its cache. Raises ModelNotFound where the hub does not answer."""
        fetch_clip(recipe.model)

    def materials(self, folder: Path, tell: Tell) -> Materials:
        """A maker of question sets, texts and image tokens below ``folder``."""
        return Materials(folder, tell)

    def open(self, recipe: VqaRecipe, materials: Materials, tell: Tell) -> TgfnetRun:
        """Read or make all that training needs."""
        return TgfnetRun(recipe, materials, tell)

    def published(self, number: str) -> PublishedTable:
        """A table of the paper. Raises UsageError where there is none such."""
        return tgfnet_table(number)

    def figures(self, card: ModelCard) -> dict[str, float]:
        """A card's figures as the paper has them: percent; OA and AA without the types that need both images."""
        return _in_percent(card.metrics)

    def guessed(self, card: ModelCard) -> dict[str, float]:
        """The same for what one scores without looking."""
        return _in_percent(card.guess)

    def said(self, card: ModelCard) -> str:
        """The test's result as a sentence."""
        return f"Test accuracy {card.metrics['OA']:.3f}, the guess {card.guess['OA']:.3f}."

    def notes(self, recipe: VqaRecipe) -> Iterator[str]:
        """What differs from the paper's networks."""
        if recipe.model.vision != "clip":
            yield f"Ours are the {recipe.recipe.preset} preset, the paper's are CLIP ViT-B/16."

    def facts(self, recipe: VqaRecipe) -> dict[str, str]:
        """How the recipe trains."""
        batch, model = recipe.batch, recipe.model
        return {
            "training": training_said(recipe, f"{batch.views} views with {batch.questions} questions each"),
            "encoders": f"images {model.clip_model or model.vision}, text {model.text_encoder}, {recipe.tune.backbone}",
        }

    def rivals(self, recipe: VqaRecipe, names: Collection[str], materials: Materials) -> Rivals:
        """Nothing: all rows of the paper's tables are runs."""
        return Rivals()


def _in_percent(metrics: Mapping[str, Any]) -> dict[str, float]:
    compared = {name: metrics["comparable"][name] for name in ("OA", "AA")}
    return {name: 100 * share for name, share in (compared | metrics["per_type"]).items()}
