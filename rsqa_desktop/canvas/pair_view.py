"""The two linked panes, optical and SAR, as one widget: one view, one cursor, one drawn area, one list of overlays."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QWidget

from engine.errors import RasterUnreadable
from engine.protocol import Opened, Outcome
from engine.records import Box, DisplaySpec, PixelWindow
from rsqa_desktop.canvas.area import AreaTool
from rsqa_desktop.canvas.furniture import describe
from rsqa_desktop.canvas.layer_overlay import overlay_of
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.pane import HANDLE_PX, Pane
from rsqa_desktop.canvas.pictures import PictureStream, Source, TileReader
from rsqa_desktop.canvas.things import REACH_PX, ThingsOverlay
from rsqa_desktop.canvas.viewport import Viewport, fit_scale, window_around
from rsqa_desktop.model.layers import OverlayLayer, PaneName
from rsqa_desktop.theme import Palette

KEY_ZOOM = 1.5
KEY_PAN_PX = 64
BOX_LEAST_PX = 32  # a chosen box that is smaller on screen, or larger than a pane, is zoomed to …
BOX_SHARE = 4  # … so that a pane is so many times as wide as it
LEAST_SCALE = 0.5  # of the scale that shows everything: no need to go further out
SENSORS: tuple[PaneName, PaneName] = ("optical", "sar")
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class PairView(QWidget):
    """Two panes on one frame: the pixels of the optical raster, or of the SAR raster where it is alone.

    ``reader`` is a started or starting tile reader (see :class:`~rsqa_desktop.canvas.pictures.TileReader`).
    Positions in signals and methods are frame pixels.

    Signals: ``view_changed`` (pan, zoom, another scene); ``cursor_moved`` (col, row) and ``cursor_left``;
    ``area_changed`` (:class:`PixelWindow` or None) whenever the drawn area is another, at the end of a drag;
    ``area_mode_changed``; ``overlays_pointed``, a tuple of (layer id, value) under the cursor, uppermost first;
    ``thing_pointed`` and ``thing_clicked``, the place in its list of the box or part of a mask under the pointer, or
    None beside all of them;
    ``problem``, a sentence for the user.
    """

    view_changed = Signal()
    cursor_moved = Signal(float, float)
    cursor_left = Signal()
    area_changed = Signal(object)
    area_mode_changed = Signal(bool)
    overlays_pointed = Signal(object)
    thing_pointed = Signal(object)
    thing_clicked = Signal(object)
    problem = Signal(str)

    def __init__(
        self, reader: TileReader, parent: QWidget | None = None, *, hint: str = "Drop a raster here, or open one."
    ) -> None:
        super().__init__(parent)
        self._hint = hint
        self._opened: dict[PaneName, Opened | None] = {"optical": None, "sar": None}
        self._sources: dict[PaneName, Source | None] = {"optical": None, "sar": None}
        self._view = Viewport(0, 0, 1, 1, 1)
        self._fitted = True
        self._area = AreaTool()
        self._area_mode = False
        self._overlays: dict[str, Overlay] = {}
        self._pointed: tuple[tuple[str, float], ...] = ()
        self._pointed_thing: int | None = None
        self._pointer: tuple[Pane, float, float] | None = None
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(1)  # Qt lets a handle this thin be grasped a few pixels beside it
        self._splitter.setChildrenCollapsible(False)
        self._panes: dict[PaneName, Pane] = {}
        for sensor in SENSORS:
            pane = Pane(sensor, PictureStream(reader, self))
            self._panes[sensor] = pane
            self._splitter.addWidget(pane)
            self._connect(pane)
            pane.show_image(None, "", None, hint)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)
        self.setFocusProxy(self._panes["optical"])
        self.setAccessibleName("Image panes")

    # -- what is shown ---------------------------------------------------------------------------------------------

    def set_scene(self, optical: Opened | None, sar: Opened | None) -> None:
        """Show a pair, one of the two, or nothing. The view is kept while the frame stays the same."""
        before = self._frame()
        self._opened = {"optical": optical, "sar": sar}
        frame = self._frame()
        main = optical or sar
        for sensor, opened in self._opened.items():
            pane = self._panes[sensor]
            source = None
            if opened is None or main is None or frame is None:
                pane.show_image(None, "", None, self._hint)
            else:
                on = _grid_of(optical, opened)
                source = Source(opened.info.path, on, frame.width, frame.height, opened.display)
                pane.show_image(frame, describe(opened.info, sensor), main.info.grid.gsd_m)
            if source != self._sources[sensor]:  # else it is on screen already, perhaps with another display by now
                self._sources[sensor] = source
                pane.stream.show_source(source)
        if frame is not None:
            self._area.frame_width, self._area.frame_height = frame.width, frame.height
        if before != frame:
            self.set_area(None)
            self.zoom_fit()
        else:
            self._look(self._view)

    def set_display(self, sensor: PaneName, display: DisplaySpec) -> None:
        """Show the same image with other bands or limits."""
        self._panes[sensor].stream.set_display(display)

    def set_overlays(self, layers: list[OverlayLayer]) -> None:
        """Show these layers, the first at the bottom. Only new or changed files are read."""
        kept: dict[str, Overlay] = {}
        for layer in layers:
            old = self._overlays.get(layer.id)
            try:
                kept[layer.id] = old if old is not None and old.serves(layer) else overlay_of(layer)
            except RasterUnreadable as error:
                self.problem.emit(error.sentence)
            else:
                kept[layer.id].layer = layer
        self._overlays = kept
        for pane in self._panes.values():
            pane.show_overlays(list(kept.values()))
        self._point_again()

    def mark_things(self, selected: int | None, pointed: int | None) -> None:
        """Emphasise the boxes or parts in these places of their list on both panes."""
        for overlay in self._things_overlays():
            overlay.selected, overlay.pointed = selected, pointed
        for pane in self._panes.values():
            pane.update()

    def set_theme(self, palette: Palette) -> None:
        for pane in self._panes.values():
            pane.show_theme(palette)

    def grab_view(self) -> QImage:
        """Both panes as they are on screen, less what belongs to the moment: crosshair, readout, handles, focus."""
        for pane in self._panes.values():
            pane.plain = True
        picture = self._splitter.grab().toImage()
        for pane in self._panes.values():
            pane.plain = False
        return picture

    @property
    def settled(self) -> bool:
        """Whether every image is shown as well as it will be in this view."""
        return all(pane.stream.settled for pane in self._shown())

    # -- the view --------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Screen pixels per frame pixel."""
        return self._view.scale

    def visible_window(self) -> PixelWindow | None:
        """The part of the frame that is seen, None without a scene."""
        frame = self._frame()
        if frame is None:
            return None
        widest = max((pane.viewport for pane in self._shown()), key=lambda viewport: viewport.width)
        # The view's middle is held in the frame, so something of it is always seen.
        return window_around(widest.visible).clipped(frame.width, frame.height) or frame

    def zoom_fit(self) -> None:
        """Show the whole frame, and keep showing it while the window is resized."""
        frame = self._frame()
        if frame is not None:
            box = frame.box
            self._fitted = True
            self._look(Viewport(box.x1 / 2, box.y1 / 2, self._scale_of(box), 1, 1))

    def zoom_in(self) -> None:
        self._zoom_in_middle(KEY_ZOOM)

    def zoom_out(self) -> None:
        self._zoom_in_middle(1 / KEY_ZOOM)

    def zoom_native(self) -> None:
        """One image pixel per screen pixel."""
        self._zoom_in_middle(1 / (self.devicePixelRatioF() * self._view.scale))

    def center_on(self, window: PixelWindow, *, zoom: bool = False) -> None:
        """Bring ``window`` to the middle; with ``zoom``, as large as fits."""
        box = window.box
        scale = self._scale_of(box) if zoom else self._view.scale
        self._fitted = False
        self._look(Viewport((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, scale, 1, 1))

    def show_box(self, box: Box) -> None:
        """Bring a box into view; zoom only where it is too small to see or too large to fit."""
        seen, side_px = self._view_of_narrowest().visible, max(box.width, box.height) * self._view.scale
        inside = seen.x0 <= box.x0 and seen.y0 <= box.y0 and box.x1 <= seen.x1 and box.y1 <= seen.y1
        fits = box.width < seen.width and box.height < seen.height
        if side_px < BOX_LEAST_PX or not fits:
            wide, high = BOX_SHARE * box.width / 2, BOX_SHARE * box.height / 2
            col, row = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            self.center_on(window_around(Box(col - wide, row - high, col + wide, row + high)), zoom=True)
        elif not inside:
            self.center_on(window_around(box))

    # -- the drawn area --------------------------------------------------------------------------------------------

    @property
    def area(self) -> PixelWindow | None:
        return self._area.window

    @property
    def area_mode(self) -> bool:
        return self._area_mode

    def set_area_mode(self, on: bool) -> None:
        """Whether dragging draws and changes the area rather than panning."""
        if on != self._area_mode:
            self._area.cancel()
            self._area_mode = on
            self._show_area()
            self.area_mode_changed.emit(on)

    def set_area(self, window: PixelWindow | None) -> None:
        """Put the drawn area there (clipped to the frame), or take it away."""
        frame = self._frame()
        clipped = None if window is None or frame is None else window.clipped(frame.width, frame.height)
        if clipped != self._area.window:
            self._area.window = clipped
            self._show_area()
            self.area_changed.emit(clipped)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _connect(self, pane: Pane) -> None:
        pane.dragged.connect(self._pan)
        pane.zoomed.connect(lambda factor, x, y: self._zoom(pane, factor, x, y))
        pane.pointed.connect(lambda x, y: self._point(pane, x, y))
        pane.clicked.connect(lambda x, y: self._click(pane, x, y))
        pane.left.connect(self._leave)
        pane.area_pressed.connect(lambda x, y: self._press_area(pane, x, y))
        pane.area_dragged.connect(lambda x, y: self._drag_area(pane, x, y))
        pane.area_released.connect(self._release_area)
        pane.resized.connect(self._on_resized)
        pane.stream.failed.connect(self._on_failed)

    def _frame(self) -> PixelWindow | None:
        main = self._opened["optical"] or self._opened["sar"]
        return None if main is None else PixelWindow(0, 0, main.info.width, main.info.height)

    def _shown(self) -> list[Pane]:
        return [pane for pane in self._panes.values() if pane.has_image]

    def _scale_of(self, box: Box) -> float:
        return min(fit_scale(box, pane.width(), pane.height()) for pane in self._shown())

    def _look(self, view: Viewport) -> None:
        frame = self._frame()
        if frame is None:
            return
        self._view = view.held_in(frame.width, frame.height)
        for pane in self._panes.values():
            pane.look(self._view.resized(pane.width(), pane.height()))
        self._point_again()
        self.view_changed.emit()

    def _pan(self, dx: float, dy: float) -> None:
        self._fitted = False
        self._look(self._view.panned(dx, dy))

    def _zoom(self, pane: Pane, factor: float, x: float, y: float) -> None:
        frame = self._frame()
        if frame is not None:
            self._fitted = False
            least = min(LEAST_SCALE * self._scale_of(frame.box), 1.0)
            self._look(pane.viewport.zoomed(factor, x, y, least=least))

    def _zoom_in_middle(self, factor: float) -> None:
        for pane in self._shown()[:1]:
            self._zoom(pane, factor, pane.width() / 2, pane.height() / 2)

    def _on_resized(self) -> None:
        if self._fitted:
            self.zoom_fit()
        else:
            self._look(self._view)

    def _point(self, pane: Pane, x: float, y: float) -> None:
        self._pointer = (pane, x, y)
        col, row = pane.viewport.to_frame(x, y)
        for each in self._panes.values():
            each.show_crosshair((col, row))
        frame = self._frame()
        if frame is not None and 0 <= col < frame.width and 0 <= row < frame.height:
            self.cursor_moved.emit(col, row)
        else:
            self.cursor_left.emit()
        self._read_overlays(pane, col, row)
        self._tell_thing(self._thing_under(pane, x, y))
        if self._area_mode and not self._area.dragging:
            pane.setCursor(_CURSORS[self._area.grip_at(col, row, HANDLE_PX / self._view.scale)])

    def _view_of_narrowest(self) -> Viewport:
        return min((pane.viewport for pane in self._shown()), key=lambda viewport: viewport.width)

    def _things_overlays(self) -> list[ThingsOverlay]:
        return [each for each in self._overlays.values() if isinstance(each, ThingsOverlay)]

    def _thing_under(self, pane: Pane, x: float, y: float) -> int | None:
        col, row = pane.viewport.to_frame(x, y)
        for overlay in self._things_overlays():
            if overlay.layer.visible and pane.sensor in overlay.layer.panes:
                return overlay.thing_at(col, row, REACH_PX / self._view.scale)
        return None

    def _click(self, pane: Pane, x: float, y: float) -> None:
        if any(overlay.layer.visible for overlay in self._things_overlays()):
            self.thing_clicked.emit(self._thing_under(pane, x, y))

    def _tell_thing(self, place: int | None) -> None:
        if place != self._pointed_thing:
            self._pointed_thing = place
            self.thing_pointed.emit(place)

    def _point_again(self) -> None:
        """What lies under a pointer at rest has changed."""
        if self._pointer is not None:
            self._point(*self._pointer)

    def _leave(self) -> None:
        self._pointer = None
        for pane in self._panes.values():
            pane.show_crosshair(None)
            pane.show_readout([])
        self._tell_pointed(())
        self._tell_thing(None)
        self.cursor_left.emit()

    def _read_overlays(self, pane: Pane, col: float, row: float) -> None:
        found: list[tuple[str, float]] = []
        lines = []
        for overlay in reversed(self._overlays.values()):  # as in the layer list: the uppermost first
            if not overlay.layer.visible or pane.sensor not in overlay.layer.panes:
                continue
            lines += overlay.readings_at(col, row)
            if (value := overlay.value_at(col, row)) is not None:
                found.append((overlay.layer.id, value))
        for each in self._panes.values():
            each.show_readout(lines if each is pane else [])
        self._tell_pointed(tuple(found))

    def _tell_pointed(self, found: tuple[tuple[str, float], ...]) -> None:
        if found != self._pointed:
            self._pointed = found
            self.overlays_pointed.emit(found)

    def _press_area(self, pane: Pane, x: float, y: float) -> None:
        self._area.press(*pane.viewport.to_frame(x, y), reach=HANDLE_PX / self._view.scale)

    def _drag_area(self, pane: Pane, x: float, y: float) -> None:
        self._area.drag(*pane.viewport.to_frame(x, y))
        self._show_area()

    def _release_area(self) -> None:
        if self._area.release():
            self.area_changed.emit(self._area.window)

    def _show_area(self) -> None:
        for pane in self._panes.values():
            pane.show_area(self._area.window, editable=self._area_mode)

    def _on_failed(self, outcome: Outcome) -> None:
        self.problem.emit(f"{outcome.reason} {outcome.remedy}".strip())

    # -- keys ------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _ARROWS:
            self._press_arrow(*_ARROWS[key], resize=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.zoom_fit()
        elif key == Qt.Key.Key_1:
            self.zoom_native()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._area_mode:
            self._area_from_view()
        elif key == Qt.Key.Key_Escape and self._area.dragging:
            self._area.cancel()
            self._show_area()
        elif key == Qt.Key.Key_Escape and self._area.window is not None:
            self.set_area(None)
        else:
            event.ignore()  # Escape without an area belongs to the window

    def _press_arrow(self, right: int, down: int, *, resize: bool) -> None:
        """Pan; or with an area being edited, move it, or with Shift its lower right corner."""
        window = self._area.window
        if self._area_mode and window is not None:
            step = max(round(HANDLE_PX / self._view.scale), 1)
            change = self._area.grown if resize else self._area.moved
            self.set_area(change(window, right * step, down * step))
        else:
            self._pan(-right * KEY_PAN_PX, -down * KEY_PAN_PX)

    def _area_from_view(self) -> None:
        """The keyboard's way to an area: the middle of the view, then the arrows."""
        seen = self.visible_window()
        if seen is not None:
            width, height = max(seen.width // 2, 1), max(seen.height // 2, 1)
            self.set_area(PixelWindow(seen.col_off + width // 2, seen.row_off + height // 2, width, height))


def _grid_of(optical: Opened | None, opened: Opened) -> str | None:
    """Onto whose grid a raster is warped. Without georeference a pair shares its pixel frame as it is."""
    if optical is None or optical is opened or "none" in (optical.info.georeference, opened.info.georeference):
        return None
    return optical.info.path


_CURSORS = {
    "new": Qt.CursorShape.CrossCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "n": Qt.CursorShape.SizeVerCursor,
    "s": Qt.CursorShape.SizeVerCursor,
    "e": Qt.CursorShape.SizeHorCursor,
    "w": Qt.CursorShape.SizeHorCursor,
    "ne": Qt.CursorShape.SizeBDiagCursor,
    "sw": Qt.CursorShape.SizeBDiagCursor,
    "nw": Qt.CursorShape.SizeFDiagCursor,
    "se": Qt.CursorShape.SizeFDiagCursor,
}
