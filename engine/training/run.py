"""One recipe from start to finish, whatever the network: what comes before and after the loop.

Every stage goes on where it was stopped: what a run is made of is found again below its folder, training resumes from
its checkpoint, and what comes after it is short and made again. The card is written last: a run with a card is
finished.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from engine import __version__
from engine.catalog import (
    CARD_FILE,
    MODEL_FOLDER,
    WEIGHTS_FILE,
    ModelCard,
    find_model,
    read_card,
    verify_weights,
)
from engine.catalog.card import CARD_VERSION, PretrainedPart, TrainingData
from engine.errors import UsageError
from engine.scenes import WORLD_VERSION
from engine.training.checkpoint import CHECKPOINT_FILE
from engine.training.folder_lock import folder_locked
from engine.training.loop import TrainingResult, train
from engine.training.processes import is_main_process, main_process_first
from engine.training.recipe import DataSettings, Recipe, RecipeHead, without_paths
from engine.training.settings import FREE_TO_CHANGE
from engine.training.trainer import Tell, paths_of, trainer_of

REPORT_FOLDER = "report"

JUDGED_FROM = 20
"""A part of the test set with fewer samples is not judged."""


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """``model`` is the folder with weights and card, ``report`` that of the test's report; None before the end.

    ``training`` is None where the run had been finished before. Of several processes only the main one has a card.
    """

    training: TrainingResult | None
    model: Path | None = None
    report: Path | None = None
    card: ModelCard | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped the training before its end."""
        return self.training is not None and not self.training.finished


def train_recipe(
    recipe: Recipe,
    out: Path,
    *,
    command: str,
    resume: bool = False,
    report: Tell | None = None,
    materials: object | None = None,
) -> RecipeResult:
    """Run ``recipe`` into ``out``: sets in ``data/``, the log and checkpoints, ``report/``, the model in ``model/``.

    ``resume`` goes on with the run in ``out`` wherever it was stopped; a finished one is not repeated. ``materials``
    are its trainer's, shared with other runs; else they lie in ``out``. ``report`` hears events of all stages, in the
    main process. Raises UsageError for a folder with another run, or one that another process works in; see also
    :func:`engine.training.train`.
    """
    with folder_locked(out):
        if (out / MODEL_FOLDER / CARD_FILE).is_file():
            return _finished_before(recipe, out, resume=resume)
        return _trained(recipe, out, command, resume, report, materials)


def _trained(
    recipe: Recipe, out: Path, command: str, resume: bool, report: Tell | None, materials: object | None
) -> RecipeResult:
    """What is left to do of a run that is not finished, in a folder that is this process's alone."""
    tell = report if report is not None and is_main_process() else _say_nothing
    trainer = trainer_of(recipe.recipe.task)
    with main_process_first(recipe.train):  # what it makes, the others find
        run = trainer.open(recipe, materials or trainer.materials(out, tell), tell)
    result = train(
        run.task,
        run.settings,
        out,
        resume=resume and (out / CHECKPOINT_FILE).is_file(),
        report=report,
        recipe=recipe_tables(recipe, bound=True),
    )
    if not result.finished or not is_main_process():
        return RecipeResult(result)
    card = run.finish(result.best, out, command)
    tell({"kind": "scored", "text": trainer.said(card)})
    return RecipeResult(result, out / MODEL_FOLDER, out / REPORT_FOLDER, card)


def _say_nothing(event: dict[str, Any]) -> None:
    """In place of a report that nobody asked for."""


def recipe_tables(recipe: Recipe, *, bound: bool = False) -> dict[str, Any]:
    """The recipe as JSON tables, for cards and checkpoints, without paths of this machine.

    ``bound`` leaves out what a run may change when it goes on: where and how it computes, and the loop's own settings.
    """
    tables: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))  # type: ignore[call-overload]
    tables = without_paths(tables, paths_of(recipe.recipe.task))
    if bound:
        del tables["train"], tables["epochs"], tables["data"]["workers"], tables["data"]["keep"]
    return tables


def start_of(head: RecipeHead) -> tuple[ModelCard, Path]:
    """The card and the checked weights that the recipe starts from. Raises ModelNotFound or ModelDamaged."""
    folder = find_model(head.start)
    card = read_card(folder)
    return card, verify_weights(folder, card)


