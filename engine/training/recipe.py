"""A training recipe as tables: one TOML file that names every number of a run, and what the command line changes in it.

A recipe may start from another with ``base = "NAME"`` at its top and state only what differs. Tables are laid over one
another: base, recipe, command line; a list is replaced as a whole. What the tables are, each network says with a frozen
dataclass of its own, in which each field is a table (:class:`Recipe`); fields are explained beside their definitions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_type_hints

import msgspec

from engine.catalog.recipe_files import recipe_path
from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.training.settings import TrainSettings

Tables = dict[str, Any]
R = TypeVar("R")

COMMON_PATHS = ("data.folder", "recipe.start")
"""Fields of any recipe that may be paths of one machine."""


@dataclass(frozen=True, slots=True)
class RecipeHead:
    """What the result is: the model's name, its task and preset, one sentence, its licence; and what it starts from.

    ``task`` is one of ``engine.catalog.TASKS`` and decides who trains. ``start`` names a model (or its folder) whose
    weights the run begins with: all of them, or the image encoder's alone (``start_parts = "vision"``). "" begins with
    random weights, and with the pretrained ones of a network that has such parts.
    """

    name: str
    task: str
    preset: str
    summary: str
    licence: str
    start: str = ""
    start_parts: Literal["all", "vision"] = "all"


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What is trained on: synthetic scenes, or a ``folder`` with a published layout (``engine.datasets``).

    ``gsd_m`` are the least and the most metres per pixel at the network's input, for data that do not tell. ``keep`` is
    "disk" (in the run's folder, reused when the run goes on) or "memory" (made anew, nothing is kept). Scenes only: how
    many for each split, and their size.
    """

    source: Literal["scenes", "folder"] = "scenes"
    folder: str = ""
    gsd_m: tuple[float, float] | None = None
    workers: int = 1  # processes that render or read pictures
    keep: Literal["disk", "memory"] = "disk"
    train_scenes: int = 2000
    validation_scenes: int = 200
    test_scenes: int = 500
    view_px: int = 256

    def __post_init__(self) -> None:
        if (self.source == "folder") != bool(self.folder):
            raise UsageError(
                "The recipe's data are a folder without a name."
                if self.source == "folder"
                else f"The recipe's data are scenes, yet it names the folder {self.folder}.",
                remedy="Give --data DIR for a data set on disk, or --data scenes.",
            )

    def scenes(self, split: str) -> int:
        """How many scenes "train", "validation" or "test" has."""
        return {"train": self.train_scenes, "validation": self.validation_scenes, "test": self.test_scenes}[split]


class Recipe(Protocol):
    """What every network's recipe has. Where ``epochs`` is not 0 it says how long to train, not ``train.steps``."""

    @property
    def recipe(self) -> RecipeHead:
        """The table [recipe]."""

    @property
    def train(self) -> TrainSettings:
        """The table [train], but for its epochs."""

    @property
    def epochs(self) -> int:
        """Passes over the training set, 0 where [train] says steps."""

    @property
    def data(self) -> DataSettings:
        """The table [data]."""

    @property
    def preprocess(self) -> PreprocessSpec:
        """The table [preprocess]."""


def load_tables(name: str, changes: Sequence[str] = (), data: str | None = None, base: str | None = None) -> Tables:
    """The tables of ``name``, one that ships or a file, with ``changes``, ``data`` and ``base`` of the command line."""
    return changed(read_tables(recipe_path(name), base), changes, data)


def read_tables(path: Path, base: str | None = None) -> Tables:
    """The tables of a recipe's file, laid over those of its base, or of ``base`` instead where that is given."""
    tables = _toml(path)
    if base is not None:
        tables["base"] = base
    return _with_base(tables, path.parent)


def changed(tables: Tables, changes: Sequence[str] = (), data: str | None = None) -> Tables:
    """``tables`` with ``data`` ("scenes" or a folder) and ``changes`` of the command line laid over them."""
    if data is not None:
        folder = "" if data == "scenes" else str(Path(data).absolute())
        tables = merged(tables, {"data": {"source": "folder" if folder else "scenes", "folder": folder}})
    for change in changes:
        tables = merged(tables, _change(change))
    return tables


def merged(below: Tables, above: Mapping[str, Any]) -> Tables:
    """``above`` laid over ``below``, table by table; neither is changed.

    Steps and epochs both say how long to train, so that the upper one of them takes the lower one's place.
    """
    result = dict(below)
    for name, value in above.items():
        both_tables = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = merged(result[name], value) if both_tables else value
    for said, other in (("steps", "epochs"), ("epochs", "steps")):
        if said in above and other not in above:
            result.pop(other, None)
    return result


