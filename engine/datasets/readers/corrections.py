"""Corrections: what analysts said of answers, saved one by one by the window and read as a data set by training.

The layout is ours. A folder that is whole in itself, so that it can be moved, sent, and trained on without the rasters
it came from::

    corrections.jsonl            one correction a line, in the order they were made
    optical/ID.tif  sar/ID.tif   the area that was asked about, as the network saw it; one of the two may be absent
    masks/ID.png                 the right mask, of the size of the picture, foreground above 0

A line is a JSON object with these fields; those that a correction has no use for are absent:

=============  =======================================================================================================
``version``    1
``id``         of the correction; a later line with the same id replaces the earlier one
``made``       when, as ISO 8601 with the offset from UTC
``task``       ``vqa``, ``grounding`` or ``segmentation``
``verdict``    ``right``: the answer given is confirmed; ``wrong``: another one is; ``withdrawn``: the correction is
               taken back, and its id has no row
``optical``    picture below the folder, with ``/`` between; likewise ``sar``
``query``      the question or the expression
``type``       type of the question (vqa); ``category`` of the thing (the others)
``sensor``     ``optical``, ``sar`` or ``both``: where the thing is seen (not vqa)
``given``      the answer that the model gave, where that was words
``answer``     the right answer (vqa); the given one where that was right
``box_xyxy_px``  the right box: left, top, right, bottom in pixels of the picture, half-open (grounding)
``mask``       the right mask's file below the folder (segmentation)
``model``      name and version of what had answered
``source``     free text: where the area is, for whoever wants to look again; nothing is read from there
=============  =======================================================================================================

Lines are only ever added, by :func:`append_correction`. A line that was cut off by a crash is a fault of the check and
costs nothing but itself. Everything is of the split "train". There is no closed list of answers.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from engine.datasets.dataset import (
    BoxRow,
    DataSet,
    Fault,
    Faults,
    ImageFiles,
    Layout,
    MaskRow,
    MaskSource,
    Origin,
    QuestionRow,
    Row,
    Sensor,
    Task,
)
from engine.datasets.figures import Published
from engine.errors import ExportRefused, UsageError
from engine.formats.records import Record, read_json_lines

LAYOUT = Layout(
    name="corrections",
    title="Corrections (saved by the window)",
    task="vqa",
    source="ours: engine.datasets.readers.corrections",
)
FIGURES: tuple[Published, ...] = ()

VERSION = 1
FILE = "corrections.jsonl"
SPLIT = "train"

Verdict = Literal["right", "wrong", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Correction:
    """One line; the module's docstring says what the fields mean. Paths are relative to the folder."""

    id: str
    made: str
    task: Task
    verdict: Verdict
    query: str
    optical: str | None = None
    sar: str | None = None
    type: str | None = None
    category: str | None = None
    sensor: Sensor | None = None
    given: str | None = None
    answer: str | None = None
    box_xyxy_px: tuple[float, float, float, float] | None = None
    mask: str | None = None
    model: str | None = None
    source: str | None = None