def start_part(head: RecipeHead) -> PretrainedPart:
    """What a card says of the model that its recipe started from."""
    card = read_card(find_model(head.start))
    what = "image encoder" if head.start_parts == "vision" else "all weights"
    return PretrainedPart(card.name, f"start: {what}", "", card.licence, {WEIGHTS_FILE: card.sha256})


def card_draft(
    recipe: Recipe,
    *,
    config: dict[str, Any],
    about: str,
    samples: int,
    gsd_m: tuple[float, float],
    pretrained: tuple[PretrainedPart, ...],
    command: str,
    answers: tuple[str, ...] = (),
    answers_version: str = "",
) -> ModelCard:
    """The card without what is measured: ``samples`` training views of the set ``about``."""
    head = recipe.recipe
    return ModelCard(
        card_version=CARD_VERSION,
        name=head.name,
        task=head.task,
        preset=head.preset,
        summary=head.summary,
        licence=head.licence,
        config=config,
        preprocess=recipe.preprocess.as_json(),
        answers=answers,
        answers_version=answers_version,
        temperature=1.0,
        trained_gsd_m=gsd_m,
        training_data=_training_data(recipe.data, about, samples),
        pretrained=pretrained,
        recipe=recipe_tables(recipe),
        command=command,
        seed=recipe.train.seed,
        versions={
            "rsqa-desktop": __version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics_split="",
        metrics={},
        guess={},
        sha256="",
        size_bytes=0,
    )


def _training_data(data: DataSettings, about: str, samples: int) -> TrainingData:
    """What a card says of the set ``about`` that its model learned from."""
    if data.source != "scenes":
        return TrainingData(name=about, licence="as the data set's", samples=samples, world="")
    name = f"engine.scenes of rsqa-desktop {__version__}: {about}"
    return TrainingData(name=name, licence="Apache-2.0 (generated)", samples=samples, world=str(WORLD_VERSION))


def dataset_name(data: DataSettings) -> str:
    """The short name of the data in reports: "scenes", or the layout of a folder."""
    if data.source == "scenes":
        return data.source
    from engine.datasets.table import recognise_layout

    return recognise_layout(Path(data.folder))


def report_facts(card: ModelCard) -> dict[str, str]:
    """What stands under a report's tables: how the model was made."""
    data = card.training_data
    return {
        "command": card.command,
        "trained on": f"{data.name}: {data.samples} views",
        "seed": str(card.seed),
        "parts of others": "; ".join(f"{part.name} ({part.role}, {part.licence})" for part in card.pretrained)
        or "none",
        "software": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
        "made": card.created_utc,
    }


def trained_gsd(data: DataSettings, gsd_m: Iterable[float | None]) -> tuple[float, float]:
    """Least and most metres per pixel at the network's input; (0, 0) where neither pictures nor recipe tell."""
    known = [gsd for gsd in gsd_m if gsd is not None]
    if known:
        return round(min(known), 2), round(max(known), 2)
    return data.gsd_m or (0.0, 0.0)


def beside_guess(
    metrics: Mapping[str, Any], guess: Mapping[str, Any], label: str, figure: str
) -> list[tuple[str, float, float]]:
    """Values of a subset's label with ``figure`` of the network and of the guess, where there is enough to judge."""
    blindly = guess["subsets"].get(label, {})
    return [
        (name, part[figure], blindly[name][figure])
        for name, part in metrics["subsets"].get(label, {}).items()
        if part["samples"] >= JUDGED_FROM and name in blindly
    ]


def _same_run(card: ModelCard, recipe: Recipe) -> bool:
    """Whether the card is of a run of this recipe, wherever and however it was computed."""
    stored, asked = dict(card.recipe), recipe_tables(recipe)
    free = FREE_TO_CHANGE - {"steps"}
    for tables in (stored, asked):
        tables["train"] = {name: v for name, v in tables.get("train", {}).items() if name not in free}
        tables["data"] = {name: v for name, v in tables.get("data", {}).items() if name not in ("workers", "keep")}
    return stored == asked


def _finished_before(recipe: Recipe, out: Path, *, resume: bool) -> RecipeResult:
    card = read_card(out / MODEL_FOLDER)
    if not resume or not _same_run(card, recipe):
        raise UsageError(
            f"There is a finished run in {out} already, its model {card.name} in {out / MODEL_FOLDER}.",
            remedy="Name another folder for a new run.",
        )
    return RecipeResult(None, out / MODEL_FOLDER, out / REPORT_FOLDER, card)
