"""The tile reader as the window sees it: pictures of windows of rasters, decoded in another process."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

from PySide6.QtCore import QObject, QTimer, Signal

from engine.errors import Cancelled, UsageError
from engine.protocol import Identified, IdentifyRequest, Opened, OpenRaster, Outcome, Refined, Tile, TileRequest
from engine.records import DisplaySpec, PixelWindow
from engine.records.raster import Sensor
from rsqa_desktop.services.engine_process import EngineProcess
from rsqa_desktop.services.picture_slots import PictureSlots

TRIES = 2
"""How often a request is sent again after the reader died of it, or with it."""
_NO_SLOT = -1
"""In a request that waits for a slot."""


class TileReader(QObject):
    """Runs ``rsqa tiles``. Pictures wait here, newest first, until one of the shared slots is free.

    Signals: ``ready(Ready)``; ``opened(id, Opened)``; ``drawn(id, Tile, QImage)``, the image a copy of its own;
    ``identified(id, Identified)``; ``refined(Refined)`` when drafts of a raster are worth drawing again;
    ``finished(id, Outcome)`` once for every request; ``died(Outcome)`` when the process was lost. It is then started
    again by itself and what it was doing is asked for again, so nobody who waits for a picture need do anything.
    """

    ready = Signal(object)
    opened = Signal(str, object)
    drawn = Signal(str, object, object)
    identified = Signal(str, object)
    refined = Signal(object)
    finished = Signal(str, object)
    died = Signal(object)

    def __init__(self, parent: QObject | None = None, *, slots: PictureSlots | None = None) -> None:
        super().__init__(parent)
        self._ids = count(1)
        self._slots = slots or PictureSlots()
        self._sensors: dict[str, Sensor] = {}
        self._sent: dict[str, OpenRaster | TileRequest | IdentifyRequest] = {}
        self._waiting: dict[str, TileRequest] = {}
        self._deaths: Counter[str] = Counter()
        self._process = EngineProcess("The tile reader", ("tiles",), self._slots.hello, self)
        self._process.ready.connect(self.ready)
        self._process.said.connect(self._on_said)
        self._process.finished.connect(self._on_finished)
        self._process.died.connect(self.died)

    @property
    def pid(self) -> int:
        """The reader's process id, 0 while it is down."""
        return self._process.pid

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        """End the reader for good and give its memory back; to be called before the window goes."""
        self._process.stop()
        self._slots.remove()

    def open(self, request: OpenRaster) -> str:
        """Open a raster; ends in ``opened``. Later pictures of this path are read as this sensor's."""
        self._sensors[request.path] = request.sensor
        return self._send(request)

    def draw(
        self,
        path: str,
        window: PixelWindow,
        width: int,
        height: int,
        display: DisplaySpec,
        on: str | None = None,
        draft: bool = False,
    ) -> str:
        """Ask for ``window`` (pixels of ``on``, or of the raster) as ``width`` x ``height`` pixels.

        Raises :class:`UsageError` for a picture that no slot can hold.
        """
        if width * height * 4 > self._slots.slot_bytes:
            raise UsageError(
                f"A picture of {width} x {height} pixels is larger than {self._slots.slot_bytes} bytes.",
                remedy="Ask for it in parts.",
            )
        sensor = self._sensors.get(path, "unknown")
        message_id = self._new_id()
        self._waiting[message_id] = TileRequest(path, window, width, height, display, _NO_SLOT, on, draft, sensor)
        self._fill_slots()
        return message_id

    def identify(self, request: IdentifyRequest) -> str:
        """Ask for the values under a pixel; ends in ``identified``."""
        return self._send(replace(request, sensor=self._sensors.get(request.path, "unknown")))

    def cancel(self, message_id: str) -> None:
        """A picture that is no longer wanted ends ``cancelled`` unless it was already done."""
        if self._waiting.pop(message_id, None) is None:
            self._process.cancel(message_id)
            return
        outcome = Outcome("cancelled", "The picture is no longer wanted.", code=Cancelled.exit_code)
        # Later, as from the process: whoever cancels in a loop must not be called back in the midst of it.
        QTimer.singleShot(0, self, lambda: self.finished.emit(message_id, outcome))

    def _new_id(self) -> str:
        return f"t{next(self._ids)}"

    def _send(self, request: OpenRaster | IdentifyRequest) -> str:
        message_id = self._new_id()
        self._sent[message_id] = request
        self._process.send(message_id, request)
        return message_id

    def _fill_slots(self) -> None:
        while self._waiting and (slot := self._slots.lend()) is not None:
            message_id, request = self._waiting.popitem()  # the newest: what the user looks at now
            self._sent[message_id] = placed = replace(request, slot=slot)
            self._process.send(message_id, placed)

    def _on_said(self, message_id: str, event: object) -> None:
        if isinstance(event, Refined):
            self.refined.emit(event)
        elif isinstance(event, Tile):
            self.drawn.emit(message_id, event, self._slots.image(event))
        elif isinstance(event, Opened):
            self.opened.emit(message_id, event)
        elif isinstance(event, Identified):
            self.identified.emit(message_id, event)

    def _on_finished(self, message_id: str, outcome: Outcome) -> None:
        request = self._sent.pop(message_id)
        if isinstance(request, TileRequest):
            self._slots.give_back(request.slot)
        # What died with the reader is asked for again; as it may be what killed it, not for ever.
        if outcome.status == "crashed" and self._process.will_restart and self._deaths[message_id] < TRIES:
            self._deaths[message_id] += 1
            if isinstance(request, TileRequest):
                self._waiting[message_id] = request
            else:
                self._sent[message_id] = request
                self._process.send(message_id, request)
        else:
            self._deaths.pop(message_id, None)
            self.finished.emit(message_id, outcome)
        self._fill_slots()
