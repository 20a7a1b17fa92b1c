"""RefSegRS from images and maps of classes, by the paper's own recipe, on data that the user has.

"RRSIS: Referring Remote Sensing Image Segmentation" (arXiv 2306.08625), section III: crops of 1200 pixels at a stride
of 600 are delivered at 512; expressions are put together from templates (:mod:`.referring_templates`) and their masks
made from the map (:mod:`.referring_masks`); what is not informative is left out. The paper filtered 640 crops by hand
down to 285: a list of crops to keep stands for that. Crops overlap by half, so tiles are split, never crops, in the
proportion of the paper's scenes.

Input: a folder of RGB tiles, a folder of maps (one band of class numbers) with the same names, and a class table::

    gsd_m = 0.13          # metres per pixel, where the tiles do not tell it
    [classes]             # number in the maps -> name
    0 = "low vegetation"
    1 = "paved road"

A number may be left out, and two may have one name; pixels that a map declares empty have no class. Names are those of
:data:`~engine.datasets.building.referring_templates.MAP_CLASSES` and
:data:`~engine.datasets.building.referring_templates.GENERAL_CLASSES`.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.datasets.building.build_report import BuildReport
from engine.datasets.building.name_lists import read_names
from engine.datasets.building.referring_masks import BUFFER_M, BUFFER_PX, LEAST_PX, MOST_SHARE, SURROUNDED, masks_of
from engine.datasets.building.referring_templates import GENERAL_CLASSES, MAP_CLASSES, Template
from engine.datasets.building.splitting import REFSEGRS_SHARES, split_in_proportion
from engine.datasets.dataset import Faults, Progress
from engine.datasets.readers.files import images_in
from engine.datasets.readers.refsegrs import LAYOUT
from engine.datasets.statistics import Cell, Table
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.writing_refsegrs import NewMask, write_refsegrs
from engine.draws import Draws
from engine.errors import Cancelled, DataSetUnreadable, InputRefused
from engine.raster import Raster, open_raster
from engine.records import Grid, PixelWindow

_SPLITTING = 1  # stream of Draws


@dataclass(frozen=True, slots=True)
class Cropping:
    """A crop's side and the step between crops, in pixels of the tile, and its side as delivered (section III-A)."""

    crop_px: int = 1200
    stride_px: int = 600
    side_px: int = 512


@dataclass(frozen=True, slots=True)
class Inputs:
    """Folders of tiles and of maps, the class table, the list of crops to keep, if there is one, and how to crop.

    A line of that list is the name of a crop (``TILE_ROW_COLUMN``, as in the report), which keeps all its expressions,
    or the name and an expression, which keeps that.
    """

    tiles: Path
    maps: Path
    classes: Path
    keep: Path | None = None
    cropping: Cropping = Cropping()


@dataclass(frozen=True, slots=True)
class _ClassTable:
    numbers: Mapping[str, Sequence[int]]
    gsd_m: float | None


@dataclass(frozen=True, slots=True)
class _Tile:
    """A tile and its map, which have the same size, and its crops: name and window."""

    name: str
    image: Path
    map: Path
    crops: tuple[tuple[str, PixelWindow], ...]
    gsd_m: float | None

    @property
    def buffer_px(self) -> float:
        """The buffer of adjacency and containment in pixels of the tile."""
        return BUFFER_PX if self.gsd_m is None else BUFFER_M / self.gsd_m


@dataclass(slots=True)
class _Log:
    """What came out, crop by crop."""

    dropped: list[dict[str, Cell]] = field(default_factory=list)
    crops: list[dict[str, Cell]] = field(default_factory=list)
    expressions: Counter[str] = field(default_factory=Counter)
    shares: list[float] = field(default_factory=list)


