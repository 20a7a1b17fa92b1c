"""One pane: paints one raster with what lies over it, and tells what the pointer does. It decides nothing.

Painted by QPainter in ``paintEvent``, not with a pyqtgraph ``ViewBox`` or a ``QGraphicsScene``. A pane has three
pictures, some tens of cells and a label; a scene graph would add an item tree, an index and its own idea of axes and
zoom on top, and would still end in these same ``drawImage`` calls. Settled pictures have exactly one pixel per screen
pixel, so that painting a pan is a copy: about a millisecond a pane.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFocusEvent,
    QFont,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from engine.records import PixelWindow
from rsqa_desktop.canvas import furniture
from rsqa_desktop.canvas.overlays import Overlay, outline
from rsqa_desktop.canvas.pictures import Picture, PictureStream
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.layers import PaneName
from rsqa_desktop.theme import ACCENT, DARK, LIGHT, Palette, interface_font

WHEEL_STEP = 1.25  # zoom per notch
HANDLE_PX = 8
CLICK_PX = 4  # a press that moves less than this before its release is a click
_TITLES = {"optical": "Optical image", "sar": "SAR image"}
_HELP = (
    "Drag to pan, wheel to zoom. Keys: plus and minus zoom, 0 shows all, 1 shows one image pixel per screen pixel, "
    "arrows pan. While an area is drawn: Enter puts one in the middle, arrows move it, with Shift they resize it, "
    "Escape clears it."
)


class Pane(QWidget):
    """Shows what :class:`PairView` gives it; positions in its signals are screen pixels of this pane."""

    dragged = Signal(float, float)  # by dx, dy, to pan
    zoomed = Signal(float, float, float)  # factor, x, y
    pointed = Signal(float, float)
    clicked = Signal(float, float)  # pressed and released in one place, not to draw
    left = Signal()
    area_pressed = Signal(float, float)
    area_dragged = Signal(float, float)
    area_released = Signal()
    resized = Signal()

    def __init__(self, sensor: PaneName, stream: PictureStream, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sensor = sensor
        self.stream = stream
        self.viewport = Viewport(0, 0, 1, 1, 1)
        self.plain = False  # without what belongs to the moment: for a picture to keep
        self._frame: PixelWindow | None = None
        self._details = ""
        self._gsd_m: float | None = None
        self._hint = ""
        self._overlays: list[Overlay] = []
        self._area: PixelWindow | None = None
        self._area_mode = False
        self._crosshair: tuple[float, float] | None = None
        self._readout: list[str] = []
        self._theme: Palette = LIGHT
        self._checker = _checker(LIGHT)
        self._pan_from: QPointF | None = None
        self._pressed_at: QPointF | None = None
        self._tabbed_in = False
        stream.changed.connect(self.update)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(120, 120)
        self.setAccessibleName(_TITLES[sensor])
        self.setAccessibleDescription(_HELP)

    # -- what is shown ---------------------------------------------------------------------------------------------

    def show_image(self, frame: PixelWindow | None, details: str, gsd_m: float | None, hint: str = "") -> None:
        """``frame`` is None for a pane without an image, which then shows ``hint``."""
        self._frame, self._details, self._gsd_m, self._hint = frame, details, gsd_m, hint
        self.setAccessibleDescription(_HELP if frame is not None else hint)
        self.update()

    @property
    def has_image(self) -> bool:
        return self._frame is not None

    def look(self, viewport: Viewport) -> None:
        self.viewport = viewport
        if self.has_image:
            self.stream.look(viewport, self.devicePixelRatioF())
        self.update()

    def show_overlays(self, overlays: list[Overlay]) -> None:
        self._overlays = overlays
        self.update()

    def show_area(self, window: PixelWindow | None, *, editable: bool) -> None:
        self._area, self._area_mode = window, editable
        self.update()

    def show_theme(self, palette: Palette) -> None:
        self._theme = palette
        self._checker = _checker(palette)
        self.update()

    def show_crosshair(self, position: tuple[float, float] | None) -> None:
        """A frame position; repaints only the lines, as this happens at every move of the pointer."""
        old, self._crosshair = self._crosshair, position
        for place in (old, position):
            if place is not None:
                x, y = self.viewport.to_screen(*place)
                self.update(QRect(math.floor(x) - 2, 0, 5, self.height()))
                self.update(QRect(0, math.floor(y) - 2, self.width(), 5))

    def show_readout(self, lines: list[str]) -> None:
        if lines != self._readout:
            self._readout = lines
            self.update()

    # -- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        painter.fillRect(self.rect(), QColor(self._theme.stage))
        if self._frame is None:
            furniture.paint_empty(painter, self._theme, self._font(), self.sensor, self._hint, QRectF(self.rect()))
        else:
            self._paint_image(painter, self._frame, event.region())
            self._paint_furniture(painter)
        if self._tabbed_in and self.hasFocus() and not self.plain:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(ACCENT), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_image(self, painter: QPainter, frame: PixelWindow, dirty: QRegion) -> None:
        painter.fillRect(self._place(frame), self._checker)
        # From the top down, so that each picture paints only where none above it does: a picture without data
        # somewhere must not let an older one shine through.
        remaining = QRegion(dirty)
        for picture in reversed(self.stream.pictures):
            target = self._place(picture.window)
            painter.setClipRegion(remaining.intersected(target.toAlignedRect()))
            self._paint_picture(painter, picture, target)
            remaining = remaining.subtracted(target.toAlignedRect())
        painter.setClipRegion(dirty)
        for overlay in self._overlays:
            if overlay.layer.visible and self.sensor in overlay.layer.panes:
                overlay.paint(painter, self.viewport, self.sensor)
        self._paint_area(painter)
        if self._crosshair is not None and not self.plain:
            x, y = self.viewport.to_screen(*self._crosshair)
            furniture.paint_crosshair(painter, x, y, self.width(), self.height())

    def _paint_picture(self, painter: QPainter, picture: Picture, target: QRectF) -> None:
        magnified = target.width() * self.devicePixelRatioF() / picture.image.width()
        # From twice up the raster's own pixels are meant to be seen; those of a coarse picture that only fills in
        # until the sharp one comes are not, and below twice smoothness hides the resampling.
        own_pixels = picture.image.width() == picture.window.width
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not (own_pixels and magnified >= 2))
        painter.drawImage(target, picture.image)

    def _place(self, window: PixelWindow) -> QRectF:
        """A window on screen, its edges on physical pixels: at equal size painting is then a copy."""
        ratio = self.devicePixelRatioF()
        x, y, width, height = self.viewport.box_on_screen(window.box)
        left, top = round(x * ratio) / ratio, round(y * ratio) / ratio
        return QRectF(left, top, round((x + width) * ratio) / ratio - left, round((y + height) * ratio) / ratio - top)

    def _paint_area(self, painter: QPainter) -> None:
        if self._area is None:
            return
        box = self._place(self._area)
        outline(painter, [box], QColor(ACCENT), style=Qt.PenStyle.DashLine)
        if self._area_mode and not self.plain:
            painter.setPen(QPen(QColor(ACCENT), 1.5))
            painter.setBrush(QColor(Qt.GlobalColor.white))
            half = HANDLE_PX / 2
            for x in (box.left(), box.center().x(), box.right()):
                for y in (box.top(), box.center().y(), box.bottom()):
                    if (x, y) != (box.center().x(), box.center().y()):
                        painter.drawRect(QRectF(x - half, y - half, HANDLE_PX, HANDLE_PX))

    def _paint_furniture(self, painter: QPainter) -> None:
        font = self._font()
        details = self._details
        if self.stream.is_draft:
            details = f"{details} · preview" if details else "preview"
        furniture.paint_label(painter, font, self.sensor, details, self.width())
        bar = furniture.scale_bar(self.viewport.scale, self._gsd_m)
        furniture.paint_scale_bar(painter, font, bar, self.width(), self.height())
        if self._readout and not self.plain:
            furniture.paint_readout(painter, font, self._readout, self.height())

    def _font(self) -> QFont:
        return interface_font(self.font())

    # -- what the user does ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        self._tabbed_in = False
        if not self.has_image:
            event.ignore()
        elif event.button() == Qt.MouseButton.LeftButton and self._area_mode:
            self.area_pressed.emit(position.x(), position.y())
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pan_from = position
            self._pressed_at = position if event.button() == Qt.MouseButton.LeftButton else None
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if not self.has_image:
            return
        if self._pan_from is not None:
            if self._pressed_at is not None and (position - self._pressed_at).manhattanLength() >= CLICK_PX:
                self._pressed_at = None
            step = position - self._pan_from
            self._pan_from = position
            self.dragged.emit(step.x(), step.y())
        elif self._area_mode and event.buttons() & Qt.MouseButton.LeftButton:
            self.area_dragged.emit(position.x(), position.y())
        self.pointed.emit(position.x(), position.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            self._pan_from = None
            self.setCursor(Qt.CursorShape.CrossCursor)
            if self._pressed_at is not None:
                self.clicked.emit(self._pressed_at.x(), self._pressed_at.y())
                self._pressed_at = None
        elif event.button() == Qt.MouseButton.LeftButton and self._area_mode:
            self.area_released.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A notch of a wheel is 120 eighths of a degree; a touchpad sends fractions of it.
        notches = event.angleDelta().y() / 120
        if self.has_image and notches:
            position = event.position()
            self.zoomed.emit(WHEEL_STEP**notches, position.x(), position.y())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.resized.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._tabbed_in = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)


def _checker(palette: Palette) -> QBrush:
    """A quiet 8-px checker, which says: here is no data."""
    dark, light = (QColor(palette.stage), QColor(palette.line if palette.name == DARK.name else "#F6F7F8"))
    tile = QImage(16, 16, QImage.Format.Format_RGB32)
    tile.fill(dark)
    painter = QPainter(tile)
    painter.fillRect(0, 0, 8, 8, light)
    painter.fillRect(8, 8, 8, 8, light)
    painter.end()
    return QBrush(tile)
