"""The panes and the document kept in step: what changed in one is told to the other, never both ways at once."""

from __future__ import annotations

from PySide6.QtCore import QObject

from engine.records import PixelWindow, RasterInfo
from rsqa_desktop.actions.workbench import Workbench
from rsqa_desktop.canvas import PairView
from rsqa_desktop.model.notices import Notice
from rsqa_desktop.model.scene import Scene
from rsqa_desktop.panels.status_readout import StatusReadout


class ViewBinding(QObject):
    """Binds one :class:`PairView` to the document of ``bench``."""

    def __init__(self, bench: Workbench, view: PairView, readout: StatusReadout) -> None:
        super().__init__(view)
        self._bench = bench
        self._document = bench.document
        self._view = view
        self._readout = readout
        self._shown = Scene()
        view.view_changed.connect(self._take_view)
        view.cursor_moved.connect(bench.pointing.move)
        view.cursor_left.connect(bench.pointing.leave)
        view.area_changed.connect(self._take_area)
        view.thing_pointed.connect(self._document.marks.point_at)
        view.thing_clicked.connect(self._document.marks.select)
        view.problem.connect(lambda text: self._document.post(Notice("panes", text, "warning")))
        self._document.scene_changed.connect(self._show_scene)
        self._document.area_changed.connect(self._show_area)
        self._document.layers_changed.connect(self._show_layers)
        self._document.marks.changed.connect(self._show_marks)
        bench.requests.move_view.connect(self._move)
        bench.requests.show_box.connect(view.show_box)

    def _show_scene(self) -> None:
        """Show other files anew; of the same files only another display, so that the picture does not blink."""
        before, self._shown = self._shown, self._document.scene
        now = self._shown
        if _infos(before) != _infos(now):
            self._view.set_scene(now.optical, now.sar)
            self._take_view()
            return
        if now.optical and before.optical and now.optical.display != before.optical.display:
            self._view.set_display("optical", now.optical.display)
        if now.sar and before.sar and now.sar.display != before.sar.display:
            self._view.set_display("sar", now.sar.display)

    def _show_area(self) -> None:
        self._view.set_area(self._document.area)
        if self._document.drawing != self._view.area_mode:
            self._view.set_area_mode(self._document.drawing)
            if self._document.drawing:
                self._view.setFocus()  # so that the keys draw, too

    def _show_layers(self) -> None:
        self._view.set_overlays(list(reversed(self._document.layers)))  # the panes draw the first at the bottom

    def _show_marks(self) -> None:
        self._view.mark_things(self._document.marks.selected, self._document.marks.pointed)

    def _take_view(self) -> None:
        self._document.view = self._view.visible_window()
        self._readout.show_scale(1 / self._view.scale)

    def _take_area(self, window: PixelWindow | None) -> None:
        if window != self._document.area:
            self._document.set_area(window)
        self._document.set_drawing(False)

    def _move(self, how: str) -> None:
        moves = {
            "fit": self._view.zoom_fit,
            "in": self._view.zoom_in,
            "out": self._view.zoom_out,
            "native": self._view.zoom_native,
        }
        moves[how]()


def _infos(scene: Scene) -> tuple[RasterInfo | None, RasterInfo | None]:
    """The files of a scene, however they are displayed."""
    return scene.optical.info if scene.optical else None, scene.sar.info if scene.sar else None
