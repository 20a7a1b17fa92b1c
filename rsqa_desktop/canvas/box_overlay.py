"""Boxes painted over an image: crisp at every zoom, named where there is room, the chosen one unmistakable.

A box has the colour of the image that it was found in, and is dashed on the other one, so that colour is never the only
sign. The chosen box has a thicker line and always its name, as has the one under the pointer. Of the others the best
are named, as long as a name covers neither another name nor another box.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from engine.records import Finding
from rsqa_desktop.canvas.overlays import Overlay, outline
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model import wording
from rsqa_desktop.model.layers import OverlayLayer, PaneName
from rsqa_desktop.theme import CASING, PILL, PILL_TEXT, interface_font, sensor_colour

LEAST_PX = 7  # a smaller box is drawn this large, so that far out a thing is a mark and not lost
REACH_PX = 4  # a pointer so far beside a box is on it
MOST_NAMED = 40
LABEL_PX = 20  # height
_LABEL_PAD = 6


class BoxesOverlay(Overlay):
    """The boxes of ``finding``. ``selected`` and ``pointed`` are places in its list, set by the pair of panes."""

    def __init__(self, layer: OverlayLayer, finding: Finding) -> None:
        self.layer = layer
        self.selected: int | None = None
        self.pointed: int | None = None
        self._finding = finding
        boxes = [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in finding.boxes]
        self._boxes = np.array(boxes, np.float64).reshape(-1, 4)

    def serves(self, layer: OverlayLayer) -> bool:
        """Whether these are the boxes of ``layer``."""
        return layer.finding is self._finding

    def value_at(self, col: float, row: float) -> float | None:
        """Boxes are no map of values."""
        return None

    def readings_at(self, col: float, row: float) -> list[str]:
        """What the list says of the box at a frame position."""
        place = self.box_at(col, row, 0.0)
        return [] if place is None else list(wording.box_facts(self._finding.boxes[place]))

    def box_at(self, col: float, row: float, reach: float) -> int | None:
        """The place of the smallest box at a frame position, or up to ``reach`` frame pixels beside it; None of none.

        The smallest, as a box within another could not be reached otherwise.
        """
        x0, y0, x1, y1 = self._boxes.T
        hit = (x0 - reach <= col) & (col <= x1 + reach) & (y0 - reach <= row) & (row <= y1 + reach)
        if not hit.any():
            return None
        return int(np.where(hit, (x1 - x0) * (y1 - y0), np.inf).argmin())

    def paint(self, painter: QPainter, viewport: Viewport, pane: PaneName | None = None) -> None:
        painter.save()
        painter.setOpacity(self.layer.opacity)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        shown = dict(self._shown(viewport))
        marked = [place for place in (self.pointed, self.selected) if place in shown]
        for place in reversed(shown):  # the best last, so that nothing covers it
            if place not in marked:
                self._paint_box(painter, place, shown[place], pane)
        for place in dict.fromkeys(marked):
            self._paint_box(painter, place, shown[place], pane)
        self._paint_labels(painter, viewport, shown)
        painter.restore()

    def _shown(self, viewport: Viewport) -> Iterator[tuple[int, QRectF]]:
        """Places of the boxes in view and where they are on screen, on whole pixels; the best first."""
        seen, scale = viewport.visible, viewport.scale
        x0, y0, x1, y1 = self._boxes.T
        margin = LEAST_PX / scale
        visible = (x1 >= seen.x0 - margin) & (x0 <= seen.x1 + margin)
        visible &= (y1 >= seen.y0 - margin) & (y0 <= seen.y1 + margin)
        for place in np.flatnonzero(visible).tolist():
            x, y, width, height = viewport.box_on_screen(self._finding.boxes[place].box)
            grown_x, grown_y = max(LEAST_PX - width, 0) / 2, max(LEAST_PX - height, 0) / 2
            left, top = round(x - grown_x), round(y - grown_y)
            yield place, QRectF(left, top, round(x + width + grown_x) - left, round(y + height + grown_y) - top)

    def _paint_box(self, painter: QPainter, place: int, rectangle: QRectF, pane: PaneName | None) -> None:
        found = self._finding.boxes[place]
        colour = QColor(sensor_colour(found.sensor))
        if place == self.selected:
            _frame(painter, rectangle.adjusted(-4, -4, 4, 4), QColor(PILL), 2)
        marked = place in (self.selected, self.pointed)
        elsewhere = pane is not None and found.sensor not in (pane, "both")
        style = Qt.PenStyle.DashLine if elsewhere else Qt.PenStyle.SolidLine
        outline(painter, [rectangle], colour, style=style, width=4 if marked else 2)

    def _paint_labels(self, painter: QPainter, viewport: Viewport, shown: dict[int, QRectF]) -> None:
        font = interface_font(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        pane = QRectF(0, 0, viewport.width, viewport.height)
        first = [place for place in (self.selected, self.pointed) if place in shown]
        taken = _Taken(shown)
        for place in dict.fromkeys((*first, *list(shown)[:MOST_NAMED])):
            name = wording.box_name(self._finding.boxes[place])
            width = round(metrics.horizontalAdvance(name)) + 2 * _LABEL_PAD + 4
            spots = [spot for spot in _spots(shown[place], width) if pane.contains(spot)]
            free = next((spot for spot in spots if taken.is_free(spot, place)), None)
            if free is None and place in first:
                free = spots[0] if spots else _held(_spots(shown[place], width)[0], pane)
            if free is not None:
                taken.add(free)
                self._paint_label(painter, free, name, place)

    def _paint_label(self, painter: QPainter, spot: QRectF, name: str, place: int) -> None:
        painter.fillRect(spot, QColor(PILL))
        colour = QColor(sensor_colour(self._finding.boxes[place].sensor))
        painter.fillRect(QRectF(spot.left(), spot.top(), 4, spot.height()), colour)
        if place == self.selected:
            _frame(painter, spot, QColor(CASING), 1)
        painter.setPen(QColor(PILL_TEXT))
        painter.drawText(spot.adjusted(4 + _LABEL_PAD, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)


class _Taken:
    """What labels may not cover: all boxes but their own, and the labels before them."""

    def __init__(self, shown: dict[int, QRectF]) -> None:
        self._places = np.array(list(shown), int)
        self._boxes = np.array([_edges(each) for each in shown.values()]).reshape(-1, 4)
        self._labels = np.empty((0, 4))

    def add(self, label: QRectF) -> None:
        self._labels = np.vstack((self._labels, _edges(label)))

    def is_free(self, label: QRectF, place: int) -> bool:
        """Whether ``label`` of the box in ``place`` covers nothing."""
        return not (_meet(label, self._boxes[self._places != place]) or _meet(label, self._labels))


def _edges(rectangle: QRectF) -> tuple[float, float, float, float]:
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


def _meet(rectangle: QRectF, others: np.ndarray) -> bool:
    left, top, right, bottom = _edges(rectangle)
    x0, y0, x1, y1 = others.T
    return bool(((x0 < right) & (x1 > left) & (y0 < bottom) & (y1 > top)).any())


def _spots(box: QRectF, width: int) -> list[QRectF]:
    """Where a label may stand: over the box, under it, right of it, left of it; clear of its line."""
    gap = 4
    return [
        QRectF(box.left() - 2, box.top() - gap - LABEL_PX, width, LABEL_PX),
        QRectF(box.left() - 2, box.bottom() + gap, width, LABEL_PX),
        QRectF(box.right() + gap, box.top() - 2, width, LABEL_PX),
        QRectF(box.left() - gap - width, box.top() - 2, width, LABEL_PX),
    ]


def _held(spot: QRectF, pane: QRectF) -> QRectF:
    """``spot`` moved into ``pane``."""
    left = min(max(spot.left(), 0.0), max(pane.width() - spot.width(), 0.0))
    top = min(max(spot.top(), 0.0), max(pane.height() - spot.height(), 0.0))
    return QRectF(QPointF(left, top), spot.size())


def _frame(painter: QPainter, rectangle: QRectF, colour: QColor, width: int) -> None:
    pen = QPen(colour, width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rectangle)
