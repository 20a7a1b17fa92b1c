"""From a probability map to what was meant: the mask, its parts on the map and in metres. No network and no torch.

Where an area was outlined in windows, these showed everything of a class. Which of it an expression means by position,
size, relation or superlative is decided here, over the connected parts of the whole mask. Another threshold makes other
parts, so that a redraw decides anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.errors import InputRefused
from engine.grounding.deciding import Frame, decide, searches
from engine.grounding.reconcile import Sighting
from engine.jobs.folder import JobFolder
from engine.raster.masks import EIGHT_NEIGHBOURS, LEVELS, NO_DATA, Bytes, mask_of
from engine.raster.polygons import mask_area_m2, mask_share, polygons_of
from engine.records import Box, Cleaning, Grid, OutlinePart, PixelWindow, WindowsUsed
from engine.text import parse

LEAST_THING_PX = 16
"""Parts of fewer of the model's pixels than one cell of the decoder has (4 x 4) are no things to decide between (*our
reading*): crumbs fray from the edges of things, and one of them would be the smallest or the leftmost."""

BLOCK_ROWS = 512
"""Rows that are counted at a time, so that memory holds no second copy of a large map."""


@dataclass(frozen=True, slots=True)
class ProbabilityMap:
    """How likely each pixel of ``window`` of a raster on ``grid`` is meant by ``expression``.

    ``levels`` names the ``.npy`` file that says it, [rows, columns], as bytes (``engine.raster.masks``). ``references``
    is the same of what a relation leads to, None where windows were not searched for that. ``windows`` is None where
    the area went into the model at once, which then has read the whole expression itself.
    """

    expression: str
    levels: Path
    references: Path | None
    window: PixelWindow
    grid: Grid
    windows: WindowsUsed | None

    @property
    def own_grid(self) -> Grid:
        """The grid of ``levels``: the raster's pixels in the window."""
        return self.grid.sub(self.window.box, self.window.width, self.window.height)


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cleaning makes of a probability map; the fields are those of ``records.Outline``.

    ``mask`` names the file of the mask [rows, columns]: 1 where it is meant, 0 elsewhere, and 255 without data.
    """

    mask: Path
    parts: tuple[OutlinePart, ...]
    parts_cut: int
    area_m2: float | None
    share: float
    mean_probability: float
    remarks: tuple[str, ...]


def cut(probable: ProbabilityMap, cleaning: Cleaning, folder: JobFolder, step: Callable[[], None]) -> Cut:
    """Cut the mask out of ``probable``, decide what of it is meant, and write it into ``folder``.

    ``step`` is called between steps, and may raise. Raises :class:`InputRefused` for what cannot be decided over
    windows, or where a file of ``probable`` is gone, and ``ExportRefused``.
    """
    levels = _read(probable.levels)
    mask = mask_of(levels, cleaning)
    step()
    remarks = _nothing_left(levels, mask, cleaning)
    decides = probable.windows is not None and searches(probable.expression, parse(probable.expression)).decides
    if decides and not remarks:
        mask, remarks = _meant(probable, levels, mask, cleaning)
        step()
    parts, parts_cut = polygons_of(mask, levels, probable.own_grid)
    step()
    if parts_cut:
        remarks += (f"The {len(parts):,} largest parts are listed; {parts_cut:,} smaller ones are in the mask alone.",)
    return Cut(
        mask=folder.write_array("mask", mask),
        parts=tuple(_in_raster(part, probable.window) for part in parts),
        parts_cut=parts_cut,
        area_m2=mask_area_m2(mask, probable.own_grid),
        share=mask_share(mask),
        mean_probability=_mean_probability(levels, mask),
        remarks=remarks,
    )


def _read(path: Path) -> Bytes:
    """A map on the disk, [rows, columns]. Raises :class:`InputRefused` where it is gone."""
    try:
        levels: Bytes = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputRefused(f"The probability map {path} cannot be read: {error}.", remedy="Outline again.") from error
    return levels


def _nothing_left(levels: Bytes, mask: Bytes, cleaning: Cleaning) -> tuple[str, ...]:
    """Why there is nothing in the mask; empty where there is something."""
    most = -1
    for rows in _blocks(levels):
        if (mask[rows] == 1).any():
            return ()
        most = max(most, int(np.where(levels[rows] == NO_DATA, -1, levels[rows].astype(np.int16)).max()))
    if most < cleaning.threshold * LEVELS:
        least = f"the threshold is {cleaning.threshold:.2f}"
        return (f"Nothing was outlined: the most likely pixel has a probability of {most / LEVELS:.2f}, and {least}.",)
    return (f"Nothing was outlined: every part has fewer than {cleaning.least_part_px:,} pixels.",)


def _mean_probability(levels: Bytes, mask: Bytes) -> float:
    """Over the pixels of the mask; 0 for none."""
    pixels = total = 0
    for rows in _blocks(levels):
        found = levels[rows][mask[rows] == 1]
        pixels, total = pixels + found.size, total + int(found.sum(dtype=np.int64))
    return total / (pixels * LEVELS) if pixels else 0.0


def _in_raster(part: OutlinePart, window: PixelWindow) -> OutlinePart:
    """With its box in the raster's pixels instead of the window's."""
    x, y, box = window.col_off, window.row_off, part.box
    return replace(part, box=Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y))


def _blocks(array: Bytes) -> Iterator[slice]:
    """Rows of an array, some at a time."""
    return (slice(top, top + BLOCK_ROWS) for top in range(0, len(array), BLOCK_ROWS))


# ---- what is meant


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a mask that are things, their ``numbers`` in ``labels`` int32 [rows, columns], and these labels."""

    labels: NDArray[np.int32]
    numbers: list[int]
    things: list[Sighting]


