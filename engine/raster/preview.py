"""A first picture of a raster without overviews, from some of its blocks, made better while nobody waits.

A file without overviews has to be decoded whole to be shown whole: seconds. :class:`Preview` is a small picture of
the whole file that starts from a wide lattice of blocks, whose means stand for their neighbours not read yet, and
halves the lattice until every block was read once. From then on it serves as the file's missing overview.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.raster.reading import DEFAULT_MAX_BYTES, RasterRead, Source, read_box
from engine.records import Box

# Longer side of the picture: a pane on a large screen.
PREVIEW_PX = 1536
# The widest lattice has at least this many blocks, so that the first picture is one.
LEAST_BLOCKS = 16
# The first picture takes at most this many (20 x 20 tiles), for this time; the widest lattice may take longer.
FIRST_BLOCKS = 400
FIRST_SECONDS = 0.3
LATTICE_SECONDS = 0.6


class Preview:
    """A picture of ``height`` x ``width`` cells of a whole file in the given ``bands``, filled block by block.

    Each cell holds the file's pixel at its centre (nearest). Frame: the file's own pixels.
    """

    def __init__(self, source: Source, bands: tuple[int, ...]) -> None:
        dataset = source.dataset
        shrink = max(1.0, max(dataset.width, dataset.height) / PREVIEW_PX)
        self.width, self.height = max(1, round(dataset.width / shrink)), max(1, round(dataset.height / shrink))
        self.step = shrink
        self.bands = bands
        self.blocks_read = 0
        self._source = source
        self._values = np.full((len(bands), self.height, self.width), np.nan, np.float32)
        self._valid = np.zeros((self.height, self.width), bool)
        self._known = np.zeros((self.height, self.width), bool)
        block_rows, block_cols = dataset.block_shapes[0]
        self._row_edges = _cell_edges(self.height, dataset.height, block_rows)
        self._col_edges = _cell_edges(self.width, dataset.width, block_cols)
        rows, cols = len(self._row_edges) - 1, len(self._col_edges) - 1
        self.blocks = rows * cols
        # A strip knows its columns all across the file; only its rows have to stand for others.
        self._split_axes = tuple(axis for axis, pieces in ((1, rows), (2, cols)) if pieces > 1)
        stride = _widest_stride(rows, cols)
        self._first_blocks = math.ceil(rows / stride) * math.ceil(cols / stride)
        self._queue = _lattice(rows, cols, stride)

    @property
    def complete(self) -> bool:
        return self.blocks_read >= self.blocks

    def begin(self) -> None:
        """Read the blocks of the first picture, unless that was done. Where blocks are huge it may have holes."""
        if self.blocks_read == 0:
            started = time.monotonic()
            self.fill(LATTICE_SECONDS, self._first_blocks)
            self.fill(FIRST_SECONDS - (time.monotonic() - started), FIRST_BLOCKS - self._first_blocks)

    def fill(self, seconds: float, blocks: int | None = None) -> None:
        """Read further blocks for about ``seconds``, at most ``blocks``.

        Raises rasterio's error for a damaged block, which is then left empty; a further call reads on behind it.
        """
        stop_at = time.monotonic() + seconds
        left = self.blocks if blocks is None else blocks
        while left > 0 and time.monotonic() < stop_at and not self.complete:
            self.blocks_read += 1
            left -= 1
            self._read_block(*next(self._queue))

    def sample(self, box: Box, width: int, height: int, *, known_only: bool = False) -> RasterRead:
        """``box`` (file pixels) as ``height`` x ``width`` cells, each the nearest cell of the picture.

        With ``known_only`` cells that only stand for others are empty, as their spread is not that of the file.
        """
        cols = _nearest(box.x0, box.width, width, self.width / self._source.dataset.width, self.width)
        rows = _nearest(box.y0, box.height, height, self.height / self._source.dataset.height, self.height)
        values, valid = self._values[:, rows[:, None], cols], self._valid[rows[:, None], cols]
        if known_only:
            valid &= self._known[rows[:, None], cols]
            values[:, ~valid] = np.nan
        return RasterRead(values, valid)

    def _read_block(self, row: int, col: int, stride: int) -> None:
        """Read one block's cells, and paint their mean over those around it that are not known yet."""
        top, bottom = self._row_edges[row], self._row_edges[row + 1]
        left, right = self._col_edges[col], self._col_edges[col + 1]
        scale_row = self._source.dataset.height / self.height
        scale_col = self._source.dataset.width / self.width
        box = Box(left * scale_col, top * scale_row, right * scale_col, bottom * scale_row)
        here = slice(top, bottom), slice(left, right)
        self._known[here] = True
        self._valid[here] = False  # and stays so where the block is damaged: the next call goes on behind it
        read = read_box(self._source, box, right - left, bottom - top, "nearest", self.bands, DEFAULT_MAX_BYTES)
        self._values[:, *here] = read.values
        self._valid[here] = read.valid
        if stride == 1:
            return
        around = slice(*_reach(self._row_edges, row, stride)), slice(*_reach(self._col_edges, col, stride))
        mean, valid = _mean(read, self._split_axes)
        unknown = ~self._known[around]
        np.copyto(self._values[:, *around], mean, where=unknown)
        np.copyto(self._valid[around], valid, where=unknown)


def _mean(read: RasterRead, axes: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The mean of the valid cells along ``axes`` (1 rows, 2 columns), kept as axes of one; valid where most are."""
    count = read.valid[np.newaxis].sum(axis=axes, keepdims=True)
    total = np.where(read.valid, read.values, 0).sum(axis=axes, keepdims=True)
    most = read.valid[np.newaxis].mean(axis=axes, keepdims=True) >= 0.5
    mean = np.where(most, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return mean, most[0]


def _cell_edges(cells: int, pixels: int, block: int) -> list[int]:
    """The cells at which another block begins, and the end; blocks that no cell's centre hits are left out."""
    centres = ((np.arange(cells) + 0.5) * (pixels / cells)).astype(np.int64)
    changes = np.flatnonzero(np.diff(centres // block)) + 1
    return [0, *changes.tolist(), cells]


def _widest_stride(rows: int, cols: int) -> int:
    """The largest power of two that leaves at least :data:`LEAST_BLOCKS` of a table, 1 if there are not so many."""
    stride = 1
    while math.ceil(rows / stride / 2) * math.ceil(cols / stride / 2) >= LEAST_BLOCKS:
        stride *= 2
    return stride


def _lattice(rows: int, cols: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Every (row, column) of a table once with the stride it was met at: first the widest, halved each time."""
    first = True
    while stride >= 1:
        for row in range(0, rows, stride):
            for col in range(0, cols, stride):
                if first or row % (2 * stride) or col % (2 * stride):
                    yield row, col, stride
        first = False
        stride //= 2


def _reach(edges: list[int], index: int, stride: int) -> tuple[int, int]:
    """The cells half a stride of blocks around block ``index``."""
    half = stride // 2
    return edges[max(index - half, 0)], edges[min(index + half + 1, len(edges) - 1)]


def _nearest(start: float, length: float, cells: int, scale: float, size: int) -> NDArray[np.int64]:
    centres = (start + (np.arange(cells) + 0.5) * (length / cells)) * scale
    index: NDArray[np.int64] = np.clip(np.floor(centres), 0, size - 1).astype(np.int64)
    return index
