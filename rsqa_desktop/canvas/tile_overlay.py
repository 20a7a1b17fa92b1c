"""A map of answers painted over an image: a colour per answer, its name or letter in the tile.

Colour is never the only sign: the answers' names stand in their tiles while all of them fit, else their letters while
those fit; below that the readout under the pointer tells. Tiles that one sensor answered alone are hatched, tiles that
none has data in are grey and struck out.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QRect, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from engine.errors import RasterUnreadable
from engine.records import TiledAnswer
from engine.records.tiles import NO_ANSWER, TILE_STATES
from rsqa_desktop.canvas.overlays import Overlay, load_map
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model import wording
from rsqa_desktop.model.layers import OverlayLayer
from rsqa_desktop.model.tiling import letter
from rsqa_desktop.theme import CASING, NO_DATA, PILL, answer_colour, interface_font

LEAST_LINED_PX = 7  # a smaller tile's edges would hide the image
LETTER_PX = 16  # a smaller tile has no room for its letter
FULL_LINED_PX = 32  # up to here they are fainter, as there are many of them
_PADDING = 4  # round an answer's name in its tile
_AIR = 6  # of a line's height, no letter reaches into


class AnswersOverlay(Overlay):
    """The answers of ``tiled``, one cell per tile."""

    def __init__(self, layer: OverlayLayer, tiled: TiledAnswer) -> None:
        super().__init__(layer)
        self._tiled = tiled
        arrays = tiled.arrays
        self._places = self._values.astype(np.int32)
        self._states = load_map(layer, arrays.state).astype(np.uint8)
        self._confidence = load_map(layer, arrays.confidence)
        self._valid = (load_map(layer, arrays.valid_optical), load_map(layer, arrays.valid_sar))
        shape = tiled.grid.rows, tiled.grid.columns
        if {each.shape for each in (self._values, self._states, self._confidence, *self._valid)} != {shape}:
            raise RasterUnreadable(
                f"The layer “{layer.title}” is not of {shape[0]} x {shape[1]} tiles.", remedy="Ask the question again."
            )
        self._labels: dict[tuple[tuple[str, ...], float], QImage] = {}

    def readings_at(self, col: float, row: float) -> list[str]:
        """The tile's answer with its confidence, who gave it, and how much data there is."""
        cell = self.cell_at(col, row)
        if cell is None:
            return []
        place, state = int(self._places[cell]), TILE_STATES[int(self._states[cell])]
        lines = []
        if place != NO_ANSWER:
            lines.append(f"{self._tiled.counts[place].answer} · {wording.percent(float(self._confidence[cell]))}")
        if state != "answered":
            lines.append(wording.STATE_WORDS[state])
        shares = [
            None if of_area is None else float(of_tile[cell])
            for of_area, of_tile in zip(
                (self._tiled.area.valid_optical, self._tiled.area.valid_sar), self._valid, strict=True
            )
        ]
        return [*lines, wording.valid(*shares)]

    def _paint(self, painter: QPainter, viewport: Viewport) -> None:
        grid = _OnScreen(self._tiled, viewport)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setOpacity(self.layer.opacity)
        for place in range(len(self._tiled.counts)):
            painter.setBrush(QColor(answer_colour(place)))
            painter.drawRects(grid.cells(self._places == place))
        painter.setBrush(QColor(NO_DATA))
        empty = grid.cells(self._places == NO_ANSWER)
        painter.drawRects(empty)
        painter.setOpacity(min(2 * self.layer.opacity, 1.0))  # words stay legible in a faint layer, not in none
        painter.setBrush(QBrush(_white(0.75), Qt.BrushStyle.BDiagPattern))
        painter.drawRects(grid.cells(self._states == TILE_STATES.index("single-sensor")))
        if grid.shortest >= LEAST_LINED_PX:
            painter.setPen(QPen(_white(0.75), 1))
            painter.drawLines([QLineF(each.bottomLeft(), each.topRight()) for each in empty])
            painter.setPen(QPen(_white(min(grid.shortest / FULL_LINED_PX, 1.0) * 0.75), 1))
            painter.drawLines(grid.lines())
        self._paint_labels(painter, grid)

    def _paint_labels(self, painter: QPainter, grid: _OnScreen) -> None:
        """Every answer by its name where all names fit a whole tile, else by letter; so in a cut tile too small."""
        font = interface_font(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        if grid.shortest < LETTER_PX:
            return
        names = [_broken(count.answer, font, grid.shortest - 2 * _PADDING) for count in self._tiled.counts]
        ratio = painter.device().devicePixelRatio()
        for place, lines in enumerate(names):
            labels = [self._label((letter(place),), font, ratio)]
            if all(names):
                labels.insert(0, self._label(lines, font, ratio))
            sizes = [(label, label.deviceIndependentSize()) for label in labels]
            for cell in grid.cells(self._places == place):
                fitting = (
                    each
                    for each in sizes
                    if each[1].width() <= cell.width() and each[1].height() <= cell.height() + _AIR
                )
                if (found := next(fitting, None)) is not None:
                    label, size = found
                    painter.drawImage(
                        round(cell.center().x() - size.width() / 2),
                        round(cell.center().y() - size.height() / 2),
                        label,
                    )

    def _label(self, lines: tuple[str, ...], font: QFont, ratio: float) -> QImage:
        if (lines, ratio) not in self._labels:
            self._labels[lines, ratio] = _label(lines, font, ratio)
        return self._labels[lines, ratio]


class _OnScreen:
    """The grid's lines on whole screen pixels, so that neighbours share an edge and nothing is blurred."""

    def __init__(self, tiled: TiledAnswer, viewport: Viewport) -> None:
        grid = tiled.grid
        box, side = grid.window.box, grid.side_px
        cols = np.minimum(box.x0 + side * np.arange(grid.columns + 1), box.x1)
        rows = np.minimum(box.y0 + side * np.arange(grid.rows + 1), box.y1)
        self._xs = [round(viewport.to_screen(col, 0)[0]) for col in cols]
        self._ys = [round(viewport.to_screen(0, row)[1]) for row in rows]
        self._shown = np.zeros((grid.rows, grid.columns), bool)
        seen = viewport.visible
        first_col, first_row = (math.floor((seen.x0 - box.x0) / side), math.floor((seen.y0 - box.y0) / side))
        last_col, last_row = (math.ceil((seen.x1 - box.x0) / side), math.ceil((seen.y1 - box.y0) / side))
        self._shown[max(first_row, 0) : max(last_row, 0), max(first_col, 0) : max(last_col, 0)] = True
        self.shortest = side * viewport.scale  # a whole tile's side

    def cells(self, wanted: np.ndarray) -> list[QRect]:
        """Those of the wanted tiles [rows, columns] that are seen."""
        xs, ys = self._xs, self._ys
        return [
            QRect(xs[column], ys[row], xs[column + 1] - xs[column], ys[row + 1] - ys[row])
            for row, column in np.argwhere(wanted & self._shown).tolist()
        ]

    def lines(self) -> list[QLineF]:
        """Between the tiles and round them."""
        xs, ys = self._xs, self._ys
        return [
            *(QLineF(x, ys[0], x, ys[-1]) for x in xs),
            *(QLineF(xs[0], y, xs[-1], y) for y in ys),
        ]


def _white(alpha: float) -> QColor:
    colour = QColor(CASING)
    colour.setAlphaF(alpha)
    return colour


def _broken(text: str, font: QFont, room: float) -> tuple[str, ...]:
    """``text`` in lines that fit a square of ``room`` pixels, broken at spaces; empty where they do not."""
    metrics = QFontMetricsF(font)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and metrics.horizontalAdvance(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    fits = max(map(metrics.horizontalAdvance, lines), default=math.inf) <= room
    return tuple(lines) if fits and len(lines) * metrics.height() <= room else ()


def _label(lines: tuple[str, ...], font: QFont, ratio: float) -> QImage:
    """White words in a dark casing, legible on any colour; drawn once, as outlines of letters are slow to fill."""
    metrics = QFontMetricsF(font)
    widths = [metrics.horizontalAdvance(line) for line in lines]
    width, height = max(widths) + 6, len(lines) * metrics.height() + 4
    image = QImage(math.ceil(width * ratio), math.ceil(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    path = QPainterPath()
    for at, line in enumerate(lines):
        path.addText((width - widths[at]) / 2, 2 + metrics.ascent() + at * metrics.height(), font, line)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    casing = QColor(PILL)
    painter.strokePath(path, QPen(casing, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.fillPath(path, QColor(CASING))
    painter.end()
    return image