def build_refsegrs(
    inputs: Inputs,
    folder: Path,
    seed: int = 0,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BuildReport:
    """Write RefSegRS made of ``inputs`` into ``folder``, which should be empty.

    Tiles are read crop by crop, so that memory does not grow with them. Raises :class:`DataSetUnreadable` for a class
    table, list or folder that cannot be used, :class:`InputRefused` where no informative expression is left,
    :class:`ExportRefused` where the folder cannot be written, :class:`Cancelled`.
    """
    table = _read_classes(inputs.classes)
    log = _Log()
    tiles = _tiles(inputs, table, log)
    kept = None if inputs.keep is None else _read_keep(inputs.keep, tiles)
    if kept is not None:
        tiles = [
            _Tile(t.name, t.image, t.map, tuple(crop for crop in t.crops if crop[0] in kept), t.gsd_m) for t in tiles
        ]
    tiles = [tile for tile in tiles if tile.crops]
    sizes = [len(tile.crops) for tile in tiles]
    side, numbers = inputs.cropping.side_px, table.numbers
    splits = split_in_proportion([{}] * len(tiles), REFSEGRS_SHARES, Draws(seed, _SPLITTING), sizes)

    def entries() -> Iterator[tuple[NewImage, list[NewMask]]]:
        done = 0
        for tile, split in zip(tiles, splits, strict=True):
            with open_raster(tile.image, sensor="optical") as image, open_raster(tile.map) as classes:
                for name, window in tile.crops:
                    progress("Making masks", done / sum(sizes))
                    if cancelled():
                        raise Cancelled("Building was stopped.")
                    done += 1
                    masks = _crop_masks(classes, window, side, numbers, tile.buffer_px, kept[name] if kept else None)
                    _note(log, tile, name, split, masks)
                    if masks:
                        yield _new_image(image, window, side, name, split), _grouped(masks)

    written = write_refsegrs(folder, entries())
    if not sum(written.values()):
        raise InputRefused("No informative expression is left.", remedy="Check the class table and the maps.")
    return _report(inputs, seed, table, tiles, log)


# ---- what is given


def _read_classes(path: Path) -> _ClassTable:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataSetUnreadable(f"The class table {path} cannot be read: {error}.") from error
    classes, gsd_m = content.get("classes"), content.get("gsd_m")
    known = (*MAP_CLASSES, *GENERAL_CLASSES)
    if not isinstance(classes, dict) or not classes:
        raise DataSetUnreadable(f"{path.name} has no table [classes].", remedy='Give lines such as 1 = "building".')
    numbers: dict[str, list[int]] = {}
    for number, name in classes.items():
        if name not in known or not (number.isascii() and number.isdecimal()):
            raise DataSetUnreadable(
                f"{path.name} has the class {number} = {name!r}.",
                remedy=f"Give a whole number, and one of {', '.join(known)}; leave other classes out.",
            )
        numbers.setdefault(name, []).append(int(number))
    if gsd_m is not None and not (isinstance(gsd_m, int | float) and 0 < gsd_m < 1000):
        raise DataSetUnreadable(f"gsd_m in {path.name} is no number of metres.", remedy="Give metres per pixel.")
    return _ClassTable(numbers, None if gsd_m is None else float(gsd_m))


def _tiles(inputs: Inputs, table: _ClassTable, log: _Log) -> list[_Tile]:
    """The tiles that have a map and room for a crop; what is wrong with the others is noted."""
    faults = Faults(inputs.tiles.parent)
    images, maps = images_in(inputs.tiles, faults), images_in(inputs.maps, faults)
    tiles: list[_Tile] = []
    for name, path in images.items():
        if name not in maps:
            faults.add(path, None, "The tile has no map.")
            continue
        try:
            with open_raster(path) as image, open_raster(maps[name]) as classes:
                grid, other = image.info.grid, classes.info.grid
        except InputRefused as error:
            faults.add(path, None, error.sentence)
            continue
        if (grid.width, grid.height) != (other.width, other.height):
            faults.add(path, None, f"The tile has {grid.width} x {grid.height} pixels, its map not.")
            continue
        crops = tuple(_crops(name, grid, inputs.cropping))
        if not crops:
            faults.add(path, None, f"The tile has no room for a crop of {inputs.cropping.crop_px} pixels.")
            continue
        tiles.append(_Tile(name, path, maps[name], crops, table.gsd_m or grid.gsd_m))
    log.dropped += [asdict(fault) for fault in faults.found]
    if not tiles:
        why = f" {faults.found[0].file}: {faults.found[0].what}" if faults.found else ""
        raise DataSetUnreadable(f"There is no tile with its map.{why}", remedy="Give two folders with the same names.")
    return tiles


def _crops(tile: str, grid: Grid, cropping: Cropping) -> Iterator[tuple[str, PixelWindow]]:
    """Name and window of every crop that lies wholly in the tile, row by row."""
    side, stride = cropping.crop_px, cropping.stride_px
    for row, top in enumerate(range(0, grid.height - side + 1, stride)):
        for column, left in enumerate(range(0, grid.width - side + 1, stride)):
            yield f"{tile}_{row}_{column}".replace(" ", "_"), PixelWindow(left, top, side, side)


def _read_keep(path: Path, tiles: Sequence[_Tile]) -> dict[str, frozenset[str]]:
    """The expressions to keep of each crop that the list names; none means all."""
    known = {name for tile in tiles for name, _ in tile.crops}
    kept: dict[str, set[str]] = {}
    whole: set[str] = set()
    for line, number in read_names(path).items():
        name, *words = line.split()
        if name not in known:
            raise DataSetUnreadable(f"{path.name}, line {number}: there is no crop {name}.", remedy="See the report.")
        kept.setdefault(name, set()).add(" ".join(words))
        if not words:
            whole.add(name)
    return {name: frozenset() if name in whole else frozenset(words) for name, words in kept.items()}


# ---- one crop


def _crop_masks(
    classes: Raster,
    window: PixelWindow,
    side: int,
    numbers: Mapping[str, Sequence[int]],
    buffer_px: float,
    kept: frozenset[str] | None,
) -> dict[Template, NDArray[np.bool_]]:
    """The informative masks [side, side] of a crop, of those expressions that are kept (all, where none is named)."""
    read = classes.read(window, window.width, window.height, bands=(1,), resampling="nearest")
    pixels = np.where(read.valid, np.nan_to_num(read.values[0]), -1).astype(np.int64)
    masks = masks_of(pixels, numbers, buffer_px, side)
    return {template: mask for template, mask in masks.items() if not kept or template.text in kept}


def _new_image(image: Raster, window: PixelWindow, side: int, name: str, split: str) -> NewImage:
    """The crop as it is delivered: averaged down, with its place on the map if the tile has one."""
    read = image.read(window, side, side)
    values = np.nan_to_num(read.values)
    dtype = np.dtype(image.info.bands[0].dtype)
    pixels = values if dtype.kind == "f" else np.rint(values).astype(dtype)
    grid = image.info.grid.sub(window.box, side, side)
    return NewImage(f"{name}.tif", split, "optical", side, side, pixels, grid)


def _grouped(masks: Mapping[Template, NDArray[np.bool_]]) -> list[NewMask]:
    """One entry for each mask, with all expressions that mean it."""
    same: dict[bytes, tuple[list[str], NDArray[np.bool_]]] = {}
    for template, mask in masks.items():
        same.setdefault(mask.tobytes(), ([], mask))[0].append(template.text)
    return [NewMask(tuple(texts), mask) for texts, mask in same.values()]


def _note(log: _Log, tile: _Tile, name: str, split: str, masks: Mapping[Template, NDArray[np.bool_]]) -> None:
    log.crops.append({"crop": name, "tile": tile.name, "split": split, "expressions": len(masks)})
    log.expressions.update(template.text for template in masks)
    log.shares += [float(mask.mean()) for mask in masks.values()]


# ---- the report

_PAPER = {"train": (151, 2_172), "val": (31, 431), "test": (103, 1_817)}
"""Scenes and expressions (section III-D)."""


def _report(inputs: Inputs, seed: int, table: _ClassTable, tiles: Sequence[_Tile], log: _Log) -> BuildReport:
    unknown = sum(tile.gsd_m is None for tile in tiles)
    notes = [f"{unknown} tiles do not tell their pixels' size: the buffer was {BUFFER_PX} pixels."] if unknown else []
    empty = [split for split in REFSEGRS_SHARES if not any(crop["split"] == split for crop in log.crops)]
    if empty:
        notes.append(f"There is nothing in {', '.join(empty)}: tiles are split whole, and there are {len(tiles)}.")
    settings: dict[str, Cell] = {
        "seed": seed,
        "tiles": str(inputs.tiles),
        "maps": str(inputs.maps),
        "keep": str(inputs.keep or ""),
        "gsd_m": table.gsd_m or "of each tile",
        "buffer, m": BUFFER_M,
        "buffer without gsd, px": BUFFER_PX,
        "surrounded, share of the buffer": SURROUNDED,
        "least foreground, px": LEAST_PX,
        "most foreground, share": MOST_SHARE,
    }
    counted = Table("Expressions", ("expression", "count"), tuple(log.expressions.most_common()))
    tables = (_beside_the_paper(tiles, log), counted)
    return BuildReport(LAYOUT.name, settings, tables, {"dropped": log.dropped, "crops": log.crops}, tuple(notes))


def _beside_the_paper(tiles: Sequence[_Tile], log: _Log) -> Table:
    rows: list[tuple[Cell, ...]] = [("crops looked at", sum(len(tile.crops) for tile in tiles), 640)]
    for split, (scenes, expressions) in _PAPER.items():
        crops = [crop for crop in log.crops if crop["split"] == split and crop["expressions"]]
        rows.append((f"scenes in {split}", len(crops), scenes))
        rows.append((f"expressions in {split}", sum(int(crop["expressions"]) for crop in crops), expressions))
    small = sum(share < 0.05 for share in log.shares) / max(len(log.shares), 1)
    rows.append(("masks of less than 5 % of the scene, share", round(small, 3), "the majority"))
    return Table("Beside the paper", ("figure", "here", "the paper"), tuple(rows))
