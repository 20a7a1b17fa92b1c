"""The interactive worker as the window sees it: a request in, events and one outcome back."""

from __future__ import annotations

from itertools import count

from PySide6.QtCore import QObject, Signal

from engine.protocol import Hello, Progress
from engine.records import (
    AskRequest,
    AskTilesRequest,
    CheckRequest,
    ExportRequest,
    FindRequest,
    OutlineRequest,
    RedrawRequest,
)
from rsqa_desktop.services.engine_process import EngineProcess

Request = AskRequest | AskTilesRequest | FindRequest | OutlineRequest | RedrawRequest | CheckRequest | ExportRequest
"""What the worker can be asked for."""


class Worker(QObject):
    """Runs ``rsqa serve``.

    Signals: ``ready(Ready)`` when it can answer; ``progress(id, Progress)``; ``replied(id, record)`` with an
    :class:`Answer`, a :class:`TiledAnswer`, a :class:`Finding`, an :class:`Outline`, a :class:`PairCheck` or an
    :class:`Exported`;
    ``finished(id, Outcome)`` once for every request; ``died(Outcome)`` when the process was lost. It is then
    started again by itself, its requests have ended as ``crashed``; submitting the same record again repeats one.
    """

    ready = Signal(object)
    progress = Signal(str, object)
    replied = Signal(str, object)
    finished = Signal(str, object)
    died = Signal(object)

    def __init__(self, parent: QObject | None = None, *, arguments: tuple[str, ...] = ()) -> None:
        super().__init__(parent)
        self._ids = count(1)
        self._process = EngineProcess("The interactive worker", ("serve", *arguments), Hello(), self)
        self._process.ready.connect(self.ready)
        self._process.said.connect(self._on_said)
        self._process.finished.connect(self.finished)
        self._process.died.connect(self.died)

    @property
    def pid(self) -> int:
        """The worker's process id, 0 while it is down."""
        return self._process.pid

    @property
    def will_restart(self) -> bool:
        """Whether it is down and about to be started again; after deaths in a row it is not, until it is asked."""
        return self._process.will_restart

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        """End the worker for good; to be called before the window goes."""
        self._process.stop()

    def submit(self, request: Request) -> str:
        """Send a request; returns its id. A newer question, search, outline or redraw ends an older one as
        ``cancelled``."""
        message_id = f"w{next(self._ids)}"
        self._process.send(message_id, request)
        return message_id

    def cancel(self, message_id: str) -> None:
        """Ask for a request to be stopped; it ends ``cancelled`` unless it was already done."""
        self._process.cancel(message_id)

    def _on_said(self, message_id: str, event: object) -> None:
        (self.progress if isinstance(event, Progress) else self.replied).emit(message_id, event)
