"""One run that fine-tunes Grounding DINO, and what ``rsqa train`` needs to know of it.

The model's folder is one that :meth:`GroundingDino.load` reads, with a card. Named in the environment variable
``RSQA_GROUNDING_DINO`` its weights are asked by the studies of Tables I and IV, which say what they were tuned on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

from engine.catalog import MODEL_FOLDER, WEIGHTS_FILE, ModelCard, file_sha256
from engine.catalog.card import PretrainedPart, write_card
from engine.errors import UsageError
from engine.grounding.counts import PARAMETERS
from engine.grounding.data.drawing import TrainingOrder
from engine.grounding.evaluation import card_metrics, evaluate_scored
from engine.grounding.materials import GroundingMaterials
from engine.grounding.report import pick_examples, write_report
from engine.grounding.rivals.dino_recipe import GroundingDinoRecipe, dino_recipe_of
from engine.grounding.rivals.dino_training import GroundingDinoTask, only_scored, save_grounding_dino
from engine.grounding.rivals.grounding_dino import (
    FOLDER_VARIABLE,
    HUB_ID,
    LICENCE,
    NAME,
    GroundingDino,
    fetch_grounding_dino,
    find_grounding_dino,
    tuned_on,
)
from engine.grounding.scored import SCORED_FILE
from engine.grounding.trainer import BoxTrainer, box_figures, grounding_dino_parameters
from engine.training.checkpoint import read_tensors
from engine.training.materials import SPLITS
from engine.training.recipe import Tables, training_said
from engine.training.run import REPORT_FOLDER, card_draft, dataset_name, report_facts, trained_gsd
from engine.training.trainer import Rivals, Tell

LIMITS = ("It stands beside OptiSAR-Net++ in tables; nothing in this program finds things with it.",)


class GroundingDinoRun:
    """What one run has in hand; see :class:`engine.training.trainer.OpenRun`."""

    def __init__(self, recipe: GroundingDinoRecipe, materials: GroundingMaterials, tell: Tell) -> None:
        """Read the weights, then make the sets: what is missing shows early. Raises ModelNotFound, ModelDamaged and
        UsageError."""
        self.recipe, self.materials, self.tell = recipe, materials, tell
        self._published = published_weights()
        self.dino = GroundingDino.load(self._published)
        # A class in the plural names several things, of which this rival is not asked.
        self.training, self.validation, self.test = (
            only_scored(materials.expressions(recipe.sets, split)) for split in SPLITS
        )
        self.pictures = len(TrainingOrder(self.training, recipe.batch, recipe.train.seed))
        self.settings = recipe.settings(self.pictures)
        self.task = GroundingDinoTask(
            self.dino,
            self.training,
            self.validation,
            batch=recipe.batch,
            augment=recipe.augment,
            seed=recipe.train.seed,
            steps=self.settings.steps,
        )

    def finish(self, best: Path, out: Path, command: str) -> ModelCard:
        """Write the best weights, score them on the test set, report; the card comes last."""
        tensors, _ = read_tensors(best)
        self.task.model.load_state_dict(tensors)
        save_grounding_dino(self.dino, out / MODEL_FOLDER)
        weights = out / MODEL_FOLDER / WEIGHTS_FILE
        card = replace(self._draft(command), sha256=file_sha256(weights), size_bytes=weights.stat().st_size)
        card = self._scored(card, out / REPORT_FOLDER)
        write_card(card, out / MODEL_FOLDER)
        return card

    def _scored(self, card: ModelCard, folder: Path) -> ModelCard:
        """Score the test set and write its report; the card with the figures."""
        report = self.materials.counted("scoring the test set")
        self.dino.network.eval().to(self.recipe.train.device)
        scored = self.dino.score_set(self.test, report=lambda share: report(round(100 * share), 100))
        scored.save(folder / SCORED_FILE)
        evaluation = evaluate_scored(scored, self.test)
        guess = self.materials.guess(self.recipe.sets)
        write_report(
            folder, evaluation, guess, model=card.name, split=self.test.about, dataset=dataset_name(self.recipe.data),
            facts=report_facts(card), notes=LIMITS, examples=pick_examples(scored, self.test),
        )  # fmt: skip
        return replace(card, metrics_split=self.test.about, metrics=card_metrics(evaluation), guess=guess)

    def _draft(self, command: str) -> ModelCard:
        """The card without what is measured."""
        sha256 = file_sha256(self._published / WEIGHTS_FILE)
        draft = card_draft(
            self.recipe,
            config=self.recipe.model.as_json(),
            about=self.training.about,
            samples=self.pictures,
            gsd_m=trained_gsd(self.recipe.data, self.training.gsd_m),
            pretrained=(PretrainedPart(HUB_ID, "start: all weights", "", LICENCE, {WEIGHTS_FILE: sha256}),),
            command=command,
        )
        return replace(draft, limits=LIMITS)


def published_weights() -> Path:
    """Where they are. Raises ModelNotFound, and UsageError where fine-tuned ones are found in their stead."""
    place = find_grounding_dino()
    data = tuned_on(place)
    if data:
        raise UsageError(
            f"The weights of Grounding DINO in {place} are fine-tuned already, on {data}.",
            remedy=f"Let {FOLDER_VARIABLE} name the published ones, or leave it out.",
        )
    return place


class GroundingDinoTrainer(BoxTrainer):
    """See :class:`engine.training.trainer.Trainer`."""

    def recipe_of(self, tables: Tables) -> GroundingDinoRecipe:
        """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
        return dino_recipe_of(tables)

    def fetch(self, recipe: GroundingDinoRecipe, say: Callable[[str], None]) -> None:
        """Bring its published weights into the hub's cache. Raises ModelNotFound where the hub does not answer."""
        say(f"{NAME}: {LICENCE}, from {HUB_ID} on the Hugging Face hub unless it is here.")
        fetch_grounding_dino()

    def open(self, recipe: GroundingDinoRecipe, materials: GroundingMaterials, tell: Tell) -> GroundingDinoRun:
        """Read or make all that training needs."""
        return GroundingDinoRun(recipe, materials, tell)

    def figures(self, card: ModelCard) -> dict[str, float]:
        """A card's figures by the names of the paper's columns: percent, and millions of parameters."""
        return box_figures(card.metrics) | {PARAMETERS: grounding_dino_parameters() / 1e6}

    def notes(self, recipe: GroundingDinoRecipe) -> Iterator[str]:
        """How it was tuned, of which the paper says nothing."""
        yield f"Ours was fine-tuned at {recipe.model.image_size} px; how the paper tuned its own, it does not say."

    def facts(self, recipe: GroundingDinoRecipe) -> dict[str, str]:
        """How the recipe trains."""
        return {"training": training_said(recipe, f"{recipe.batch.pictures} pictures with one expression each")}

    def rivals(self, recipe: GroundingDinoRecipe, names: Collection[str], materials: GroundingMaterials) -> Rivals:
        """Nothing: it is itself the rival."""
        return Rivals()
