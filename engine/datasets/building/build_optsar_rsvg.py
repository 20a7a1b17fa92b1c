"""OptSAR-RSVG from its four sources, by the paper's own recipe, on data that the user has.

"OptiSAR-Net++" (arXiv 2603.24876), section IV-A. Step 1, collection and cleaning: :mod:`.optsar_sources` and
:mod:`.detections`. Step 2, copies of pictures with rare classes, and merging: :mod:`.augmenting`, and names that clash
get their source before them. Step 3, a split of 8:1:1 in which classes and sensors keep their proportions:
:mod:`.splitting`; pictures of the same bytes, and copies, go where their original goes. The paper splits at random over
all images, copies among them; that would let a turned copy of a training image into the test.

Here the steps in their order, and the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from engine.datasets.building.augmenting import RARE_SHARE, Copy, Refused, augment
from engine.datasets.building.build_report import BuildReport
from engine.datasets.building.detections import LEAST_SCORE, LOW_IOU, Flagged, as_list, flag, read_detections
from engine.datasets.building.name_lists import read_names
from engine.datasets.building.optsar_sources import SOURCES, gather
from engine.datasets.building.pictures import Picture
from engine.datasets.building.splitting import OPTSAR_SHARES, split_in_proportion
from engine.datasets.dataset import BoxRow, Progress
from engine.datasets.readers.optsar_rsvg import LAYOUT, sensor_by_name
from engine.datasets.statistics import Cell, Table
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.unique_names import UniqueNames, plain_name, stem_of
from engine.datasets.writing.writing_optsar import write_optsar_rsvg
from engine.draws import Draws
from engine.errors import Cancelled, DataSetUnreadable, UsageError
from engine.raster import open_raster, replacing
from engine.records import PixelWindow
from engine.text import normalise
from engine.text.directions import Move

FLAGGED_FILE = "flagged.txt"
"""The list of flagged pictures, in the folder that is built."""

_AUGMENTING, _SPLITTING = 1, 2  # streams of Draws


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user decides beside the sources.

    ``detections`` is a COCO file of a detector's boxes. ``keep``, a list of pictures that a person found right, asks
    for all others that are flagged to be left out; without it nothing flagged is. ``flagged`` is where the list for a
    person goes beside the folder's own. ``augment`` may be switched off.
    """

    seed: int = 0
    detections: Path | None = None
    keep: Path | None = None
    flagged: Path | None = None
    augment: bool = True

    def __post_init__(self) -> None:
        if (self.keep or self.flagged) is not None and self.detections is None:
            raise UsageError("Without detections no picture is flagged.", remedy="Give --detections, too.")


