"""Maps painted over an image: routed key regions as outlined cells; all others as washes, of one colour per cell.

Cells are painted as they are, never smoothed: a network that looked at 7 x 7 cells knows nothing finer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from engine.errors import RasterUnreadable
from engine.records import Box
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.layers import OverlayLayer, PaneName
from rsqa_desktop.model.wording import percent
from rsqa_desktop.theme import CASING, attention_ramp, expert_colour, sensor_colour, trust_ramp, value_ramp

MAX_CELLS = 1 << 22  # an explanation has hundreds of cells; a file with millions is something else
SHARES = ("confidence", "routing-share", "gate", "word")
"""Kinds of maps whose values are shares of one."""
FILL_LEAST, FILL_MOST = 0.10, 0.45  # opacity of a region's fill at the legend's low and high end


class Overlay:
    """One layer with its values loaded: paints itself and tells the value under a position.

    Raises :class:`RasterUnreadable` where the layer's file is no two-dimensional array of numbers.
    """

    def __init__(self, layer: OverlayLayer) -> None:
        self.layer = layer
        self._values = load_map(layer, layer.array_path)
        self._share = _normalised(self._values, layer.low, layer.high)
        self._wash = None if layer.kind in ("regions", "answers") else _wash(layer, self._values, self._share)

    def serves(self, layer: OverlayLayer) -> bool:
        """Whether the loaded values do for ``layer``: the file, the legend and the colour are the same."""
        old = self.layer
        return (old.array_path, old.kind, old.low, old.high, old.sensor) == (
            layer.array_path,
            layer.kind,
            layer.low,
            layer.high,
            layer.sensor,
        )

    def cell_at(self, col: float, row: float) -> tuple[int, int] | None:
        """Row and column of the cell at a frame position, None outside."""
        extent, holds = self.layer.extent_px, self._holds
        if not (holds.x0 <= col < holds.x1 and holds.y0 <= row < holds.y1):
            return None
        rows, columns = self._values.shape
        cell_row = int((row - extent.y0) / extent.height * rows)
        cell_column = int((col - extent.x0) / extent.width * columns)
        return min(cell_row, rows - 1), min(cell_column, columns - 1)

    def value_at(self, col: float, row: float) -> float | None:
        """The value of the cell at a frame position, None outside and where the layer says nothing."""
        cell = self.cell_at(col, row)
        value = math.nan if cell is None else float(self._values[cell])
        return None if math.isnan(value) else value

    def readings_at(self, col: float, row: float) -> list[str]:
        """What a readout says of a frame position, in lines; none where the layer says nothing."""
        value = self.value_at(col, row)
        if value is None:
            return []
        if self.layer.kind == "routing":
            return [f"{self.layer.title}  expert {value:.0f}"]
        return [f"{self.layer.title}  {percent(value) if self.layer.kind in SHARES else f'{value:.3g}'}"]

    @property
    def _holds(self) -> Box:
        """Where the values hold: a tile at the edge of its area is cut, the cell of its array is not."""
        return self.layer.tiled.grid.window.box if self.layer.tiled else self.layer.extent_px

    def paint(self, painter: QPainter, viewport: Viewport, pane: PaneName | None = None) -> None:
        """Paint in screen coordinates over the image in ``pane``; whether it is to be seen is the caller's to heed."""
        painter.save()
        self._paint(painter, viewport)
        painter.restore()

    def _paint(self, painter: QPainter, viewport: Viewport) -> None:
        if self._wash is not None:
            painter.setClipRect(QRectF(*viewport.box_on_screen(self._holds)), Qt.ClipOperation.IntersectClip)
            target = QRectF(*viewport.box_on_screen(self.layer.extent_px))
            painter.setOpacity(self.layer.opacity)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(target, self._wash)
        else:
            self._paint_regions(painter, viewport)

    def _paint_regions(self, painter: QPainter, viewport: Viewport) -> None:
        colour = QColor(sensor_colour(self.layer.sensor))
        painter.setOpacity(self.layer.opacity)
        outlines = []
        for row, column, share in self._routed():
            x, y, width, height = viewport.box_on_screen(self._cell(row, column))
            # On whole pixels, so that a line is one crisp line and neighbours share theirs.
            left, top, right, bottom = round(x), round(y), round(x + width), round(y + height)
            cell = QRectF(left, top, right - left, bottom - top)
            colour.setAlphaF(FILL_LEAST + (FILL_MOST - FILL_LEAST) * share)
            painter.fillRect(cell, colour)
            outlines.append(cell)
        painter.setOpacity(math.sqrt(self.layer.opacity))  # a faint layer still has edges
        outline(painter, outlines, QColor(sensor_colour(self.layer.sensor)))

    def _routed(self) -> Iterator[tuple[int, int, float]]:
        for row, column in np.argwhere(~np.isnan(self._share)):
            yield int(row), int(column), float(self._share[row, column])

    def _cell(self, row: int, column: int) -> Box:
        extent = self.layer.extent_px
        rows, columns = self._values.shape
        across, down = extent.width / columns, extent.height / rows
        return Box(
            extent.x0 + column * across,
            extent.y0 + row * down,
            extent.x0 + (column + 1) * across,
            extent.y0 + (row + 1) * down,
        )


