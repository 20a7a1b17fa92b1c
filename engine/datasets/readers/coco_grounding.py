"""Grounding sets in COCO JSON: RSVGD (ships in optical images), SARVG (ships in SAR images), and their like.

Source of the two: the VGRSS paper, IEEE TGRS 2025 (doi 10.1109/TGRS.2025.3562717), and
https://github.com/LwZhan-WUT/VGRSS, which calls the optical one RSSVG. How their files are laid out is not public to
us. So this reader takes what is common, and :data:`MAPPINGS` is the one place to say where a set differs: the names of
fields, the places of files, the sensor, and the class of annotations that name none.

Layout, where a mapping does not say otherwise::

    train.json val.json test.json      COCO: images (id, file_name, width, height),
                                       annotations (image_id, category_id or category_name, caption, bbox as xywh)
    images/{train,val,test}/...

Quirks: RSVGD names 76 fine classes of ships, kept here as they are (OptSAR-RSVG makes them all "ship"). A folder is
known by its name, or told. Figures: RSVGD has 9.77 words a sentence; others are not known to us.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.datasets.boxes import xyxy
from engine.datasets.categories import category_of
from engine.datasets.dataset import DataSet, Faults, ImageFiles, Layout, Origin
from engine.datasets.figures import Published
from engine.datasets.readers.box_rows import BoxRows, OneSensor, image_of
from engine.datasets.readers.published_splits import SPLITS
from engine.formats.coco import CocoFile, read_coco

LAYOUT = Layout("coco-grounding", "RSVGD, SARVG (COCO)", "grounding", "https://github.com/LwZhan-WUT/VGRSS")

FIGURES: tuple[Published, ...] = ()

Classify = Callable[[str], tuple[OneSensor, str] | None]
"""Sensor and category of an annotation's class name, or None where that is none of the data set."""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How one data set differs from plain COCO.

    ``folder_name`` is searched for in the folder's name, whatever the case. ``fields`` maps the file's names of fields
    to COCO's. ``annotations`` and ``images`` are places below the folder, with ``{split}`` in them. ``category`` is the
    class of an annotation without one.
    """

    folder_name: str
    sensor: OneSensor
    category: str
    fields: Mapping[str, str] = field(default_factory=dict)
    annotations: str = "{split}.json"
    images: str = "images/{split}"


_SENTENCE = {"description": "caption", "expression": "caption", "phrase": "caption", "sentence": "caption"}

RSVGD = FieldMapping(r"rsvgd|rssvg", "optical", "ship", _SENTENCE)
SARVG = FieldMapping(r"sarvg", "sar", "ship", _SENTENCE)

MAPPINGS: tuple[FieldMapping, ...] = (RSVGD, SARVG)


def mapping_of(folder: Path) -> FieldMapping | None:
    """The first mapping whose name is in the folder's name."""
    return next((known for known in MAPPINGS if re.search(known.folder_name, folder.name, re.IGNORECASE)), None)


def recognise(folder: Path) -> bool:
    """A folder with a known name and one of the mapping's annotation files."""
    mapping = mapping_of(folder)
    return mapping is not None and any((folder / mapping.annotations.format(split=split)).is_file() for split in SPLITS)


def read(folder: Path, faults: Faults, mapping: FieldMapping | None = None) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and record.

    Without a ``mapping`` the folder's name tells it; one with another name is read as plain COCO, optical and without a
    class of its own.
    """
    mapping = mapping or mapping_of(folder) or FieldMapping("", "optical", "", _SENTENCE)
    found = BoxRows()

    def classify(name: str) -> tuple[OneSensor, str]:
        return mapping.sensor, category_of(name) or mapping.category

    for split in SPLITS:
        file = folder / mapping.annotations.format(split=split)
        coco = read_coco(file, faults, renamed=mapping.fields)
        images = folder / mapping.images.format(split=split)
        add_coco(found, coco, file, split, images, faults, classify, lambda _: mapping.sensor)
    return DataSet(LAYOUT.name, LAYOUT.task, folder, tuple(found.images.values()), tuple(found.rows))


def add_coco(
    found: BoxRows,
    coco: CocoFile,
    file: Path,
    split: str,
    images: Path,
    faults: Faults,
    classify: Classify,
    sensor_of: Callable[[str], OneSensor | None],
) -> None:
    """Add the images and annotations of one COCO file to ``found``.

    ``sensor_of`` tells an image's sensor by its name; where that is None, its first annotation's class does. An image
    that nothing tells the sensor of, and an annotation of no known class or without a box, is a fault.
    """
    first: dict[str, OneSensor] = {}
    for one in coco.annotations:
        classified = classify(one.category)
        if classified is not None:
            first.setdefault(one.image, classified[0])
    known: dict[str, ImageFiles] = {}
    for image in coco.images:
        path = faults.inside(image.file_name, images, file, None)
        sensor = sensor_of(image.file_name) or first.get(image.id)
        if sensor is None:
            image.record.report("Neither the name nor an annotation tells whether this is an optical or a SAR image.")
        elif path is not None:
            known[image.id] = image_of(image.file_name, split, path, sensor, image.width, image.height)
            found.add_image(known[image.id])
    for one in coco.annotations:
        classified = classify(one.category)
        if classified is None:
            one.record.report(f"The class {one.category!r} is none of this data set.")
        elif one.box_xywh_px is None:
            one.record.report("There is no box.")
        elif one.image in known:
            box, (sensor, category) = xyxy(one.box_xywh_px), classified
            found.add(
                known[one.image],
                box,
                one.caption,
                category,
                sensor,
                Origin(file, one.record.line, one.record.place),
                one.record.report,
            )
