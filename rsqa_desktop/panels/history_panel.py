"""Everything that was asked, newest first, with what came of it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import HistoryEntry
from rsqa_desktop.model.wording import found_headline, outlined_headline, percent, tiled_summary, tiles
from rsqa_desktop.panels.parts import GRID, heading, label

_ID = Qt.ItemDataRole.UserRole


class HistoryPanel(QWidget):
    """A click shows the answer again; Enter or a double click asks again (``again_asked_for`` with the entry's id)."""

    again_asked_for = Signal(str)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._entries: dict[str, HistoryEntry] = {}
        self._items: dict[str, QTreeWidgetItem] = {}
        self._empty = label("Nothing asked yet.", "muted")
        self.list = QTreeWidget()
        self.list.setAccessibleName("History of questions and expressions")
        self.list.setAccessibleDescription("Arrow keys show an earlier result, Enter asks, finds or outlines again")
        self.list.setHeaderHidden(True)
        self.list.setColumnCount(2)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(0)
        self.list.setUniformRowHeights(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(heading("History"))
        column.addWidget(self._empty)
        column.addWidget(self.list, 1)
        column.addStretch(0)  # takes the room while the list is hidden
        self.list.currentItemChanged.connect(self._show)
        # Not itemActivated: on some desktops a single click activates, and looking must not ask.
        self.list.itemDoubleClicked.connect(self._ask_again)
        enter = QShortcut(QKeySequence(Qt.Key.Key_Return), self.list, context=Qt.ShortcutContext.WidgetShortcut)
        enter.activated.connect(self._ask_again)
        document.history_changed.connect(self._follow)
        document.shown_changed.connect(self._follow)
        self._follow()

    def _show(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self._document.show(item.data(0, _ID))

    def _ask_again(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.again_asked_for.emit(item.data(0, _ID))

    def _follow(self) -> None:
        """Touch only the rows whose entry is another than before: a long session is not filled in anew each time."""
        shown = self._document.shown
        self.list.blockSignals(True)
        for entry in self._document.history.entries:
            if self._entries.get(entry.id) != entry:
                self._entries[entry.id] = entry
                self._write(entry)
        self.list.setCurrentItem(self._items[shown.id] if shown else None)  # type: ignore[arg-type]
        self.list.blockSignals(False)
        self._empty.setVisible(not self._items)
        self.list.setVisible(bool(self._items))

    def _write(self, entry: HistoryEntry) -> None:
        item = self._items.get(entry.id)
        if item is None:
            item = self._items[entry.id] = QTreeWidgetItem([entry.text, ""])
            item.setData(0, _ID, entry.id)
            item.setToolTip(0, entry.text)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.list.insertTopLevelItem(0, item)
        item.setText(1, _result(entry))
        told = tiled_summary(entry.tiled) if entry.tiled else entry.outcome.reason if entry.outcome else ""
        item.setToolTip(1, told)


def _result(entry: HistoryEntry) -> str:
    """``yes · 93 %``, ``49 tiles``, ``14 found``, ``412 ha``, or how it ended without a result."""
    if entry.answer is not None:
        return f"{entry.answer.answer} · {percent(entry.answer.confidence)}"
    if entry.tiled is not None:
        return tiles(entry.tiled.grid.tiles)
    if entry.finding is not None:
        return found_headline(entry.finding).lower()
    if entry.outline is not None:
        return outlined_headline(entry.outline) if entry.outline.parts else "nothing"
    return {"running": "…", "succeeded": ""}.get(entry.state, entry.state)
