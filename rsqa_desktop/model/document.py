"""The truth of the document: scene, area, view, layers, history and notices, with an event for each change.

Events are in the past tense ("state changed") and carry nothing: whoever hears one reads the document. What a user
asks for ("user asked") is said elsewhere, in ``rsqa_desktop.actions.requests``, in the imperative. Widgets bind to
this object and never to each other.
"""

from __future__ import annotations

from dataclasses import replace

from psygnal import Signal

from engine.protocol import Opened, Outcome
from engine.records import Cleaning, GateChoice, PairCheck, PixelWindow
from engine.records.pair import Verdict
from rsqa_desktop.model.engine_status import EngineStatus
from rsqa_desktop.model.history import History, HistoryEntry, Result
from rsqa_desktop.model.layers import OverlayKind, OverlayLayer, PaneName
from rsqa_desktop.model.marks import Marks
from rsqa_desktop.model.notices import Notice
from rsqa_desktop.model.overlays import layers_of
from rsqa_desktop.model.scene import Scene


class Document:
    """One scene and what was asked of it. All coordinates are pixels of ``scene.frame``.

    ``area`` is what the user drew (``drawing`` while the next drag will), ``view`` what the panes show;
    :attr:`target` says which of the two a question is about. ``shown`` is the history entry on the answer card.
    ``marks`` are the boxes, or the parts of a mask, that lie over the images, with those that the user means.
    ``gate`` are the user's standing orders to the gate.
    """

    scene_changed = Signal()
    area_changed = Signal()
    layers_changed = Signal()
    history_changed = Signal()
    shown_changed = Signal()
    notices_changed = Signal()
    engine_changed = Signal()

    def __init__(self) -> None:
        self.scene = Scene()
        self.gate = GateChoice()
        self.area: PixelWindow | None = None
        self.drawing = False
        self.view: PixelWindow | None = None
        self.layers: tuple[OverlayLayer, ...] = ()
        self._remembered: dict[str, OverlayLayer] = {}
        self.history = History()
        self.shown: HistoryEntry | None = None
        self.marks = Marks()
        self.notices: tuple[Notice, ...] = ()
        self.engine = EngineStatus()

    @property
    def target(self) -> PixelWindow | None:
        """What a question is about: the drawn area, else the part of the raster in view, else all of it."""
        frame = self.scene.frame
        if frame is None:
            return None
        asked = self.area or self.view
        return (asked.clipped(frame.width, frame.height) if asked else None) or self.scene.whole()

    @property
    def running(self) -> HistoryEntry | None:
        """The question that waits for its answer, None while none does."""
        newest = self.history.entries[-1:]
        return newest[0] if newest and newest[0].state == "running" else None

    @property
    def verdict(self) -> Verdict | None:
        """The gate's word on the pair, None while it is awaited."""
        return self.scene.check.verdict if self.scene.check else None

    @property
    def panes(self) -> tuple[PaneName, ...]:
        panes: tuple[PaneName, ...] = ("optical", "sar")
        return tuple(pane for pane in panes if self.scene.path_of(pane))

    def set_scene(self, scene: Scene) -> None:
        """Another scene: the area, the overlays and the gate's orders belonged to the old one; history stays."""
        self.scene, self.area, self.view, self.gate = scene, None, None, GateChoice()
        self._show(None)
        self.scene_changed.emit()
        self.area_changed.emit()

    def set_raster(self, sensor: PaneName, opened: Opened) -> None:
        """Show the same raster in another way (limits, speckle view); nothing that was asked changes."""
        if sensor == "optical":
            self.scene = replace(self.scene, optical=opened)
        else:
            self.scene = replace(self.scene, sar=opened)
        self.scene_changed.emit()

    def set_check(self, check: PairCheck) -> None:
        self.scene = replace(self.scene, check=check)
        self.scene_changed.emit()

    def set_area(self, area: PixelWindow | None) -> None:
        """Ask about ``area`` (clipped to the raster; one that misses it clears), or about the view again."""
        frame = self.scene.frame
        self.area = area.clipped(frame.width, frame.height) if area and frame else None
        self.area_changed.emit()

    def set_drawing(self, drawing: bool) -> None:
        """The next drag over an image draws the area, or pans again."""
        if drawing != self.drawing:
            self.drawing = drawing
            self.area_changed.emit()

    def set_engine(self, engine: EngineStatus) -> None:
        if engine != self.engine:
            self.engine = engine
            self.engine_changed.emit()

    def begin(self, entry: HistoryEntry) -> None:
        """A question was sent."""
        self.history.add(entry)
        self.history_changed.emit()

    def answered(self, entry_id: str, result: Result) -> None:
        """An answer, a finding or an outline arrived; it goes on the card unless something newer was asked since.

        It may be the outline that is shown with its mask cut anew; a preview that was changed again since stays one.
        """
        entry = self.history.update(entry_id, result=result)
        self.history_changed.emit()
        if self.shown is not None and self.shown.id == entry_id:
            before = self.mask
            self._show(entry)
            if before is not None and before.is_preview:
                self.change_layer(before.id, cleaning=before.cleaning)
        elif entry.state == "running" and entry == self.history.entries[-1]:
            self._show(entry)

    def ended(self, entry_id: str, outcome: Outcome) -> None:
        """A question's outcome is known."""
        entry = self.history.update(entry_id, outcome=outcome)
        if self.shown and self.shown.id == entry_id:
            self.shown = entry
        self.history_changed.emit()

    def show(self, entry_id: str) -> None:
        """Put an earlier answer on the card, with its overlays where they belong to these files."""
        entry = self.history.get(entry_id)
        if entry is not None and entry.result is not None:
            self._show(entry)

    def change_layer(
        self,
        layer_id: str,
        *,
        visible: bool | None = None,
        opacity: float | None = None,
        cleaning: Cleaning | None = None,
    ) -> None:
        """Show, hide or fade one layer, or cut its mask in another way: a preview, until the engine has made it.

        An unknown id changes nothing: the answer it belonged to is gone.
        """

        def changed(layer: OverlayLayer) -> OverlayLayer:
            if layer.id != layer_id:
                return layer
            return replace(
                layer,
                visible=layer.visible if visible is None else visible,
                opacity=layer.opacity if opacity is None else opacity,
                cleaning=cleaning or layer.cleaning,
            )

        self._set_layers(tuple(changed(layer) for layer in self.layers))

    def show_kind(self, kind: OverlayKind, visible: bool, *, only: str = "") -> None:
        """Show or hide one kind of layer: the key regions of both sensors, say.

        Where a sensor has several of a kind only the first is shown, or the one with the id ``only``, as one would
        cover the other; all are hidden.
        """
        first = {each.sensor: each.id for each in reversed(self.layers) if each.kind == kind and only in ("", each.id)}
        self._set_layers(
            tuple(
                replace(each, visible=visible and each.id in first.values()) if each.kind == kind else each
                for each in self.layers
            )
        )

    def shows_kind(self, kind: OverlayKind) -> bool | None:
        """Whether a layer of this kind is visible, None where there is none."""
        ours = [layer.visible for layer in self.layers if layer.kind == kind]
        return any(ours) if ours else None

    @property
    def mask(self) -> OverlayLayer | None:
        """The layer with the mask, None while nothing that lies over the images was outlined."""
        return next((layer for layer in self.layers if layer.kind == "outline"), None)

    def post(self, notice: Notice) -> None:
        """Say something in the notice bar, in place of what was said under the same key."""
        others = tuple(other for other in self.notices if other.key != notice.key)
        self.notices = (*others, notice)
        self.notices_changed.emit()

    def dismiss(self, key: str) -> None:
        """Take back what was said under ``key``; nothing happens where nothing was."""
        left = tuple(each for each in self.notices if each.key != key)
        if left != self.notices:
            self.notices = left
            self.notices_changed.emit()

    def _show(self, entry: HistoryEntry | None) -> None:
        self.shown = entry
        if entry is not None and entry.result is not None and self.scene.matches(entry.request):
            self._set_layers(layers_of(entry.result, self.panes, self._remembered))
        else:
            self._set_layers(())
        self.shown_changed.emit()

    def _set_layers(self, layers: tuple[OverlayLayer, ...]) -> None:
        self._remembered |= {layer.id: layer for layer in layers}
        if layers != self.layers:
            self.layers = layers
            self.marks.renew(next((each.things for each in layers if each.things), ()))
            self.layers_changed.emit()
