"""The rectangle the user draws to say what a question is about. No Qt; everything in frame pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.records import Box, PixelWindow
from rsqa_desktop.canvas.viewport import window_around

Grip = Literal["new", "move", "n", "ne", "e", "se", "s", "sw", "w", "nw"]


@dataclass(slots=True)
class _Drag:
    grip: Grip
    col: float
    row: float
    before: PixelWindow | None


class AreaTool:
    """Draws, moves and resizes one :class:`PixelWindow` within a frame of ``frame_width`` x ``frame_height``.

    The pixels that a drag touches are the area: whole pixels, clipped to the frame.
    """

    def __init__(self) -> None:
        self.window: PixelWindow | None = None
        self.frame_width = 1
        self.frame_height = 1
        self._drag: _Drag | None = None

    @property
    def dragging(self) -> bool:
        return self._drag is not None

    def grip_at(self, col: float, row: float, reach: float) -> Grip:
        """What a press there would take hold of; ``reach`` is how near an edge counts as on it, in frame pixels."""
        if self.window is None:
            return "new"
        box = self.window.box
        if not (box.x0 - reach <= col <= box.x1 + reach and box.y0 - reach <= row <= box.y1 + reach):
            return "new"
        # An edge reaches no further in than a third, so that a small area can still be moved.
        reach_x, reach_y = min(reach, box.width / 3), min(reach, box.height / 3)
        vertical = "n" if row < box.y0 + reach_y else "s" if row > box.y1 - reach_y else ""
        horizontal = "w" if col < box.x0 + reach_x else "e" if col > box.x1 - reach_x else ""
        return _GRIPS[vertical + horizontal]

    def press(self, col: float, row: float, reach: float) -> None:
        self._drag = _Drag(self.grip_at(col, row, reach), col, row, self.window)

    def drag(self, col: float, row: float) -> None:
        """The pointer has moved with the button down."""
        if self._drag is None:
            return
        grip, before = self._drag.grip, self._drag.before
        if grip == "new" or before is None:
            self.window = self._clipped(Box(*_ordered(self._drag.col, self._drag.row, col, row))) or before
        elif grip == "move":
            self.window = self.moved(before, round(col - self._drag.col), round(row - self._drag.row))
        else:
            box = before.box
            x0 = col if "w" in grip else box.x0
            x1 = col if "e" in grip else box.x1
            y0 = row if "n" in grip else box.y0
            y1 = row if "s" in grip else box.y1
            self.window = self._clipped(Box(*_ordered(x0, y0, x1, y1))) or before

    def release(self) -> bool:
        """The button is up. Says whether the area is another than before."""
        drag, self._drag = self._drag, None
        return drag is not None and self.window != drag.before

    def cancel(self) -> None:
        """Back to the area before the press."""
        if self._drag is not None:
            self.window = self._drag.before
            self._drag = None

    def moved(self, window: PixelWindow, columns: int, rows: int) -> PixelWindow:
        """``window`` shifted, but kept in the frame whole."""
        col = min(max(window.col_off + columns, 0), max(self.frame_width - window.width, 0))
        row = min(max(window.row_off + rows, 0), max(self.frame_height - window.height, 0))
        return PixelWindow(col, row, window.width, window.height)

    def grown(self, window: PixelWindow, columns: int, rows: int) -> PixelWindow:
        """``window`` with its right and lower edge moved, one pixel at least, kept in the frame."""
        return PixelWindow(
            window.col_off,
            window.row_off,
            min(max(window.width + columns, 1), self.frame_width - window.col_off),
            min(max(window.height + rows, 1), self.frame_height - window.row_off),
        )

    def _clipped(self, box: Box) -> PixelWindow | None:
        return window_around(box).clipped(self.frame_width, self.frame_height)


_GRIPS: dict[str, Grip] = {
    "": "move",
    "n": "n",
    "s": "s",
    "e": "e",
    "w": "w",
    "ne": "ne",
    "nw": "nw",
    "se": "se",
    "sw": "sw",
}


def _ordered(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
