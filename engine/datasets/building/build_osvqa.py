"""OSVQA from annotated optical-SAR pairs, by the paper's own recipe, on data that the user has.

"Text-Guided Coarse-to-Fine Fusion Network for Robust Remote Sensing Visual Question Answering" (TGFNet,
arXiv:2411.15770), section IV: pairs are annotated with the attributes of Table I (:mod:`.osvqa_annotations`); questions
of sixteen types are made of them with templates (:class:`engine.text.Asker`); a part of the clear optical images is put
under cloud, fog or low light, and the attributes "fog-dark" and "quality" are told anew afterwards; pairs are split
3:1:1, the urban and rural ones and the challenges among each in the same proportion.

Beyond the paper, which had people tell the attributes of the images it changed, a rule does
(:func:`under_weather`); and pairs that overlap stay in one split where the annotations tell their ``place``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.datasets.boxes import Xyxy
from engine.datasets.building import osvqa_figures
from engine.datasets.building.adverse import weathered
from engine.datasets.building.build_report import BuildReport
from engine.datasets.building.osvqa_annotations import Annotation, read_annotations
from engine.datasets.building.osvqa_pairs import find_pairs
from engine.datasets.building.splitting import OSVQA_SHARES, split_in_proportion
from engine.datasets.dataset import DataSet, Faults, ImageFiles, Origin, Progress, QuestionRow
from engine.datasets.readers.osvqa import LAYOUT
from engine.datasets.seeing import look_at
from engine.datasets.statistics import Cell
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.unique_names import UniqueNames, plain_name
from engine.datasets.writing.writing_osvqa import write_osvqa
from engine.draws import Draws
from engine.errors import Cancelled, DataSetUnreadable, UsageError
from engine.raster import open_raster
from engine.records import Grid, PixelWindow
from engine.scenes.optics.weather import WEATHERS, Weather
from engine.scenes.truths.truth import optical_shows, weather_word
from engine.text import ANSWERS, LOCATION_ANSWERS, Asker, Description, Subject, Wording

ADVERSE: tuple[Weather, ...] = tuple(weather for weather in WEATHERS if weather != "clear")
MOST_PER_TYPE = 1 << 20
"""All questions there are: the paper has 172.55 on an image, half of them comparisons."""

_WEATHER, _SPLITTING, _ASKING = 1, 2, 3  # streams of Draws
_MADE = Origin(Path("made"))
_WHOLLY = 0.99
"""A thing that is somewhere in a part of the picture is hidden where this share of that part is, and shown where no
more than the rest is."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How to build.

    ``per_type`` bounds the questions of each type on an image. ``adverse`` is the share (0..1) of the clear optical
    images to be put under one of ``weathers``, each equally often, of a strength between ``strengths``. With
    ``held_out`` the test split is asked in wordings that the others never use, which the paper does not.
    """

    seed: int = 0
    per_type: int = MOST_PER_TYPE
    adverse: float = 0.0
    weathers: tuple[Weather, ...] = ADVERSE
    strengths: tuple[float, float] = (0.5, 1.0)
    held_out: bool = False

    def __post_init__(self) -> None:
        low, high = self.strengths
        if not 0 <= self.adverse <= 1 or not 0 < low <= high <= 1 or self.per_type < 1:
            raise UsageError(
                "A share, a strength or a number of questions is out of range.",
                remedy="The share is 0..1, strengths above 0 up to 1, the smaller first, questions 1 or more.",
            )
        if not self.weathers or not set(self.weathers) <= set(ADVERSE):
            raise UsageError(
                f"The weathers {', '.join(self.weathers) or 'given'} are not adverse ones.",
                remedy=f"Choose of {', '.join(ADVERSE)}.",
            )


@dataclass(frozen=True, slots=True)
class _Planned:
    """An annotated pair with the weather it gets, its split, and its name without suffix."""

    annotation: Annotation
    weather: Weather
    strength: float
    split: str
    name: str


@dataclass(slots=True)
class _Log:
    rows: list[QuestionRow] = field(default_factory=list)
    images: list[ImageFiles] = field(default_factory=list)
    adverse: list[dict[str, Cell | None]] = field(default_factory=list)


def build_osvqa(
    images: Path,
    annotations: Path,
    folder: Path,
    choices: Choices = Choices(),
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BuildReport:
    """Write OSVQA made of the pairs in ``images`` and their ``annotations`` into ``folder``, which should be empty.

    Raises :class:`DataSetUnreadable` where there are no pairs or no annotations that can be used,
    :class:`ExportRefused` where the folder cannot be written, :class:`Cancelled`. What is wrong with single pairs and
    annotations is in the report.
    """
    faults, found = _read(images, annotations, progress, cancelled)
    planned = _plan(found, choices)
    log = _Log()
    draws = Draws(choices.seed, _ASKING)

    def entries() -> Iterator[tuple[NewImage, NewImage, Sequence[QuestionRow]]]:
        for number, plan in enumerate(planned):
            progress("Asking questions", number / len(planned))
            if cancelled():
                raise Cancelled("Building was stopped.")
            optical, sar, description = _images(plan, choices.seed, number, log)
            wording: Wording = "held-out" if choices.held_out and plan.split == "test" else "train"
            asked = Asker(draws, description, wording).ask(choices.per_type)
            rows = [_row(optical, one.text, one.answer, one.type) for one in asked]
            log.rows += rows
            log.images.append(ImageFiles(optical.name, plan.split))
            yield optical, sar, rows

    write_osvqa(folder, entries(), ANSWERS)
    return _report(images, annotations, choices, planned, log, faults)


def _row(image: NewImage, question: str, answer: str, kind: str) -> QuestionRow:
    # A million questions, most of them many times: each text is kept once.
    return QuestionRow(image.name, image.split, sys.intern(question), answer, kind, _MADE)


# ---- what is given


def _read(
    images: Path, annotations: Path, progress: Progress, cancelled: Callable[[], bool]
) -> tuple[Faults, list[Annotation]]:
    """The annotations of pairs both images of which can be decoded and are of one size."""
    faults = Faults(images.parent)
    progress("Reading the annotations", None)
    pairs = find_pairs(images, faults)
    read = read_annotations(annotations, pairs, faults)
    seen = look_at((path for one in read for path in _files(one)), progress, cancelled)
    usable: list[Annotation] = []
    for one in read:
        optical, sar = (seen[path] for path in _files(one))
        bad = [path for path in _files(one) if seen[path].problem]
        for path in bad:
            faults.add(path, None, seen[path].problem)
        if not bad and (optical.width, optical.height) != (sar.width, sar.height):
            told = f"{sar.width} x {sar.height} pixels, the optical one {optical.width} x {optical.height}"
            faults.add(_files(one)[1], None, f"The SAR image has {told}.")
        elif not bad:
            usable.append(one)
    if not usable:
        raise DataSetUnreadable(
            f"No annotated pair of {images.name} can be used. {faults.found[0].file}: {faults.found[0].what}",
            remedy="Both images of a pair have to be whole and of one size.",
        )
    return faults, usable


def _files(annotation: Annotation) -> tuple[Path, Path]:
    return annotation.pair.optical, annotation.pair.sar


# ---- the plan: which weather, which split


def _plan(annotations: Sequence[Annotation], choices: Choices) -> list[_Planned]:
    weather = _weathers(annotations, choices)
    challenges = [
        weather_word(*weather[index]) if index in weather else one.description.weather
        for index, one in enumerate(annotations)
    ]
    splits = _splits(annotations, challenges, choices.seed)
    names = UniqueNames()
    planned = []
    for index, one in enumerate(annotations):
        kind, strength = weather.get(index, ("clear", 0.0))
        planned.append(_Planned(one, kind, strength, splits[index], names.free(plain_name(one.pair.id))))
    return planned


def _weathers(annotations: Sequence[Annotation], choices: Choices) -> dict[int, tuple[Weather, float]]:
    """Weather and strength of a drawn share of the pairs whose optical picture is known to be clear."""
    draws = Draws(choices.seed, _WEATHER)
    clear = [index for index, one in enumerate(annotations) if one.description.weather == "clear"]
    chosen = draws.sample(clear, round(choices.adverse * len(clear)))
    return {
        index: (choices.weathers[turn % len(choices.weathers)], round(draws.uniform(*choices.strengths), 2))
        for turn, index in enumerate(chosen)
    }


def _splits(annotations: Sequence[Annotation], challenges: Sequence[str | None], seed: int) -> list[str]:
    """The split of each pair; those of one place stay together."""
    groups: dict[str, list[int]] = {}
    for index, one in enumerate(annotations):
        groups.setdefault(f"place {one.place}" if one.place else f"pair {index}", []).append(index)
    items = [
        Counter(label for index in group for label in _labels(annotations[index].description, challenges[index]))
        for group in groups.values()
    ]
    sizes = [len(group) for group in groups.values()]
    chosen = split_in_proportion(items, OSVQA_SHARES, Draws(seed, _SPLITTING), sizes)
    splits = [""] * len(annotations)
    for group, split in zip(groups.values(), chosen, strict=True):
        for index in group:
            splits[index] = split
    return splits


def _labels(description: Description, challenge: str | None) -> tuple[str, str]:
    """What is kept in proportion: urban or rural, and the challenge among these."""
    setting = {True: "urban", False: "rural", None: "of unknown setting"}[description.urban]
    return setting, f"{setting}, {challenge or 'of unknown weather'}"


# ---- one pair


def _images(plan: _Planned, seed: int, number: int, log: _Log) -> tuple[NewImage, NewImage, Description]:
    """Both images as they are written, and what is true of them; copies where nothing changes."""
    one = plan.annotation
    optical, sar = _files(one)
    width, height = one.view.width, one.view.height
    if plan.weather == "clear" and optical.suffix == sar.suffix:
        name = plan.name + optical.suffix
        return (
            NewImage(name, plan.split, "optical", width, height, optical),
            NewImage(name, plan.split, "sar", width, height, sar),
            one.description,
        )
    name, description = f"{plan.name}.tif", one.description
    if plan.weather == "clear":
        pixels, grid = _pixels(optical)
    else:
        made = weathered(optical, plan.weather, plan.strength, seed, number)
        pixels, grid = made.pixels, made.grid
        description = under_weather(one, plan.weather, plan.strength, made.hidden)
        log.adverse.append(
            {"image": name, "weather": plan.weather, "strength": plan.strength, "fog_dark": description.weather,
             "hidden_share": round(float(made.hidden.mean()), 4)}
        )  # fmt: skip
    echo, place = _pixels(sar)
    return (
        NewImage(name, plan.split, "optical", width, height, pixels, grid),
        NewImage(name, plan.split, "sar", width, height, echo, place),
        description,
    )


def _pixels(path: Path) -> tuple[NDArray[np.generic], Grid]:
    """All that is shown of an image, in its own numbers."""
    with open_raster(path) as raster:
        grid = raster.info.grid
        palette = raster.palette is not None
        bands = None if palette else tuple(band.index for band in raster.info.bands)
        read = raster.read(PixelWindow(0, 0, grid.width, grid.height), grid.width, grid.height, bands=bands)
        dtype = np.dtype("uint8" if palette else raster.info.bands[0].dtype)
    return np.nan_to_num(read.values).astype(dtype), grid


def under_weather(annotation: Annotation, weather: Weather, strength: float, hidden: NDArray[np.bool_]) -> Description:
    """What is true of a clear pair once its optical picture is under ``weather``: "fog-dark" and "quality" told anew.

    ``hidden``, bool [rows, columns], is where the ground cannot be seen. What the optical picture showed before it
    shows still, or no more, by the rule of :func:`engine.scenes.truths.truth.optical_shows`; where that is not clear,
    as of things of which nobody knows where they are under a cloud, nothing is known. What only the SAR picture showed,
    or neither, stays so.
    """
    subjects = []
    for subject in annotation.description.subjects:
        covered = _covered(subject, annotation.boxes_px.get(subject.name, ()), hidden)
        shows = optical_shows(weather, strength, covered)
        subjects.append(replace(subject, quality=_quality(subject.quality, shows)))
    return replace(annotation.description, weather=weather_word(weather, strength), subjects=tuple(subjects))


def _quality(clear: str | None, optical_shows: bool | None) -> str | None:
    """Which picture shows a thing that the pictures ``clear`` showed before the weather came."""
    if clear in (None, "SAR image", "neither") or optical_shows:
        return clear
    if optical_shows is None:
        return None
    return "SAR image" if clear == "both" else "neither"


def _covered(subject: Subject, boxes: Sequence[Xyxy], hidden: NDArray[np.bool_]) -> float | None:
    """The share of a thing that is hidden: of its boxes, or 0 or 1 where all its ninths are."""
    if boxes:
        area = np.zeros(hidden.shape, bool)
        for left, top, right, bottom in boxes:
            area[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = True
        return float(hidden[area].mean())
    inside = [_ninth(hidden, cell) for cell, there in subject.cells if there]
    if not inside:
        return None
    if all(part.mean() >= _WHOLLY for part in inside):
        return 1.0
    return 0.0 if all(part.mean() <= 1 - _WHOLLY for part in inside) else None


def _ninth(hidden: NDArray[np.bool_], cell: str) -> NDArray[np.bool_]:
    row, column = divmod(LOCATION_ANSWERS.index(cell), 3)
    rows, columns = ([round(side * third / 3) for third in range(4)] for side in hidden.shape)
    return hidden[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]


# ---- the report


def _report(
    images: Path, annotations: Path, choices: Choices, planned: Sequence[_Planned], log: _Log, faults: Faults
) -> BuildReport:
    settings: dict[str, Cell] = {
        "seed": choices.seed,
        "images": str(images),
        "annotations": str(annotations),
        "questions per type": choices.per_type if choices.per_type < MOST_PER_TYPE else "all",
        "adverse, share of the clear": choices.adverse,
        "weathers": ", ".join(choices.weathers),
        "strengths": f"{choices.strengths[0]:g}..{choices.strengths[1]:g}",
        "test in held-out wordings": str(choices.held_out),
    }
    data = DataSet(LAYOUT.name, LAYOUT.task, Path(), tuple(log.images), tuple(log.rows))
    kept = Counter((plan.split, label) for plan in planned for label in _labels(*_known(plan)))
    notes = [f"{len(faults.found):,} things were left out; they are listed in the report."] if faults.found else []
    if not any(plan.annotation.place for plan in planned):
        notes.append("No annotation tells a place: pairs that overlap, as those of QXS-SAROPT, may be in two splits.")
    tables = (*osvqa_figures.tables(data), osvqa_figures.proportions(kept))
    lists = {"left_out": [asdict(fault) for fault in faults.found], "adverse": log.adverse}
    return BuildReport(LAYOUT.name, settings, tables, lists, tuple(notes))


def _known(plan: _Planned) -> tuple[Description, str | None]:
    before = plan.annotation.description
    return before, before.weather if plan.weather == "clear" else weather_word(plan.weather, plan.strength)
