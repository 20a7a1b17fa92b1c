"""What every reader gives: images, rows of truth, and everything that is wrong with them, with file and line.

A reader turns one published layout into these records. It never stops at the first fault: what cannot be used is left
out of the rows and reported, so that one check of a data set tells all there is to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

Task = Literal["vqa", "grounding", "segmentation"]
Sensor = Literal["optical", "sar", "both"]
Progress = Callable[[str, float | None], None]
"""Hears what is being done and how far it is (0..1, or None where that is not known)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: ``file`` relative to the data set's folder, ``line`` from 1 where the file has lines."""

    file: str
    line: int | None
    what: str


@dataclass(slots=True)
class Faults:
    """Collects faults while a folder is read."""

    folder: Path
    found: list[Fault] = field(default_factory=list)

    def add(self, file: Path | str, line: int | None, what: str) -> None:
        """Report ``what`` (a sentence) about ``file``, which may be absolute or relative to the folder."""
        path = Path(file)
        inside = path.is_absolute() and path.is_relative_to(self.folder)
        name = (path.relative_to(self.folder) if inside else path).as_posix()
        self.found.append(Fault(_printable(name), line, _printable(what)))

    def inside(self, name: str, root: Path, file: Path | str, line: int | None) -> Path | None:
        """``root / name``, or None and a fault where an annotation's ``name`` would leave the data set's folder.

        ``root`` itself, a folder of the layout, may be a link to another disk.
        """
        pure = PurePosixPath(name.replace("\\", "/"))
        if not name or pure.is_absolute() or ":" in name or "\0" in name or not _stays_inside(self.folder, root, pure):
            self.add(file, line, f"The path {name!r} leads out of the data set's folder; it is not opened.")
            return None
        return root / pure


def _printable(text: str) -> str:
    """Names on disk need not be text; a report has to be."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _stays_inside(folder: Path, root: Path, name: PurePosixPath) -> bool:
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError):  # links that go round in a circle
        return False
    return path.is_relative_to(folder.resolve()) or path.is_relative_to(root.resolve())


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """One scene: the files of its sensors (absolute), the split it is in, its size where the annotation tells it."""

    id: str
    split: str
    optical: Path | None = None
    sar: Path | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row was read: an annotation file, a line (from 1), and the record's name where the line does not tell."""

    file: Path
    line: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question about image ``image`` (an ``ImageFiles.id``) with its answer and type."""

    image: str
    split: str
    question: str
    answer: str
    type: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class BoxRow:
    """An expression that names one box: left, top, right, bottom in pixels of the image, half-open."""

    image: str
    split: str
    expression: str
    box_xyxy_px: tuple[float, float, float, float]
    category: str
    sensor: Sensor
    origin: Origin


@dataclass(frozen=True, slots=True)
class MaskSource:
    """A mask as stored: an image file (foreground above 0), or polygons or run lengths as COCO has them."""

    path: Path | None = None
    polygons_px: tuple[tuple[float, ...], ...] = ()
    rle_counts: str | tuple[int, ...] = ""
    rle_size: tuple[int, int] = (0, 0)  # rows, columns


@dataclass(frozen=True, slots=True)
class MaskRow:
    """An expression that names a mask."""

    image: str
    split: str
    expression: str
    mask: MaskSource
    category: str
    sensor: Sensor
    origin: Origin


Row = QuestionRow | BoxRow | MaskRow


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as read: ``layout`` is the reader's name, ``answers`` the closed list of answers where there is one.

    ``images`` has one entry per image and split. ``shared_images_expected`` is set by layouts whose published splits
    share images by design; the check then counts them in one line. ``pairs_expected`` is set by layouts of which an
    image without one of the two sensors is incomplete.
    """

    layout: str
    task: Task
    folder: Path
    images: tuple[ImageFiles, ...]
    rows: tuple[Row, ...]
    answers: tuple[str, ...] | None = None
    shared_images_expected: bool = False
    pairs_expected: bool = False

    def of_split(self, split: str) -> Iterator[Row]:
        """The rows of one split, in file order."""
        return (row for row in self.rows if row.split == split)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that occur, sorted."""
        return tuple(sorted({row.split for row in self.rows} | {image.split for image in self.images}))


@dataclass(frozen=True, slots=True)
class Layout:
    """One published layout, as a reader module declares it in its ``LAYOUT``.

    Beside it a reader has ``recognise(folder) -> bool`` (looks at names only) and ``read(folder, faults) -> DataSet``.
    ``source`` says where the layout is published.
    """

    name: str
    title: str
    task: Task
    source: str