def append_correction(folder: Path, correction: Correction) -> None:
    """Add ``correction`` to the folder's file; when this returns, it is on the disk.

    The line is written in one piece behind what is there, and a line that a crash left without its end is closed
    first, so that neither spoils the other. Where the disk takes only a part, that part is taken back.

    Raises :class:`UsageError` for a correction that :func:`read` would find a fault with (its pictures and its mask
    must be there already), :class:`ExportRefused` where it cannot be written; then nothing has changed.
    """
    values = {"version": VERSION} | {name: value for name, value in asdict(correction).items() if value is not None}
    _require_readable(folder, values)
    line = json.dumps(values).encode("ascii") + b"\n"
    path = folder / FILE
    try:
        # Unbuffered, so that write is one call of the system: two windows cannot mix their lines.
        with path.open("a+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line
            if file.write(line) != len(line):
                file.truncate(end)
                raise OSError("the disk is full")
            os.fsync(file.fileno())
    except OSError as error:
        raise ExportRefused(
            f"The correction cannot be saved in {path.name}: {error.strerror or error}.",
            remedy=f"Check the free space of and the permission to write in {folder}.",
        ) from error


def _require_readable(folder: Path, values: dict[str, object]) -> None:
    faults = Faults(folder)
    record = Record(values, folder / FILE, None, "", faults)
    name = record.key("id")
    row, image = (None, None) if values["verdict"] == "withdrawn" else _read_line(record, folder, faults)
    missing = [path for path in (image.optical, image.sar) if path and not path.is_file()] if image else []
    if isinstance(row, MaskRow) and row.mask.path and not row.mask.path.is_file():
        missing.append(row.mask.path)
    faults.found += [Fault(FILE, None, f"The file {path.name} is missing.") for path in missing]
    if faults.found:
        raise UsageError(f"The correction {name!r} is not whole. {faults.found[0].what}")


def recognise(folder: Path) -> bool:
    """The file of corrections."""
    return (folder / FILE).is_file()


def read(folder: Path, faults: Faults) -> DataSet:
    """The last word on every id, in the order in which the ids first came; rows of all three tasks.

    The task of the data set is that of its first row.
    """
    rows: dict[str, Row | None] = {}
    images: dict[str, ImageFiles] = {}
    for record in read_json_lines(folder / FILE, faults):
        name = record.key("id")
        if name is None:
            continue
        if record.values.get("verdict") == "withdrawn":
            rows[name] = None
            continue
        row, image = _read_line(record, folder, faults)
        if row is not None and image is not None:
            rows[name] = row
            images[image.id] = image
    kept = tuple(row for row in rows.values() if row is not None)
    used = {row.image for row in kept}
    return DataSet(
        LAYOUT.name,
        _task(kept),
        folder,
        tuple(image for name, image in images.items() if name in used),
        kept,
    )


def _task(rows: tuple[Row, ...]) -> Task:
    kinds: dict[type[Row], Task] = {QuestionRow: "vqa", BoxRow: "grounding", MaskRow: "segmentation"}
    return kinds[type(rows[0])] if rows else LAYOUT.task


def _read_line(record: Record, folder: Path, faults: Faults) -> tuple[Row | None, ImageFiles | None]:
    """The row of one line and its pictures; None for what has a fault."""
    if record.values.get("version") != VERSION:
        record.report(f"The version is {record.values.get('version')!r}; this program reads {VERSION}.")
        return None, None
    made, verdict = record.text("made"), record.text("verdict")
    if verdict is not None and verdict not in get_args(Verdict):
        record.report(f"The verdict {verdict!r} is none of {', '.join(get_args(Verdict))}.")
        return None, None
    image = _image(record, folder, faults)
    query, task = record.text("query"), record.text("task")
    if made is None or verdict is None or image is None or query is None or task is None:
        return None, None
    readers = {"vqa": _question, "grounding": _box, "segmentation": _mask}
    if task not in readers:
        record.report(f"The task {task!r} is none of {', '.join(readers)}.")
        return None, None
    return readers[task](record, image, query, faults), image


def _image(record: Record, folder: Path, faults: Faults) -> ImageFiles | None:
    """The pictures of a line. Their names are the image's id: two corrections of one area are rows of one image."""
    names = {sensor: record.text(sensor) for sensor in ("optical", "sar") if record.has(sensor)}
    if not names or None in names.values():
        record.report("It has no picture.")
        return None
    paths = {sensor: faults.inside(name, folder, record.file, record.line) for sensor, name in names.items() if name}
    if None in paths.values():
        return None
    key = " ".join(name for name in names.values() if name)
    return ImageFiles(key, SPLIT, paths.get("optical"), paths.get("sar"))


def _question(record: Record, image: ImageFiles, query: str, faults: Faults) -> QuestionRow | None:
    answer, kind = record.text("answer"), record.text("type")
    if answer is None or kind is None:
        return None
    return QuestionRow(image.id, SPLIT, query, answer, kind, Origin(record.file, record.line))


def _box(record: Record, image: ImageFiles, query: str, faults: Faults) -> BoxRow | None:
    box, sensor = record.numbers("box_xyxy_px", 4), _sensor(record)
    category = record.text("category") if record.has("category") else ""
    if box is None or sensor is None or category is None:
        return None
    origin = Origin(record.file, record.line)
    return BoxRow(image.id, SPLIT, query, (box[0], box[1], box[2], box[3]), category, sensor, origin)


def _mask(record: Record, image: ImageFiles, query: str, faults: Faults) -> MaskRow | None:
    name, sensor = record.text("mask"), _sensor(record)
    category = record.text("category") if record.has("category") else ""
    if name is None or sensor is None or category is None:
        return None
    path = faults.inside(name, record.file.parent, record.file, record.line)
    if path is None:
        return None
    return MaskRow(image.id, SPLIT, query, MaskSource(path), category, sensor, Origin(record.file, record.line))


def _sensor(record: Record) -> Sensor | None:
    found = record.text("sensor")
    sensor = next((known for known in get_args(Sensor) if known == found), None)
    if found is not None and sensor is None:
        record.report(f"The field 'sensor' is none of {', '.join(get_args(Sensor))}.")
    return sensor
