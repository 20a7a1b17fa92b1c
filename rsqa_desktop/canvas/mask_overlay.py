"""A mask over an image: a light fill, and a line in a white casing along its edge and round its holes.

It is painted from the mask's own pixels, so that what is seen is what is exported. While a user looks for a better
threshold it is cut out of the probability map here and at once: a preview, which the engine's own mask takes the place
of a moment later. The part that is chosen, and the one under the pointer, are drawn as their polygons.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from engine.records import Cleaning, Outline
from rsqa_desktop.canvas.byte_maps import ByteMap, ScreenPicture
from rsqa_desktop.canvas.overlays import outline as outline_boxes
from rsqa_desktop.canvas.things import LEAST_PX, NameTags, ThingsOverlay
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model import wording
from rsqa_desktop.model.layers import OverlayLayer, PaneName
from rsqa_desktop.model.levels import LEVELS, NO_DATA
from rsqa_desktop.theme import CASING, FUSION, PILL

FILL_ALPHA = 0.3
CASING_ALPHA = 0.75
CHOSEN_ALPHA = 0.35  # on top of the fill
MOST_MARKED = 20  # so many of the largest parts are marked where they are too small to be seen


class MaskOverlay(ThingsOverlay):
    """The mask of ``outline``, or what ``layer.cleaning`` would make of its probabilities.

    Raises :class:`RasterUnreadable` where its files cannot be read.
    """

    def __init__(self, layer: OverlayLayer, outline: Outline) -> None:
        self.layer = layer
        self._outline = outline
        self._mask = ByteMap(outline.mask, layer.extent_px, layer.title)
        self._levels = ByteMap(outline.probability, layer.extent_px, layer.title)
        self._picture = ScreenPicture(self._mask, self._colours)
        boxes = [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in outline.parts]
        self._boxes = np.array(boxes, np.float64).reshape(-1, 4)
        self._paths: dict[int, QPainterPath] = {}

    def serves(self, layer: OverlayLayer) -> bool:
        """Whether this is the mask of ``layer``, however it is cut."""
        return layer.outline is self._outline

    def value_at(self, col: float, row: float) -> float | None:
        """A mask is no map of values."""
        return None

    def readings_at(self, col: float, row: float) -> list[str]:
        """What the list says of the part at a frame position."""
        place = self.thing_at(col, row, 0.0)
        return [] if place is None else list(wording.part_facts(place, self._outline.parts[place]))

    def thing_at(self, col: float, row: float, reach: float) -> int | None:
        """The place of the part at a frame position, None of none. ``reach`` counts for parts that are no larger: they
        are seen as marks. Parts of a preview are not known yet."""
        if self.layer.is_preview:
            return None
        x0, y0, x1, y1 = self._boxes.T
        near = (x0 - reach <= col) & (col <= x1 + reach) & (y0 - reach <= row) & (row <= y1 + reach)
        for place in np.flatnonzero(near).tolist():
            if self._path(place).contains(QPointF(col, row)):
                return int(place)
        small = near & (np.maximum(x1 - x0, y1 - y0) <= 2 * reach)
        return int(small.argmax()) if small.any() else None

    def paint(self, painter: QPainter, viewport: Viewport, pane: PaneName | None = None) -> None:
        painter.save()
        painter.setOpacity(self.layer.opacity)
        self._picture.paint(painter, viewport, self.layer.cleaning)
        if not self.layer.is_preview:
            self._mark_small_parts(painter, viewport)
            self._paint_marked(painter, viewport)
        painter.restore()

    # -- the mask --------------------------------------------------------------------------------------------------

    def _colours(self, rows: np.ndarray, columns: np.ndarray, ratio: float) -> np.ndarray:
        if self.layer.is_preview and self.layer.cleaning is not None:
            levels = self._levels.sampled(rows, columns)
            inside = _cut(levels, self.layer.cleaning, _picture_px(rows, columns))
        else:
            inside = self._mask.sampled(rows, columns) == 1
        edge = _edge(inside)
        for _ in range(round(ratio) - 1):
            edge = _grown(edge)
        casing = _grown(edge) & ~edge & ~inside  # the fill cases the line on its other side
        return _COLOURS.take(np.where(edge, 3, np.where(casing, 2, inside)))

    # -- its parts -------------------------------------------------------------------------------------------------

    def _mark_small_parts(self, painter: QPainter, viewport: Viewport) -> None:
        """Squares round parts that would be lost at this scale; of a mask of crumbs only round the largest."""
        boxes = self._boxes[:MOST_MARKED]
        small = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * viewport.scale < LEAST_PX / 2
        places = (self._on_screen(place, viewport) for place in np.flatnonzero(small).tolist())
        pane = QRectF(0, 0, viewport.width, viewport.height)
        squares = [place for place in places if pane.intersects(place)]
        if squares:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            outline_boxes(painter, squares, QColor(FUSION))

    def _paint_marked(self, painter: QPainter, viewport: Viewport) -> None:
        marked = [place for place in dict.fromkeys((self.pointed, self.selected)) if place is not None]
        marked = [place for place in marked if place < len(self._outline.parts)]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for place in marked:
            path = _to_screen(viewport).map(self._path(place))
            fill = QColor(FUSION)
            fill.setAlphaF(CHOSEN_ALPHA)
            painter.fillPath(path, fill)
            cased = ((PILL, 8), (CASING, 5)) if place == self.selected else ()
            for colour, width in (*cased, (FUSION, 3)):
                pen = QPen(QColor(colour), width)
                pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                painter.setPen(pen)
                painter.drawPath(path)
        if self.selected in marked:
            place = marked[-1]  # the chosen one is painted last
            tags = NameTags(painter, viewport, {place: self._on_screen(place, viewport)})
            tags.paint(place, wording.part_name(place, self._outline.parts[place]), FUSION, must=True, chosen=True)

    def _on_screen(self, place: int, viewport: Viewport) -> QRectF:
        """A part's box, on whole pixels, and no smaller than a mark."""
        x, y, width, height = viewport.box_on_screen(self._outline.parts[place].box)
        grown_x, grown_y = max(LEAST_PX - width, 0) / 2, max(LEAST_PX - height, 0) / 2
        left, top = round(x - grown_x), round(y - grown_y)
        return QRectF(left, top, round(x + width + grown_x) - left, round(y + height + grown_y) - top)

    def _path(self, place: int) -> QPainterPath:
        """A part's polygon with its holes, in frame pixels; made when it is first needed."""
        if place not in self._paths:
            part, grid, path = self._outline.parts[place], self._outline.area.grid, QPainterPath()
            for ring in (part.exterior_map, *part.holes_map):
                path.addPolygon(QPolygonF([QPointF(*grid.to_pixel(x, y)) for x, y in ring]))
                path.closeSubpath()
            self._paths[place] = path
        return self._paths[place]


