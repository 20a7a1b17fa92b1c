"""OptSAR-RSVG as this program writes it: for ``rsqa scenes make`` and for the builder from the four sources.

The layout is the one that :mod:`.optsar_rsvg` reads: images by split, one COCO JSON a split, and, as the paper
promises, the same in Pascal VOC, a file an image. What the paper leaves open is chosen here: VOC files lie in
``annotations/{split}`` under the image's name. Images of ours are GeoTIFFs; those of sources are copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from engine.datasets.boxes import box_fault
from engine.datasets.categories import OPTSAR_CATEGORIES, optsar_name
from engine.datasets.dataset import BoxRow
from engine.datasets.readers.box_rows import OneSensor
from engine.datasets.readers.optsar_rsvg import IMAGES, XML, sensor_by_name
from engine.datasets.readers.published_splits import SPLITS, WHOLE
from engine.datasets.writing.new_image import NewImage
from engine.errors import InputRefused
from engine.formats.coco import CocoAnnotation, CocoFile, CocoImage, write_coco
from engine.formats.voc import VocFile, VocObject, voc_text
from engine.raster import replacing

_CLASSES = {str(number): optsar_name(*one) for number, one in enumerate(OPTSAR_CATEGORIES)}
"""Numbers and names of the classes, as the release has them."""


def image_name(sensor: OneSensor, number: int, suffix: str = ".tif") -> str:
    """The release's name of an image: ``opt_000001.tif``; numbers run through all splits, from 1 for each sensor."""
    return f"{'sar' if sensor == 'sar' else 'opt'}_{number:06}{suffix}"


def write_optsar_rsvg(
    folder: Path, entries: Iterable[tuple[NewImage, Sequence[BoxRow]]], *, voc: bool = True
) -> dict[str, int]:
    """Write images with their rows as they come; returns the number of rows by split.

    ``entries`` may be a generator, so that no two images are in memory. The JSON files are written last: a folder that
    has none was not finished. Splits are named by the images; train, val and test get a file even where they are empty,
    unless all is one split "all". With ``voc`` each image gets its XML file.

    Raises :class:`InputRefused` for a class that is none of the sixteen or of the image's other sensor, a box that is
    empty or leaves its image, a row of another image, and a name that occurs twice; :class:`ExportRefused` where
    something cannot be written.
    """
    splits: dict[str, _Split] = {}
    for image, rows in entries:
        image.require_plain_name()
        split = splits.setdefault(image.split, _Split())
        split.add(image, rows)
        image.write(folder / IMAGES / image.split / image.name)
        if voc:
            path = folder / XML / image.split / f"{PurePath(image.name).stem}.xml"
            with replacing(path) as temporary:
                temporary.write_text(_voc(image, rows), encoding="utf-8")
    wanted = (WHOLE,) if set(splits) == {WHOLE} else dict.fromkeys((*SPLITS, *splits))
    for name in wanted:
        (folder / IMAGES / name).mkdir(parents=True, exist_ok=True)
        found = splits.get(name, _Split())
        with replacing(folder / f"{name}.json") as temporary:
            write_coco(temporary, CocoFile(tuple(found.images), tuple(found.annotations), _CLASSES))
    return {name: len(splits[name].annotations) if name in splits else 0 for name in wanted}


@dataclass(slots=True)
class _Split:
    """What goes into one JSON file."""

    images: list[CocoImage] = field(default_factory=list)
    annotations: list[CocoAnnotation] = field(default_factory=list)
    stems: set[str] = field(default_factory=set)

    def add(self, image: NewImage, rows: Sequence[BoxRow]) -> None:
        stem = PurePath(image.name).stem.lower()  # two names that differ in case are one file on some disks
        if stem in self.stems:
            raise _refused(image, "is there twice")
        if sensor_by_name(image.name) not in (None, image.sensor):
            raise _refused(image, f"is no name of an image whose sensor is {image.sensor}")
        self.stems.add(stem)
        key = str(len(self.images))
        self.images.append(CocoImage(key, image.name, image.width, image.height))
        for row in rows:
            _require_right(image, row)
            left, top, right, bottom = row.box_xyxy_px
            self.annotations.append(
                CocoAnnotation(
                    id=str(len(self.annotations)),
                    image=key,
                    category=optsar_name(row.sensor, row.category),
                    box_xywh_px=(left, top, right - left, bottom - top),
                    mask=None,
                    caption=row.expression,
                )
            )


def _require_right(image: NewImage, row: BoxRow) -> None:
    what = box_fault(row.box_xyxy_px, image.width, image.height)
    if (row.image, row.split) != (image.name, image.split):
        raise _refused(image, f"has a row of {row.image} in {row.split}")
    if (row.sensor, row.category) not in OPTSAR_CATEGORIES or row.sensor != image.sensor:
        raise _refused(image, f"has a row of the class “{optsar_name(row.sensor, row.category)}”")
    if what is not None or not row.expression.strip():
        raise _refused(image, f"has a row that cannot be used: {what or 'There is no sentence.'}".removesuffix("."))


def _refused(image: NewImage, what: str) -> InputRefused:
    return InputRefused(f"{image.name} ({image.split}) {what}.", remedy="Leave it out.")


def _voc(image: NewImage, rows: Sequence[BoxRow]) -> str:
    things = (VocObject(optsar_name(row.sensor, row.category), row.box_xyxy_px, row.expression) for row in rows)
    return voc_text(VocFile(image.name, image.width, image.height, tuple(things)))
