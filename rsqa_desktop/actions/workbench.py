"""What a command's handler may reach: the document, the settings, the controllers and the requests to the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.records import GateChoice
from rsqa_desktop.actions.asking import Asking
from rsqa_desktop.actions.exporting import Exporting
from rsqa_desktop.actions.judging import Judging
from rsqa_desktop.actions.opening import Opening
from rsqa_desktop.actions.pointing import Pointing
from rsqa_desktop.actions.redrawing import Redrawing
from rsqa_desktop.actions.requests import Requests
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.mode import AtHand
from rsqa_desktop.model.settings import SettingsStore, ThemeChoice
from rsqa_desktop.model.weights import Engine
from rsqa_desktop.services import TileReader, Worker


@dataclass(frozen=True)
class Workbench:
    """The program without its window; everything here runs, and is tested, without one."""

    document: Document
    settings: SettingsStore
    tiles: TileReader
    worker: Worker
    requests: Requests
    judging: Judging
    opening: Opening
    asking: Asking
    redrawing: Redrawing
    exporting: Exporting
    pointing: Pointing

    @classmethod
    def assemble(
        cls,
        settings: SettingsStore,
        tiles: TileReader,
        worker: Worker,
        folder: Path,
        engine: Engine = Engine(),  # noqa: B008 - it is frozen
        at_hand: AtHand = AtHand(),  # noqa: B008
    ) -> Workbench:
        """Put the parts together. ``folder`` is a scratch folder for explanation arrays, the caller's to delete."""
        document = Document()
        judging = Judging(document, worker)
        return cls(
            document=document,
            settings=settings,
            tiles=tiles,
            worker=worker,
            requests=Requests(),
            judging=judging,
            opening=Opening(document, settings, tiles, judging),
            asking=Asking(document, worker, folder, engine, at_hand),
            redrawing=Redrawing(document, worker),
            exporting=Exporting(document, worker),
            pointing=Pointing(document, tiles),
        )

    def correct_shift(self, correct: bool) -> None:
        """Have the engine move SAR by the gate's estimate, or leave it; repeat the last question if there is one."""
        self._order_gate(replace(self.document.gate, correct_shift=correct))

    def assume_registered(self) -> None:
        """Take the two rasters as lying pixel on pixel although nothing in the files says so."""
        self._order_gate(replace(self.document.gate, assume_registered=True))

    def use_theme(self, choice: ThemeChoice) -> None:
        """Remember the choice and have the window follow it."""
        self.settings.change(replace(self.settings.current, theme=choice))
        self.requests.set_theme.emit(choice)

    def fold_left_panel(self) -> None:
        """Show or fold away layers and history."""
        current = self.settings.current
        self.settings.change(replace(current, left_panel=not current.left_panel))

    def fold_right_panel(self) -> None:
        """Show or fold away the answer."""
        current = self.settings.current
        self.settings.change(replace(current, right_panel=not current.right_panel))

    def _order_gate(self, gate: GateChoice) -> None:
        self.document.gate = gate
        self.judging.run()
        entries = self.document.history.entries
        if entries and self.document.scene.matches(entries[-1].request):
            self.asking.again(entries[-1].id)
