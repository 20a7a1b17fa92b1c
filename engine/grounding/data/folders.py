"""A published data set of boxes as an expression set: any layout that ``engine.datasets`` reads rows with a box from.

Pictures are decoded once and kept as ``stored`` rows, keyed by the files' sizes and times; boxes and expressions are
read from the annotations every time. What cannot be used is left out and said, never an error, unless nothing is left.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.boxes import box_fault
from engine.datasets.dataset import BoxRow, DataSet
from engine.errors import DataSetUnreadable, InputRefused
from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing, SensorName
from engine.nn.preprocess import PreprocessSpec, letterboxed_box
from engine.training.pictures import (
    CHECK_THE_FOLDER,
    SPLIT_NAMES,
    category_of_row,
    decode_picture,
    file_state,
    read_annotations,
    square_picture,
)
from engine.training.stored import Column, Report, Row, made_in_order, stored_rows

VERSION = 1
"""Goes up when the same files would be kept otherwise."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """One sensor's file of an image, and the rows that name something in it."""

    name: str
    sensor: SensorName
    file: Path
    rows: list[BoxRow] = field(default_factory=list)


def expression_folder(
    folder: Path | DataSet,
    split: str,
    preprocess: PreprocessSpec,
    size: int,
    cache: Path | None,
    *,
    workers: int = 1,
    report: Report | None = None,
) -> ExpressionSet:
    """The split ``split`` of a data set, its pictures decoded by ``workers`` processes into ``cache`` or into memory.

    A row that is seen in both sensors' pictures of a pair is an expression in each. All boxes of a picture, in this
    split, are its things; whether there are more nobody knows, and what tells a thing apart neither. A class that is
    not told is read from the sentence. Boxes are letterboxed with their picture into a square of ``size`` px; one that
    leaves it is left out. ``report`` hears (pictures done, pictures in all).

    Raises :class:`DataSetUnreadable` where the split has no box, or no picture of it can be read, and
    :class:`UsageError` where the disk lacks the room.
    """
    data, said = (folder, ()) if isinstance(folder, DataSet) else read_annotations(folder, "grounding")
    name = SPLIT_NAMES.get(split, split)
    pictures = _pictures(data, name)
    made_from = _made_from(data, pictures, preprocess, size)
    columns = {"pixels": Column(np.uint8, (3, size, size)), "valid": Column(np.bool_, (size, size))}
    rows_from = partial(_read_rows, pictures, size, preprocess, workers)
    arrays, facts = stored_rows(cache, made_from, columns, len(pictures), rows_from, report)
    things, expressions, faults = _named(pictures, facts, size)
    if not expressions:
        raise DataSetUnreadable(
            f"No image of the split “{name}” can be used; the first: {faults[0]}", remedy=CHECK_THE_FOLDER
        )
    return ExpressionSet(
        about=f"{data.layout} in {data.folder.name}, {name}",
        pixels=arrays["pixels"],
        valid=arrays["valid"],
        sensors=tuple(picture.sensor for picture in pictures),
        names=tuple(picture.name for picture in pictures),
        weather=("",) * len(pictures),
        gsd_m=tuple(fact["gsd_m"] for fact in facts),
        things=things,
        expressions=expressions,
        closed=tuple(sorted({category_of_row(row) for row in data.rows if isinstance(row, BoxRow)} - {""})),
        key=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        left_out=(*said, *faults),
    )


def _pictures(data: DataSet, split: str) -> list[_Picture]:
    """The pictures of a split that a row names something in, in the order of the data set; optical before SAR."""
    found: dict[tuple[str, SensorName], _Picture] = {}
    for image in data.images:
        if image.split == split:
            is_pair = image.optical is not None and image.sar is not None
            files: tuple[tuple[SensorName, Path | None], ...] = (("optical", image.optical), ("sar", image.sar))
            for sensor, file in files:
                if file is not None:
                    found[image.id, sensor] = _Picture(f"{image.id} {sensor}" if is_pair else image.id, sensor, file)
    for row in data.of_split(split):
        if isinstance(row, BoxRow):
            sensors: tuple[SensorName, ...] = ("optical", "sar") if row.sensor == "both" else (row.sensor,)
            for sensor in sensors:
                if (row.image, sensor) in found:
                    found[row.image, sensor].rows.append(row)
    pictures = [picture for picture in found.values() if picture.rows]
    if not pictures:
        raise DataSetUnreadable(
            f"{data.folder} has no boxes in a split “{split}”.",
            remedy=f"Its splits are {', '.join(data.splits) or 'none'}.",
        )
    return pictures


def _made_from(data: DataSet, pictures: Sequence[_Picture], preprocess: PreprocessSpec, size: int) -> dict[str, Any]:
    """What decides the pictures: which files at which state, and the rules."""
    states = [(picture.sensor, file_state(picture.file, data.folder)) for picture in pictures]
    return {
        "version": VERSION,
        "files": hashlib.sha256(repr(states).encode()).hexdigest(),
        "preprocess": preprocess.as_json(),
        "size": size,
    }


def _read_rows(
    pictures: Sequence[_Picture], size: int, preprocess: PreprocessSpec, workers: int, first: int
) -> Iterable[Row]:
    """The pictures from the one in row ``first`` on."""
    files = [(picture.file, picture.sensor) for picture in pictures[first:]]
    return made_in_order(partial(_read_row, size, preprocess), files, workers)


def _read_row(size: int, preprocess: PreprocessSpec, picture: tuple[Path, SensorName]) -> Row:
    """One picture as the network gets it, with the size that its boxes are in; nothing, and why, where it is broken."""
    file, sensor = picture
    nothing = {"pixels": np.zeros((), np.uint8), "valid": np.zeros((), np.bool_)}
    try:
        read = decode_picture(file, sensor, size)
    except InputRefused as error:
        return nothing, {"gsd_m": None, "fault": str(error), "width": 0, "height": 0}
    square = square_picture(read, sensor, size, preprocess)
    pixels = np.broadcast_to(square.pixels, (3, size, size))
    fault = "" if read.valid.any() else f"{file.name} has no data."
    facts = {"gsd_m": square.gsd_m, "fault": fault, "width": read.width, "height": read.height}
    return {"pixels": pixels, "valid": square.valid}, facts


def _named(
    pictures: Sequence[_Picture], facts: Sequence[dict[str, Any]], size: int
) -> tuple[tuple[NamedThing, ...], tuple[Expression, ...], tuple[str, ...]]:
    """Things, what names them, and what had to be left out. Expressions with the same box and class name one thing."""
    things: dict[NamedThing, int] = {}
    expressions: list[Expression] = []
    faults: list[str] = []
    for number, (picture, fact) in enumerate(zip(pictures, facts, strict=True)):
        if fact["fault"]:
            faults.append(f"{picture.name}: {fact['fault']}")
            continue
        width, height = fact["width"], fact["height"]
        for row in picture.rows:
            if (what := box_fault(row.box_xyxy_px, width, height)) is not None:
                faults.append(f"{picture.name}, “{row.expression}”: {what}")
                continue
            category = sys.intern(category_of_row(row))
            thing = NamedThing(number, letterboxed_box(row.box_xyxy_px, width, height, size), category)
            place = things.setdefault(thing, len(things))
            expressions.append(Expression(number, sys.intern(row.expression), (place,), category))
    return tuple(things), tuple(expressions), tuple(faults)
