"""The four sources of OptSAR-RSVG, read, cleaned and made alike: its classes, its sensors, one entry per image.

OptiSAR-Net++, section IV-A, step 1: RSVGD (optical ships), OPT-RSVG (14 optical classes), SARVG (SAR ships) and
SARVG1.0 of TACMT (SAR towers). Invalid boxes go, the kinds of ships become one, also in the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from engine.datasets.boxes import box_fault
from engine.datasets.building.pictures import Picture
from engine.datasets.building.ship_names import unify_ships
from engine.datasets.categories import OPTSAR_CATEGORIES, optsar_name
from engine.datasets.dataset import BoxRow, DataSet, Fault, Faults, ImageFiles, Progress
from engine.datasets.readers import coco_grounding, opt_rsvg, tacmt
from engine.datasets.readers.box_rows import OneSensor
from engine.datasets.seeing import Seen, look_at
from engine.errors import DataSetUnreadable, UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """One of the four: its title, its sensor, its reader, and whether all it has are ships."""

    title: str
    sensor: OneSensor
    read: Callable[[Path, Faults], DataSet]
    only_ships: bool = False


SOURCES: Mapping[str, Source] = {
    "rsvgd": Source("RSVGD", "optical", partial(coco_grounding.read, mapping=coco_grounding.RSVGD), True),
    "opt-rsvg": Source("OPT-RSVG", "optical", opt_rsvg.read),
    "sarvg": Source("SARVG", "sar", partial(coco_grounding.read, mapping=coco_grounding.SARVG), True),
    "tacmt": Source("SARVG1.0 (TACMT)", "sar", tacmt.read),
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """What came of a source: its pictures with at least one sentence, what was dropped and why, and how many sentences
    had the name of a kind of ship in them."""

    pictures: tuple[Picture, ...]
    dropped: tuple[Fault, ...]
    renamed: int


def gather(name: str, folder: Path, progress: Progress, cancelled: Callable[[], bool]) -> Gathered:
    """Read source ``name`` from ``folder`` and decode its images.

    Raises :class:`UsageError` for a name that is none of :data:`SOURCES`, :class:`DataSetUnreadable` where there is no
    such folder or no usable sentence in it, :class:`Cancelled`.
    """
    if name not in SOURCES:
        raise UsageError(f"There is no source “{name}”.", remedy=f"Sources: {', '.join(SOURCES)}.")
    if not folder.is_dir():
        raise DataSetUnreadable(f"There is no folder {folder}.", remedy=f"Give the folder of {SOURCES[name].title}.")
    faults = Faults(folder)
    progress(f"Reading {SOURCES[name].title}", None)
    data = SOURCES[name].read(folder, faults)
    rows, renamed = _unified(name, data)
    images = _images(data)
    seen = look_at(images.values(), progress, cancelled)
    pictures = _pictures(name, folder, images, rows, seen, faults)
    if not pictures:
        first = f" {faults.found[0].file}: {faults.found[0].what}" if faults.found else ""
        raise DataSetUnreadable(
            f"There is nothing to use in {folder.name}.{first}", remedy=f"Check that it is {SOURCES[name].title}."
        )
    return Gathered(tuple(pictures), tuple(faults.found), renamed)


def _unified(name: str, data: DataSet) -> tuple[list[BoxRow], int]:
    """The rows with ships made one class, and how many sentences changed by that."""
    rows = [row for row in data.rows if isinstance(row, BoxRow)]
    if not SOURCES[name].only_ships:
        return rows, 0
    kinds = sorted({row.category for row in rows})
    unified = [replace(row, category="ship", expression=unify_ships(row.expression, kinds)) for row in rows]
    return unified, sum(one.expression != row.expression for one, row in zip(unified, rows, strict=True))


def _file(image: ImageFiles) -> Path:
    found = image.optical or image.sar
    if found is None:
        raise AssertionError(f"the image {image.id} has no file")
    return found


def _images(data: DataSet) -> dict[tuple[str, str], Path]:
    """The file of each image and split, of those that have rows."""
    used = {(row.image, row.split) for row in data.rows}
    return {(image.id, image.split): _file(image) for image in data.images if (image.id, image.split) in used}


def _pictures(
    source: str,
    folder: Path,
    images: Mapping[tuple[str, str], Path],
    rows: list[BoxRow],
    seen: Mapping[Path, Seen],
    faults: Faults,
) -> list[Picture]:
    """One picture per file, in the order of the rows, with what can be used; the rest goes to ``faults``."""
    sensor = SOURCES[source].sensor
    usable: dict[Path, dict[tuple[str, tuple[float, ...]], BoxRow]] = {}
    for row in rows:
        path = images[row.image, row.split]
        what = _problem(row, sensor, seen[path])
        if what:
            faults.add(row.origin.file, row.origin.line, f"{path.name}: {what}")
        else:  # an image in several splits of its source is one picture here, and a row that is there twice is one
            usable.setdefault(path, {}).setdefault((row.expression, row.box_xyxy_px), row)
    return [
        Picture(
            source,
            f"{source}/{(path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()}",
            path,
            sensor,
            seen[path].width,
            seen[path].height,
            seen[path].digest,
            tuple(found.values()),
        )
        for path, found in usable.items()
    ]


def _problem(row: BoxRow, sensor: OneSensor, seen: Seen) -> str | None:
    """Why a row cannot be used, or None."""
    if seen.problem:
        return seen.problem
    if (sensor, row.category) not in OPTSAR_CATEGORIES:
        return f"The class {optsar_name(sensor, row.category)!r} is none of the sixteen."
    return box_fault(row.box_xyxy_px, seen.width, seen.height)
