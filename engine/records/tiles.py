"""The same question over a grid of tiles, and what was answered where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.records.answer import AreaUsed, Provenance
from engine.records.geometry import PixelWindow
from engine.records.pair import PairCheck

TileState = Literal["answered", "single-sensor", "not-answerable"]
TILE_STATES: tuple[TileState, ...] = ("answered", "single-sensor", "not-answerable")
"""By both sensors, by one of them alone, by none as neither has data there; their order is the code in arrays."""

NO_ANSWER = -1
"""In an array of answers: a tile that is not answerable."""


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Square tiles of ``side_px`` optical pixels laid over ``window`` from its top-left corner, without overlap.

    In the last row and column a tile ends where the window does: together the tiles are the window, exactly.
    """

    window: PixelWindow
    side_px: int
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.side_px < 1:
            raise UsageError("A tile has at least one pixel.", remedy="Name a coarser scale for the tiles.")
        fitting = _count(self.window.height, self.side_px), _count(self.window.width, self.side_px)
        if (self.rows, self.columns) != fitting:
            raise UsageError(
                f"{self.rows} x {self.columns} tiles of {self.side_px} px do not make up {self.window.width} x "
                f"{self.window.height} px."
            )

    @classmethod
    def over(cls, window: PixelWindow, side_px: int) -> TileGrid:
        """As many tiles of ``side_px`` as it takes to cover ``window``."""
        return cls(window, side_px, _count(window.height, side_px), _count(window.width, side_px))

    @property
    def tiles(self) -> int:
        return self.rows * self.columns

    def tile(self, row: int, column: int) -> PixelWindow:
        """The window of one tile, in optical pixels. Raises :class:`UsageError` outside of the grid."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            raise UsageError(f"There is no tile in row {row}, column {column} of {self.rows} x {self.columns}.")
        left, top = column * self.side_px, row * self.side_px
        return PixelWindow(
            self.window.col_off + left,
            self.window.row_off + top,
            min(self.side_px, self.window.width - left),
            min(self.side_px, self.window.height - top),
        )

    def positions(self) -> Iterator[tuple[int, int]]:
        """Row and column of every tile, in reading order."""
        return ((row, column) for row in range(self.rows) for column in range(self.columns))


def nearest_trained_gsd_m(native_gsd_m: float, trained_gsd_m: tuple[float, float]) -> float:
    """Metres per pixel at the network for tiles that are to show a raster of ``native_gsd_m`` as it is.

    That is its own, or the nearest within ``trained_gsd_m``, the range of a model's card; (0, 0) is one that is not
    known.
    """
    finest, coarsest = trained_gsd_m
    return min(max(native_gsd_m, finest), coarsest) if coarsest > 0 else native_gsd_m


def _count(length: int, side_px: int) -> int:
    return math.ceil(length / max(side_px, 1))


@dataclass(frozen=True, slots=True)
class TileCount:
    """One line of the table: in how many tiles ``answer`` was given, and on how much ground.

    ``share`` is that of the answerable tiles' pixels, 0..1: a cut tile at the edge counts as what it is.
    ``mean_confidence`` is over its tiles. ``area_m2`` is None where the metres per pixel are unknown.
    """

    answer: str
    tiles: int
    share: float
    mean_confidence: float
    area_m2: float | None


@dataclass(frozen=True, slots=True)
class TileArrays:
    """Paths of ``.npy`` files, each [rows, columns] of the grid.

    ``answer`` int32, an index into ``TiledAnswer.counts`` or :data:`NO_ANSWER`; ``confidence`` float32, NaN without an
    answer; ``state`` uint8, an index into :data:`TILE_STATES`; ``valid_optical`` and ``valid_sar`` float32, the share
    of the tile with data, 0 throughout for a sensor that is absent or muted.
    """

    answer: str
    confidence: str
    state: str
    valid_optical: str
    valid_sar: str


@dataclass(frozen=True, slots=True)
class TiledAnswer:
    """What a network said about every tile of an area.

    ``counts`` has every answer that was given, the most frequent first. ``states`` has the number of tiles per state of
    :data:`TILE_STATES`. ``area`` tells of the whole, its ``model_gsd_m`` is that of a tile. ``seconds`` is the time in
    the engine.
    """

    question: str
    grid: TileGrid
    counts: tuple[TileCount, ...]
    states: dict[TileState, int]
    arrays: TileArrays
    area: AreaUsed
    gate: PairCheck
    provenance: Provenance
    messages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seconds: float = 0.0
