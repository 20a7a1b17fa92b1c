"""The alignment gate's verdict on the scene: asked for, told, asked for again where it was lost."""

from __future__ import annotations

from PySide6.QtCore import QObject

from engine.protocol import Outcome
from engine.records import CheckRequest, PairCheck
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.model.wording import shift_sentence, without_options
from rsqa_desktop.services import Worker


class Judging(QObject):
    """Keeps ``document.scene.check`` true to the scene and to the user's standing orders."""

    def __init__(self, document: Document, worker: Worker) -> None:
        super().__init__()
        self._document = document
        self._worker = worker
        self._asked = ""
        self._lost = False
        worker.replied.connect(self._take_reply)
        worker.finished.connect(self._take_outcome)
        worker.ready.connect(self._take_ready)

    def run(self) -> None:
        """Ask the gate about the scene as it is; nothing happens while it is empty."""
        scene = self._document.scene
        if not scene.is_empty:
            self._document.dismiss("gate")
            self._asked = self._worker.submit(CheckRequest(scene.optical_path, scene.sar_path, self._document.gate))

    def _take_reply(self, message_id: str, reply: object) -> None:
        if message_id != self._asked or not isinstance(reply, PairCheck):
            return
        self._document.set_check(reply)
        corrected = reply.verdict == "shifted" and self._document.gate.correct_shift
        notice = None if corrected else gate_notice(reply)
        if notice:
            self._document.post(notice)

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        if message_id != self._asked:
            return
        if outcome.status == "failed":
            self._document.post(notice_of_outcome("gate", outcome))
        self._lost = outcome.status == "crashed"

    def _take_ready(self, _: object) -> None:
        """A verdict that was lost with the worker is asked for again, as nobody but this room asked for it."""
        if self._lost:
            self._lost = False
            self.run()


def gate_notice(check: PairCheck) -> Notice | None:
    """What the gate's verdict makes necessary to say, None where the pair can simply be asked about."""
    said = without_options(" ".join(check.messages))
    if check.verdict == "shifted":
        return Notice("gate", shift_sentence(check), "warning", "gate.correct")
    if check.verdict == "not-georeferenced":
        return Notice("gate", said or "The pair has no georeference to overlap by.", "error", "gate.assume")
    if check.verdict == "no-overlap":
        return Notice("gate", said or "The two rasters show different places.", "error")
    return None
