"""The way of a question or an expression to the worker and of what comes of it back; and what the worker is doing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.protocol import Outcome, Progress, Ready
from engine.records import Answer, AskRequest, AskTilesRequest, Finding, FindRequest, TiledAnswer
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.engine_status import EngineStatus
from rsqa_desktop.model.history import HistoryEntry
from rsqa_desktop.model.mode import Deed, QueryMode, deed_of
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.model.tiling import TileOffer, tile_offer
from rsqa_desktop.model.wording import without_options
from rsqa_desktop.services import Worker


class Asking(QObject):
    """Makes the request, follows it, and writes what comes back into the document.

    ``question`` is what stands in the query box, ``mode`` how it is taken; :attr:`deed` is what comes of both.
    ``folder`` is where each request gets a folder of its own for the explanation arrays. ``model`` answers, ``finder``
    finds; ``device`` goes into every request. A newer request cancels the one that runs.
    """

    question_changed = Signal()
    """Another text or another mode: perhaps something else would be done with it."""

    def __init__(
        self, document: Document, worker: Worker, folder: Path, *, model: str, finder: str, device: str
    ) -> None:
        super().__init__()
        self._question = ""
        self._mode: QueryMode = "auto"
        self._document = document
        self._worker = worker
        self._folder = folder
        self._model = model
        self._finder = finder
        self._device = device
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
        """What :meth:`run` would do: ask :attr:`question`, or find what it names."""
        return deed_of(self.question, self.mode)

    def start_engine(self) -> None:
        """Start the worker in the background; questions may be asked before it is ready."""
        self._document.set_engine(EngineStatus("starting"))
        self._worker.start()

    @property
    def can_run(self) -> bool:
        check = self._document.scene.check
        return bool(self.question.strip()) and not self._document.scene.is_empty and not (check and check.refused)

    def run(self) -> None:
        """Ask :attr:`question` about the drawn area or the view, or find there what it names.

        Nothing happens while :attr:`can_run` is false.
        """
        if self.can_run:
            self._send(self._find_request() if self.deed == "find" else self._ask_request())

    @property
    def can_run_over_tiles(self) -> bool:
        return self.can_run and self.deed == "ask"

    def run_over_tiles(self) -> None:
        """Ask it of every tile of a grid over the drawn area or the view, at the raster's own scale."""
        if self.can_run_over_tiles:
            self._send(AskTilesRequest(self._ask_request()))

    @property
    def offer(self) -> TileOffer | None:
        """The tiles or windows worth offering for the answer or finding on the card, None where there are none."""
        shown, scene = self._document.shown, self._document.scene
        result = (shown.answer or shown.finding) if shown else None
        if shown is None or result is None or not scene.matches(shown.request):
            return None
        return tile_offer(result.area) if not (scene.check and scene.check.refused) else None

    def take_offer(self) -> None:
        """Ask the question on the card of every tile of :attr:`offer`, over the area that it was about; or find there
        again what the card says was looked for, in windows of the offer's scale."""
        shown, offer = self._document.shown, self.offer
        if shown is None or offer is None:
            return
        renewed = replace(shown.request, folder=self._new_folder(), gate=self._document.gate)
        if isinstance(renewed, FindRequest):
            self._send(replace(renewed, gsd_m=offer.gsd_m))
        else:
            self._send(AskTilesRequest(renewed, None if offer.is_finest else offer.gsd_m), tiles_expected=offer.tiles)

    def again(self, entry_id: str) -> None:
        """Ask or find again, of what is on screen now; over tiles, or at the scale of windows, where it was done so."""
        entry = self._document.history.get(entry_id)
        if entry is not None:
            self.question = entry.text
            if self.deed != entry.deed:
                self.mode = entry.deed
            if isinstance(entry.request, FindRequest) and self.can_run:
                self._send(replace(self._find_request(), gsd_m=entry.request.gsd_m))
            elif entry.over_tiles:
                self.run_over_tiles()
            else:
                self.run()

    def cancel(self) -> None:
        """Stop the request that runs, if one does."""
        running = self._document.running
        if running is not None:
            self._worker.cancel(running.id)

    def _find_request(self) -> FindRequest:
        document = self._document
        return FindRequest(
            expression=self.question.strip(),
            optical=document.scene.optical_path,
            sar=document.scene.sar_path,
            folder=self._new_folder(),
            window=document.target,
            model=self._finder,
            device=self._device,
            gate=document.gate,
        )

    def _ask_request(self) -> AskRequest:
        document = self._document
        return AskRequest(
            question=self.question.strip(),
            optical=document.scene.optical_path,
            sar=document.scene.sar_path,
            folder=self._new_folder(),
            window=document.target,
            model=self._model,
            device=self._device,
            gate=document.gate,
        )

    def _new_folder(self) -> str:
        """Made; no two requests share one, so that results never overwrite each other's arrays."""
        folder = self._folder / f"request-{len(self._document.history) + 1:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def _send(self, request: AskRequest | AskTilesRequest | FindRequest, *, tiles_expected: int | None = None) -> None:
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
        if isinstance(event, Answer | TiledAnswer | Finding) and self._document.history.get(message_id):
            self._document.answered(message_id, event)

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        entry = self._document.history.get(message_id)
        if entry is None:
            return
        self._document.ended(message_id, outcome)
        if self._document.running is None:
            self._document.set_engine(replace(self._document.engine, stage="", fraction=None, steps=None))
        if outcome.status == "failed":
            self._document.post(notice_of_outcome("ask", replace(outcome, remedy=without_options(outcome.remedy))))
        elif outcome.status == "crashed":
            self._lost = "ask.tiles" if entry.over_tiles else "ask.run"  # the worker's death, told next, says why

    def _take_death(self, outcome: Outcome) -> None:
        self._death = outcome
        self._document.set_engine(EngineStatus("restarting" if self._worker.will_restart else "stopped"))
        self._document.post(Notice("engine", f"{outcome.reason} {outcome.remedy}".strip(), "error"))
