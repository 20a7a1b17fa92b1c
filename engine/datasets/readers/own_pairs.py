"""The analyst's own data: a folder of pairs with boxes and masks in COCO JSON, or questions in CSV, or both.

The layout is ours, and as little as will do::

    optical/NAME.tif        PNG, JPEG or TIFF
    sar/NAME.tif            the same place under the same name; the suffix may differ
    annotations.json        COCO: boxes, masks, captions (see engine.formats.coco)
    questions.csv           a header with image, question, answer; type if wanted; comma, semicolon or tab between

One of the two folders may be absent; then there is one sensor. In place of ``annotations.json`` and ``questions.csv``,
or beside them, there may be files for each split, ``train.json``, ``val.csv`` and so on; what has no split is of the
split "all". An image is meant by its NAME, with or without suffix, with or without ``optical/`` or ``sar/`` before it.

Boxes and masks need words: the annotation's ``caption``, or else its category. ``sensor`` on an annotation ("optical",
"sar", "both") says in which picture the thing is seen; without it, in all there are. An annotation with a box and a
mask gives a row of each kind, so the rows of one such folder may be questions, boxes and masks together; the task of
the data set is that of the first of these kinds that occurs. Questions without a type have the type "own".

There is no closed list of answers and no published figure to check against.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import get_args

from engine.datasets.dataset import (
    BoxRow,
    DataSet,
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
from engine.datasets.readers.files import IMAGE_SUFFIXES, images_in, natural
from engine.formats.coco import CocoAnnotation, CocoFile, read_coco
from engine.formats.csv_records import read_csv
from engine.formats.records import Record

LAYOUT = Layout(
    name="own",
    title="Own data (pairs with COCO JSON or CSV)",
    task="vqa",
    source="ours: engine.datasets.readers.own_pairs",
)
FIGURES: tuple[Published, ...] = ()

COCO_FILES = {"train": "train.json", "val": "val.json", "test": "test.json", "all": "annotations.json"}
CSV_FILES = {"train": "train.csv", "val": "val.csv", "test": "test.csv", "all": "questions.csv"}
_SENSORS: tuple[Sensor, ...] = get_args(Sensor)


def recognise(folder: Path) -> bool:
    """A folder of one sensor at least, and an annotation file."""
    return any((folder / sensor).is_dir() for sensor in ("optical", "sar")) and any(
        (folder / name).is_file() for name in (*COCO_FILES.values(), *CSV_FILES.values())
    )


def read(folder: Path, faults: Faults) -> DataSet:
    """All annotation files that are there. Pictures that none of them names are images of the split "all"."""
    own = _Own(folder, faults)
    rows: list[Row] = []
    for split, name in CSV_FILES.items():
        if (folder / name).is_file():
            for record in read_csv(folder / name, faults, ("image", "question", "answer")):
                rows += own.question(record, split)
    for split, name in COCO_FILES.items():
        if (folder / name).is_file():
            rows += own.annotations(read_coco(folder / name, faults), split)
    return DataSet(LAYOUT.name, _task(rows), folder, own.images(), tuple(rows), pairs_expected=own.has_pairs)


def _task(rows: list[Row]) -> Task:
    kinds = {type(row) for row in rows}
    if QuestionRow in kinds or not kinds:
        return "vqa"
    return "grounding" if BoxRow in kinds else "segmentation"


class _Own:
    """The pictures of a folder, and the rows that annotations make of them."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        folders = {sensor: folder / sensor for sensor in ("optical", "sar")}
        found = {sensor: images_in(path, faults) if path.is_dir() else {} for sensor, path in folders.items()}
        self._optical, self._sar = found["optical"], found["sar"]
        self._named: dict[tuple[str, str], ImageFiles] = {}

    @property
    def has_pairs(self) -> bool:
        """Whether there are folders of both sensors with something in them."""
        return bool(self._optical and self._sar)

    def images(self) -> tuple[ImageFiles, ...]:
        """One for each split that names it, in that order, then those that no annotation names."""
        named = {stem for _, stem in self._named}
        others = (stem for stem in sorted(self._optical.keys() | self._sar.keys(), key=natural) if stem not in named)
        return (*self._named.values(), *(self._files(stem, "all") for stem in others))

    def question(self, record: Record, split: str) -> list[QuestionRow]:
        """The row of one line of a CSV, if it is whole."""
        image, question, answer = record.text("image"), record.text("question"), record.text("answer")
        kind = record.text("type") if record.has("type") else "own"
        if image is None or question is None or answer is None or kind is None:
            return []
        found = self._use(image, record, split)
        if found is None:
            return []
        return [QuestionRow(found.id, split, question, answer, kind, Origin(record.file, record.line))]

    def annotations(self, coco: CocoFile, split: str) -> list[Row]:
        """The rows of a COCO file."""
        images = {}
        for image in coco.images:
            found = self._use(image.file_name, image.record, split, image.width, image.height)
            if found is not None:
                images[image.id] = found
        rows: list[Row] = []
        for annotation in coco.annotations:
            if annotation.image in images:
                rows += _rows(annotation, images[annotation.image])
        return rows

    def _use(
        self, name: str, record: Record, split: str, width: int | None = None, height: int | None = None
    ) -> ImageFiles | None:
        """The pictures that an annotation means by ``name``, or None and a fault where there are none."""
        path = PurePosixPath(name.replace("\\", "/"))
        stem = path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name
        if str(path.parent) not in (".", "optical", "sar"):
            record.report(f"The path {name!r} leads out of the folders optical and sar; it is not opened.")
            return None
        if stem not in self._optical and stem not in self._sar:
            record.report(f"There is no picture {name!r} in optical or sar.")
            return None
        key = split, stem
        if key not in self._named or width is not None:  # CSV tells no size
            self._named[key] = self._files(stem, split, width, height)
        return self._named[key]

    def _files(self, stem: str, split: str, width: int | None = None, height: int | None = None) -> ImageFiles:
        return ImageFiles(stem, split, self._optical.get(stem), self._sar.get(stem), width, height)


