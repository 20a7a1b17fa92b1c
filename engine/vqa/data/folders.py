"""A published data set of questions as a question set: any vqa layout that ``engine.datasets`` reads.

Pictures are decoded once and kept as ``stored`` rows, keyed by the files' sizes and times; questions are read from
the annotations every time. What cannot be used is left out and said, never an error, unless nothing is left.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.dataset import DataSet, QuestionRow
from engine.errors import DataSetUnreadable, InputRefused
from engine.nn.preprocess import PreprocessSpec
from engine.scenes.optics.weather import Weather
from engine.scenes.truths.truth import WEATHER_WORDS
from engine.training.pictures import CHECK_THE_FOLDER, SPLIT_NAMES, file_state, read_annotations, rows_of_split
from engine.training.stored import Column, Report, Row, made_in_order, stored_rows
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.pair_files import PairFiles, read_pair
from engine.vqa.data.question_set import AS_IT_IS, AskedQuestion, QuestionSet
from engine.vqa.data.weathers import ADVERSE, checked_variants

VERSION = 1
"""Goes up when the same files would be kept otherwise."""

_WEATHER_SAID: dict[str, Weather] = {word: weather for weather, word in WEATHER_WORDS.items()}


def read_folder(folder: Path, layout: str | None = None) -> tuple[DataSet, tuple[str, ...]]:
    """The data set in ``folder``, and what is wrong with its annotations. For callers that need several splits.

    Raises :class:`DataSetUnreadable` where the folder has no layout that is known, or one without questions.
    """
    return read_annotations(folder, "vqa", layout)


def folder_set(
    folder: Path | DataSet,
    split: str,
    preprocess: PreprocessSpec,
    config: TgfnetConfig,
    cache: Path | None,
    *,
    variants: Sequence[str] = (),
    workers: int = 1,
    report: Report | None = None,
) -> QuestionSet:
    """The split ``split`` of a data set, its pictures decoded by ``workers`` processes into ``cache`` or into memory.

    ``variants`` are adverse weathers (cloud, fog, dark) put over the optical pictures; a picture that its own questions
    call adverse gets none. A sensor that the data set lacks is absent from every view. ``weather`` comes from answers
    to questions on fog and darkness, ``pair`` is "other" where a question on it says that the images do not match.
    ``report`` hears (views done, views in all). Questions about a view that cannot be read are left out, and the
    view's row stays empty; ``left_out`` says so. Raises :class:`DataSetUnreadable` where the split has nothing to ask,
    :class:`UsageError` for variants that cannot be made, and where the disk lacks the room.
    """
    weathers = checked_variants(variants, ADVERSE)
    data, said = (folder, ()) if isinstance(folder, DataSet) else read_folder(folder)
    name = SPLIT_NAMES.get(split, split)
    asked, images = rows_of_split(data, name, QuestionRow)
    place = {image.id: number for number, image in enumerate(images)}
    weather, pair = _conditions(asked, place)
    exists = np.array([[True, *([own in ("", "clear")] * len(weathers))] for own in weather], bool)  # [S, V]
    files = [
        PairFiles(image.optical, image.sar, number, weathers if exists[number].all() else ())
        for number, image in enumerate(images)
    ]
    made_from = _made_from(data, files, preprocess, config, weathers)
    rows_from = partial(_read_rows, files, config.image_size, len(weathers), preprocess, workers)
    arrays, facts = stored_rows(cache, made_from, _columns(config, len(weathers)), len(files), rows_from, report)
    broken = [number for number, fact in enumerate(facts) if fact["fault"]]
    questions = _questions(asked, place, set(broken))
    if not questions:
        raise DataSetUnreadable(
            f"No image of the split “{name}” can be read; the first: {facts[0]['fault']}", remedy=CHECK_THE_FOLDER
        )
    return QuestionSet(
        **arrays,  # the columns are named after the fields
        about=f"{data.layout} in {data.folder.name}, {name}",
        variants=(AS_IT_IS, *weathers),
        names=tuple(image.id for image in images),
        weather=weather,
        pair=pair,
        gsd_m=tuple(fact["gsd_m"] for fact in facts),
        questions=questions,
        exists=exists,
        closed_answers=data.answers or (),
        key=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        left_out=(*said, *(f"{images[number].id}: {facts[number]['fault']}" for number in broken)),
    )


def _conditions(rows: Sequence[QuestionRow], place: dict[str, int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What questions tell of each view: its weather ("" where none does), and whether its images match."""
    weather, pair = [""] * len(place), ["exact"] * len(place)
    for row in rows:
        if row.type == "fog-dark":
            weather[place[row.image]] = _weather_said(row) or weather[place[row.image]]
        elif row.type == "match" and row.answer == "no":
            pair[place[row.image]] = "other"
    return tuple(weather), tuple(pair)


