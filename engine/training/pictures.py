"""Pictures of published data sets: annotations read once, files decoded at the size of a network's square.

What every network's data share. Rasters are opened through ``engine.raster``, imported only where a file is opened, so
that training on scenes needs none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.datasets.categories import category_of
from engine.datasets.dataset import BoxRow, DataSet, Faults, ImageFiles, MaskRow, QuestionRow, Row, Task
from engine.datasets.table import read_dataset
from engine.errors import DataSetUnreadable, InputRefused
from engine.nn.preprocess import (
    Floats,
    Mask,
    PreprocessSpec,
    as_bytes,
    letterbox,
    stretch_optical,
    stretch_sar,
)
from engine.records import PixelWindow
from engine.records.raster import SarUnit
from engine.text import parse

CHECK_THE_FOLDER = "rsqa dataset check lists everything that is wrong with the folder."
SPLIT_NAMES = {"train": "train", "validation": "val", "test": "test"}
"""Our names of splits, and what ``engine.datasets`` calls them; other names are taken as they are."""

Asked = TypeVar("Asked", QuestionRow, BoxRow, MaskRow)

_ASKED_FOR: dict[Task, tuple[type[Row], str]] = {
    "vqa": (QuestionRow, "questions"),
    "grounding": (BoxRow, "boxes"),
    "segmentation": (MaskRow, "masks"),
}


def read_annotations(folder: Path, task: Task, layout: str | None = None) -> tuple[DataSet, tuple[str, ...]]:
    """The data set in ``folder``, and what is wrong with its annotations.

    Layouts of ours may have rows of several tasks; those of the others are to be passed over. Raises
    :class:`DataSetUnreadable` where the folder has no layout that is known, or none with rows of this task.
    """
    faults = Faults(folder)
    data = read_dataset(folder, faults, layout)
    kind, wanted = _ASKED_FOR[task]
    if data.task != task and not any(isinstance(row, kind) for row in data.rows):
        raise DataSetUnreadable(
            f"{folder} has the layout {data.layout}, which has no {wanted}.", remedy=f"Give a data set of {wanted}."
        )
    said = (
        f"{fault.file}{'' if fault.line is None else f', line {fault.line}'}: {fault.what}" for fault in faults.found
    )
    return data, tuple(said)


def rows_of_split(data: DataSet, split: str, kind: type[Asked]) -> tuple[list[Asked], list[ImageFiles]]:
    """The rows of one kind in a split whose images are known, and those images, each once, in the order of the data
    set. Raises :class:`DataSetUnreadable` where there are none."""
    rows = [row for row in data.of_split(split) if isinstance(row, kind)]
    named = {row.image for row in rows}
    images = {image.id: image for image in data.images if image.split == split and image.id in named}
    if not images:
        wanted = next(words for known, words in _ASKED_FOR.values() if known is kind)
        raise DataSetUnreadable(
            f"{data.folder} has no {wanted} in a split “{split}”.",
            remedy=f"Its splits are {', '.join(data.splits) or 'none'}.",
        )
    return [row for row in rows if row.image in images], list(images.values())


def category_of_row(row: BoxRow | MaskRow) -> str:
    """The class of a row in this program's words; from its sentence where the data set does not tell, or ""."""
    return category_of(row.category) if row.category else parse(row.expression).category


def file_state(path: Path | None, folder: Path) -> tuple[str, int, int] | None:
    """A file's name below ``folder``, size and time of change; size -1 where there is no such file."""
    if path is None:
        return None
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()
    if not path.is_file():
        return name, -1, 0
    found = path.stat()
    return name, found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """``values`` [bands, h, w] and ``valid`` [h, w] of an image of ``width`` x ``height``, no finer than asked for.

    ``dtype`` is what the file holds, ``unit`` that of SAR values. ``gsd_m`` are metres per pixel of the file, None
    where it does not tell.
    """

    values: Floats
    valid: Mask
    width: int
    height: int
    dtype: str
    unit: SarUnit
    gsd_m: float | None


def decode_picture(path: Path, sensor: Literal["optical", "sar"], size: int) -> DecodedPicture:
    """One image whole, shrunk while it is read where a side of it is longer than ``size``.

    Raises :class:`~engine.errors.InputRefused` for a file that cannot be read.
    """
    from engine.raster import open_raster

    with open_raster(path, sensor=sensor) as raster:
        info = raster.info
        scale = min(1.0, size / max(info.width, info.height))
        columns, rows = max(1, round(info.width * scale)), max(1, round(info.height * scale))
        read = raster.read(PixelWindow(0, 0, info.width, info.height), columns, rows)
        dtype = "uint8" if raster.palette is not None else info.bands[info.choice.bands[0] - 1].dtype
    values = read.values if sensor == "optical" else read.values[:1]  # a grey picture stored as three equal bands
    valid = read.valid & np.isfinite(values).all(axis=0)
    return DecodedPicture(values, valid, info.width, info.height, dtype, info.sar_unit or "db", info.grid.gsd_m)


def decode_pair(
    optical: Path | None, sar: Path | None, size: int
) -> tuple[DecodedPicture | None, DecodedPicture | None]:
    """Both images of an area, None for a sensor that has no file.

    The two images of a data set's pair share their pixel frame, so they are not warped. Raises
    :class:`~engine.errors.InputRefused` for a file that cannot be read, images of different sizes, and a pair without
    any data.
    """
    seen = decode_picture(optical, "optical", size) if optical else None
    echo = decode_picture(sar, "sar", size) if sar else None
    if seen and echo and (seen.width, seen.height) != (echo.width, echo.height):
        raise InputRefused(
            f"The optical image has {seen.width} x {seen.height} pixels, the SAR image {echo.width} x {echo.height}: "
            "they do not show one area pixel by pixel."
        )
    if not any(part is not None and part.valid.any() for part in (seen, echo)):
        raise InputRefused("No sensor has any data.")
    return seen, echo


@dataclass(frozen=True, slots=True)
class SquarePicture:
    """An image as sets keep it: ``pixels`` uint8 [bands, S, S], 0..255 for 0..1, with data where ``valid`` [S, S].

    ``gsd_m`` are metres per pixel of the square, None where the file does not tell.
    """

    pixels: NDArray[np.uint8]
    valid: Mask
    gsd_m: float | None


def square_picture(
    read: DecodedPicture, sensor: Literal["optical", "sar"], size: int, preprocess: PreprocessSpec
) -> SquarePicture:
    """A decoded image stretched and letterboxed into a square of ``size`` px."""
    if sensor == "optical":
        levels = stretch_optical(read.values, read.valid, preprocess)
    else:
        levels = stretch_sar(read.values, read.valid, read.unit, preprocess)
    square = letterbox(levels, read.valid, size)  # [bands, size, size]
    gsd_m = None if read.gsd_m is None else read.gsd_m * max(read.width, read.height) / size
    return SquarePicture(as_bytes(square.values), square.valid_share > 0.5, gsd_m)
