"""Which parts of a pair the gate looks at, so that a raster of any size is judged in about a second.

A shift needs full-resolution structure, but not everywhere: small overlaps are read whole, large ones as a few
windows spread over them. Whether pixels have data is read from overviews where both files have them, else from the
same windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.raster import Raster, sar_to_db
from engine.records import PixelWindow, ValidShare
from engine.records.raster import SarUnit
from engine.registration.overlap import Overlap

# An overlap up to this many cells is read whole, a larger one as 4 x 4 windows of 256 cells: the same amount.
_WHOLE_CELLS = 1024 * 1024
_WINDOW_CELLS = 256
_WINDOWS = 16
# SAR that is coarser than optical is compared on coarser cells, so that the search reaches as far in SAR pixels; up to
# this many optical pixels a cell, which bounds what is read of files without overviews.
_MOST_PX_PER_CELL = 4
# Longer side of a decimated read through overviews.
_OVERVIEW_CELLS = 512
# Units in which speckle multiplies; in decibels it adds. A stretched picture is taken as compressed already.
_LINEAR: frozenset[SarUnit] = frozenset({"power", "amplitude", "complex", "digital-number"})


@dataclass(frozen=True)
class PairWindow:
    """One part of a pair on the optical grid: both as float32 [H, W], their masks, and which cells both rasters cover.

    SAR is in decibels where its unit is known, optical the mean of its chosen bands.
    """

    optical: NDArray[np.float32]
    sar: NDArray[np.float32]
    optical_valid: NDArray[np.bool_]
    sar_valid: NDArray[np.bool_]
    covered: NDArray[np.bool_]


def px_per_cell(resolution_ratio: float | None) -> int:
    """Optical pixels along a side of the cells on which the two are compared."""
    return int(np.clip(round(resolution_ratio or 1), 1, _MOST_PX_PER_CELL))


def choose_windows(shared: Overlap | None, box: PixelWindow, cell_px: int) -> list[PixelWindow]:
    """Windows of the optical raster, at least one, spread over what both rasters cover of ``box`` (None: all of it)."""
    if box.width * box.height <= _WHOLE_CELLS * cell_px**2:
        return [box]
    width, height = min(_WINDOW_CELLS * cell_px, box.width), min(_WINDOW_CELLS * cell_px, box.height)
    wanted = max(4, _WINDOWS // cell_px**2)
    for per_side in range(math.isqrt(wanted), 13):  # a slanted overlap leaves part of its box empty: look closer
        cols, rows = np.meshgrid(
            np.linspace(box.col_off, box.col_off + box.width - width, per_side).round(),
            np.linspace(box.row_off, box.row_off + box.height - height, per_side).round(),
        )
        found = np.ones(cols.shape, bool) if shared is None else shared.contains(cols + width / 2, rows + height / 2)
        if found.sum() >= 0.75 * wanted:
            break
    lefts, tops = (cols[found], rows[found]) if found.any() else (cols.ravel(), rows.ravel())
    chosen = np.unique(np.linspace(0, lefts.size - 1, min(wanted, lefts.size)).round().astype(int))
    return [PixelWindow(int(lefts[i]), int(tops[i]), width, height) for i in chosen]


def read_window(
    optical: Raster, sar: Raster, window: PixelWindow, shared: Overlap | None, width: int, height: int
) -> PairWindow:
    """``window`` of both as ``height`` x ``width`` cells. ``shared`` None: the two lie pixel on pixel."""
    first = optical.read(window, width, height)
    second = sar.read(window, width, height, on=optical.info.grid)
    covered = np.ones((height, width), bool) if shared is None else shared.cells(window, width, height)
    unit = sar.info.sar_unit
    backscatter = sar_to_db(second.values[0], unit) if unit is not None and unit in _LINEAR else second.values[0]
    grey = first.values.mean(axis=0)
    return PairWindow(grey, backscatter, first.valid, second.valid, covered)


def shared_valid_share(
    optical: Raster, sar: Raster, shared: Overlap | None, box: PixelWindow, windows: list[PairWindow]
) -> ValidShare:
    """Shares of what both rasters cover that have data: over all of it where both have overviews or it was read
    whole, else over the ``windows`` already read. 0 where nothing is covered.
    """
    if len(windows) > 1 and optical.info.overviews and sar.info.overviews:
        windows = [read_window(optical, sar, box, shared, *_shrunk(box))]
    covered = sum(int(w.covered.sum()) for w in windows)
    with_optical = sum(int((w.covered & w.optical_valid).sum()) for w in windows)
    with_sar = sum(int((w.covered & w.sar_valid).sum()) for w in windows)
    return ValidShare(with_optical / covered, with_sar / covered) if covered else ValidShare(0.0, 0.0)


def own_valid_share(raster: Raster) -> float:
    """Share of a raster's cells with data, over all of it where that is cheap, else over a few windows."""
    box = PixelWindow(0, 0, raster.info.width, raster.info.height)
    windows = [box] if raster.info.overviews else choose_windows(None, box, 1)
    valid = [raster.read(window, *_shrunk(window)).valid for window in windows]
    return float(sum(v.sum() for v in valid) / sum(v.size for v in valid))


def _shrunk(window: PixelWindow) -> tuple[int, int]:
    """Width and height of a decimated read through overviews."""
    shrink = max(window.width / _OVERVIEW_CELLS, window.height / _OVERVIEW_CELLS, 1)
    return max(round(window.width / shrink), 1), max(round(window.height / shrink), 1)