def _to_screen(viewport: Viewport) -> QTransform:
    x, y = viewport.to_screen(0, 0)
    return QTransform.fromTranslate(x, y).scale(viewport.scale, viewport.scale)


def _picture_px(rows: np.ndarray, columns: np.ndarray) -> float:
    """How many pixels of a picture one of the map has; ``rows`` and ``columns`` are those under it."""
    of_rows, of_columns = (len(each) / (int(each[-1]) - int(each[0]) + 1) for each in (rows, columns))
    return of_rows * of_columns


def _cut(levels: np.ndarray, cleaning: Cleaning, picture_px: float) -> np.ndarray:
    """What the engine would make of ``levels`` [rows, columns] with this cleaning, bool, as far as a picture tells.

    ``picture_px`` is how many pixels of the picture one of the map has. What the picture's edge cuts off is kept.
    """
    known = levels != NO_DATA
    inside: np.ndarray = known & (levels >= math.ceil(cleaning.threshold * LEVELS))
    if cleaning.least_part_px > 1:
        inside &= ~_small(inside, cleaning.least_part_px * picture_px, np.ones((3, 3), bool))
    if cleaning.least_hole_px > 1:
        inside |= _small(known & ~inside, cleaning.least_hole_px * picture_px, None)
    return inside


def _small(mask: np.ndarray, least_px: float, neighbours: np.ndarray | None) -> np.ndarray:
    """The connected parts of ``mask`` that have fewer pixels and lie in the picture whole."""
    from scipy import ndimage  # takes a tenth of a second, and few masks are cleaned

    labels, _ = ndimage.label(mask, neighbours)
    small = np.bincount(labels.ravel()) < least_px
    for cut_off in ([0], labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        small[cut_off] = False
    return np.asarray(small[labels])


def _edge(inside: np.ndarray) -> np.ndarray:
    """The pixels on either side of the mask's edge; the edge of the picture is none."""
    edge = np.zeros_like(inside)
    across, down = inside[:, 1:] != inside[:, :-1], inside[1:] != inside[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _grown(mask: np.ndarray) -> np.ndarray:
    """``mask`` and the pixels beside its own."""
    grown = mask.copy()
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    return grown


def _premultiplied(colour: str, alpha: float) -> int:
    one = QColor(colour)
    channels = (255, one.red(), one.green(), one.blue())
    return int.from_bytes(bytes(round(channel * alpha) for channel in channels), "big")


_COLOURS = np.array(
    [0, _premultiplied(FUSION, FILL_ALPHA), _premultiplied(CASING, CASING_ALPHA), _premultiplied(FUSION, 1.0)],
    np.uint32,
)
"""Of what is outside, inside, casing and line."""