@dataclass(slots=True)
class _Log:
    """What happened to the data on the way."""

    dropped: list[dict[str, Cell]]
    renamed: int = 0
    flagged: Sequence[Flagged] = ()
    removed: frozenset[str] = frozenset()
    refused: Sequence[Refused] = ()
    copies: Sequence[Copy] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A picture or a copy of one, under the name and in the split that it gets."""

    picture: Picture
    rows: tuple[BoxRow, ...]
    name: str
    split: str
    move: Move | None


def build_optsar_rsvg(
    sources: Mapping[str, Path],
    folder: Path,
    choices: Choices,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BuildReport:
    """Write OptSAR-RSVG made of ``sources`` (any of :data:`SOURCES` by name) into ``folder``, which should be empty.

    Raises :class:`UsageError` for no source or one of another name, :class:`DataSetUnreadable` for a source, detections
    or a list that cannot be read, :class:`ExportRefused` where the folder cannot be written, :class:`Cancelled`.
    """

    def pause() -> None:
        if cancelled():
            raise Cancelled("Building was stopped.")

    if not sources:
        raise UsageError("No source is given.", remedy=f"Give at least one of {', '.join(SOURCES)} with --source.")
    pictures, log = _collect(sources, progress, cancelled)
    pictures = _judge(pictures, choices, log)
    if choices.augment:
        progress("Turning pictures of rare classes", None)
        found = list(augment(pictures, Draws(choices.seed, _AUGMENTING), pause))
        log.refused = [one for one in found if isinstance(one, Refused)]
        log.copies = [one for one in found if isinstance(one, Copy)]
    entries = _arrange(pictures, log.copies, choices.seed)
    write_optsar_rsvg(folder, _new_images(entries, progress, pause))
    for place in (folder / FLAGGED_FILE, choices.flagged) if choices.detections is not None else ():
        if place is not None:
            with replacing(place) as temporary:
                temporary.write_text(as_list(log.flagged), encoding="utf-8")
    return _report(sources, choices, log, entries)


def _collect(
    sources: Mapping[str, Path], progress: Progress, cancelled: Callable[[], bool]
) -> tuple[list[Picture], _Log]:
    """The pictures of all sources, in the order of :data:`SOURCES`."""
    log = _Log([])
    pictures: list[Picture] = []
    for name in sorted(sources, key=lambda name: list(SOURCES).index(name) if name in SOURCES else -1):
        found = gather(name, sources[name], progress, cancelled)
        pictures += found.pictures
        log.dropped += [{"source": name, **asdict(fault)} for fault in found.dropped]
        log.renamed += found.renamed
    return pictures, log


def _judge(pictures: list[Picture], choices: Choices, log: _Log) -> list[Picture]:
    """Flag pictures by the detections; with a list of those to keep, without the others that are flagged."""
    if choices.detections is None:
        return pictures
    log.flagged = flag(pictures, read_detections(choices.detections))
    if choices.keep is None:
        return pictures
    kept = read_names(choices.keep)
    known = {picture.label for picture in pictures}
    strange = next((name for name in kept if name not in known), None)
    if strange is not None:
        raise DataSetUnreadable(
            f"{choices.keep.name}, line {kept[strange]}: there is no picture {strange}.",
            remedy=f"Name pictures as {FLAGGED_FILE} does.",
        )
    log.removed = frozenset(one.picture for one in log.flagged if one.picture not in kept)
    left = [picture for picture in pictures if picture.label not in log.removed]
    if not left:
        raise DataSetUnreadable("Every picture is flagged and none is kept.", remedy="Look at the detections.")
    return left


# ---- names and splits


def _arrange(pictures: Sequence[Picture], copies: Sequence[Copy], seed: int) -> list[_Entry]:
    """Every picture followed by its copies, each with its name and its split."""
    copies_of: dict[str, list[Copy]] = {}
    for copy in copies:
        copies_of.setdefault(copy.picture.label, []).append(copy)
    splits = _splits(pictures, copies_of, seed)
    names = _Names(pictures)
    entries: list[_Entry] = []
    for picture in pictures:
        split = splits[picture.digest]
        name = names.of(picture)
        entries.append(_Entry(picture, picture.rows, name, split, None))
        entries += [
            _Entry(picture, copy.rows, names.of_copy(name, copy.move), split, copy.move)
            for copy in copies_of.get(picture.label, ())
        ]
    return entries


def _splits(pictures: Sequence[Picture], copies_of: Mapping[str, Sequence[Copy]], seed: int) -> dict[bytes, str]:
    """The split of each picture, by its digest, as what has the same bytes must not be in two splits."""
    labels: dict[bytes, Counter[str]] = {}
    sizes: Counter[bytes] = Counter()
    for picture in pictures:
        copies = copies_of.get(picture.label, ())
        held = labels.setdefault(picture.digest, Counter())
        for rows in (picture.rows, *(copy.rows for copy in copies)):
            held.update(replace(picture, rows=rows).classes())
        held[f"images {picture.sensor}"] += 1 + len(copies)
        sizes[picture.digest] += 1 + len(copies)
    splits = split_in_proportion(list(labels.values()), OPTSAR_SHARES, Draws(seed, _SPLITTING), list(sizes.values()))
    return dict(zip(labels, splits, strict=True))


class _Names:
    """File names that are there once and that tell no wrong sensor."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._wanted = Counter(stem_of(plain_name(picture.path.name)) for picture in pictures)
        self._names = UniqueNames()

    def of(self, picture: Picture) -> str:
        """The picture's own name where no other one has it, else with its source before it."""
        name = plain_name(picture.path.name)
        if self._wanted[stem_of(name)] > 1 or sensor_by_name(name) not in (None, picture.sensor):
            name = f"{picture.source}_{name}"
        return self._names.free(name)

    def of_copy(self, original: str, move: Move) -> str:
        """The name of a copy, a GeoTIFF, of the picture whose name is ``original``."""
        return self._names.free(f"{PurePath(original).stem}_{move}.tif")


# ---- writing


def _new_images(
    entries: Sequence[_Entry], progress: Progress, pause: Callable[[], None]
) -> Iterator[tuple[NewImage, list[BoxRow]]]:
    """The entries as the writer takes them, copies turned as they come."""
    for number, entry in enumerate(entries):
        progress("Writing images", number / len(entries))
        pause()
        picture = entry.picture
        pixels = picture.path if entry.move is None else _turned(picture.path, entry.move)
        image = NewImage(entry.name, entry.split, picture.sensor, picture.width, picture.height, pixels)
        yield image, [replace(row, image=entry.name, split=entry.split) for row in entry.rows]


def _turned(path: Path, move: Move) -> NDArray[np.generic]:
    """The pixels [bands, rows, columns] of an image after ``move``, in their own type; empty ones are 0."""
    with open_raster(path) as raster:
        width, height = raster.info.width, raster.info.height
        bands = tuple(band.index for band in raster.info.bands if band.colour != "alpha")
        chosen = None if raster.palette is not None else bands
        read = raster.read(PixelWindow(0, 0, width, height), width, height, bands=chosen, resampling="nearest")
        dtype = np.dtype(raster.info.bands[0].dtype)
    values = np.nan_to_num(read.values, nan=0.0).astype(dtype)
    if move != "flip-vertical":
        values = values[..., ::-1]
    if move != "flip-horizontal":
        values = values[..., ::-1, :]
    return np.ascontiguousarray(values)


