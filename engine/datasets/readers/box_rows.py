"""Rows with a box, collected by readers: each is checked as it comes, and reported where it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.datasets.boxes import Xyxy, box_fault
from engine.datasets.dataset import BoxRow, ImageFiles, Origin

OneSensor = Literal["optical", "sar"]


def image_of(
    key: str, split: str, path: Path, sensor: OneSensor, width: int | None = None, height: int | None = None
) -> ImageFiles:
    """An image of one sensor alone."""
    optical, sar = (path, None) if sensor == "optical" else (None, path)
    return ImageFiles(key, split, optical, sar, width, height)


@dataclass(slots=True)
class BoxRows:
    """The images and rows of a data set of single-sensor pictures, in the order of the files."""

    images: dict[tuple[str, str], ImageFiles] = field(default_factory=dict)
    rows: list[BoxRow] = field(default_factory=list)

    def add_image(self, image: ImageFiles) -> None:
        """Take ``image`` in, unless it is there already in that split."""
        self.images.setdefault((image.id, image.split), image)

    def add(
        self,
        image: ImageFiles,
        box_xyxy_px: Xyxy,
        expression: str,
        category: str,
        sensor: OneSensor,
        origin: Origin,
        report: Callable[[str], None],
    ) -> None:
        """Take in one row and its image; ``report`` hears a sentence where the row cannot be used."""
        what = box_fault(box_xyxy_px, image.width, image.height)
        if what is None and not expression:
            what = "There is no sentence with the box."
        if what is None and (image.sar if sensor == "sar" else image.optical) is None:
            told = ("SAR", "an optical") if sensor == "sar" else ("optical", "a SAR")
            what = f"The class is one of {told[0]} images, but {image.id} is {told[1]} image."
        if what is not None:
            report(what)
            return
        self.add_image(image)
        self.rows.append(BoxRow(image.id, image.split, expression, box_xyxy_px, category, sensor, origin))
