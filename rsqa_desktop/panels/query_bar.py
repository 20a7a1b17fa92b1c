"""The bar on top: the question, what it will be asked about, and the two buttons that belong to it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from rsqa_desktop.actions.asking import Asking
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import QuestionWalk
from rsqa_desktop.panels.parts import GRID, CommandButton, label

PLACEHOLDER = "Ask about what you see, for example: Is there a bridge?  How many ships are there?"


class QuestionEdit(QLineEdit):
    """A line edit whose up and down keys walk through earlier questions."""

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
        self._walk = QuestionWalk()
        self.edit = QuestionEdit()
        self.edit.setPlaceholderText(PLACEHOLDER)
        self.edit.setAccessibleName("Question")
        self.edit.setAccessibleDescription("Enter asks, up and down walk through earlier questions, Escape cancels")
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
        row.addWidget(self.edit, 1)
        row.addWidget(self._ask)
        row.addWidget(self._cancel)
        row.addWidget(CommandButton(actions["area.draw"]))

    def _take_text(self, text: str) -> None:
        self._asking.question = text

    def _follow_question(self) -> None:
        if self.edit.text() != self._asking.question:
            self.edit.setText(self._asking.question)

    def _follow_history(self) -> None:
        self._walk.restart(self._document.history.questions)
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
