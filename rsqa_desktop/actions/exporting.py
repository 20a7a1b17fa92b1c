"""Writing the shown answer for other programs; the worker does the writing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from engine.protocol import Exported, Outcome, to_json
from engine.records import ExportRequest
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.services import Worker


class Exporting(QObject):
    """Sends the shown answer to be written; ``written_to`` is the folder of the last export."""

    def __init__(self, document: Document, worker: Worker) -> None:
        super().__init__()
        self.written_to: Path | None = None
        self._document = document
        self._worker = worker
        self._asked: dict[str, Path] = {}
        worker.replied.connect(self._take_event)
        worker.finished.connect(self._take_outcome)

    @property
    def can_run(self) -> bool:
        return self._document.shown is not None

    def run(self, folder: Path) -> None:
        """Write the shown answer into ``folder`` as GeoJSON, GeoPackage, COG, PNG and JSON."""
        shown = self._document.shown
        if shown is None or shown.answer is None:
            return
        stored = Path(shown.request.folder) / "answer.json"
        stored.write_bytes(to_json(shown.answer))
        message_id = self._worker.submit(ExportRequest(str(stored), str(folder)))
        self._asked[message_id] = folder
        self._document.post(Notice("export", f"Writing the answer into {folder} …"))

    def _take_event(self, message_id: str, event: object) -> None:
        if message_id in self._asked and isinstance(event, Exported):
            self.written_to = self._asked[message_id]
            kinds = " ".join(sorted({Path(name).suffix for name in event.files}))
            text = f"Wrote {len(event.files)} files ({kinds}) into {self.written_to}."
            text = " ".join((text, *event.messages))
            self._document.post(Notice("export", text, "info", "export.reveal"))

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        if self._asked.pop(message_id, None) is not None and outcome.status != "succeeded":
            self._document.post(notice_of_outcome("export", outcome, action="answer.export"))
