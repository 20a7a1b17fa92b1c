"""Made scenes in the published layouts, one folder each: the pixels are there once and linked where the disk can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.datasets.categories import OPTSAR_CATEGORIES
from engine.datasets.dataset import BoxRow, MaskSource, Origin, Progress, QuestionRow
from engine.datasets.masks import read_mask
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.writing_optsar import image_name, write_optsar_rsvg
from engine.datasets.writing.writing_osvqa import write_osvqa
from engine.datasets.writing.writing_refsegrs import NewMask, write_refsegrs
from engine.jobs.scene_files import Layout, SceneOrder, SceneTruth, grid_of, read_truth, stem
from engine.text import ANSWERS


@dataclass(frozen=True, slots=True)
class MadeFiles:
    """The scenes of ``order`` as :func:`engine.jobs.scene_files.write_scene` left them in ``folder``."""

    order: SceneOrder
    folder: Path

    def each(self, layout: Layout, progress: Progress) -> Iterator[tuple[int, SceneTruth]]:
        """Number from 0 and truth of every scene, in their order."""
        for index in range(self.order.count):
            progress(f"Writing {layout}", index / self.order.count)
            yield index, read_truth(self.folder, index)

    def image(self, index: int, sensor: Literal["optical", "sar"], name: str, gsd_m: float) -> NewImage:
        """One picture of scene ``index`` under ``name``."""
        size, grid = self.order.size, grid_of(self.order, index, gsd_m)
        source = self.folder / image_name(sensor, index + 1)
        return NewImage(name, self.order.split_of(index), sensor, size, size, source, grid, linked=True)

    def origin(self, index: int) -> Origin:
        return Origin(self.folder / f"{stem(index)}.json")


def write_layout(layout: Layout, folder: Path, made: MadeFiles, progress: Progress) -> dict[str, int]:
    """Write ``made`` into ``folder``; the number of questions or expressions by split.

    Raises :class:`~engine.errors.ExportRefused` where that cannot be done.
    """
    writers: dict[Layout, Callable[[], dict[str, int]]] = {
        "osvqa": lambda: write_osvqa(folder, _osvqa(made, progress), ANSWERS),
        "optsar-rsvg": lambda: write_optsar_rsvg(folder, _optsar_rsvg(made, progress)),
        "refsegrs": lambda: write_refsegrs(folder, _refsegrs(made, progress)),
    }
    return writers[layout]()


def _osvqa(made: MadeFiles, progress: Progress) -> Iterator[tuple[NewImage, NewImage, Sequence[QuestionRow]]]:
    """Every pair, with its questions of all types."""
    for index, truth in made.each("osvqa", progress):
        name = f"{stem(index)}.tif"
        optical, sar = (made.image(index, sensor, name, truth.gsd_m) for sensor in ("optical", "sar"))
        rows = [
            QuestionRow(name, optical.split, one.question, one.answer, one.type, made.origin(index))
            for one in truth.questions
        ]
        yield optical, sar, rows


def _optsar_rsvg(made: MadeFiles, progress: Progress) -> Iterator[tuple[NewImage, Sequence[BoxRow]]]:
    """Pictures of either sensor that show one of the sixteen classes, as pictures of their own; others are left out."""
    for index, truth in made.each("optsar-rsvg", progress):
        for sensor in ("optical", "sar"):
            image = made.image(index, sensor, image_name(sensor, index + 1), truth.gsd_m)
            rows = [
                BoxRow(
                    image.name, image.split, one.expression, one.box_xyxy_px, one.category, sensor, made.origin(index)
                )
                for one in truth.boxes
                if one.sensor == sensor and (sensor, one.category) in OPTSAR_CATEGORIES
            ]
            if rows:
                yield image, rows


def _refsegrs(made: MadeFiles, progress: Progress) -> Iterator[tuple[NewImage, Sequence[NewMask]]]:
    """Optical pictures with their masks."""
    size = made.order.size
    for index, truth in made.each("refsegrs", progress):
        masks = [
            NewMask(one.expressions, read_mask(MaskSource(rle_counts=one.counts, rle_size=(size, size)), size, size))
            for one in truth.masks
        ]
        yield made.image(index, "optical", f"{stem(index)}.tif", truth.gsd_m), masks
