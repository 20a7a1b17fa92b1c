"""The main window: menu, query bar, notices, panes between two panels, status bar. Assembly only."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from rsqa_desktop.actions.workbench import Workbench
from rsqa_desktop.canvas import PairView
from rsqa_desktop.model.settings import RecentPair
from rsqa_desktop.panels.answer_card import AnswerCard
from rsqa_desktop.panels.history_panel import HistoryPanel
from rsqa_desktop.panels.layers_panel import LayersPanel
from rsqa_desktop.panels.notice_bar import NoticeBar
from rsqa_desktop.panels.parts import GRID, label
from rsqa_desktop.panels.query_bar import QueryBar
from rsqa_desktop.panels.status_readout import StatusReadout
from rsqa_desktop.panels.welcome import Welcome
from rsqa_desktop.theme import Theme
from rsqa_desktop.window.command_actions import CommandActions, build_menu_bar
from rsqa_desktop.window.request_answers import Choosers, RequestAnswers
from rsqa_desktop.window.view_binding import ViewBinding

LEFT_PX, RIGHT_PX = 256, 368
START_SIZE = (1440, 900)


class MainWindow(QMainWindow):
    """Puts the parts together and closes them again; every decision is in ``actions`` and ``model``."""

    def __init__(self, bench: Workbench, theme: Theme, choosers: Choosers | None = None) -> None:
        super().__init__()
        self._bench = bench
        self.commands = CommandActions(bench, self)
        actions = self.commands.by_id
        self.view = PairView(bench.tiles)
        self.query = QueryBar(bench.document, bench.asking, actions)
        self.card = AnswerCard(bench.document, bench.asking, actions)
        self.history = HistoryPanel(bench.document)
        self.welcome = Welcome(actions)
        self.readout = StatusReadout(bench.document, bench.pointing)
        self._left = self._left_panel()
        self._centre = QStackedWidget()
        self._title = label("", "muted")
        self._recent = build_menu_bar(actions, self.menuBar())
        self._lay_out(NoticeBar(bench.document, actions))
        self._binding = ViewBinding(bench, self.view, self.readout)
        self._answers = RequestAnswers(bench, self, self.view, theme, choosers or Choosers())
        self._connect(theme)
        self._restore()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where the window was; the engine processes are ended by whoever started them (``app``)."""
        geometry = base64.b64encode(self.saveGeometry().data()).decode("ascii")
        self._bench.settings.change(replace(self._bench.settings.current, geometry=geometry))
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self._bench.opening.open_files([Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()])
        event.acceptProposedAction()

    def _left_panel(self) -> QWidget:
        panel = QWidget()
        panel.setProperty("role", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(12, 2 * GRID, GRID, GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(LayersPanel(self._bench.document))
        column.addWidget(self.history, 1)
        return panel

    def _lay_out(self, notices: NoticeBar) -> None:
        self._title.setFixedWidth(START_SIZE[0] // 2)  # a menu bar gives its corner no more than it asks for at first
        self._title.setFixedHeight(self.menuBar().sizeHint().height() - 4)
        self._title.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._title.setContentsMargins(0, 0, 2 * GRID, 0)
        self.menuBar().setCornerWidget(self._title, Qt.Corner.TopRightCorner)
        self._centre.addWidget(self.welcome)
        self._centre.addWidget(self.view)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(1)
        for panel in (self._left, self._centre, self.card):
            split.addWidget(panel)
        split.setStretchFactor(1, 1)
        split.setSizes([LEFT_PX, START_SIZE[0] - LEFT_PX - RIGHT_PX, RIGHT_PX])
        self._left.setMinimumWidth(LEFT_PX - 4 * GRID)
        everything = QWidget()
        column = QVBoxLayout(everything)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.query)
        column.addWidget(notices)
        column.addWidget(split, 1)
        self.setCentralWidget(everything)
        self.setStatusBar(self.readout)
        self.setAcceptDrops(True)

    def _connect(self, theme: Theme) -> None:
        bench = self._bench
        bench.document.scene_changed.connect(self._follow_scene)
        bench.settings.changed.connect(self._follow_settings)
        bench.requests.focus_question.connect(self._focus_question)
        self.card.question_asked_for.connect(self._put_question)
        self.card.thing_asked_for.connect(self._show_thing)
        self.history.again_asked_for.connect(bench.asking.again)
        self.welcome.pair_asked_for.connect(self._open_recent)
        theme.changed.connect(self.view.set_theme)
        self.view.set_theme(theme.palette)

    def _restore(self) -> None:
        settings = self._bench.settings.current
        self.resize(*START_SIZE)
        if settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode("ascii")))
        self._follow_settings()
        self._follow_scene()
        self.query.edit.setFocus()

    def _follow_scene(self) -> None:
        scene = self._bench.document.scene
        self._centre.setCurrentWidget(self.welcome if scene.is_empty else self.view)
        self._title.setText(scene.title)
        self.setWindowTitle(f"{scene.title} — RSQA" if scene.title else "RSQA")

    def _follow_settings(self) -> None:
        settings = self._bench.settings.current
        self._left.setVisible(settings.left_panel)
        self.card.setVisible(settings.right_panel)
        self.welcome.show_recent(settings.recent)
        self._recent.clear()
        self._recent.setEnabled(bool(settings.recent))
        for pair in settings.recent:
            self._recent.addAction(pair.label).triggered.connect(partial(self._open_recent, pair))

    def _focus_question(self) -> None:
        self.query.edit.setFocus()
        self.query.edit.selectAll()

    def _put_question(self, text: str) -> None:
        self._bench.asking.mode = "auto"  # an example knows what it is
        self.query.edit.setText(text)
        self.query.edit.setFocus()

    def _show_thing(self, place: int) -> None:
        self._bench.document.marks.select(place)
        self._bench.requests.show_box.emit(self._bench.document.marks.things[place].box)

    def _open_recent(self, pair: RecentPair, _checked: bool = False) -> None:
        self._bench.opening.open_pair(pair.optical, pair.sar)