# ---- the report

_PAPER: Mapping[str, Cell] = {
    "images": 46_825,
    "images, optical": 34_359,
    "images, SAR": 12_466,
    "expressions": 90_148,
    "expressions, optical": 69_970,
    "expressions, SAR": 20_178,
    "share of optical expressions": 0.776,
    "words per expression": 11.13,
    "images that are turned copies": 9_046,
    "expressions on turned copies": 19_136,
    "images in train": 37_460,
    "images in val": 4_682,
    "images in test": 4_683,
    "expressions in train": 72_118,
    "expressions in val": 9_015,
    "expressions in test": 9_015,
}
"""Sections IV-A and IV-B."""


def _report(sources: Mapping[str, Path], choices: Choices, log: _Log, entries: Sequence[_Entry]) -> BuildReport:
    missing = [source.title for name, source in SOURCES.items() if name not in sources]
    notes = [f"Not among the sources: {', '.join(missing)}. The paper has all four."] if missing else []
    if log.flagged and choices.keep is None:
        notes.append(f"Look at the pictures in {FLAGGED_FILE}: nothing of it was left out.")
    settings: dict[str, Cell] = {
        "seed": choices.seed,
        "flagged below IoU": LOW_IOU,
        "least score of a detection": LEAST_SCORE,
        "copies up to this share of the mean class": RARE_SHARE if choices.augment else 0,
    }
    return BuildReport(
        LAYOUT.name,
        settings | {f"source {name}": str(path) for name, path in sources.items()},
        (_steps(log, entries), _refusals(log.refused), _classes(entries), _beside_the_paper(entries)),
        {
            "dropped": log.dropped,
            "flagged": [asdict(one) | {"removed": one.picture in log.removed} for one in log.flagged],
            "refused": [asdict(one) for one in log.refused],
            "augmented": [
                {"image": entry.name, "of": entry.picture.label, "move": entry.move, "expressions": len(entry.rows)}
                for entry in entries
                if entry.move is not None
            ],
        },
        tuple(notes),
    )


def _steps(log: _Log, entries: Sequence[_Entry]) -> Table:
    copies = [entry for entry in entries if entry.move is not None]
    rows: tuple[tuple[Cell, ...], ...] = (
        ("records dropped", len(log.dropped)),
        ("sentences in which a kind of ship became a ship", log.renamed),
        ("pictures flagged", len(log.flagged)),
        ("pictures left out as flagged", len(log.removed)),
        ("turned copies", len(copies)),
        ("sentences on turned copies", sum(len(entry.rows) for entry in copies)),
        ("sentences refused on the way", len(log.refused)),
    )
    return Table("What was done", ("step", "count"), rows)


def _refusals(refused: Iterable[Refused]) -> Table:
    counts = Counter(one.kind for one in refused)
    return Table("Sentences refused when turned", ("why", "count"), tuple(counts.most_common()))


def _classes(entries: Sequence[_Entry]) -> Table:
    """Sentences per class and split, copies included."""
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        for name, count in replace(entry.picture, rows=entry.rows).classes().items():
            counts.setdefault(name, Counter())[entry.split] += count
    rows: list[tuple[Cell, ...]] = [
        (name, found.total(), *(found[split] for split in OPTSAR_SHARES), found["train"] / found.total())
        for name, found in sorted(counts.items(), key=lambda one: -one[1].total())
    ]
    return Table("Classes", ("class", "expressions", *OPTSAR_SHARES, "share of train"), tuple(rows))


def _beside_the_paper(entries: Sequence[_Entry]) -> Table:
    images = Counter(name for entry in entries for name in _tags("images", entry))
    rows = Counter(name for entry in entries for name in _tags("expressions", entry) for _ in entry.rows)
    lengths = [len(normalise(row.expression).split()) for entry in entries for row in entry.rows]
    found: dict[str, Cell] = {**images, **rows, "words per expression": round(float(np.mean(lengths)), 2)}
    found["share of optical expressions"] = round(rows["expressions, optical"] / rows["expressions"], 3)
    return Table(
        "Beside the paper",
        ("figure", "here", "the paper"),
        tuple((name, found.get(name, 0), figure) for name, figure in _PAPER.items()),
    )


def _tags(what: str, entry: _Entry) -> list[str]:
    """Under which of the paper's figures an entry counts."""
    sensor = "SAR" if entry.picture.sensor == "sar" else "optical"
    copied = "images that are turned copies" if what == "images" else "expressions on turned copies"
    return [what, f"{what}, {sensor}", f"{what} in {entry.split}", *([copied] if entry.move else [])]
