"""Which part of the frame one pane shows, and the way between its pixels and the screen. No Qt.

Two frames. *Frame pixels*: full-resolution columns and rows of the optical raster (of the SAR raster where there is
no optical), fractions allowed, (0, 0) the outer corner of the first pixel. *Screen*: logical pixels of a pane, from
its top-left corner. Rasters are shown in their pixel frame: a rotated or south-up one is not turned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from engine.records import Box, PixelWindow

MAX_SCALE = 64.0  # one frame pixel as 64 screen pixels: more teaches nothing
FIT_MARGIN = 0.96  # fitted, the frame leaves a little ground round itself


@dataclass(frozen=True, slots=True)
class Viewport:
    """A pane of ``width`` x ``height`` screen pixels with frame position (``col``, ``row``) in its middle.

    ``scale`` is screen pixels per frame pixel.
    """

    col: float
    row: float
    scale: float
    width: int
    height: int

    def to_screen(self, col: float, row: float) -> tuple[float, float]:
        return (col - self.col) * self.scale + self.width / 2, (row - self.row) * self.scale + self.height / 2

    def to_frame(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.width / 2) / self.scale + self.col, (y - self.height / 2) / self.scale + self.row

    def box_on_screen(self, box: Box) -> tuple[float, float, float, float]:
        """``x, y, width, height`` on screen of a box in frame pixels."""
        x, y = self.to_screen(box.x0, box.y0)
        return x, y, box.width * self.scale, box.height * self.scale

    @property
    def visible(self) -> Box:
        """What is seen, in frame pixels; may reach past the frame."""
        left, top = self.to_frame(0, 0)
        right, bottom = self.to_frame(self.width, self.height)
        return Box(left, top, right, bottom)

    def resized(self, width: int, height: int) -> Viewport:
        return replace(self, width=max(width, 1), height=max(height, 1))

    def panned(self, dx: float, dy: float) -> Viewport:
        """The picture moved by ``dx, dy`` screen pixels."""
        return replace(self, col=self.col - dx / self.scale, row=self.row - dy / self.scale)

    def zoomed(self, factor: float, x: float, y: float, *, least: float) -> Viewport:
        """Zoomed so that what lies at screen ``x, y`` stays there; the scale stays in ``least`` .. ``MAX_SCALE``."""
        scale = min(max(self.scale * factor, least), MAX_SCALE)
        col, row = self.to_frame(x, y)
        return replace(
            self,
            col=col - (x - self.width / 2) / scale,
            row=row - (y - self.height / 2) / scale,
            scale=scale,
        )

    def held_in(self, frame_width: int, frame_height: int) -> Viewport:
        """The nearest viewport whose middle lies in the frame, so that the images cannot be lost."""
        return replace(self, col=min(max(self.col, 0), frame_width), row=min(max(self.row, 0), frame_height))


def fit_scale(box: Box, width: int, height: int) -> float:
    """The scale at which ``box`` just fits a pane of ``width`` x ``height``, at most ``MAX_SCALE``."""
    return min(FIT_MARGIN * min(max(width, 1) / box.width, max(height, 1) / box.height), MAX_SCALE)


def window_around(box: Box) -> PixelWindow:
    """The whole pixels that ``box`` touches, one at least."""
    left, top = math.floor(box.x0), math.floor(box.y0)
    return PixelWindow(left, top, max(math.ceil(box.x1) - left, 1), max(math.ceil(box.y1) - top, 1))
