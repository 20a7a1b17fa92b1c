"""Things over an image that can be chosen: what their overlays have in common, and the tags that name them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.theme import CASING, PILL, PILL_TEXT, interface_font

LEAST_PX = 7  # a smaller thing is drawn this large, so that far out it is a mark and not lost
REACH_PX = 4  # a pointer so far beside a thing is on it
LABEL_PX = 20  # height
PILL_PX = 36  # at the top of a pane the image's own name stands
_LABEL_PAD = 6


class ThingsOverlay(Overlay, ABC):
    """An overlay of things. ``selected`` and ``pointed`` are places in their list, set by the pair of panes."""

    selected: int | None = None
    pointed: int | None = None

    @abstractmethod
    def thing_at(self, col: float, row: float, reach: float) -> int | None:
        """The place of the thing at a frame position, or up to ``reach`` frame pixels beside it; None of none."""


class NameTags:
    """Names beside the things in ``shown`` (place to rectangle on screen), which cover no other thing and no name."""

    def __init__(self, painter: QPainter, viewport: Viewport, shown: dict[int, QRectF]) -> None:
        self._painter = painter
        self._pane = QRectF(0, 0, viewport.width, viewport.height)
        self._shown = shown
        self._taken = _Taken(shown)
        font = interface_font(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        self._metrics = QFontMetricsF(font)

    def paint(self, place: int, name: str, colour: str, *, must: bool, chosen: bool = False) -> None:
        """Name the thing in ``place`` where there is room; one that ``must`` have its name covers what it has to."""
        width = round(self._metrics.horizontalAdvance(name)) + 2 * _LABEL_PAD + 4
        everywhere = _spots(self._shown[place], width)
        spots = [spot for spot in everywhere if self._pane.contains(spot)]
        free = next((spot for spot in spots if self._taken.is_free(spot, place)), None)
        if free is None and must:
            free = spots[0] if spots else _held(everywhere[0], self._pane.adjusted(0, PILL_PX, 0, 0))
        if free is not None:
            self._taken.add(free)
            self._paint(free, name, colour, chosen=chosen)

    def _paint(self, spot: QRectF, name: str, colour: str, *, chosen: bool) -> None:
        self._painter.fillRect(spot, QColor(PILL))
        self._painter.fillRect(QRectF(spot.left(), spot.top(), 4, spot.height()), QColor(colour))
        if chosen:
            frame(self._painter, spot, QColor(CASING), 1)
        self._painter.setPen(QColor(PILL_TEXT))
        self._painter.drawText(spot.adjusted(4 + _LABEL_PAD, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)


class _Taken:
    """What tags may not cover: all things but their own, and the tags before them."""

    def __init__(self, shown: dict[int, QRectF]) -> None:
        self._places = np.array(list(shown), int)
        self._things = np.array([_edges(each) for each in shown.values()]).reshape(-1, 4)
        self._tags = np.empty((0, 4))

    def add(self, tag: QRectF) -> None:
        self._tags = np.vstack((self._tags, _edges(tag)))

    def is_free(self, tag: QRectF, place: int) -> bool:
        """Whether ``tag`` of the thing in ``place`` covers nothing."""
        return not (_meet(tag, self._things[self._places != place]) or _meet(tag, self._tags))


def _edges(rectangle: QRectF) -> tuple[float, float, float, float]:
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


def _meet(rectangle: QRectF, others: np.ndarray) -> bool:
    left, top, right, bottom = _edges(rectangle)
    x0, y0, x1, y1 = others.T
    return bool(((x0 < right) & (x1 > left) & (y0 < bottom) & (y1 > top)).any())


def _spots(thing: QRectF, width: int) -> list[QRectF]:
    """Where a tag may stand: over the thing, under it, right of it, left of it; clear of its line."""
    gap = 4
    return [
        QRectF(thing.left() - 2, thing.top() - gap - LABEL_PX, width, LABEL_PX),
        QRectF(thing.left() - 2, thing.bottom() + gap, width, LABEL_PX),
        QRectF(thing.right() + gap, thing.top() - 2, width, LABEL_PX),
        QRectF(thing.left() - gap - width, thing.top() - 2, width, LABEL_PX),
    ]


def _held(spot: QRectF, pane: QRectF) -> QRectF:
    """``spot`` moved into ``pane``."""
    left = min(max(spot.left(), pane.left()), max(pane.right() - spot.width(), pane.left()))
    top = min(max(spot.top(), pane.top()), max(pane.bottom() - spot.height(), pane.top()))
    return QRectF(QPointF(left, top), spot.size())


def frame(painter: QPainter, rectangle: QRectF, colour: QColor, width: int) -> None:
    """A rectangle as a line of one colour."""
    pen = QPen(colour, width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rectangle)
