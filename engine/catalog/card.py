"""A model's card: everything that has to be known of weights before they are loaded, as JSON beside them.

A model is a folder with ``model.safetensors`` and ``card.json``. Reading and checking a card needs no torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from engine.errors import ModelDamaged, ModelNotFound

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
CARD_VERSION = 1
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class PretrainedPart:
    """A frozen or fine-tuned part that others trained, with its licence and the hashes of its files."""

    name: str
    role: str
    revision: str
    licence: str
    files_sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What the weights learned from. ``world`` is the version of the scene world, where it was synthetic."""

    name: str
    licence: str
    samples: int
    world: str = ""


@dataclass(frozen=True, slots=True)
class CalibratedType:
    """How confidence is made honest for one type of question, fitted on the ``questions`` validation questions that
    were told to be of it.

    ``temperature`` divides the logits before the softmax. ``thresholds`` has, for each error rate as text ("0.1"), the
    largest 1 - p that an answer in the set of possible answers may have (``engine.metrics.conformal``).
    """

    questions: int
    temperature: float
    thresholds: dict[str, float]


@dataclass(frozen=True, slots=True)
class CardCalibration:
    """What was fitted on the validation split: ``common`` for any question, ``types`` where enough were told.

    A free question's type is told by a linear probe, whose weights lie in an extra file: ``told`` are the types in the
    order of its outputs, and it is believed from the probability ``sure_from`` up.
    """

    common: CalibratedType
    types: dict[str, CalibratedType]
    told: tuple[str, ...]
    sure_from: float


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """The probability that a box of a given score is right, 1 / (1 + exp(-(slope · logit(score) + offset))).

    Fitted on the best boxes of ``expressions`` validation expressions; ``slope`` is not negative.
    """

    expressions: int
    slope: float
    offset: float


@dataclass(frozen=True, slots=True)
class GroundingCalibration:
    """What a box's score means (``engine.grounding.calibration``): right is an IoU with the truth of ``at`` or more.

    ``common`` holds for any picture, ``sensors`` for those of "optical" or "sar" where there were enough expressions.
    ``least_score`` is the probability from which boxes are shown where all of a class are asked for: the best F1 on the
    validation split's classes; None where it asked for none.
    """

    common: ScoreCurve
    sensors: dict[str, ScoreCurve]
    least_score: float | None = None
    at: float = 0.5


@dataclass(frozen=True, slots=True)
class SegmentationCalibration:
    """What a pixel's margin, the foreground's logit less the background's, means (``engine.segmentation.calibration``).

    The probability that the pixel is meant is 1 / (1 + exp(-(slope · margin + offset))), fitted on so many ``pixels``
    of validation expressions; ``slope`` is above 0. From the probability ``threshold`` up a pixel is in the mask.
    """

    pixels: int
    slope: float
    offset: float
    threshold: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """The card. ``config`` and ``preprocess`` belong to the task's own dataclasses and are checked by them.

    ``answers`` is the vocabulary in the order of the network's outputs. ``temperature`` divides the logits before the
    softmax (fitted on the validation split). ``trained_gsd_m`` is the range of metres per pixel of the training
    pictures at the network's input, (0, 0) where it is unknown. ``metrics`` and ``guess`` are shares 0..1 on the split
    ``metrics_split``. ``calibration`` is None on cards that know the temperature alone, ``grounding_calibration`` and
    ``segmentation_calibration`` on those of other tasks and where nothing was fitted. ``extra_files`` are files of the
    folder beside the weights, by name with their SHA-256.
    """

    card_version: int
    name: str
    task: str
    preset: str
    summary: str
    licence: str
    config: dict[str, Any]
    preprocess: dict[str, Any]
    answers: tuple[str, ...]
    answers_version: str
    temperature: float
    trained_gsd_m: tuple[float, float]
    training_data: TrainingData
    pretrained: tuple[PretrainedPart, ...]
    recipe: dict[str, Any]
    command: str
    seed: int
    versions: dict[str, str]
    created_utc: str
    metrics_split: str
    metrics: dict[str, Any]
    guess: dict[str, Any]
    sha256: str
    size_bytes: int
    limits: tuple[str, ...] = ()
    calibration: CardCalibration | None = None
    grounding_calibration: GroundingCalibration | None = None
    segmentation_calibration: SegmentationCalibration | None = None
    extra_files: dict[str, str] = field(default_factory=dict)