def _weather_said(row: QuestionRow) -> str:
    """The weather that an answer names or agrees to, "" where it does neither."""
    if row.answer in _WEATHER_SAID:
        return _WEATHER_SAID[row.answer]
    named = {word.strip("?.,").lower() for word in row.question.split()} & _WEATHER_SAID.keys()
    return _WEATHER_SAID[named.pop()] if row.answer == "yes" and len(named) == 1 else ""


def _questions(rows: Sequence[QuestionRow], place: dict[str, int], broken: set[int]) -> tuple[AskedQuestion, ...]:
    """A set has a million questions, most of them many times: each text is kept once."""
    return tuple(
        AskedQuestion(place[row.image], sys.intern(row.question), sys.intern(row.answer), sys.intern(row.type))
        for row in rows
        if place[row.image] not in broken
    )


def _made_from(
    data: DataSet,
    files: Sequence[PairFiles],
    preprocess: PreprocessSpec,
    config: TgfnetConfig,
    weathers: Sequence[Weather],
) -> dict[str, Any]:
    """What decides the pictures: which files at which state, and the rules."""
    digest = hashlib.sha256()
    for pair in files:
        digest.update(repr([file_state(path, data.folder) for path in (pair.optical, pair.sar)]).encode())
        digest.update(repr(pair.weathers).encode())
    return {
        "version": VERSION,
        "files": digest.hexdigest(),
        "preprocess": preprocess.as_json(),
        "image_size": config.image_size,
        "variants": list(weathers),
    }


def _columns(config: TgfnetConfig, variants: int) -> dict[str, Column]:
    size = config.image_size
    return {
        "optical": Column(np.uint8, (1 + variants, 3, size, size)),
        "sar": Column(np.uint8, (size, size)),
        "optical_valid": Column(np.bool_, (size, size)),
        "sar_valid": Column(np.bool_, (size, size)),
    }


def _read_rows(
    files: Sequence[PairFiles], size: int, variants: int, preprocess: PreprocessSpec, workers: int, first: int
) -> Iterator[Row]:
    """The pairs from the one in row ``first`` on."""
    return made_in_order(partial(_read_row, size, variants, preprocess), files[first:], workers)


def _read_row(size: int, variants: int, preprocess: PreprocessSpec, files: PairFiles) -> Row:
    """One pair: the picture as it is where a variant is not made, nothing where the pair is broken."""
    try:
        read = read_pair(files, size, preprocess)
    except InputRefused as error:
        nothing = {name: np.zeros((), np.uint8) for name in ("optical", "sar", "optical_valid", "sar_valid")}
        return nothing, {"gsd_m": None, "fault": str(error)}
    optical = read.optical if len(read.optical) > 1 else np.repeat(read.optical, 1 + variants, axis=0)
    values = {
        "optical": optical,  # [V, 3, size, size]
        "sar": read.sar,
        "optical_valid": read.optical_valid,
        "sar_valid": read.sar_valid,
    }
    return values, {"gsd_m": read.gsd_m, "fault": ""}
