"""The check of a whole data set before anybody trains on it: all faults at once, each with file and line.

The reader reports what is wrong with the annotations. Here every image is decoded whole and what the annotations say is
held against it: sizes, boxes, masks, the partner sensor, the closed list of answers, and whether a picture is in two
splits. A picture is the same where the file is the same or has the same bytes; an equal name in folders of two splits
proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.boxes import box_fault
from engine.datasets.dataset import (
    BoxRow,
    DataSet,
    Fault,
    Faults,
    ImageFiles,
    MaskRow,
    Origin,
    Progress,
    QuestionRow,
)
from engine.datasets.figures import figures_note
from engine.datasets.masks import mask_fault
from engine.datasets.seeing import Seen, see_all
from engine.datasets.table import reader_of, recognise_layout
from engine.errors import Cancelled, DataSetUnreadable


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found: the layout, how many rows of truth and images can be used, and all that is wrong.

    ``faults`` are in the order of file and line. ``notes`` say what is remarkable and as it should be.
    """

    layout: str
    samples: int
    images: int
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def check_dataset(
    folder: Path,
    layout: str | None = None,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CheckReport:
    """Check the data set in ``folder``, of the ``layout`` named or the one it is recognised by.

    Raises :class:`DataSetUnreadable` where the layout is not clear, :class:`UsageError` for one that does not exist,
    and :class:`Cancelled`, between two images, once ``cancelled()`` is true. What is wrong with the data is no error
    but a fault of the report.
    """
    name = layout or recognise_layout(folder)
    reader = reader_of(name)
    faults = Faults(folder)
    progress("Reading the annotations", None)
    try:
        data = reader.read(folder, faults)
    except DataSetUnreadable as error:
        faults.add(folder, None, str(error))
        return CheckReport(name, 0, 0, _sorted(faults))
    if not data.images:
        faults.add(folder, None, "There is no image in it that could be used.")
    check = _Check(data, faults, progress, cancelled)
    check.images()
    check.splits()
    check.answers()
    check.boxes_and_masks()
    notes = [note for note in (figures_note(data, reader.FIGURES), *check.notes) if note]
    return CheckReport(name, len(data.rows), len(data.images), _sorted(faults), tuple(notes))


def _sorted(faults: Faults) -> tuple[Fault, ...]:
    return tuple(sorted(faults.found, key=lambda fault: (fault.file, fault.line or 0)))


class _Check:
    """One check under way: the data set, the image files seen so far, and the faults found."""

    def __init__(self, data: DataSet, faults: Faults, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.notes: list[str] = []
        self._data, self._faults, self._progress, self._cancelled = data, faults, progress, cancelled
        self._seen: dict[Path, Seen] = {}
        self._first: dict[tuple[str, str], Origin] = {}
        for row in data.rows:
            self._first.setdefault((row.split, row.image), row.origin)

    def images(self) -> None:
        """Decode every image once, and hold the sizes of each scene against each other."""
        namer = {path: image for image in reversed(self._data.images) for path in _paths(image)}
        paths = sorted(namer)
        with closing(see_all(paths)) as seen_files:
            for number, (path, seen) in enumerate(seen_files):
                self._pause("Decoding the images", number / len(paths))
                self._seen[path] = seen
                if seen.problem:
                    self._faults.add(path, None, seen.problem + self._named_in(namer[path], path))
        for image in dict.fromkeys(self._data.images):
            self._check_scene(image)

    def _named_in(self, image: ImageFiles, path: Path) -> str:
        """Where a file that is missing was asked for."""
        origin = self._first.get((image.split, image.id))
        if origin is None or path.exists():
            return ""
        line = "" if origin.line is None else f", line {origin.line}"
        return f" It is named in {origin.file.name}{line}."

    def _check_scene(self, image: ImageFiles) -> None:
        if self._data.pairs_expected and (image.optical is None or image.sar is None):
            other = "SAR" if image.sar is None else "optical"
            self._faults.add(_paths(image)[0], None, f"The image has no {other} partner.")
        for path in _paths(image):
            seen = self._seen[path]
            declared = image.width, image.height
            if not seen.problem and None not in declared and declared != (seen.width, seen.height):
                told = f"{seen.width} x {seen.height} pixels, not {image.width} x {image.height} as it should"
                self._faults.add(path, None, f"The image has {told}.")
        if image.optical is None or image.sar is None:
            return
        optical, sar = self._seen[image.optical], self._seen[image.sar]
        differ = (optical.width, optical.height) != (sar.width, sar.height)
        if differ and not optical.problem and not sar.problem:
            told = f"{sar.width} x {sar.height} pixels, the optical one {optical.width} x {optical.height}"
            self._faults.add(image.sar, None, f"The SAR image has {told}.")

    def splits(self) -> None:
        """Report pictures that are in two splits; only count them in layouts that share images by design."""
        first: dict[Path | bytes, tuple[Path, str]] = {}
        shared = 0
        for image in self._data.images:
            for path in _paths(image):
                digest = self._seen[path].digest
                known = first.setdefault(path, (path, image.split))
                if known[1] == image.split and digest:
                    known = first.setdefault(digest, (path, image.split))
                if known[1] == image.split:
                    continue
                shared += 1
                if not self._data.shared_images_expected:
                    name = "" if known[0] == path else f" as {self._relative(known[0])}"
                    self._faults.add(
                        path, None, f"The image is in two splits: in {image.split} here, and in {known[1]}{name}."
                    )
        if shared and self._data.shared_images_expected:
            self.notes.append(f"{shared:,} images are in more than one split, as this layout is published.")

    def answers(self) -> None:
        """Report answers that are not in the closed list."""
        known = None if self._data.answers is None else frozenset(self._data.answers)
        for row in self._data.rows:
            if known is not None and isinstance(row, QuestionRow) and row.answer not in known:
                self._report(row.origin, f"The answer {row.answer!r} is not in the list of answers.")

    def boxes_and_masks(self) -> None:
        """Hold every box and mask against the image it is drawn on."""
        files = {(image.split, image.id): image for image in self._data.images}
        known: dict[tuple[Path, int, int], str | None] = {}
        rows = [row for row in self._data.rows if isinstance(row, BoxRow | MaskRow)]
        for number, row in enumerate(rows):
            self._pause("Comparing the truth with the images", number / len(rows))
            image = files[row.split, row.image]
            seen = next((self._seen[path] for path in _paths(image) if not self._seen[path].problem), None)
            if seen is None:
                continue
            if isinstance(row, BoxRow):
                what = box_fault(row.box_xyxy_px, seen.width, seen.height)
            elif row.mask.path is None:
                what = mask_fault(row.mask, seen.width, seen.height)
            else:
                key = row.mask.path, seen.width, seen.height
                what = (
                    known[key] if key in known else known.setdefault(key, mask_fault(row.mask, seen.width, seen.height))
                )
            if what:
                self._report(row.origin, what)

    def _report(self, origin: Origin, what: str) -> None:
        self._faults.add(origin.file, origin.line, f"{origin.place}: {what}" if origin.place else what)

    def _pause(self, stage: str, fraction: float) -> None:
        """Say how far it is, and end here where that is wanted."""
        self._progress(stage, fraction)
        if self._cancelled():
            raise Cancelled("The check was stopped.")

    def _relative(self, path: Path) -> str:
        folder = self._data.folder
        return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _paths(image: ImageFiles) -> list[Path]:
    return [path for path in (image.optical, image.sar) if path is not None]
