"""A training recipe: one TOML file that names every number of a run, and what is changed on the command line.

A recipe may start from another with ``base = "NAME"`` at its top and state only what differs. Tables are laid over one
another: base, recipe, command line; a list is replaced as a whole. Fields are explained beside their definitions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec

from engine.catalog.recipe_files import recipe_path
from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.training import TrainSettings
from engine.vqa.config import CLIP, TgfnetConfig
from engine.vqa.task import BatchSettings

Tables = dict[str, Any]

PATHS = ("data.folder", "model.clip_model", "model.clip_weights", "recipe.start")
"""Fields that may be paths of one machine."""


@dataclass(frozen=True, slots=True)
class RecipeHead:
    """What the result is: the model's name, its task and preset, one sentence, its licence; and what it starts from.

    ``start`` names a model (or its folder) whose weights the run begins with: all of them, or the image encoder's
    alone (``start_parts = "vision"``). "" begins with random weights, and with CLIP's own where the model has CLIP.
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

    ``variants`` are the weathers in which each optical picture is also kept (``engine.vqa.data.weathers``); training
    shows them to ``batch.variant_share`` of its views. ``gsd_m`` are the least and the most metres per pixel at the
    network's input, for data that do not tell. ``keep`` is "disk" (in the run's folder, reused when the run goes on) or
    "memory" (made anew, no file written).

    Scenes only: how many for each split, their size, and questions of each type per scene, which are
    ``exam_questions_per_type`` in validation and test.
    """

    source: Literal["scenes", "folder"] = "scenes"
    folder: str = ""
    variants: tuple[str, ...] = ()
    gsd_m: tuple[float, float] | None = None
    workers: int = 1  # processes that render or read pictures
    keep: Literal["disk", "memory"] = "disk"
    train_scenes: int = 2000
    validation_scenes: int = 200
    test_scenes: int = 500
    view_px: int = 256
    questions_per_type: int = 3
    exam_questions_per_type: int = 1

    def __post_init__(self) -> None:
        if (self.source == "folder") != bool(self.folder):
            raise UsageError(
                "The recipe's data are a folder without a name."
                if self.source == "folder"
                else f"The recipe's data are scenes, yet it names the folder {self.folder}.",
                remedy="Give --data DIR for a data set on disk, or --data scenes.",
            )


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """What becomes of the pretrained encoders: trained with the rest, kept as they are, or changed by low-rank parts.

    ``cache`` keeps the image tokens of a frozen encoder on disk, in every variant of the weather; then the variants
    are the augmentation, as the pixels are not touched again.
    """

    backbone: Literal["full", "frozen", "lora"] = "full"
    backbone_rate: float = 1.0  # factor of the learning rate for encoders tuned in full; LoRA's parts learn at 1
    rank: int = 8  # LoRA's r
    alpha: float = 16.0  # LoRA's scale, alpha / r
    cache: bool = True

    def __post_init__(self) -> None:
        if not self.backbone_rate > 0:
            raise UsageError(
                f"The encoders cannot learn at {self.backbone_rate} times the learning rate.",
                remedy='Set tune.backbone to "frozen" to keep them as they are.',
            )


@dataclass(frozen=True, slots=True)
class VqaRecipe:
    """A whole recipe, every field checked.

    ``model.answers`` is 1 until the data are read, which know the answers. Where ``epochs`` is not 0 it says how long
    to train, in passes over the training questions, and :meth:`settings` has the steps.
    """

    recipe: RecipeHead
    model: TgfnetConfig
    train: TrainSettings
    data: DataSettings = field(default_factory=DataSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    preprocess: PreprocessSpec = field(default_factory=PreprocessSpec)
    tune: TuneSettings = field(default_factory=TuneSettings)
    epochs: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for an encoder that would stay random for ever."""
        if self.model.vision == CLIP:
            return
        if self.tune.backbone == "frozen" and not self.recipe.start:
            raise UsageError(
                "The recipe freezes an image encoder that nobody has trained.",
                remedy='Name a trained model in recipe.start, or set tune.backbone to "full".',
            )
        if self.tune.backbone == "lora":
            raise UsageError(
                "Low-rank tuning (LoRA) is for CLIP's image encoder, which this recipe does not use.",
                remedy='Set tune.backbone to "full", or model.vision to "clip".',
            )

    def settings(self, questions: int) -> TrainSettings:
        """The loop's settings where ``questions`` of the training set's questions can be trained on."""
        if not self.epochs:
            return self.train
        per_step = self.batch.views * self.batch.questions
        return replace(self.train, steps=self.epochs * max(1, -(-questions // per_step)))


def load_recipe(name: str, changes: Sequence[str] = (), data: str | None = None, base: str | None = None) -> VqaRecipe:
    """The recipe ``name`` (one that ships, or a file) with ``changes``, ``data`` and ``base`` of the command line.

    Raises UsageError, naming the field that does not fit.
    """
    tables = read_tables(recipe_path(name), base)
    return recipe_of(changed(tables, changes, data))


def parse_recipe(text: str, changes: Sequence[str] = ()) -> VqaRecipe:
    """A recipe from TOML ``text`` with ``changes`` such as ``train.steps=100``. Raises UsageError, naming the field."""
    return recipe_of(changed(_with_base(_toml(text, "The recipe"), None), changes))


def read_tables(path: Path, base: str | None = None) -> Tables:
    """The tables of a recipe's file, laid over those of its base, or of ``base`` instead where that is given."""
    tables = _toml(path.read_text(encoding="utf-8"), f"The recipe {path}")
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


def bare_name(path: str) -> str:
    """The last part of a path, which means something elsewhere, too; a name as it is."""
    return Path(path).name or path


def bare_change(change: str) -> str:
    """A change of the command line with a bare name for a path."""
    name, separator, value = change.partition("=")
    if name.strip() not in PATHS:
        return change
    quote = next((mark for mark in ('"', "'") if value.strip().startswith(mark)), "")
    return f"{name}{separator}{quote}{bare_name(value.strip().strip(quote or None))}{quote}"


def without_paths(tables: Tables) -> Tables:
    """A recipe's tables with bare names for the paths in them."""
    for field_name in PATHS:
        table, name = field_name.split(".")
        tables = merged(tables, {table: {name: bare_name(tables[table][name])}})
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


def recipe_of(tables: Tables) -> VqaRecipe:
    """The recipe that ``tables`` describe. Raises UsageError, naming the table or field that does not fit."""
    tables = {name: dict(table) if isinstance(table, Mapping) else table for name, table in tables.items()}
    _refuse_unknown(tables)
    model, train = tables.setdefault("model", {}), tables.setdefault("train", {})
    for name in ("answers", "clip_stored"):
        if name in model:
            raise UsageError(f"The recipe sets model.{name}, which follows from its data and [tune].")
    if ("steps" in train) == ("epochs" in train):
        raise UsageError("A recipe says how long to train, in [train] steps or epochs: one of the two.")
    tables["epochs"] = train.pop("epochs", 0)
    train.setdefault("steps", 1)
    model["answers"] = 1
    tuned = tables.get("tune", {}).get("backbone", "full") != "frozen"
    model["clip_stored"] = tuned and CLIP in (model.get("vision"), model.get("text_encoder"))
    try:
        return msgspec.convert(tables, VqaRecipe)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, UsageError):  # raised by a field's own record, which says more
            raise error.__cause__ from error
        raise UsageError(f"The recipe does not fit: {error}.", remedy="See the comments in engine/recipes.") from error


def _with_base(tables: Tables, folder: Path | None, seen: tuple[Path, ...] = ()) -> Tables:
    """Follow ``base`` down to a recipe that stands alone. A study's [study] is its own and is not inherited."""
    name = tables.pop("base", None)
    if name is None:
        return tables
    path = recipe_path(str(name), folder).resolve()
    if path in seen:
        raise UsageError(f"The recipe {path.name} is its own base.", remedy="Let one of them stand without a base.")
    below = _with_base(_toml(path.read_text(encoding="utf-8"), f"The recipe {path}"), path.parent, (*seen, path))
    below.pop("study", None)
    return merged(below, tables)


def _toml(text: str, what: str) -> Tables:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{what} is not TOML: {error}.") from error


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


def _refuse_unknown(tables: Tables) -> None:
    """msgspec passes over fields that it does not know; a misspelt one must not be lost silently."""
    known = _records_in(VqaRecipe)
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