def json_fields(record: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON types, for ``config`` or ``preprocess``."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(record).items()}


def read_fields(stored: dict[str, Any], kind: type[Record]) -> Record:
    """The dataclass ``kind`` from a card's ``config``. Raises ModelDamaged where a field is unknown or does not fit.

    A field that the card lacks is newer than its weights: every field starts with what was built before it came.
    """
    unknown = sorted(set(stored) - set(get_type_hints(kind)))
    if unknown:
        raise ModelDamaged(
            f"The model's configuration does not fit this program (fields: {', '.join(unknown)}).",
            remedy="Use the version of the program that the card names, or other weights.",
        )
    try:
        return msgspec.convert(stored, kind)
    except msgspec.ValidationError as error:
        raise ModelDamaged(f"The model's configuration cannot be used: {error}.") from error


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_card(folder: Path) -> ModelCard:
    """The card of the model in ``folder``. Raises ModelNotFound, or ModelDamaged where it is unreadable."""
    path = folder / CARD_FILE
    if not path.is_file():
        raise ModelNotFound(
            f"There is no model in {folder}: {CARD_FILE} is missing.",
            remedy=f"Name a folder that holds {WEIGHTS_FILE} and {CARD_FILE}, or a model of `rsqa models list`.",
        )
    try:
        card = msgspec.json.decode(path.read_bytes(), type=ModelCard)
    except msgspec.DecodeError as error:
        raise ModelDamaged(
            f"The card {path} cannot be read: {error}.", remedy="Copy the model's folder again from its source."
        ) from error
    if card.card_version != CARD_VERSION:
        raise ModelDamaged(
            f"The card {path} has version {card.card_version}, this program reads version {CARD_VERSION}.",
            remedy="Use the version of the program that the card names.",
        )
    return card


def check_task(card: ModelCard, task: str, *, remedy: str) -> None:
    """Raises ModelDamaged where the model was made for another task than ``task``."""
    if card.task != task:
        raise ModelDamaged(f"{card.name} was made for the task {card.task}, not for {task}.", remedy=remedy)


def write_card(card: ModelCard, folder: Path) -> Path:
    """Write ``card.json`` into ``folder``, whole or not at all."""
    path = folder / CARD_FILE
    temporary = path.with_suffix(".part")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    temporary.replace(path)
    return path


def verify_weights(folder: Path, card: ModelCard) -> Path:
    """The weights' path, after their size and hash and those of all extra files agreed with the card.

    Raises ModelNotFound where the weights are missing, ModelDamaged where a file differs or an extra one is missing.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelNotFound(
            f"The weights of {card.name} are missing: {path} does not exist.",
            remedy="Copy the model's whole folder, or check out the repository with its large files.",
        )
    size = path.stat().st_size
    if size != card.size_bytes:
        raise ModelDamaged(
            f"The weights {path} have {size} bytes, their card says {card.size_bytes}.",
            remedy="The copy was cut short or is of another version: copy the model's folder again.",
        )
    found = file_sha256(path)
    if found != card.sha256:
        raise ModelDamaged(
            f"The weights {path} have SHA-256 {found[:12]}…, their card says {card.sha256[:12]}….",
            remedy="The file was changed or damaged: copy the model's folder again.",
        )
    for name in card.extra_files:
        verify_extra_file(folder, card, name)
    return path


def verify_extra_file(folder: Path, card: ModelCard, name: str) -> Path:
    """The path of the card's extra file ``name``, after its hash agreed. Raises ModelDamaged where it does not.

    A name that leads out of the model's folder is refused: a card may come from anywhere.
    """
    path = folder / name
    if Path(name).name != name:
        raise ModelDamaged(
            f"The card of {card.name} names the file “{name}”, which is not in its folder.",
            remedy="Do not use this model: ask where it comes from.",
        )
    if name not in card.extra_files or not path.is_file():
        raise ModelDamaged(f"{card.name} lacks the file {name}.", remedy="Copy the model's whole folder again.")
    found, expected = file_sha256(path), card.extra_files[name]
    if found != expected:
        raise ModelDamaged(
            f"{path} has SHA-256 {found[:12]}…, the card of {card.name} says {expected[:12]}….",
            remedy="The file was changed or damaged: copy the model's folder again.",
        )
    return path
