"""What this program knows by name, and where it looks for it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from platformdirs import user_data_path

from engine.catalog.card import CARD_FILE
from engine.errors import EngineFailed, ModelNotFound

APPLICATION = "rsqa-desktop"
MODEL_FOLDER = "model"
"""The folder of the model in a training run's folder."""


@dataclass(frozen=True, slots=True)
class CatalogTask:
    """A task: ``predictor``, ``trainer`` and ``evaluator`` are ``module:attribute`` strings, imported only for use.

    ``evaluator`` is "" where the weights are scored by their training and by studies alone.
    """

    name: str
    network: str
    title: str
    predictor: str
    trainer: str
    evaluator: str


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A model known by name: its folder's name below ``resources/models`` or the user's model folder.

    ``recipe`` trains one; ``ships`` says that weights come with the program.
    """

    name: str
    task: str
    preset: str
    title: str
    recipe: str
    ships: bool = True

    @property
    def how_to_get(self) -> str:
        """What to do where no weights of it are at hand."""
        return f"Train it: `rsqa train {self.recipe} --out RUN`, then name RUN with --weights."


TASKS: dict[str, CatalogTask] = {
    "vqa": CatalogTask(
        name="vqa",
        network="tgfnet",
        title="Answer questions (TGFNet)",
        predictor="engine.vqa.predictor:TgfnetPredictor",
        trainer="engine.vqa.trainer:TgfnetTrainer",
        evaluator="engine.jobs.evaluate_answers:evaluate_answers",
    ),
    "grounding": CatalogTask(
        name="grounding",
        network="optisar-net++",
        title="Find things by an expression (OptiSAR-Net++)",
        predictor="engine.grounding.predictor:GroundingPredictor",
        trainer="engine.grounding.trainer:GroundingTrainer",
        evaluator="engine.jobs.evaluate_boxes:evaluate_boxes",
    ),
    "grounding_dino": CatalogTask(
        name="grounding_dino",
        network="grounding-dino",
        title="Stand beside OptiSAR-Net++ in tables (Grounding DINO)",
        predictor="engine.grounding.rivals.grounding_dino:GroundingDino",
        trainer="engine.grounding.rivals.dino_run:GroundingDinoTrainer",
        evaluator="",
    ),
    "segmentation": CatalogTask(
        name="segmentation",
        network="lgce",
        title="Outline things by an expression (LGCE)",
        predictor="engine.segmentation.predictor:SegmentationPredictor",
        trainer="engine.segmentation.trainer:SegmentationTrainer",
        evaluator="engine.jobs.evaluate_masks:evaluate_masks",
    ),
}

MODELS: dict[str, CatalogModel] = {
    "tgfnet-compact": CatalogModel(
        name="tgfnet-compact",
        task="vqa",
        preset="compact",
        title="TGFNet compact, trained on synthetic scenes",
        recipe="tgfnet_compact_scenes",
    ),
    "optisar-compact": CatalogModel(
        name="optisar-compact",
        task="grounding",
        preset="compact",
        title="OptiSAR-Net++ compact, trained on synthetic scenes",
        recipe="optisar_compact_scenes",
    ),
    "lgce-compact": CatalogModel(
        name="lgce-compact",
        task="segmentation",
        preset="compact",
        title="LGCE compact, to be trained on synthetic scenes",
        recipe="lgce_compact_scenes",
        ships=False,
    ),
}


def resource_folder(name: str) -> Path:
    """The folder ``resources/NAME`` of the installed program. Raises EngineFailed where resources were left out."""
    folder = Path(str(files("resources"))) / name
    if not folder.is_dir():
        raise EngineFailed(
            f"The program's own folder resources/{name} is missing.", remedy="Install the program again."
        )
    return folder


def model_folders() -> tuple[Path, ...]:
    """Where models are looked for, in order: the user's own folder, then what ships with the program."""
    return user_data_path(APPLICATION, appauthor=False) / "models", resource_folder("models")


def find_model(name_or_path: str) -> Path:
    """The folder of a model given by its name, or by a path to the folder, a file in it, or a training run's folder.

    Raises ModelNotFound, naming every place that was looked at.
    """
    path = Path(name_or_path).expanduser()
    for candidate in (path.parent,) if path.is_file() else (path, path / MODEL_FOLDER):
        if (candidate / CARD_FILE).is_file():
            return candidate.resolve()
    places = model_folders()
    if path.name == name_or_path:
        for place in places:
            if (place / name_or_path / CARD_FILE).is_file():
                return place / name_or_path
    looked = ", ".join(str(place) for place in places)
    known = MODELS.get(name_or_path)
    if known is not None and not known.ships:
        raise ModelNotFound(
            f"No weights of {known.name} ship with this program yet.",
            remedy=f"{known.how_to_get} Models are looked for in {looked}.",
        )
    raise ModelNotFound(
        f"There is no model “{name_or_path}”.",
        remedy=f"Name one of `rsqa models list`, or a folder with a card; models are looked for in {looked}.",
    )


def missing_models() -> tuple[CatalogModel, ...]:
    """Models that are known by name and not found on this machine."""
    found = {folder.name for folder in installed_models()}
    return tuple(model for name, model in MODELS.items() if name not in found)


def installed_models() -> tuple[Path, ...]:
    """Folders of all models found, the first of each name only, sorted by name."""
    found: dict[str, Path] = {}
    for place in model_folders():
        for card in sorted(place.glob(f"*/{CARD_FILE}")):
            found.setdefault(card.parent.name, card.parent)
    return tuple(found[name] for name in sorted(found))