def _meant(probable: ProbabilityMap, levels: Bytes, mask: Bytes, cleaning: Cleaning) -> tuple[Bytes, tuple[str, ...]]:
    """The mask of the parts that the expression means, and what the user should know of how that was decided."""
    parsed, model_px, side = parse(probable.expression), *_scale(probable)
    found = _parts(mask, levels, probable.window, parsed.category, model_px)
    others: list[Sighting] = []
    if probable.references is not None and parsed.relation is not None:
        references, label = _read(probable.references), parsed.relation.reference.category
        others = _parts(mask_of(references, cleaning), references, probable.window, label, model_px).things
    decision = decide(parsed, found.things, others, Frame(probable.window.box, model_px, side))
    chosen = decision.chosen if parsed.plural else decision.chosen[:1]
    shown = np.zeros(int(found.labels.max(initial=0)) + 1, bool)
    shown[[found.numbers[index] for index in chosen]] = True
    meant = mask.copy()
    for rows in _blocks(mask):
        meant[rows][(mask[rows] == 1) & ~shown[found.labels[rows]]] = 0
    return meant, decision.remarks


def _scale(probable: ProbabilityMap) -> tuple[float, int]:
    """Pixels of the raster for one of the model's, and the model's side in its own pixels."""
    windows, native = probable.windows, probable.grid.gsd_m
    if windows is None or windows.gsd_m is None or native is None:
        return 1.0, 1 if windows is None else windows.side_px
    model_px = windows.gsd_m / native
    return model_px, round(windows.side_px / model_px)


def _parts(mask: Bytes, levels: Bytes, window: PixelWindow, label: str, model_px: float) -> _Parts:
    """Parts of eight neighbours with their boxes in the raster's pixels, scored by their mean probability."""
    labels, count = ndimage.label(mask == 1, EIGHT_NEIGHBOURS)
    pixels, total = np.zeros(count + 1), np.zeros(count + 1)
    for rows in _blocks(mask):
        own = labels[rows].ravel()
        pixels += np.bincount(own, minlength=count + 1)
        total += np.bincount(own, levels[rows].ravel(), minlength=count + 1)
    places = ndimage.find_objects(labels)
    numbers = [number for number in range(1, count + 1) if pixels[number] >= LEAST_THING_PX * model_px**2]
    things = []
    for number in numbers:
        rows, columns = places[number - 1]
        x, y = window.col_off, window.row_off
        box = (float(columns.start + x), float(rows.start + y), float(columns.stop + x), float(rows.stop + y))
        things.append(Sighting(box, total[number] / pixels[number] / LEVELS, label, "both"))
    return _Parts(labels, numbers, things)
