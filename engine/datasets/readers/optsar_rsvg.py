"""OptSAR-RSVG: sentences that name one object each, in optical or in SAR images that are no pairs.

Source: "OptiSAR-Net++: A Large-Scale Benchmark and Transformer-Free Framework for Cross-Domain Remote Sensing Visual
Grounding" (arXiv 2603.24876), section IV; release and class names at
https://github.com/JunDong-dev/OptiSAR-Net-PlusPlus.

Layout::

    images/{train,val,test}/opt_000001.jpg, sar_000001.jpg ...
    train.json val.json test.json     COCO: annotations with category_name, caption, bbox (left, top, width, height)
    labels/{train,val,test}/*.txt     YOLO, the same boxes without sentences: not read
    annotations/{train,val,test}/*.xml    the Pascal VOC form, read for a split without a JSON file

Quirks:

- The sensor is part of the class: fourteen are "optical ...", two are "sar ship" and "sar transmission tower". An
  image's sensor is taken from its name (``opt_``, ``sar_``) where that tells, else from its first annotation; a class
  of the other sensor on an image is a fault, and so is a class that is none of the sixteen.
- The class stands in the annotation's ``category_name``, or in ``categories`` by ``category_id``: both are read.
- The paper promises VOC files and the release has none; where they would lie is our own choice, see
  :mod:`.writing_optsar`.
- ``all.json`` with ``images/all`` is a set without splits, as ``rsqa scenes make`` writes it; then the others may be
  absent.
- Paper and release split differently. Both sets of figures are accepted, and the check says whose they are.

Figures: 46,825 images (34,359 optical, 12,466 SAR), 90,148 triplets (69,970 and 20,178), 11.13 words on average.
Paper, train / val / test: 37,460 / 4,682 / 4,683 images, 72,118 / 9,015 / 9,015 triplets. Release: 37,957 / 4,434 /
4,434 and 74,049 / 7,996 / 8,103.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from engine.datasets.categories import optsar_category
from engine.datasets.dataset import DataSet, Faults, Layout, Origin
from engine.datasets.figures import Published
from engine.datasets.readers.box_rows import BoxRows, OneSensor, image_of
from engine.datasets.readers.coco_grounding import add_coco, mapping_of
from engine.datasets.readers.published_splits import SPLITS, WHOLE, splits_to_read
from engine.formats.coco import read_coco
from engine.formats.voc import VocFile, read_voc

LAYOUT = Layout("optsar-rsvg", "OptSAR-RSVG", "grounding", "https://github.com/JunDong-dev/OptiSAR-Net-PlusPlus")

FIGURES = (
    Published(
        "the paper",
        {"train": 72_118, "val": 9_015, "test": 9_015},
        {"train": 37_460, "val": 4_682, "test": 4_683},
    ),
    Published(
        "the release",
        {"train": 74_049, "val": 7_996, "test": 8_103},
        {"train": 37_957, "val": 4_434, "test": 4_434},
    ),
)

IMAGES, XML = "images", "annotations"


def recognise(folder: Path) -> bool:
    """Images by split beside ``{split}.json`` or VOC files by split, not named after one of its sources."""
    return mapping_of(folder) is None and any(
        (folder / IMAGES / split).is_dir() and ((folder / f"{split}.json").is_file() or (folder / XML / split).is_dir())
        for split in (*SPLITS, WHOLE)
    )


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and line or record."""
    found = BoxRows()
    for split in splits_to_read(lambda split: folder / IMAGES / split):
        file, images = folder / f"{split}.json", folder / IMAGES / split
        if not file.is_file() and (folder / XML / split).is_dir():
            _add_voc(found, folder / XML / split, split, images, faults)
        else:
            coco = read_coco(file, faults)
            add_coco(found, coco, file, split, images, faults, optsar_category, sensor_by_name)
    return DataSet(LAYOUT.name, LAYOUT.task, folder, tuple(found.images.values()), tuple(found.rows))


def sensor_by_name(file_name: str) -> OneSensor | None:
    """The sensor that the release's names begin with, or None."""
    prefix = file_name.lower().partition("_")[0]
    return "sar" if prefix == "sar" else "optical" if prefix in ("opt", "optical") else None


def _add_voc(found: BoxRows, annotations: Path, split: str, images: Path, faults: Faults) -> None:
    for file in sorted(annotations.glob("*.xml")):
        voc = read_voc(file, faults)
        path = faults.inside(voc.filename, images, file, None) if voc is not None and voc.filename else None
        if voc is None or path is None:
            continue
        sensor = sensor_by_name(voc.filename) or _sensor_of_objects(voc)
        if sensor is None:
            faults.add(file, None, "Neither the name nor an object tells whether this is an optical or a SAR image.")
            continue
        image = image_of(voc.filename, split, path, sensor, voc.width, voc.height)
        found.add_image(image)
        for thing in voc.objects:
            if thing is None:
                continue
            classified = optsar_category(thing.name)
            if classified is None:
                faults.add(file, thing.line, f"The class {thing.name!r} is none of this data set.")
                continue
            origin = Origin(file, thing.line)
            report = partial(faults.add, file, thing.line)
            found.add(image, thing.box_xyxy_px, thing.description, classified[1], classified[0], origin, report)


def _sensor_of_objects(voc: VocFile) -> OneSensor | None:
    classified = (optsar_category(thing.name) for thing in voc.objects if thing is not None)
    return next((one[0] for one in classified if one is not None), None)
