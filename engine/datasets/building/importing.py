"""A clean copy of any data set that can be read, in a layout of this program's own.

What the check would find fault with is left out and listed: records that cannot be used, rows on images that are
missing, damaged or of another size than they should be, boxes and masks that do not fit, answers outside the closed
list. An image that is in several splits stays in one, test before val before train, so that the test stays as it was
published and nothing leaks into it. Pickles go through the restricted reader of their layout and nothing of them is
run. Images without a row are not copied.

Questions on pairs become ``osvqa``, boxes in images of one sensor ``optsar-rsvg``, masks on optical images
``refsegrs``. What these have no room for (other types of questions, other classes, pairs with boxes, several tasks
together) becomes ``own``, which has room for everything. ``corrections`` stay what they are: their last words, line by
line.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from engine.datasets.boxes import box_fault
from engine.datasets.categories import OPTSAR_CATEGORIES
from engine.datasets.dataset import (
    BoxRow,
    DataSet,
    Fault,
    Faults,
    ImageFiles,
    MaskRow,
    MaskSource,
    Progress,
    QuestionRow,
    Row,
)
from engine.datasets.masks import mask_fault, read_mask
from engine.datasets.readers import corrections
from engine.datasets.readers.box_rows import OneSensor
from engine.datasets.readers.files import IMAGE_SUFFIXES
from engine.datasets.readers.optsar_rsvg import sensor_by_name
from engine.datasets.readers.published_splits import SPLITS, WHOLE
from engine.datasets.seeing import Seen, look_at
from engine.datasets.table import read_dataset, recognise_layout, recognise_layouts
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.unique_names import UniqueNames, plain_name
from engine.datasets.writing.whole_folder import whole_folder, write_report
from engine.datasets.writing.writing_optsar import write_optsar_rsvg
from engine.datasets.writing.writing_osvqa import write_osvqa
from engine.datasets.writing.writing_own import write_own
from engine.datasets.writing.writing_refsegrs import NewMask, write_refsegrs
from engine.errors import Cancelled, DataSetUnreadable
from engine.raster import open_raster, replacing
from engine.records import PixelWindow
from engine.text import QUESTION_TYPES

REPORT = "import_report.json"

_PRECEDENCE = ("test", "val", "train", WHOLE)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read, as which layout it was written, how many rows by split and images, and what was left out."""

    folder: Path
    layout: str
    written: str
    rows: Mapping[str, int]
    images: int
    left_out: tuple[Fault, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Scene:
    """The images of one place with their rows, all of which can be used. ``name`` has no suffix and is there once."""

    name: str
    split: str
    files: Mapping[OneSensor, Path]
    width: int
    height: int
    rows: list[Row] = field(default_factory=list)


def import_dataset(
    folder: Path,
    out: Path,
    layout: str | None = None,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Imported:
    """Copy the data set in ``folder``, of the ``layout`` named or the one it is recognised by, to ``out``.

    ``out`` appears whole or not at all, with the report :data:`REPORT` in it. Raises :class:`DataSetUnreadable` where
    the layout is not clear or nothing can be used, :class:`UsageError` for a layout that does not exist or an ``out``
    inside ``folder``, :class:`ExportRefused` where ``out`` holds something else than an earlier copy or cannot be
    written, :class:`Cancelled`.
    """
    name = layout or recognise_layout(folder)
    with whole_folder(out, REPORT, folder) as made:
        faults = Faults(folder)
        progress("Reading the annotations", None)
        data = read_dataset(folder, faults, name)
        used = {(row.image, row.split) for row in data.rows}
        images = [image for image in data.images if (image.id, image.split) in used]
        files = [path for image in images for path in _files(image).values()]
        scenes = _Cleaning(data, look_at(files, progress, cancelled), faults).scenes()
        if not scenes:
            raise DataSetUnreadable(
                f"There is no question, box or mask in {folder.name} that can be used.",
                remedy="See what rsqa dataset check says.",
            )
        target = name if name == corrections.LAYOUT.name else _layout_for(scenes)

        def passing() -> Iterator[_Scene]:
            for number, scene in enumerate(scenes):
                progress("Copying", number / len(scenes))
                if cancelled():
                    raise Cancelled("The import was stopped.")
                yield scene

        rows = _WRITERS[target](made, passing(), data)
        left_out = tuple(sorted(faults.found, key=lambda fault: (fault.file, fault.line or 0)))
        copied = sum(len(scene.files) for scene in scenes)
        report = Imported(out, name, target, rows, copied, left_out, _notes(data, target))
        write_report(made, REPORT, asdict(report) | {"folder": str(out), "source": str(folder)})
    looks = recognise_layouts(out)
    if looks != (target,):
        told = f"The folder's name makes it look like {', '.join(looks) or 'nothing known'}: use it with"
        return replace(report, notes=(*report.notes, f"{told} --layout {target}."))
    return report


def _notes(data: DataSet, target: str) -> tuple[str, ...]:
    joined = [f"{split} is {_split(split)}" for split in data.splits if split != _split(split)]
    others = [f"Splits have other names now: {', '.join(joined)}."] if joined else []
    if target == "refsegrs" and any(isinstance(row, MaskRow) and row.category for row in data.rows):
        others.append("The layout refsegrs names no classes: they are not in the copy, the expressions are.")
    return tuple(others)


def _files(image: ImageFiles) -> dict[OneSensor, Path]:
    files: dict[OneSensor, Path] = {}
    if image.optical is not None:
        files["optical"] = image.optical
    if image.sar is not None:
        files["sar"] = image.sar
    return files


def _split(name: str) -> str:
    """The split of the copy: a second test ("testB", "test_phili") is a part of the test there."""
    return next((known for known in SPLITS if name.lower().startswith(known)), WHOLE)


# ---- cleaning


class _Cleaning:
    """What of a data set can be used; what cannot goes to the faults."""

    def __init__(self, data: DataSet, seen: Mapping[Path, Seen], faults: Faults) -> None:
        self._data, self._seen, self._faults = data, seen, faults
        self._answers = None if data.answers is None else frozenset(data.answers)
        self._masks: dict[tuple[MaskSource, int, int], str | None] = {}
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for row in data.rows:
            self._rows.setdefault((row.image, row.split), []).append(row)

    def scenes(self) -> list[_Scene]:
        """The scenes that have rows, in the order of the images."""
        usable = [image for image in dict.fromkeys(self._data.images) if self._is_usable(image)]
        owners = self._owners(usable)
        found: dict[tuple[str, tuple[Path, ...]], _Scene] = {}
        names = UniqueNames()
        for image in usable:
            rows = self._rows[image.id, image.split]
            split, files = _split(image.split), _files(image)
            others = sorted({owners[self._seen[path].digest] for path in files.values()} - {split})
            if others:
                self._leave_out(image, rows, f"The image is in {others[0]} as well, and stays there.")
                continue
            size = self._seen[next(iter(files.values()))]
            good = [row for row in rows if self._is_good(row, size)]
            if not good:
                continue
            key = split, tuple(files.values())
            if key not in found:
                found[key] = _Scene(names.free(_stem(image.id)), split, files, size.width, size.height)
            found[key].rows += good
        return list(found.values())

    def _is_usable(self, image: ImageFiles) -> bool:
        """Whether an image has rows, and its files are whole and of the size that they should have."""
        rows = self._rows.get((image.id, image.split), [])
        files = _files(image)
        if not rows or not files:
            return False
        seen = [self._seen[path] for path in files.values()]
        sizes = {(one.width, one.height) for one in seen}
        declared = image.width, image.height
        what = next((one.problem for one in seen if one.problem), "")
        if not what and None not in declared and sizes != {declared}:
            what = f"The image is not of {image.width} x {image.height} pixels, as it should."
        if not what and len(sizes) > 1:
            what = "Its optical and its SAR image differ in size."
        if not what and self._data.pairs_expected and len(files) < 2:
            what = "The image has no partner."
        if what:
            self._leave_out(image, rows, what)
        return not what

    def _owners(self, images: Sequence[ImageFiles]) -> dict[bytes, str]:
        """The split in which each file, told by its bytes, stays."""
        owners: dict[bytes, str] = {}
        for split in _PRECEDENCE:
            for image in images:
                if _split(image.split) == split:
                    for path in _files(image).values():
                        owners.setdefault(self._seen[path].digest, split)
        return owners

    def _leave_out(self, image: ImageFiles, rows: Sequence[Row], what: str) -> None:
        told = "Its row is" if len(rows) == 1 else f"Its {len(rows):,} rows in {image.split} are"
        self._faults.add(next(iter(_files(image).values())), None, f"{what} {told} left out.")

    def _is_good(self, row: Row, size: Seen) -> bool:
        what = self._row_fault(row, size)
        if what:
            place = row.origin.place
            self._faults.add(row.origin.file, row.origin.line, f"{place}: {what}" if place else what)
        return not what

    def _row_fault(self, row: Row, size: Seen) -> str | None:
        if isinstance(row, QuestionRow):
            known = self._answers is None or row.answer in self._answers
            return None if known else f"The answer {row.answer!r} is not in the list of answers."
        if isinstance(row, BoxRow):
            return box_fault(row.box_xyxy_px, size.width, size.height)
        key = row.mask, size.width, size.height
        if key not in self._masks:
            self._masks[key] = mask_fault(*key)
        return self._masks[key]


def _stem(key: str) -> str:
    """A scene's name from an image's id: without suffix, as one file name."""
    path = PurePosixPath(key)
    return plain_name(str(path.with_suffix("")) if path.suffix.lower() in IMAGE_SUFFIXES else key)


# ---- writing


def _layout_for(scenes: Sequence[_Scene]) -> str:
    """The layout of the rows' task where all of them fit into it, else ``own``."""
    kinds = {type(row) for scene in scenes for row in scene.rows}
    fitting = {
        QuestionRow: ("osvqa", _fits_osvqa),
        BoxRow: ("optsar-rsvg", _fits_optsar),
        MaskRow: ("refsegrs", _fits_refsegrs),
    }
    layout, fits = fitting[kinds.pop()]
    return layout if not kinds and all(fits(scene) for scene in scenes) else "own"


def _fits_osvqa(scene: _Scene) -> bool:
    one_suffix = len(scene.files) == 2 and len({path.suffix for path in scene.files.values()}) == 1
    return one_suffix and all(isinstance(row, QuestionRow) and row.type in QUESTION_TYPES for row in scene.rows)


def _fits_optsar(scene: _Scene) -> bool:
    return len(scene.files) == 1 and all(
        isinstance(row, BoxRow) and row.sensor in scene.files and (row.sensor, row.category) in OPTSAR_CATEGORIES
        for row in scene.rows
    )


def _fits_refsegrs(scene: _Scene) -> bool:
    return list(scene.files) == ["optical"]


def _new_image(scene: _Scene, sensor: OneSensor, name: str) -> NewImage:
    return NewImage(name, scene.split, sensor, scene.width, scene.height, scene.files[sensor])


def _write_osvqa(folder: Path, scenes: Iterator[_Scene], data: DataSet) -> dict[str, int]:
    def entries() -> Iterator[tuple[NewImage, NewImage, list[QuestionRow]]]:
        for scene in scenes:
            name = scene.name + scene.files["optical"].suffix
            rows = [replace(row, image=name, split=scene.split) for row in scene.rows if isinstance(row, QuestionRow)]
            yield _new_image(scene, "optical", name), _new_image(scene, "sar", name), rows

    return write_osvqa(folder, entries(), data.answers)


def _write_optsar(folder: Path, scenes: Iterator[_Scene], data: DataSet) -> dict[str, int]:
    def entries() -> Iterator[tuple[NewImage, list[BoxRow]]]:
        names = UniqueNames()
        for scene in scenes:
            ((sensor, path),) = scene.files.items()
            told = "" if sensor_by_name(scene.name) in (None, sensor) else "image_"  # a name may tell another sensor
            name = names.free(f"{told}{scene.name}{path.suffix}")
            rows = [replace(row, image=name, split=scene.split) for row in scene.rows if isinstance(row, BoxRow)]
            yield _new_image(scene, sensor, name), rows

    return write_optsar_rsvg(folder, entries())


def _write_refsegrs(folder: Path, scenes: Iterator[_Scene], data: DataSet) -> dict[str, int]:
    def entries() -> Iterator[tuple[NewImage, list[NewMask]]]:
        for scene in scenes:
            expressions: dict[MaskSource, list[str]] = {}
            for row in scene.rows:
                if isinstance(row, MaskRow):
                    expressions.setdefault(row.mask, []).append(row.expression)
            masks = [
                NewMask(tuple(dict.fromkeys(texts)), read_mask(mask, scene.width, scene.height))
                for mask, texts in expressions.items()
            ]
            yield _as_geotiff(_new_image(scene, "optical", f"{scene.name}.tif")), masks

    return write_refsegrs(folder, entries())


def _as_geotiff(image: NewImage) -> NewImage:
    """``image`` with its pixels read, unless its file is a TIFF, which is copied."""
    if not isinstance(image.source, Path) or image.source.suffix.lower() in (".tif", ".tiff"):
        return image
    with open_raster(image.source) as raster:
        read = raster.read(PixelWindow(0, 0, image.width, image.height), image.width, image.height)
        dtype = np.dtype(raster.info.bands[0].dtype)
        return replace(image, source=np.nan_to_num(read.values).astype(dtype), grid=raster.info.grid)


def _write_own(folder: Path, scenes: Iterator[_Scene], data: DataSet) -> dict[str, int]:
    def entries() -> Iterator[tuple[list[NewImage], list[Row]]]:
        for scene in scenes:
            images = [_new_image(scene, sensor, scene.name + path.suffix) for sensor, path in scene.files.items()]
            yield images, [replace(row, image=scene.name, split=scene.split) for row in scene.rows]

    return write_own(folder, entries())


def _write_corrections(folder: Path, scenes: Iterator[_Scene], data: DataSet) -> dict[str, int]:
    """The lines of the rows as they are, and the files that they name where they lie."""
    lines: list[int] = []
    for scene in scenes:
        masks = {row.mask.path: None for row in scene.rows if isinstance(row, MaskRow) and row.mask.path is not None}
        for path in (*scene.files.values(), *masks):
            with replacing(folder / path.relative_to(data.folder)) as temporary:
                shutil.copyfile(path, temporary)
        lines += [row.origin.line for row in scene.rows if row.origin.line is not None]
    read = (data.folder / corrections.FILE).read_bytes().split(b"\n")
    with replacing(folder / corrections.FILE) as temporary:
        temporary.write_bytes(b"".join(read[line - 1].strip() + b"\n" for line in sorted(lines)))
    return {corrections.SPLIT: len(lines)}


_WRITERS: Mapping[str, Callable[[Path, Iterator[_Scene], DataSet], dict[str, int]]] = {
    "osvqa": _write_osvqa,
    "optsar-rsvg": _write_optsar,
    "refsegrs": _write_refsegrs,
    "corrections": _write_corrections,
    "own": _write_own,
}
