"""OptiSAR-Net++ as ``rsqa train`` needs it: recipes, runs, and figures beside the paper's Tables I to VI."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from engine.catalog import ModelCard
from engine.grounding.config import GroundingConfig
from engine.grounding.counts import PARAMETERS, parameters_m
from engine.grounding.evaluation import TOLD_APART, evaluate_scored
from engine.grounding.materials import GroundingMaterials
from engine.grounding.published import optisar_table
from engine.grounding.recipe import GroundingRecipe, recipe_of
from engine.grounding.report import paper_figures
from engine.grounding.run import GroundingRun
from engine.nn.embeddings import build_embedder
from engine.training.published import PublishedTable
from engine.training.recipe import Tables, training_said
from engine.training.trainer import Rivals, Tell

GROUNDING_DINO = "G-DINO"
"""What the paper's tables call Grounding DINO."""

MOSAIC_NOTES = {
    "scenes": "The paper's mosaic in every visit leaves .6 of 3.75 sentences that name one thing, as those that may no "
    "longer hold are dropped; our own recipes, with a mosaic in one visit of five, leave 2.5.",
    "folder": "The paper has a mosaic in every visit. Here sentences that may no longer hold in one are dropped, and a "
    "mosaic that would leave none is not made: with the sentences of our scenes three of four are not.",
}
"""What a mosaic in every visit does, by the source of the data; measured on scenes, where class expressions, which a
mosaic leaves as they are, do or do not (as in published data sets) stand beside the sentences."""


class BoxTrainer:
    """What all trainers have in common whose networks give a box for an expression, and stand in the paper's tables."""

    paths = ()
    columns = ("Pr@0.5", "meanIoU", "cumIoU")
    guess = "from the expression alone"

    def materials(self, folder: Path, tell: Tell) -> GroundingMaterials:
        """A maker of expression sets and embeddings below ``folder``."""
        return GroundingMaterials(folder, tell)

    def published(self, number: str) -> PublishedTable:
        """A table of the paper. Raises UsageError where there is none such."""
        return optisar_table(number)

    def guessed(self, card: ModelCard) -> dict[str, float]:
        """A card's figures for what one scores without looking, by the names of the paper's columns."""
        return box_figures(card.guess)

    def said(self, card: ModelCard) -> str:
        """The test's result as a sentence."""
        precision, mean = (100 * card.metrics[name] for name in ("Pr@0.5", "meanIoU"))
        return f"Test Pr@.5 {precision:.1f}, meanIoU {mean:.1f}; the guess {100 * card.guess['meanIoU']:.1f}."


class GroundingTrainer(BoxTrainer):
    """See :class:`engine.training.trainer.Trainer`."""

    def recipe_of(self, tables: Tables) -> GroundingRecipe:
        """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
        return recipe_of(tables)

    def fetch(self, recipe: GroundingRecipe, say: Callable[[str], None]) -> None:
        """Bring MobileCLIP2's weights from the hub into its cache. Raises ModelNotFound where it does not answer."""
        build_embedder(recipe.model.text_encoder, before_fetch=say)

    def open(self, recipe: GroundingRecipe, materials: GroundingMaterials, tell: Tell) -> GroundingRun:
        """Read or make all that training needs."""
        return GroundingRun(recipe, materials, tell)

    def figures(self, card: ModelCard) -> dict[str, float]:
        """A card's figures by the names of the paper's columns: percent, and millions of parameters."""
        return box_figures(card.metrics) | {PARAMETERS: parameters_m(GroundingConfig.from_json(card.config))}

    def notes(self, recipe: GroundingRecipe) -> Iterator[str]:
        """What differs from the paper's network, and from its training."""
        ours, paper = recipe.model, GroundingConfig.paper()
        alike = (ours.image_size, ours.text_encoder) == (paper.image_size, paper.text_encoder)
        if recipe.recipe.preset != "paper" or not alike:
            yield (
                f"Ours are the {recipe.recipe.preset} preset at {ours.image_size} px with the text encoder "
                f"{ours.text_encoder}, the paper's are at 640 px with MobileCLIP2-B."
            )
        if recipe.augment.mosaic == 1:
            yield MOSAIC_NOTES[recipe.data.source]

    def facts(self, recipe: GroundingRecipe) -> dict[str, str]:
        """How the recipe trains."""
        slots = recipe.slots
        return {
            "training": training_said(recipe, f"{recipe.batch.pictures} pictures with {slots.texts} texts each"),
            "text encoder": f"{recipe.model.text_encoder}, frozen",
        }

    def rivals(self, recipe: GroundingRecipe, names: Collection[str], materials: GroundingMaterials) -> Rivals:
        """Grounding DINO's parameters; and in a table where it has one row, the scores of its weights where they are on
        this machine. Where it has several, each is of a training of its own, which nobody has done here."""
        rows = [name for name in names if name.split()[0] == GROUNDING_DINO]
        if not rows:
            return Rivals()
        figures = {PARAMETERS: grounding_dino_parameters() / 1e6}
        how = "its parameters alone, as each row would be a training of its own"
        if rows == [GROUNDING_DINO]:
            scores, how = _grounding_dino_scores(recipe, materials)
            figures |= scores
        note = f"{GROUNDING_DINO} beside “ours” is Grounding DINO (tiny) as transformers builds it: {how}."
        return Rivals(dict.fromkeys(rows, figures), (note,))


def _grounding_dino_scores(recipe: GroundingRecipe, materials: GroundingMaterials) -> tuple[dict[str, float], str]:
    """What its weights score on the recipe's test set, {} where there are none; and how that came about."""
    from engine.grounding.rivals.grounding_dino import find_grounding_dino, tuned_on  # transformers: seconds

    scored = materials.grounding_dino(recipe)
    if scored is None:
        return {}, "no weights of it are on this machine, so that it has no scores"
    evaluation = evaluate_scored(scored, materials.expressions(recipe, "test"))
    data = tuned_on(find_grounding_dino())
    weights = f"fine-tuned on {data}" if data else "as published, not trained on these data"
    how = f"its weights, {weights}, were asked the same test expressions"
    return box_figures(evaluation["metrics"] | {"subsets": evaluation["subsets"]}), how


def grounding_dino_parameters() -> int:
    """Parameters of Grounding DINO's architecture; no weights are made or needed."""
    from engine.grounding.rivals.grounding_dino import build_random  # transformers takes seconds to import

    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_random().parameters())


def box_figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    """A card's metrics in percent by the names of the paper's columns, and what a direction alone tells apart."""
    subsets = metrics["subsets"]
    apart = subsets.get("told apart", {}).get(TOLD_APART, {})
    told = {f"told apart {name}": 100 * apart[name] for name in ("Pr@0.5", "meanIoU", "cumIoU") if name in apart}
    return paper_figures(metrics, subsets) | told