def checked_tables(tables: Tables, kind: type) -> Tables:
    """A copy of ``tables`` with ``epochs`` beside them, after all tables and fields were found in ``kind``.

    Raises UsageError, naming the table or field that ``kind`` does not have; msgspec would pass over it, and a misspelt
    one must not be lost silently.
    """
    tables = {name: dict(table) if isinstance(table, Mapping) else table for name, table in tables.items()}
    _refuse_unknown(tables, kind)
    train = tables.setdefault("train", {})
    if ("steps" in train) == ("epochs" in train):
        raise UsageError("A recipe says how long to train, in [train] steps or epochs: one of the two.")
    tables["epochs"] = train.pop("epochs", 0)
    train.setdefault("steps", 1)
    return tables


def refuse_followers(tables: Tables, follows: Mapping[str, Mapping[str, str]]) -> None:
    """Raises UsageError where ``tables`` set a field of ``follows``; tables that are not there are added, empty."""
    for table, names in follows.items():
        for name, origin in names.items():
            if name in tables.setdefault(table, {}):
                raise UsageError(f"The recipe sets {table}.{name}, which follows from {origin}.")


def recipe_from(tables: Tables, kind: type[R]) -> R:
    """The recipe that checked ``tables`` describe. Raises UsageError, naming the field that does not fit."""
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, UsageError):  # raised by a field's own record, which says more
            raise error.__cause__ from error
        raise UsageError(f"The recipe does not fit: {error}.", remedy="See the comments in engine/recipes.") from error


def settings_for(recipe: Recipe, items: int, per_step: int) -> TrainSettings:
    """The loop's settings where ``items`` are to be gone through in steps of ``per_step``: epochs become steps."""
    if not recipe.epochs:
        return recipe.train
    return replace(recipe.train, steps=recipe.epochs * max(1, -(-items // per_step)))


def training_said(recipe: Recipe, batch: str) -> str:
    """How a recipe trains, as words for a report; ``batch`` says what a step has."""
    train = recipe.train
    length = f"{recipe.epochs} epochs" if recipe.epochs else f"{train.steps} steps"
    return f"{length} of {batch}, {train.optimiser}, rate {train.learning_rate:g}, {train.schedule}"


def bare_name(path: str) -> str:
    """The last part of a path, which means something elsewhere, too; a name as it is."""
    return Path(path).name or path


def bare_change(change: str, paths: Sequence[str]) -> str:
    """A change of the command line with a bare name for a path, where it changes one of the fields ``paths``."""
    name, separator, value = change.partition("=")
    if name.strip() not in paths:
        return change
    quote = next((mark for mark in ('"', "'") if value.strip().startswith(mark)), "")
    return f"{name}{separator}{quote}{bare_name(value.strip().strip(quote or None))}{quote}"


def without_paths(tables: Tables, paths: Sequence[str]) -> Tables:
    """A recipe's tables with bare names in the fields ``paths``."""
    for field_name in paths:
        table, name = field_name.split(".")
        tables = merged(tables, {table: {name: bare_name(tables[table][name])}})
    return tables


def _with_base(tables: Tables, folder: Path | None, seen: tuple[Path, ...] = ()) -> Tables:
    """Follow ``base`` down to a recipe that stands alone. A study's [study] is its own and is not inherited."""
    name = tables.pop("base", None)
    if name is None:
        return tables
    path = recipe_path(str(name), folder).resolve()
    if path in seen:
        raise UsageError(f"The recipe {path.name} is its own base.", remedy="Let one of them stand without a base.")
    below = _with_base(_toml(path), path.parent, (*seen, path))
    below.pop("study", None)
    return merged(below, tables)


def _toml(path: Path) -> Tables:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The recipe {path} is not TOML: {error}.") from error


def _change(change: str) -> Tables:
    """``table.field=value`` as nested tables; the value is read as TOML, or as text where it is none."""
    name, separator, value = change.partition("=")
    path = name.strip().split(".")
    if not separator or len(path) < 2:
        raise UsageError(f"“{change}” changes nothing.", remedy="Write table.field=value, such as train.steps=100.")
    try:
        content: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        content = value
    for part in reversed(path):
        content = {part: content}
    return dict(content)


def _refuse_unknown(tables: Tables, kind: type) -> None:
    known = _records_in(kind)
    for name, table in tables.items():
        if name not in known or not isinstance(table, Mapping):
            raise UsageError(
                f"The recipe has [{name}], which this program does not know.",
                remedy=f"Known are {', '.join(f'[{one}]' for one in known)}.",
            )
        extra = ("epochs",) if name == "train" else ()
        _refuse_unknown_fields(name, table, known[name], extra)


def _refuse_unknown_fields(name: str, table: Mapping[str, Any], kind: type, extra: tuple[str, ...] = ()) -> None:
    allowed = {*get_type_hints(kind), *extra}
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise UsageError(
            f"The recipe has [{name}] {', '.join(unknown)}, which this program does not know.",
            remedy=f"Known there: {', '.join(sorted(allowed))}.",
        )
    for inner, record in _records_in(kind).items():
        if isinstance(table.get(inner), Mapping):
            _refuse_unknown_fields(f"{name}.{inner}", table[inner], record)


def _records_in(kind: type) -> dict[str, type]:
    """The fields of a dataclass that are dataclasses themselves."""
    hints = get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
