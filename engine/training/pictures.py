"""Pictures of published data sets: annotations read once, files decoded at the size of a network's square.

What every network's data share. Rasters are opened through ``engine.raster``, imported only where a file is opened, so
that training on scenes needs none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from engine.datasets.dataset import BoxRow, DataSet, Faults, MaskRow, QuestionRow, Row, Task
from engine.datasets.table import read_dataset
from engine.errors import DataSetUnreadable
from engine.nn.preprocess import Floats, Mask
from engine.records import PixelWindow
from engine.records.raster import SarUnit

CHECK_THE_FOLDER = "rsqa dataset check lists everything that is wrong with the folder."
SPLIT_NAMES = {"train": "train", "validation": "val", "test": "test"}
"""Our names of splits, and what ``engine.datasets`` calls them; other names are taken as they are."""

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
