"""A program without processes: fake tile reader, fake worker, a settings file in the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtWidgets import QApplication

from engine.protocol import Opened
from engine.records import FoundBox
from rsqa_desktop.actions.workbench import Workbench
from rsqa_desktop.model.mode import AtHand
from rsqa_desktop.model.settings import SettingsStore
from rsqa_desktop.services import TileReader, Worker
from rsqa_desktop.theme import Theme
from rsqa_desktop.window import MainWindow
from rsqa_desktop.window.request_answers import Choosers
from tests.desktop.fakes import SHIPS, FakeTiles, FakeWorker, check, finding, raster
from tests.desktop.outlines import outlined, redrawn

OPTICAL, SAR = "/scene/opt.tif", "/scene/sar.tif"


class Rig:
    """The program as a test holds it: what it is made of, and the two fakes to speak for the engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, Opened] = {OPTICAL: raster(OPTICAL, "optical"), SAR: raster(SAR, "sar")}
        self.tiles = FakeTiles(self.known)
        self.worker = FakeWorker()
        self.settings = SettingsStore(folder / "settings.json")
        self.bench = Workbench.assemble(
            self.settings,
            cast(TileReader, self.tiles),
            cast(Worker, self.worker),
            folder / "scratch",
            at_hand=AtHand(finder=True, outliner=True),
        )
        self.document = self.bench.document

    def open_pair(self, *, judged: bool = True) -> None:
        """The pair is open and, unless told otherwise, found aligned."""
        self.bench.opening.open_pair(OPTICAL, SAR)
        self.tiles.settle()
        if judged:
            self.judge(check())

    def judge(self, verdict: object) -> None:
        from engine.records import CheckRequest

        message_id, _ = self.worker.newest(CheckRequest)
        self.worker.reply(message_id, verdict)

    def ask(self, question: str = "Is there a river?") -> str:
        """Send a question; the id under which the worker knows it."""
        from engine.records import AskRequest

        self.bench.asking.mode = "auto"
        self.bench.asking.question = question
        self.bench.asking.run()
        return self.worker.newest(AskRequest)[0]

    def find(self, expression: str = "ships", boxes: tuple[FoundBox, ...] = SHIPS) -> str:
        """Send an expression and have ``boxes`` found for it; the id under which the worker knew it."""
        from engine.records import FindRequest

        self.bench.asking.mode = "auto"
        self.bench.asking.question = expression
        self.bench.asking.run()
        message_id, request = self.worker.newest(FindRequest)
        assert isinstance(request, FindRequest)
        self.worker.reply(message_id, finding(request, boxes))
        return message_id

    def outline(self, expression: str = "the water") -> str:
        """Send an expression and have a lake outlined for it; the id under which the worker knew it."""
        from engine.records import OutlineRequest

        self.bench.asking.mode = "outline"
        self.bench.asking.question = expression
        self.bench.asking.run()
        message_id, request = self.worker.newest(OutlineRequest)
        assert isinstance(request, OutlineRequest)
        self.worker.reply(message_id, outlined(request))
        return message_id

    def redraw(self) -> None:
        """Have the worker cut the mask that was asked for last."""
        from engine.records import RedrawRequest

        message_id, request = self.worker.newest(RedrawRequest)
        assert isinstance(request, RedrawRequest)
        assert self.document.shown is not None
        assert self.document.shown.outline is not None
        self.worker.reply(message_id, redrawn(self.document.shown.outline, request))


@pytest.fixture
def rig(qapp: QApplication, tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()


@pytest.fixture
def window(rig: Rig, theme: Theme, qtbot: object) -> Iterator[MainWindow]:
    """The window on screen, its file dialogs answered by ``rig.folder``."""
    choosers = Choosers(
        rasters=lambda _parent, which, _folder: {"optical": [OPTICAL], "sar": [SAR]}.get(which, [OPTICAL, SAR]),
        folder=lambda _parent, _folder: str(rig.folder),
        picture=lambda _parent, _folder: str(rig.folder / "view.png"),
    )
    made = MainWindow(rig.bench, theme, choosers)
    made.resize(1440, 900)
    qtbot.addWidget(made)  # type: ignore[attr-defined]
    made.show()
    yield made
    made.close()
