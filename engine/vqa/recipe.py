"""A training recipe: one TOML file that names every number of a run, and what is changed on the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import msgspec

from engine.errors import UsageError
from engine.text import ANSWERS
from engine.training import TrainSettings
from engine.vqa.augment import AugmentSettings
from engine.vqa.config import TgfnetConfig
from engine.vqa.preprocess import PreprocessSpec
from engine.vqa.task import BatchSettings


@dataclass(frozen=True, slots=True)
class RecipeHead:
    """What the result is: the model's name, its task and preset, one sentence, its licence."""

    name: str
    task: str
    preset: str
    summary: str
    licence: str


@dataclass(frozen=True, slots=True)
class SceneData:
    """Scenes to render: how many for each split, their size, questions of each type per scene, worker processes.

    Training asks ``questions_per_type`` of each type per scene; validation and test ask ``exam_questions_per_type``.
    ``keep`` is "disk" (in the run's folder, reused when the run goes on) or "memory" (rendered anew, no file written).
    """

    train_scenes: int
    validation_scenes: int
    test_scenes: int
    view_px: int = 256
    questions_per_type: int = 3
    exam_questions_per_type: int = 1
    workers: int = 1
    keep: Literal["disk", "memory"] = "disk"


@dataclass(frozen=True, slots=True)
class VqaRecipe:
    """A whole recipe, every field checked."""

    recipe: RecipeHead
    model: TgfnetConfig
    data: SceneData
    train: TrainSettings
    batch: BatchSettings = field(default_factory=BatchSettings)
    preprocess: PreprocessSpec = field(default_factory=PreprocessSpec)


def parse_recipe(text: str, changes: Sequence[str] = ()) -> VqaRecipe:
    """A recipe from TOML ``text`` with ``changes`` such as ``train.steps=100``. Raises UsageError, naming the field."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The recipe is not TOML: {error}.") from error
    for change in changes:
        _apply(tables, change)
    _refuse_unknown(tables)
    tables.setdefault("model", {})["answers"] = len(ANSWERS)
    try:
        return msgspec.convert(tables, VqaRecipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"The recipe does not fit: {error}.", remedy="See the comments in engine/recipes.") from error


def _apply(tables: dict[str, Any], change: str) -> None:
    """Set ``table.field=value`` in place; the value is read as TOML, or as text where it is none."""
    name, separator, value = change.partition("=")
    path = name.strip().split(".")
    if not separator or len(path) < 2:
        raise UsageError(f"“{change}” changes nothing.", remedy="Write table.field=value, such as train.steps=100.")
    table = tables
    for part in path[:-1]:
        table = table.setdefault(part, {})
    try:
        table[path[-1]] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[path[-1]] = value


def _refuse_unknown(tables: dict[str, Any]) -> None:
    """msgspec passes over fields that it does not know; a misspelt one must not be lost silently."""
    known = {
        "recipe": RecipeHead,
        "model": TgfnetConfig,
        "data": SceneData,
        "train": TrainSettings,
        "batch": BatchSettings,
        "batch.augment": AugmentSettings,
        "preprocess": PreprocessSpec,
    }
    nested = {"batch.augment": tables.get("batch", {}).get("augment", {})}
    for name, table in (tables | nested).items():
        allowed = {f.name for f in fields(known[name])} if name in known else set()
        unknown = sorted(set(table) - allowed)
        if unknown or name not in known:
            raise UsageError(
                f"The recipe has [{name}] {', '.join(unknown)}, which this program does not know.",
                remedy=f"Known there: {', '.join(sorted(allowed)) or 'nothing'}.",
            )
