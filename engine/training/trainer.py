"""What a network has to say so that its recipes can be read, run and studied; and who says it for which task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from engine.catalog import TASKS, ModelCard
from engine.errors import UsageError
from engine.training.published import PublishedTable
from engine.training.recipe import COMMON_PATHS, Recipe, Tables, load_tables
from engine.training.settings import TrainSettings
from engine.training.task import Task

Tell = Callable[[dict[str, Any]], None]
"""Hears events of all stages, as dictionaries with a ``kind``."""

R = TypeVar("R", bound=Recipe)
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Rivals:
    """Our figures of networks that no run of a study trains, by the titles of published rows, and sentences on them.

    A title is a row's name and, where the table has one, its modality: "G-DINO 30 %".
    """

    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class OpenRun(Protocol):
    """One run with its data and its network in hand, before the first step."""

    @property
    def task(self) -> Task:
        """What the loop trains."""

    @property
    def settings(self) -> TrainSettings:
        """How the loop trains it."""

    def finish(self, best: Path, out: Path, command: str) -> ModelCard:
        """Make the model's folder and the report of the best weights in ``out``; the card is written last."""


class Trainer(Protocol[R, M]):
    """One network's part in training: R are its recipes, M is what they are made of (``engine.training.materials``)."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Fields of its recipes that may be paths of one machine, beside the common ones."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures of a study that stands beside no published table."""

    @property
    def guess(self) -> str:
        """What the guess is made from, as a few words for reports."""

    def recipe_of(self, tables: Tables) -> R:
        """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""

    def fetch(self, recipe: R, say: Callable[[str], None]) -> None:
        """Bring pretrained weights that the recipe needs from the hub, where they are nowhere here.

        ``say`` hears a licence that has to be said before. Raises ModelNotFound where the hub does not answer.
        """

    def materials(self, folder: Path, tell: Tell) -> M:
        """A maker of what recipes need, that keeps it below ``folder``."""

    def open(self, recipe: R, materials: M, tell: Tell) -> OpenRun:
        """Read or make all that training needs."""

    def published(self, number: str) -> PublishedTable:
        """A table of the network's paper. Raises UsageError where there is none such."""

    def figures(self, card: ModelCard) -> Mapping[str, float]:
        """A card's figures by the names of the paper's columns: percent, and counts."""

    def guessed(self, card: ModelCard) -> Mapping[str, float]:
        """The same for what one scores without looking."""

    def said(self, card: ModelCard) -> str:
        """The test's result as a sentence for a terminal."""

    def notes(self, recipe: R) -> Iterator[str]:
        """Sentences on how ours of this recipe compare with the paper's."""

    def facts(self, recipe: R) -> Mapping[str, str]:
        """What a report prints of how the recipe trains."""

    def rivals(self, recipe: R, names: Collection[str], materials: M) -> Rivals:
        """What we can tell without a run of our own of the rows of a published table whose titles are ``names``."""


def trainer_of(task: str) -> Trainer[Any, Any]:
    """Who trains ``task``. Raises UsageError, naming the tasks."""
    if task not in TASKS:
        raise UsageError(f"Nothing trains the task “{task}”.", remedy=f"Set recipe.task to {' or '.join(TASKS)}.")
    module, name = TASKS[task].trainer.split(":")
    trainer: Trainer[Any, Any] = getattr(import_module(module), name)()
    return trainer


def paths_of(task: str) -> tuple[str, ...]:
    """Fields of the task's recipes that may be paths of one machine."""
    return *COMMON_PATHS, *trainer_of(task).paths


def recipe_of(tables: Tables) -> Recipe:
    """The recipe that ``tables`` describe, whatever it trains. Raises UsageError, naming what does not fit."""
    recipe: Recipe = trainer_of(task_of(tables)).recipe_of(tables)
    return recipe


def task_of(tables: Tables) -> str:
    """The task that a recipe's tables name. Raises UsageError where they name none."""
    head = tables.get("recipe")
    if not isinstance(head, Mapping) or not isinstance(head.get("task"), str):
        raise UsageError("The recipe does not say what it trains.", remedy=f"Set recipe.task to {' or '.join(TASKS)}.")
    return str(head["task"])


def load_recipe(name: str, changes: Sequence[str] = (), data: str | None = None, base: str | None = None) -> Recipe:
    """The recipe ``name`` (one that ships, or a file) with ``changes``, ``data`` and ``base`` of the command line.

    Raises UsageError, naming the field that does not fit.
    """
    return recipe_of(load_tables(name, changes, data, base))
