"""The way of a question or an expression to the worker and of what comes of it back; and what the worker is doing."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.protocol import Outcome, Progress, Ready
from engine.records import (
    Answer,
    AskRequest,
    AskTilesRequest,
    Finding,
    FindRequest,
    Outline,
    OutlineRequest,
    TiledAnswer,
)
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.engine_status import EngineStatus
from rsqa_desktop.model.history import HistoryEntry, Request
from rsqa_desktop.model.mode import AtHand, Deed, QueryMode, deed_of, expression_of
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.model.tiling import TileOffer, tile_offer
from rsqa_desktop.model.weights import Engine
from rsqa_desktop.model.wording import remedy_here
from rsqa_desktop.services import Worker


class Asking(QObject):
    """Makes the request, follows it, and writes what comes back into the document.

    ``question`` is what stands in the query box, ``mode`` how it is taken; :attr:`deed` is what comes of both and of
    which models are ``at_hand``. ``folder`` is where each request gets a folder of its own for the explanation arrays;
    ``engine`` names weights and device. A newer request cancels the one that runs.
    """

    question_changed = Signal()
    """Another text or another mode: perhaps something else would be done with it."""

    def __init__(self, document: Document, worker: Worker, folder: Path, engine: Engine, at_hand: AtHand) -> None:
        super().__init__()
        self._question = ""
        self._mode: QueryMode = "auto"
        self._document = document
        self._worker = worker
        self._folder = folder
        self._engine = engine
        self.at_hand = at_hand
        self._death: Outcome | None = None
        self._lost = ""  # the command that repeats what died with the worker
        worker.ready.connect(self._take_ready)
        worker.progress.connect(self._take_progress)
        worker.replied.connect(self._take_event)
        worker.finished.connect(self._take_outcome)
        worker.died.connect(self._take_death)

    @property
    def question(self) -> str:
        return self._question

    @question.setter
    def question(self, text: str) -> None:
        if text != self._question:
            self._question = text
            self.question_changed.emit()

    @property
    def mode(self) -> QueryMode:
        return self._mode

    @mode.setter
    def mode(self, mode: QueryMode) -> None:
        if mode != self._mode:
            self._mode = mode
            self.question_changed.emit()

    @property
    def deed(self) -> Deed:
        """What :meth:`run` would do: ask :attr:`question`, or find or outline what it names."""
        return deed_of(self.question, self.mode, self.at_hand)

    def start_engine(self) -> None:
        """Start the worker in the background; questions may be asked before it is ready."""
        self._document.set_engine(EngineStatus("starting"))
        self._worker.start()

    @property
    def can_run(self) -> bool:
        check = self._document.scene.check
        return bool(self.question.strip()) and not self._document.scene.is_empty and not (check and check.refused)

    def run(self) -> None:
        """Ask :attr:`question` about the drawn area or the view, or find or outline there what it names.

        Nothing happens while :attr:`can_run` is false.
        """
        if self.can_run:
            self._send(self._request(self.deed))

    @property
    def can_run_over_tiles(self) -> bool:
        return self.can_run and self.deed == "ask"

    def run_over_tiles(self) -> None:
        """Ask it of every tile of a grid over the drawn area or the view, at the raster's own scale."""
        if self.can_run_over_tiles:
            self._send(AskTilesRequest(self._ask_request()))

    @property
    def offer(self) -> TileOffer | None:
        """The tiles or windows worth offering for what is on the card, None where there are none."""
        shown, scene = self._document.shown, self._document.scene
        result = (shown.answer or shown.finding or shown.outline) if shown else None
        if shown is None or result is None or not scene.matches(shown.request):
            return None
        return tile_offer(result.area) if not (scene.check and scene.check.refused) else None

    def take_offer(self) -> None:
        """Ask the question on the card of every tile of :attr:`offer`, over the area that it was about; or find or
        outline there again what the card says was, in windows of the offer's scale."""
        shown, offer = self._document.shown, self.offer
        if shown is None or offer is None:
            return
        renewed = replace(shown.request, folder=self._new_folder(), gate=self._document.gate)
        if isinstance(renewed, AskRequest):
            self._send(AskTilesRequest(renewed, None if offer.is_finest else offer.gsd_m), tiles_expected=offer.tiles)
        else:
            self._send(_cut_as(replace(renewed, gsd_m=offer.gsd_m), shown))

    @property
    def other_deed(self) -> Deed | None:
        """What else could be done with the expression on the card: outline what was found, find what was outlined.

        None where no model is at hand that does it, or other files are open.
        """
        shown, scene = self._document.shown, self._document.scene
        if shown is None or not scene.matches(shown.request) or (scene.check and scene.check.refused):
            return None
        if shown.finding is not None and self.at_hand.outliner:
            return "outline"
        return "find" if shown.outline is not None and self.at_hand.finder else None

    def run_other_deed(self) -> None:
        """Do :attr:`other_deed` over the area that the card is about."""
        shown, deed = self._document.shown, self.other_deed
        if shown is not None and deed is not None:
            self.question = shown.text
            self._send(replace(self._request(deed), window=shown.request.window))

    def again(self, entry_id: str) -> None:
        """Do it again, of what is on screen now; over tiles, or at the scale of windows, where it was done so, and with
        a mask cut as that one is by now."""
        entry = self._document.history.get(entry_id)
        if entry is None:
            return
        self.question = entry.text
        if self.deed != entry.deed:
            self.mode = entry.deed
        if entry.over_tiles:
            self.run_over_tiles()
        elif self.can_run:
            self._send(_as_before(self._request(entry.deed), entry))

    def cancel(self) -> None:
        """Stop the request that runs, if one does."""
        running = self._document.running
        if running is not None:
            self._worker.cancel(running.id)

    def _request(self, deed: Deed) -> Request:
        """What is asked, found or outlined in the drawn area, else in the view."""
        if deed == "ask":
            return self._ask_request()
        expression = expression_of(self.question)
        if deed == "find":
            return FindRequest(expression, model=self._engine.finder, **self._where())
        return OutlineRequest(expression, model=self._engine.outliner, **self._where())

    def _ask_request(self) -> AskRequest:
        return AskRequest(self.question.strip(), model=self._engine.model, **self._where())

    def _where(self) -> dict[str, Any]:
        """What every request has in common; the folder is made."""
        document = self._document
        return {
            "optical": document.scene.optical_path,
            "sar": document.scene.sar_path,
            "folder": self._new_folder(),
            "window": document.target,
            "device": self._engine.device,
            "gate": document.gate,
        }

    def _new_folder(self) -> str:
        """Made; no two requests share one, so that results never overwrite each other's arrays."""
        folder = self._folder / f"request-{len(self._document.history) + 1:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def _send(self, request: Request | AskTilesRequest, *, tiles_expected: int | None = None) -> None:
        """Let ``request`` take the place of the one that runs."""
        self.cancel()
        self._document.dismiss("ask")
        self._document.dismiss("engine")
        entry_id = self._worker.submit(request)
        if isinstance(request, AskTilesRequest):
            entry = HistoryEntry(entry_id, request.ask, over_tiles=True, tiles_expected=tiles_expected)
        else:
            entry = HistoryEntry(entry_id, request)
        self._document.begin(entry)

    def _take_ready(self, ready: Ready) -> None:
        self._document.set_engine(EngineStatus("ready", ready.device, ready.reason))
        if self._death is not None:
            advice = " Ask again." if self._lost else ""
            text = f"{self._death.reason} It was restarted.{advice}"
            self._document.post(Notice("engine", text, "warning", self._lost))
            self._death, self._lost = None, ""

    def _take_progress(self, message_id: str, progress: Progress) -> None:
        running = self._document.running
        if running is not None and running.id == message_id:
            engine = self._document.engine
            self._document.set_engine(
                replace(engine, stage=progress.stage, fraction=progress.fraction, steps=progress.steps)
            )

    def _take_event(self, message_id: str, event: object) -> None:
        if isinstance(event, Answer | TiledAnswer | Finding | Outline) and self._document.history.get(message_id):
            self._document.answered(message_id, event)

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        entry = self._document.history.get(message_id)
        if entry is None:
            return
        self._document.ended(message_id, outcome)
        if self._document.running is None:
            self._document.set_engine(replace(self._document.engine, stage="", fraction=None, steps=None))
        if outcome.status == "failed":
            remedy = remedy_here(outcome.remedy, entry.deed)
            self._document.post(notice_of_outcome("ask", replace(outcome, remedy=remedy)))
        elif outcome.status == "crashed":
            self._lost = "ask.tiles" if entry.over_tiles else "ask.run"  # the worker's death, told next, says why

    def _take_death(self, outcome: Outcome) -> None:
        self._death = outcome
        self._document.set_engine(EngineStatus("restarting" if self._worker.will_restart else "stopped"))
        self._document.post(Notice("engine", f"{outcome.reason} {outcome.remedy}".strip(), "error"))


def _as_before(request: Request, entry: HistoryEntry) -> Request:
    """``request`` at the scale of windows that ``entry`` asked for, its mask to be cut as that one is by now."""
    earlier = entry.request
    if not isinstance(request, AskRequest) and not isinstance(earlier, AskRequest):
        request = replace(request, gsd_m=earlier.gsd_m)
    return _cut_as(request, entry)


def _cut_as(request: Request, entry: HistoryEntry) -> Request:
    """``request``, its mask to be cut as that of ``entry`` is by now; what has no mask stays as it is."""
    if isinstance(request, OutlineRequest) and entry.outline is not None:
        return replace(request, **asdict(entry.outline.cleaning))
    return request