def _rows(annotation: CocoAnnotation, image: ImageFiles) -> list[Row]:
    """The box and the mask of an annotation, with its words."""
    words = annotation.caption or annotation.category
    sensor = _sensor(annotation.record, image)
    if not words:
        annotation.record.report("It has neither a caption nor a category, so nothing says what it is.")
    if annotation.box_xywh_px is None and annotation.mask is None:
        annotation.record.report("It has neither a box nor a mask.")
    if not words or sensor is None:
        return []
    origin = Origin(annotation.record.file, annotation.record.line, annotation.record.place)
    rows: list[Row] = []
    if annotation.box_xywh_px is not None:
        left, top, width, height = annotation.box_xywh_px
        box = left, top, left + width, top + height
        rows.append(BoxRow(image.id, image.split, words, box, annotation.category, sensor, origin))
    if annotation.mask is not None:
        mask = annotation.mask
        source = MaskSource(polygons_px=mask.polygons_px, rle_counts=mask.rle_counts, rle_size=mask.rle_size)
        rows.append(MaskRow(image.id, image.split, words, source, annotation.category, sensor, origin))
    return rows


def _sensor(record: Record, image: ImageFiles) -> Sensor | None:
    """In which picture the thing is seen; None, and a fault, for a sensor that the image does not have."""
    if not record.has("sensor"):
        return "both" if image.optical and image.sar else "optical" if image.optical else "sar"
    sensor = record.text("sensor")
    if sensor is None or sensor not in _SENSORS:
        record.report(f"The field 'sensor' is none of {', '.join(_SENSORS)}.")
        return None
    if (sensor != "sar" and image.optical is None) or (sensor != "optical" and image.sar is None):
        record.report(f"The sensor is {sensor!r}, and the image has not got it.")
        return None
    return sensor
