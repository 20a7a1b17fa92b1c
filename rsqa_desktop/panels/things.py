"""A list of what lies over the images: a chosen row is the marked thing there, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from rsqa_desktop.model.document import Document
from rsqa_desktop.model.marks import Thing
from rsqa_desktop.panels.parts import GRID

ROWS_SHOWN = 10  # of a longer list; the others are scrolled to


@dataclass(frozen=True)
class Row:
    """``cells`` under the list's columns; ``told`` is all of it in a line."""

    cells: tuple[str, ...]
    told: str
    icon: QIcon | None = None


class ThingsView(QWidget):
    """One row per thing. ``thing_asked_for`` carries the place of the row that the user chose: bring it into view.

    A row under the pointer and a row that is chosen mark their thing on the images (``document.marks.pointed`` and
    ``document.marks.selected``); what is pointed at or clicked there marks its row.
    """

    thing_asked_for = Signal(int)

    def __init__(self, document: Document, name: str, columns: Sequence[str], figures: Sequence[int]) -> None:
        """``figures`` are the places of the columns that are aligned right; ``name`` is for a screen reader."""
        super().__init__()
        self._document = document
        self._things: tuple[Thing, ...] = ()
        self._marked: int | None = None
        self._figures = figures
        self.list = QTreeWidget()
        self._lay_out(name, columns)
        self.list.currentItemChanged.connect(self._choose)
        self.list.itemEntered.connect(lambda item, _: document.marks.point_at(self.list.indexOfTopLevelItem(item)))
        self.list.viewport().installEventFilter(self)
        document.marks.changed.connect(self._follow)
        document.layers_changed.connect(self._follow)

    def shows(self, things: tuple[Thing, ...]) -> bool:
        """Whether these are listed already."""
        return things is self._things

    def show_things(self, things: tuple[Thing, ...], rows: Sequence[Row]) -> None:
        """Fill the list anew with ``things``, a row for each."""
        self._things, self._marked = things, None
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addTopLevelItems([self._item(row) for row in rows])
        self.list.blockSignals(False)
        header, height = self.list.header().sizeHint().height(), self.list.sizeHintForRow(0)
        self.list.setFixedHeight(header + min(len(rows), ROWS_SHOWN) * max(height, 1) + 2)
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The pointer leaves the list."""
        if event.type() == QEvent.Type.Leave:
            self._document.marks.point_at(None)
        return super().eventFilter(watched, event)

    def _lay_out(self, name: str, columns: Sequence[str]) -> None:
        self.list.setAccessibleName(name)
        self.list.setAccessibleDescription("Arrow keys choose one and bring it into view")
        self.list.setHeaderLabels(list(columns))
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(0)
        self.list.setUniformRowHeights(True)
        self.list.setMouseTracking(True)
        self.list.setIconSize(QSize(10, 10))
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(4 * GRID)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(len(columns)):
            side = Qt.AlignmentFlag.AlignRight if column in self._figures else Qt.AlignmentFlag.AlignLeft
            self.list.headerItem().setTextAlignment(column, side | Qt.AlignmentFlag.AlignVCenter)
        column_of = QVBoxLayout(self)
        column_of.setContentsMargins(0, 0, 0, 0)
        column_of.addWidget(self.list)

    def _item(self, row: Row) -> QTreeWidgetItem:
        item = QTreeWidgetItem(list(row.cells))
        if row.icon is not None:
            item.setIcon(0, row.icon)
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, row.told)
        for column in range(len(row.cells)):
            item.setToolTip(column, row.told)
        for column in self._figures:
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return item

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.thing_asked_for.emit(self.list.indexOfTopLevelItem(item))

    def _follow(self) -> None:
        """Show what is marked elsewhere; the list itself is silent about it."""
        document = self._document
        on_images = bool(self._things) and document.marks.things == self._things
        selected = document.marks.selected if on_images else None
        item = None if selected is None else self.list.topLevelItem(selected)
        self.list.blockSignals(True)
        self.list.setCurrentItem(item)  # type: ignore[arg-type]  # None clears it
        self.list.blockSignals(False)
        if item is not None:
            self.list.scrollToItem(item)
        self._underline(document.marks.pointed if on_images else None)

    def _underline(self, place: int | None) -> None:
        """The row of the thing under the pointer, wherever that is, is set off by underlining its name."""
        if place == self._marked:
            return
        for at, on in ((self._marked, False), (place, True)):
            item = None if at is None else self.list.topLevelItem(at)
            if item is not None:
                font = item.font(0)
                font.setUnderline(on)
                item.setFont(0, font)
        self._marked = place
