"""How an area larger than the network's input is cut into overlapping square windows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from engine.errors import UsageError
from engine.records.geometry import Box, PixelWindow

OVERLAP = 0.2
"""Share of a window's side that it has in common with the next one (*our reading*: the paper has no windows). What is
smaller than that lies whole in one of them; a quarter more windows per axis is the price."""

LEAST_SEEN_PX = 8
"""What is smaller than so many of the network's pixels is less than one cell of its finest map: it is hardly found."""

MOST_MAGNIFIED = 2.0
"""Windows of a raster that is coarser than the network was trained for show it this much larger, not more (*our
reading*). At twice its size, what has four of the raster's pixels fills a cell; what has fewer has no shape to be told
by, and windows grow by the square."""


class Sides(NamedTuple):
    """Something said of each border of a window or box."""

    left: bool
    top: bool
    right: bool
    bottom: bool


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Square windows of ``side_px`` over ``area``, in reading order, that overlap by at least ``overlap_px``.

    All in pixels of the raster. The last row and column are moved inwards so that they end with the area, and overlap
    by more. Where the area is less than a window wide or high, there is one that reaches past it on both sides, so that
    all windows are seen at one scale. A box of up to ``overlap_px`` columns and rows in the area lies whole in at least
    one window.
    """

    area: PixelWindow
    side_px: int
    overlap_px: int

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_px < self.side_px:
            raise UsageError(
                f"Windows of {self.side_px} pixels cannot overlap by {self.overlap_px}.",
                remedy="Name a coarser scale, or a smaller overlap.",
            )

    @classmethod
    def over(cls, area: PixelWindow, side_px: int, overlap: float = OVERLAP) -> WindowPlan:
        """A plan whose windows overlap by the share ``overlap``, 0 .. 1, of their side, in whole pixels.

        Raises :class:`UsageError` for a share of 1 or more, or a window without pixels.
        """
        return cls(area, side_px, int(overlap * side_px))

    @property
    def columns(self) -> tuple[int, ...]:
        """The first column of each column of windows."""
        return self._starts(self.area.col_off, self.area.width)

    @property
    def rows(self) -> tuple[int, ...]:
        """The first row of each row of windows."""
        return self._starts(self.area.row_off, self.area.height)

    def __len__(self) -> int:
        """Windows in all; counted without making them."""
        return self._count(self.area.width) * self._count(self.area.height)

    def __iter__(self) -> Iterator[PixelWindow]:
        columns = self.columns
        return (PixelWindow(column, row, self.side_px, self.side_px) for row in self.rows for column in columns)

    def fresh(self, window: PixelWindow) -> Box:
        """The part of the area that ``window`` is the first to show; those of all windows are the area, once.

        ``window`` is one of the plan's.
        """
        (x0, x1), (y0, y1) = (
            self._fresh(starts, first, low, length)
            for starts, first, low, length in (
                (self.columns, window.col_off, self.area.col_off, self.area.width),
                (self.rows, window.row_off, self.area.row_off, self.area.height),
            )
        )
        return Box(x0, y0, x1, y1)

    def seams(self, window: PixelWindow) -> Sides:
        """Which borders of ``window`` cut through the area, so that a thing may go on beyond them."""
        ours, area = window.box, self.area.box
        return Sides(ours.x0 > area.x0, ours.y0 > area.y0, ours.x1 < area.x1, ours.y1 < area.y1)

    def _count(self, length: int) -> int:
        return 1 + math.ceil(max(0, length - self.side_px) / (self.side_px - self.overlap_px))

    def _starts(self, low: int, length: int) -> tuple[int, ...]:
        """Where windows begin along an axis on which the area has ``length`` pixels from ``low`` on."""
        last = length - self.side_px
        if last <= 0:
            return (low + last // 2,)
        return (*(low + start for start in range(0, last, self.side_px - self.overlap_px)), low + last)

    def _fresh(self, starts: tuple[int, ...], first: int, low: int, length: int) -> tuple[int, int]:
        """From the end of the window before, to the end of the one that begins at ``first``, within the area."""
        place = starts.index(first)
        before = low if place == 0 else starts[place - 1] + self.side_px
        return before, min(first + self.side_px, low + length)
