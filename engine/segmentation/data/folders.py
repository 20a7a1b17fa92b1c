"""A published data set of masks as a referring set: any layout that ``engine.datasets`` reads rows with a mask from.

Pictures and masks are decoded once and kept as ``stored`` rows, keyed by the files' sizes and times; expressions are
read from the annotations every time. What cannot be used is left out and said, never an error, unless nothing is left.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.datasets.dataset import DataSet, ImageFiles, MaskRow, MaskSource
from engine.datasets.masks import read_mask
from engine.errors import DataSetUnreadable, InputRefused
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.data.mask_bits import bytes_of, packed, resized
from engine.segmentation.data.referring_set import Expression, ReferringSet
from engine.training.pictures import (
    CHECK_THE_FOLDER,
    SPLIT_NAMES,
    DecodedPicture,
    category_of_row,
    decode_pair,
    file_state,
    read_annotations,
    rows_of_split,
    square_picture,
)
from engine.training.stored import Arrays, Column, Report, Row, RowsFrom, made_in_order, stored_rows

VERSION = 1
"""Goes up when the same files would be kept otherwise."""

SensorName = Literal["optical", "sar"]

_PLANES = ("optical", "optical_valid", "sar", "sar_valid")
_EIGHT_NEIGHBOURS = np.ones((3, 3), np.int8)


def referring_folder(
    folder: Path | DataSet,
    split: str,
    preprocess: PreprocessSpec,
    size: int,
    cache: Path | None,
    *,
    workers: int = 1,
    report: Report | None = None,
) -> ReferringSet:
    """The split ``split`` of a data set, decoded by ``workers`` processes into ``cache`` or into memory.

    Each image, or pair of images, is an area; rows with the same mask of it share that. Pictures and masks are
    letterboxed into a square of ``size`` px. A mask without foreground there is kept, with no ``parts``: published
    scores count its expressions, and no training asks them. What tells a thing apart nobody knows; a class that is not
    told is read from the sentence. ``report`` hears (images done, images in all), then (masks done, masks in all).

    Raises :class:`DataSetUnreadable` where the split has no mask, or none of it can be read, and :class:`UsageError`
    where the disk lacks the room.
    """
    data, said = (folder, ()) if isinstance(folder, DataSet) else read_annotations(folder, "segmentation")
    name = SPLIT_NAMES.get(split, split)
    rows, images = rows_of_split(data, name, MaskRow)
    place = {image.id: area for area, image in enumerate(images)}
    keep = partial(_stored, cache, report)
    made_from = _made_from(data, images, preprocess, size)
    read_pictures = partial(_read_pictures, images, size, preprocess, workers)
    arrays, facts = keep("pictures", made_from, _planes(images, size), len(images), read_pictures)
    sources = list(dict.fromkeys((place[row.image], row.mask) for row in rows))
    masks_from = made_from | {"masks": _digest([_mask_state(source, data.folder) for source in sources])}
    read_masks = partial(_read_masks, [_drawn_on(source, facts) for source in sources], size, workers)
    bits, found = keep("masks", masks_from, {"masks": Column(np.uint8, (bytes_of(size),))}, len(sources), read_masks)
    expressions, faults = _expressions(rows, place, facts, dict(zip(sources, enumerate(found), strict=True)))
    if not expressions:
        raise DataSetUnreadable(
            f"No image of the split “{name}” can be used; the first: {faults[0]}", remedy=CHECK_THE_FOLDER
        )
    return ReferringSet(
        about=f"{data.layout} in {data.folder.name}, {name}",
        optical=arrays.get("optical", np.broadcast_to(np.uint8(0), (len(images), 3, size, size))),
        sar=arrays.get("sar", np.broadcast_to(np.uint8(0), (len(images), size, size))),
        has=np.array([fact["has"] for fact in facts]),
        masks=bits["masks"],
        names=tuple(image.id for image in images),
        weather=("",) * len(images),
        gsd_m=tuple(fact["gsd_m"] for fact in facts),
        expressions=expressions,
        optical_valid=arrays.get("optical_valid"),
        sar_valid=arrays.get("sar_valid"),
        key=_digest(masks_from),
        left_out=(*said, *faults),
    )


# ---- what is kept, and what decides it


def _stored(
    cache: Path | None,
    report: Report | None,
    name: str,
    made_from: dict[str, Any],
    columns: dict[str, Column],
    count: int,
    rows_from: RowsFrom,
) -> tuple[Arrays, list[Any]]:
    """Rows in a folder ``name`` of the cache, or in memory."""
    return stored_rows(None if cache is None else cache / name, made_from, columns, count, rows_from, report)


def _made_from(data: DataSet, images: Sequence[ImageFiles], preprocess: PreprocessSpec, size: int) -> dict[str, Any]:
    """What decides the pictures: which files at which state, and the rules."""
    states = [[file_state(path, data.folder) for path in (image.optical, image.sar)] for image in images]
    return {"version": VERSION, "files": _digest(states), "preprocess": preprocess.as_json(), "size": size}


def _mask_state(source: tuple[int, MaskSource], folder: Path) -> list[object]:
    """What decides the pixels of one mask."""
    area, mask = source
    return [area, file_state(mask.path, folder), mask.polygons_px, mask.rle_counts, mask.rle_size]


def _digest(key: object) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _planes(images: Sequence[ImageFiles], size: int) -> dict[str, Column]:
    """The arrays of pictures, of the sensors that the data set has."""
    planes: dict[str, Column] = {}
    if any(image.optical for image in images):
        planes["optical"], planes["optical_valid"] = Column(np.uint8, (3, size, size)), Column(np.bool_, (size, size))
    if any(image.sar for image in images):
        planes["sar"], planes["sar_valid"] = Column(np.uint8, (size, size)), Column(np.bool_, (size, size))
    return planes


# ---- reading


def _read_pictures(
    images: Sequence[ImageFiles], size: int, preprocess: PreprocessSpec, workers: int, first: int
) -> Iterable[Row]:
    """The areas from the one in row ``first`` on."""
    return made_in_order(partial(_read_area, size, preprocess), images[first:], workers)


def _read_area(size: int, preprocess: PreprocessSpec, image: ImageFiles) -> Row:
    """One area as the network gets it, with the size that its masks are in; nothing, and why, where it is broken."""
    values: dict[str, NDArray[Any]] = {name: np.zeros((), np.uint8) for name in _PLANES}
    facts: dict[str, Any] = {"has": [False, False], "gsd_m": None, "fault": "", "width": 0, "height": 0}
    try:
        optical, sar = decode_pair(image.optical, image.sar, size)
    except InputRefused as error:
        return values, facts | {"fault": str(error)}
    pictures: tuple[tuple[SensorName, DecodedPicture | None], ...] = (("sar", sar), ("optical", optical))
    for sensor, picture in pictures:  # the optical one last: the frame's scale is its
        if picture is not None:
            square = square_picture(picture, sensor, size, preprocess)
            values[sensor] = square.pixels[0] if sensor == "sar" else square.pixels
            values[f"{sensor}_valid"] = square.valid
            facts |= {"gsd_m": square.gsd_m, "width": picture.width, "height": picture.height}
    return values, facts | {"has": [optical is not None, sar is not None]}


def _drawn_on(source: tuple[int, MaskSource], facts: Sequence[dict[str, Any]]) -> tuple[MaskSource, int, int]:
    """A mask with the width and height of its image, 0 where that cannot be read."""
    area, mask = source
    return mask, facts[area]["width"], facts[area]["height"]


def _read_masks(drawn_on: Sequence[tuple[MaskSource, int, int]], size: int, workers: int, first: int) -> Iterable[Row]:
    """The masks from the one in row ``first`` on."""
    return made_in_order(partial(_read_mask, size), drawn_on[first:], workers)


def _read_mask(size: int, drawn_on: tuple[MaskSource, int, int]) -> Row:
    """One mask of an image of so many pixels, as bits, with the count of its connected parts; nothing, and why, where
    it is broken or its image is."""
    source, width, height = drawn_on
    nothing = {"masks": np.zeros((), np.uint8)}
    if not width:
        return nothing, {"fault": "", "parts": 0}  # its image has said why
    try:
        mask = resized(read_mask(source, width, height), size)
    except InputRefused as error:
        return nothing, {"fault": str(error), "parts": 0}
    return {"masks": packed(mask)}, {"fault": "", "parts": int(ndimage.label(mask, _EIGHT_NEIGHBOURS)[1])}


def _expressions(
    rows: Sequence[MaskRow],
    place: dict[str, int],
    facts: Sequence[dict[str, Any]],
    masks: dict[tuple[int, MaskSource], tuple[int, dict[str, Any]]],
) -> tuple[tuple[Expression, ...], tuple[str, ...]]:
    """What is asked, and what had to be left out. ``masks`` has for each its row, and what was found out about it."""
    faults = [f"{image}: {facts[area]['fault']}" for image, area in place.items() if facts[area]["fault"]]
    expressions: list[Expression] = []
    for row in rows:
        area = place[row.image]
        number, mask = masks[area, row.mask]
        if mask["fault"]:
            faults.append(f"{row.image}, “{row.expression}”: {mask['fault']}")
        elif not facts[area]["fault"]:
            text, category = sys.intern(row.expression), sys.intern(category_of_row(row))
            expressions.append(Expression(area, number, text, category, row.sensor, parts=mask["parts"]))
    return tuple(expressions), tuple(faults)
