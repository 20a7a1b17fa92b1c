"""How likely each pixel is meant, as a wash over the image."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QPainter

from rsqa_desktop.canvas.byte_maps import ByteMap, ScreenPicture
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.layers import OverlayLayer, PaneName
from rsqa_desktop.model.levels import LEVELS, NO_DATA
from rsqa_desktop.model.wording import percent
from rsqa_desktop.theme import value_ramp


class ProbabilityOverlay(Overlay):
    """The probability map of an outline. Raises :class:`RasterUnreadable` where its file cannot be read."""

    def __init__(self, layer: OverlayLayer) -> None:
        self.layer = layer
        self._map = ByteMap(layer.array_path, layer.extent_px, layer.title)
        self._picture = ScreenPicture(self._map, self._colours)

    def serves(self, layer: OverlayLayer) -> bool:
        """Whether this is the map of ``layer``."""
        return layer.array_path == self.layer.array_path

    def value_at(self, col: float, row: float) -> float | None:
        """The probability at a frame position, None where there is no data."""
        level = self._map.at(col, row)
        return None if level is None else level / LEVELS

    def readings_at(self, col: float, row: float) -> list[str]:
        value = self.value_at(col, row)
        return [] if value is None else [f"{self.layer.title}  {percent(value)}"]

    def paint(self, painter: QPainter, viewport: Viewport, pane: PaneName | None = None) -> None:
        painter.save()
        painter.setOpacity(self.layer.opacity)
        self._picture.paint(painter, viewport)
        painter.restore()

    def _colours(self, rows: np.ndarray, columns: np.ndarray, _: float) -> np.ndarray:
        return _RAMP.take(self._map.sampled(rows, columns))


def _ramp() -> np.ndarray:
    """The colour of every byte, uint32 [256]; nothing where there is no data."""
    red, green, blue = value_ramp().astype(np.uint32).T
    colours = np.asarray(0xFF000000 | red << 16 | green << 8 | blue, np.uint32)
    colours[NO_DATA] = 0
    return colours


_RAMP = _ramp()
