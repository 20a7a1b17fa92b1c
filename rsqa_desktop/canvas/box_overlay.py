"""Boxes painted over an image: crisp at every zoom, named where there is room, the chosen one unmistakable.

A box has the colour of the image that it was found in, and is dashed on the other one, so that colour is never the only
sign. The chosen box has a thicker line and always its name, as has the one under the pointer. Of the others the best
are named, as long as a name covers neither another name nor another box.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from engine.records import Finding
from rsqa_desktop.canvas.overlays import outline
from rsqa_desktop.canvas.things import LEAST_PX, NameTags, ThingsOverlay, frame
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model import wording
from rsqa_desktop.model.layers import OverlayLayer, PaneName
from rsqa_desktop.theme import PILL, sensor_colour

MOST_NAMED = 40


class BoxesOverlay(ThingsOverlay):
    """The boxes of ``finding``."""

    def __init__(self, layer: OverlayLayer, finding: Finding) -> None:
        self.layer = layer
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
        place = self.thing_at(col, row, 0.0)
        return [] if place is None else list(wording.box_facts(self._finding.boxes[place]))

    def thing_at(self, col: float, row: float, reach: float) -> int | None:
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
            frame(painter, rectangle.adjusted(-4, -4, 4, 4), QColor(PILL), 2)
        marked = place in (self.selected, self.pointed)
        elsewhere = pane is not None and found.sensor not in (pane, "both")
        style = Qt.PenStyle.DashLine if elsewhere else Qt.PenStyle.SolidLine
        outline(painter, [rectangle], colour, style=style, width=4 if marked else 2)

    def _paint_labels(self, painter: QPainter, viewport: Viewport, shown: dict[int, QRectF]) -> None:
        first = [place for place in (self.selected, self.pointed) if place in shown]
        tags = NameTags(painter, viewport, shown)
        for place in dict.fromkeys((*first, *list(shown)[:MOST_NAMED])):
            found = self._finding.boxes[place]
            colour = sensor_colour(found.sensor)
            tags.paint(place, wording.box_name(found), colour, must=place in first, chosen=place == self.selected)
