"""What there is to say, a line each, between the query bar and the images; never a dialog."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rsqa_desktop.model.document import Document
from rsqa_desktop.model.notices import Notice
from rsqa_desktop.panels.parts import GRID, CommandButton, Swatch, label
from rsqa_desktop.theme import ACCENT, OPTICAL, WARNING

_MARKS = {"info": (ACCENT, "Note"), "warning": (OPTICAL, "Warning"), "error": (WARNING, "Error")}


class NoticeBar(QWidget):
    """The document's notices, newest last. Each can be dismissed; some bring the command that mends the matter."""

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._actions = actions
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.setAccessibleName("Notices")
        document.notices_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        while (item := self._column.takeAt(0)) is not None:
            row = item.widget()
            if row is not None:
                row.hide()
                row.deleteLater()
        for notice in self._document.notices:
            self._column.addWidget(self._row(notice))
        self.setVisible(bool(self._document.notices))

    def _row(self, notice: Notice) -> QWidget:
        colour, word = _MARKS[notice.tone]
        row = QFrame()
        row.setProperty("role", "bar")
        row.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(2 * GRID, 4, GRID, 4)
        layout.setSpacing(GRID)
        layout.addWidget(Swatch(colour, round_=True))
        text = label(notice.text, name=f"{word}: {notice.text}", wrap=True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(text, 1)
        if notice.action:
            layout.addWidget(CommandButton(self._actions[notice.action]))
        close = QPushButton("Dismiss")
        close.setProperty("role", "flat")
        close.setAccessibleName(f"Dismiss: {notice.text}")
        close.clicked.connect(lambda: self._document.dismiss(notice.key))
        layout.addWidget(close)
        return row