def outline(
    painter: QPainter,
    rectangles: Sequence[QRectF],
    colour: QColor,
    *,
    style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    width: int = 2,
) -> None:
    """Rectangles as coloured lines in a white casing, all casings below all lines; seen on any image.

    Widths are even, so that around whole-pixel edges nothing is blurred.
    """
    painter.setBrush(Qt.BrushStyle.NoBrush)
    casing = QColor(CASING)
    casing.setAlphaF(0.6)
    for pen in (QPen(casing, width + 2), QPen(colour, width, style)):
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRects(list(rectangles))


def load_map(layer: OverlayLayer, path: str) -> np.ndarray:
    """One of the layer's arrays, float32 [rows, columns]. Raises :class:`RasterUnreadable` for what is none."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RasterUnreadable(
            f"The layer “{layer.title}” cannot be read: {error}.", remedy="Ask the question again to make it anew."
        ) from error
    if values.ndim != 2 or not 0 < values.size <= MAX_CELLS or values.dtype.kind not in "fiu":
        raise RasterUnreadable(f"The layer “{layer.title}” is not a map: {values.dtype} of shape {values.shape}.")
    return np.array(values, dtype=np.float32)


def _normalised(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at ``low``, 1 at ``high``, NaN kept. A legend without length puts every value at its upper end."""
    if high <= low:
        return np.where(np.isnan(values), np.nan, 1.0)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def _wash(layer: OverlayLayer, values: np.ndarray, share: np.ndarray) -> QImage:
    """An image [rows, columns] of one colour per cell, transparent where NaN; ``share`` is ``values`` in its legend."""
    known = ~np.isnan(share)
    entries = np.where(known, share * 255, 0).round().astype(np.uint8)
    rgba = np.zeros((*share.shape, 4), np.uint8)
    if layer.kind == "routing":  # numbers of experts: those that follow each other are no more alike than others
        for expert in np.unique(values[known]):
            rgba[values == expert] = QColor(expert_colour(int(expert))).getRgb()
    elif layer.kind in ("trust", "word") or (layer.kind == "gate" and layer.sensor == "both"):
        rgba[..., :3] = (trust_ramp() if layer.kind == "trust" else value_ramp())[entries]
        rgba[..., 3] = 255
    else:
        # Little attention only dims, much glows: the order survives on light and on dark ground.
        rgba[..., :3] = attention_ramp(layer.sensor)[entries]
        rgba[..., 3] = 100 + (entries // 8) * 5  # 100 .. 255
    rgba[~known] = 0
    rows, columns = share.shape
    pixels = rgba.tobytes()  # named, as a QImage does not keep its bytes alive; the conversion owns its own
    image = QImage(pixels, columns, rows, columns * 4, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
