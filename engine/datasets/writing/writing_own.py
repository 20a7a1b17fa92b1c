"""The layout "own" as this program writes it: for imported sets that the layout of their task has no room for.

It is the one that :mod:`.own_pairs` reads: one sensor or two, questions of any type, boxes and masks of any class,
together. Masks are written as run lengths.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from engine.datasets.dataset import BoxRow, MaskRow, QuestionRow, Row
from engine.datasets.masks import read_mask
from engine.datasets.readers.own_pairs import COCO_FILES, CSV_FILES
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.unique_names import stem_of
from engine.errors import InputRefused
from engine.formats.coco import CocoAnnotation, CocoFile, CocoImage, CocoMask, write_coco
from engine.formats.records import MADE
from engine.raster import replacing


def write_own(folder: Path, entries: Iterable[tuple[Sequence[NewImage], Sequence[Row]]]) -> dict[str, int]:
    """Write images with their rows as they come; returns the number of rows by split.

    An entry has one image of each sensor that there is, of one stem, split and size. ``entries`` may be a generator, so
    that no two images are in memory. The annotation files are written last: a folder that has none was not finished.

    Raises :class:`InputRefused` for a stem that occurs twice and for a split that the layout does not know, what
    :func:`engine.datasets.masks.read_mask` raises for a mask, :class:`ExportRefused` where something cannot be written.
    """
    splits: dict[str, _Split] = {}
    stems: set[str] = set()
    for images, rows in entries:
        first, stem = images[0], stem_of(images[0].name)
        if stem in stems or first.split not in COCO_FILES or any(stem_of(image.name) != stem for image in images):
            raise InputRefused(f"{first.name} is there twice or of no known split.", remedy="Leave it out.")
        stems.add(stem)
        for image in images:
            image.require_plain_name()
            image.write(folder / image.sensor / image.name)
        splits.setdefault(first.split, _Split()).add(first, rows)
    for name, split in splits.items():
        split.write(folder, name)
    return {name: len(split.questions) + len(split.annotations) for name, split in splits.items()}


@dataclass(slots=True)
class _Split:
    """What goes into the files of one split."""

    images: list[CocoImage] = field(default_factory=list)
    annotations: list[CocoAnnotation] = field(default_factory=list)
    questions: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, image: NewImage, rows: Sequence[Row]) -> None:
        key = str(len(self.images))
        for row in rows:
            if isinstance(row, QuestionRow):
                self.questions.append((image.name, row.question, row.answer, row.type))
            else:
                self.annotations.append(_annotation(str(len(self.annotations)), key, image, row))
        self.images.append(CocoImage(key, image.name, image.width, image.height))

    def write(self, folder: Path, name: str) -> None:
        if self.questions:
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows([("image", "question", "answer", "type"), *self.questions])
            with replacing(folder / CSV_FILES[name]) as temporary:
                temporary.write_text(text.getvalue(), encoding="utf-8", newline="")
        if self.annotations:
            categories = sorted({one.category for one in self.annotations} - {""})
            numbered = {str(number): category for number, category in enumerate(categories)}
            with replacing(folder / COCO_FILES[name]) as temporary:
                write_coco(temporary, CocoFile(tuple(self.images), tuple(self.annotations), numbered), ("sensor",))


def _annotation(key: str, image_key: str, image: NewImage, row: BoxRow | MaskRow) -> CocoAnnotation:
    box, mask = None, None
    if isinstance(row, BoxRow):
        left, top, right, bottom = row.box_xyxy_px
        box = (left, top, right - left, bottom - top)
    else:
        pixels = read_mask(row.mask, image.width, image.height)
        packed = coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
        mask = CocoMask(rle_counts=packed["counts"].decode("ascii"), rle_size=(image.height, image.width))
    record = replace(MADE, values={"sensor": row.sensor})
    return CocoAnnotation(key, image_key, row.category, box, mask, row.expression, record)
