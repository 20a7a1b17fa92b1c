"""What DIOR-RSVG and OPT-RSVG share: VOC files whose objects are numbered through, and splits that list the numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.datasets.boxes import box_fault
from engine.datasets.categories import category_of
from engine.datasets.dataset import BoxRow, DataSet, Faults, ImageFiles, Layout, Origin
from engine.datasets.readers.published_splits import SPLITS
from engine.formats.records import read_text
from engine.formats.voc import VocFile, VocObject, read_voc

ANNOTATIONS, IMAGES = "Annotations", "JPEGImages"


def has_layout(folder: Path) -> bool:
    """Whether the two folders and a list of numbers are there."""
    lists = any((folder / f"{split}.txt").is_file() for split in SPLITS)
    return lists and (folder / ANNOTATIONS).is_dir() and (folder / IMAGES).is_dir()


def is_named_opt_rsvg(folder: Path) -> bool:
    """Whether the folder's name has OPT-RSVG in it, however it is written; nothing else tells the two sets apart."""
    return "optrsvg" in re.sub("[^a-z]", "", folder.name.lower())


def read_numbered(layout: Layout, folder: Path, faults: Faults) -> DataSet:
    """Read ``folder``. Every row is an optical one.

    A number that is out of range, or was listed before in this or another split, is a fault at its line. A file that
    cannot be read ends the numbering, as nobody knows how many objects it had: numbers from there on are left out.
    """
    numbered = _number_objects(folder, faults)
    images: dict[tuple[str, str], ImageFiles] = {}
    rows: list[BoxRow] = []
    for split, number in _listed_numbers(folder, faults, numbered):
        place = numbered.places[number]
        if place is None:
            continue
        voc, thing = place.voc, place.thing
        name = voc.filename
        images.setdefault((name, split), ImageFiles(name, split, place.image, None, voc.width, voc.height))
        origin = Origin(place.file, thing.line)
        rows.append(
            BoxRow(name, split, thing.description, thing.box_xyxy_px, category_of(thing.name), "optical", origin)
        )
    return DataSet(layout.name, layout.task, folder, tuple(images.values()), tuple(rows), shared_images_expected=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """An object that can be used, its image, and where it was read."""

    file: Path
    image: Path
    voc: VocFile
    thing: VocObject


@dataclass(slots=True)
class _Numbered:
    """All objects by their number, None for those with a fault; ``broken`` is a file that ended the numbering."""

    places: list[_Place | None] = field(default_factory=list)
    broken: Path | None = None


def _number_objects(folder: Path, faults: Faults) -> _Numbered:
    numbered = _Numbered()
    for file in sorted((folder / ANNOTATIONS).glob("*.xml")):
        voc = read_voc(file, faults)
        if voc is None:
            numbered.broken = file
            faults.add(
                file,
                None,
                f"Objects are numbered through all files in order: numbers from {len(numbered.places):,} on "
                "cannot be told, and their rows are left out.",
            )
            break
        image = faults.inside(voc.filename, folder / IMAGES, file, None) if voc.filename else None
        numbered.places.extend(_usable(file, image, voc, thing, faults) for thing in voc.objects)
    return numbered


def _usable(file: Path, image: Path | None, voc: VocFile, thing: VocObject | None, faults: Faults) -> _Place | None:
    if thing is None or image is None:
        return None
    what = box_fault(thing.box_xyxy_px, voc.width, voc.height)
    if what is None and not thing.description:
        what = "There is no description."
    if what is not None:
        faults.add(file, thing.line, f"The object {thing.name!r}: {what}")
        return None
    return _Place(file, image, voc, thing)


def _listed_numbers(folder: Path, faults: Faults, numbered: _Numbered) -> Iterator[tuple[str, int]]:
    """Split and number of every number that stands for an object and was not listed before."""
    seen: dict[int, tuple[str, int]] = {}
    for split in SPLITS:
        file = folder / f"{split}.txt"
        text = read_text(file, faults)
        words = [word.strip() for word in (text or "").split("\n")]
        for line, word in enumerate(words, start=1):
            if not word:
                continue
            if not (word.isascii() and word.isdecimal() and len(word) < 16):
                faults.add(file, line, f"{word[:40]!r} is not the number of an object.")
                continue
            number = int(word)
            if number in seen:
                before = seen[number]
                faults.add(file, line, f"Object {number} is listed before, in {before[0]}.txt at line {before[1]}.")
                continue
            seen[number] = (split, line)
            if number < len(numbered.places):
                yield split, number
            elif numbered.broken is None:
                faults.add(file, line, f"There is no object {number}: the files have {len(numbered.places):,}.")
