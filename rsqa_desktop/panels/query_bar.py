"""The bar on top: what Enter does, the question or expression, what it is about, and the buttons that belong to it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QWidget

from rsqa_desktop.actions.asking import Asking
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import TextWalk
from rsqa_desktop.model.mode import MODE_WORDS, QueryMode
from rsqa_desktop.panels.parts import GRID, CommandButton, label

PLACEHOLDERS: dict[QueryMode, str] = {
    "auto": "Ask, or name what to find: Is there a bridge?   all ships at the pier",
    "ask": "Ask about what you see: Is there a bridge?   How many ships are there?",
    "find": "Name what to find: all ships   the largest storage tank on the left",
    "outline": "Name what to outline: the water   forest on the left   the lake in the north",
}
WITH_OUTLINER = "Ask, or name what to find or outline: Is there a bridge?   all ships   outline the lake"
"""In *Auto*, where a model that outlines is at hand."""
NAMES: dict[QueryMode, str] = {
    "auto": "Question or expression",
    "ask": "Question",
    "find": "Expression",
    "outline": "Expression",
}


class QuestionEdit(QLineEdit):
    """A line edit whose up and down keys walk through earlier ones."""

    older_asked = Signal()
    newer_asked = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Up:
            self.older_asked.emit()
        elif event.key() == Qt.Key.Key_Down:
            self.newer_asked.emit()
        else:
            super().keyPressEvent(event)


class QueryBar(QWidget):
    """Enter asks, up and down walk the history, Esc cancels (the command's shortcut, wherever the focus is)."""

    def __init__(self, document: Document, asking: Asking, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._document = document
        self._asking = asking
        self._walk = TextWalk()
        self.edit = QuestionEdit()
        self.edit.setAccessibleDescription(
            "Enter asks, finds or outlines, up and down walk through what was typed before, Escape cancels"
        )
        self.edit.setMinimumHeight(4 * GRID)
        self._hint = label("", "muted")
        self._ask = CommandButton(actions["ask.run"], "primary")
        self._cancel = CommandButton(actions["ask.cancel"])
        self._lay_out(actions)
        self.edit.returnPressed.connect(actions["ask.run"].trigger)
        self.edit.textChanged.connect(self._take_text)
        self.edit.older_asked.connect(lambda: self.edit.setText(self._walk.older(self.edit.text())))
        self.edit.newer_asked.connect(lambda: self.edit.setText(self._walk.newer(self.edit.text())))
        asking.question_changed.connect(self._follow_question)
        document.history_changed.connect(self._follow_history)
        document.area_changed.connect(self._follow_area)
        self._follow_question()
        self._follow_history()
        self._follow_area()

    @property
    def hint(self) -> QLabel:
        """What the question will be asked about, for all to read."""
        return self._hint

    def _lay_out(self, actions: Mapping[str, QAction]) -> None:
        # The hint lies inside the box, at its right end, as in the sketch.
        inside = QHBoxLayout(self.edit)
        inside.setContentsMargins(GRID, 0, GRID + 4, 0)
        inside.addStretch(1)
        inside.addWidget(self._hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, GRID + 2, 2 * GRID, GRID + 2)
        row.setSpacing(GRID)
        row.addWidget(_Modes(actions))
        row.addWidget(self.edit, 1)
        row.addWidget(self._ask)
        row.addWidget(self._cancel)
        row.addWidget(CommandButton(actions["area.draw"]))

    def _take_text(self, text: str) -> None:
        self._asking.question = text

    def _follow_question(self) -> None:
        mode = self._asking.mode
        outlines = mode == "auto" and self._asking.at_hand.outliner
        self.edit.setPlaceholderText(WITH_OUTLINER if outlines else PLACEHOLDERS[mode])
        self.edit.setAccessibleName(NAMES[mode])
        self._ask.say(MODE_WORDS[self._asking.deed])
        self._ask.setFixedWidth(10 * GRID)  # the words differ in length, and the box must not jump
        if self.edit.text() != self._asking.question:
            self.edit.setText(self._asking.question)

    def _follow_history(self) -> None:
        self._walk.restart(self._document.history.texts)
        running = self._document.running is not None
        self._cancel.setVisible(running)
        self._ask.setVisible(not running)

    def _follow_area(self) -> None:
        if self._document.drawing:
            self._hint.setText("drag over an image to draw the area · Esc")
        else:
            where = "in the drawn area" if self._document.area else "in the view"
            self._hint.setText(f"{where} · ↑ history · Enter")
        room = self._hint.sizeHint().width() + 3 * GRID
        self.edit.setTextMargins(0, 0, room, 0)


class _Modes(QFrame):
    """What Enter does, as words side by side; exactly one is on."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setProperty("role", "segments")
        self.setAccessibleName("What Enter does")
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        for mode in MODE_WORDS:
            row.addWidget(CommandButton(actions[f"mode.{mode}"], "segment"))
