"""What lies under the cursor: the place at once, the stored values of both rasters a moment later."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, QTimer, Signal

from engine.protocol import Identified, IdentifyRequest
from engine.records import Grid
from rsqa_desktop.model.coordinates import Locator, Place
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.scene import PaneSensor
from rsqa_desktop.services import TileReader

REST_MS = 60  # the cursor has to rest this long before values are asked for


class Pointing(QObject):
    """Follows the cursor in frame pixels. ``place`` and ``values`` are read after :attr:`changed`."""

    changed = Signal()

    def __init__(self, document: Document, tiles: TileReader) -> None:
        super().__init__()
        self.place: Place | None = None
        self.values: dict[PaneSensor, Identified] = {}
        self.locator: Locator | None = None
        self._document = document
        self._tiles = tiles
        self._grid: Grid | None = None
        self._pixel: tuple[int, int] | None = None
        self._asked: dict[str, PaneSensor] = {}
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._identify)
        tiles.identified.connect(self._take_identified)
        document.scene_changed.connect(self._renew_locator)

    def move(self, col: float, row: float) -> None:
        """The cursor is at this sub-pixel position of the frame."""
        if self.locator is None:
            return
        self.place = self.locator.place(col, row)
        pixel = (math.floor(col), math.floor(row))
        if pixel != self._pixel:
            self._pixel = pixel
            self.values = {}
            self._rest.start()
        self.changed.emit()

    def leave(self) -> None:
        """The cursor left the panes."""
        self.place, self.values, self._pixel = None, {}, None
        self._rest.stop()
        self.changed.emit()

    def _renew_locator(self) -> None:
        """Only for another grid: reading a CRS takes milliseconds, and a scene also changes when it is judged."""
        frame = self._document.scene.frame
        grid = frame.grid if frame else None
        if grid != self._grid:
            self._grid = grid
            self.locator = Locator(grid) if grid else None
            self.leave()

    def _identify(self) -> None:
        for stale in self._asked:
            self._tiles.cancel(stale)
        self._asked = {}
        frame, scene = self._document.scene.frame, self._document.scene
        if self._pixel is None or frame is None:
            return
        col, row = self._pixel
        if not (0 <= col < frame.width and 0 <= row < frame.height):
            return
        for sensor in self._document.panes:
            path = scene.path_of(sensor)
            if path is not None:
                on = scene.optical_path if sensor == "sar" else None
                self._asked[self._tiles.identify(IdentifyRequest(path, col, row, on))] = sensor

    def _take_identified(self, message_id: str, identified: Identified) -> None:
        sensor = self._asked.pop(message_id, None)
        if sensor is not None:
            self.values[sensor] = identified
            self.changed.emit()
