"""Another mask of the shown outline, as soon as the threshold rests: the engine cuts it, without a network."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from engine.protocol import Outcome, to_json
from engine.records import Cleaning, Outline, RedrawRequest
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import HistoryEntry
from rsqa_desktop.model.notices import notice_of_outcome
from rsqa_desktop.services import Worker

REST_MS = 200  # a slider has to rest this long before polygons and areas are asked for


@dataclass(frozen=True, slots=True)
class _Asked:
    """A redraw on its way: under which id, of which entry, and the folder of the mask that it replaces."""

    id: str
    entry: HistoryEntry
    outline: Outline


class Redrawing(QObject):
    """Has the engine follow the preview of ``document.mask``. While a question runs it waits, as a redraw would take
    that one's place."""

    def __init__(self, document: Document, worker: Worker) -> None:
        super().__init__()
        self._document = document
        self._worker = worker
        self._due: Cleaning | None = None
        self._asked: _Asked | None = None
        self._numbers = count(1)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._send)
        document.layers_changed.connect(self._follow)
        document.history_changed.connect(self._follow)
        worker.replied.connect(self._take_reply)
        worker.finished.connect(self._take_outcome)

    def _follow(self) -> None:
        """Wait anew for every other preview; once there is none, for nothing."""
        mask = self._document.mask
        wanted = mask.cleaning if mask is not None and mask.is_preview and self._document.running is None else None
        if wanted != self._due:
            self._due = wanted
            self._rest.start() if wanted is not None else self._rest.stop()

    def _send(self) -> None:
        shown = self._document.shown
        if shown is None or shown.outline is None or self._due is None:
            return
        folder = Path(shown.request.folder)
        stored = folder / "outline.json"
        stored.write_bytes(to_json(shown.outline))
        request = RedrawRequest(str(stored), str(folder / f"redraw-{next(self._numbers):04d}"), self._due)
        self._asked = _Asked(self._worker.submit(request), shown, shown.outline)

    def _take_reply(self, message_id: str, reply: object) -> None:
        asked = self._asked
        if asked is None or message_id != asked.id or not isinstance(reply, Outline):
            return
        self._document.answered(asked.entry.id, reply)
        before = Path(asked.outline.mask).parent
        if before != Path(asked.entry.request.folder):
            shutil.rmtree(before, ignore_errors=True)  # nobody can come back to it; the rest goes with the program

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        asked = self._asked
        if asked is None or message_id != asked.id:
            return
        self._asked = None
        if outcome.status in ("failed", "crashed"):  # back to the mask that is known
            self._document.change_layer("outline", cleaning=asked.outline.cleaning)
        if outcome.status == "failed":
            self._document.post(notice_of_outcome("redraw", outcome))
