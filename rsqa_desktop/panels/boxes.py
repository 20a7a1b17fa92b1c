"""The boxes that were found, as a list: the best first; a chosen row is the marked box on the images, and back."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from engine.records import Finding, FoundBox
from rsqa_desktop.model import wording
from rsqa_desktop.model.document import Document
from rsqa_desktop.panels.parts import GRID
from rsqa_desktop.theme import sensor_colour

COLUMNS = ("Box", "Score", "In", "Size", "Area")
_SIZE = 3
ROWS_SHOWN = 10  # of a longer list; the others are scrolled to
_FIGURES = (1, 3, 4)


class BoxesView(QWidget):
    """One row per box. ``box_asked_for`` carries the place of the row that the user chose: bring it into view.

    A row under the pointer and a row that is chosen mark their box on the images (``document.marks.pointed`` and
    ``document.marks.selected``); what is pointed at or clicked there marks its row.
    """

    box_asked_for = Signal(int)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._finding: Finding | None = None
        self._marked: int | None = None
        self.list = QTreeWidget()
        self._lay_out()
        self.list.currentItemChanged.connect(self._choose)
        self.list.itemEntered.connect(lambda item, _: document.marks.point_at(self.list.indexOfTopLevelItem(item)))
        self.list.viewport().installEventFilter(self)
        document.marks.changed.connect(self._follow)
        document.layers_changed.connect(self._follow)

    def show_boxes(self, finding: Finding | None) -> None:
        """Fill the list anew where it is another finding; None, or a finding without boxes, has no list."""
        self.setVisible(bool(finding and finding.boxes))
        if finding is self._finding:
            return
        self._finding, self._marked = finding, None
        boxes = finding.boxes if finding else ()
        self.list.blockSignals(True)
        self.list.clear()
        unit = "px" if any(box.length_m is None for box in boxes) else "m"
        self.list.headerItem().setText(_SIZE, f"{COLUMNS[_SIZE]}, {unit}")
        self.list.addTopLevelItems([_item(box) for box in boxes])
        self.list.blockSignals(False)
        header, row = self.list.header().sizeHint().height(), self.list.sizeHintForRow(0)
        self.list.setFixedHeight(header + min(len(boxes), ROWS_SHOWN) * max(row, 1) + 2)
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The pointer leaves the list."""
        if event.type() == QEvent.Type.Leave:
            self._document.marks.point_at(None)
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        self.list.setAccessibleName("Boxes that were found")
        self.list.setAccessibleDescription("Arrow keys choose a box and bring it into view")
        self.list.setHeaderLabels(COLUMNS)
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
        for column in range(len(COLUMNS)):
            side = Qt.AlignmentFlag.AlignRight if column in _FIGURES else Qt.AlignmentFlag.AlignLeft
            self.list.headerItem().setTextAlignment(column, side | Qt.AlignmentFlag.AlignVCenter)
        column_of = QVBoxLayout(self)
        column_of.setContentsMargins(0, 0, 0, 0)
        column_of.addWidget(self.list)

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.box_asked_for.emit(self.list.indexOfTopLevelItem(item))

    def _follow(self) -> None:
        """Show what is marked elsewhere; the list itself is silent about it."""
        document = self._document
        on_images = self._finding is not None and document.marks.boxes == self._finding.boxes
        selected = document.marks.selected if on_images else None
        item = None if selected is None else self.list.topLevelItem(selected)
        self.list.blockSignals(True)
        self.list.setCurrentItem(item)  # type: ignore[arg-type]  # None clears it
        self.list.blockSignals(False)
        if item is not None:
            self.list.scrollToItem(item)
        self._underline(document.marks.pointed if on_images else None)

    def _underline(self, place: int | None) -> None:
        """The row of the box under the pointer, wherever that is, is set off by underlining its name."""
        if place == self._marked:
            return
        for at, on in ((self._marked, False), (place, True)):
            item = None if at is None else self.list.topLevelItem(at)
            if item is not None:
                font = item.font(0)
                font.setUnderline(on)
                item.setFont(0, font)
        self._marked = place


def _item(box: FoundBox) -> QTreeWidgetItem:
    area = "" if box.area_m2 is None else wording.ground(box.area_m2)
    texts = [box.label, f"{box.score:.2f}", wording.FOUND_IN_WORDS[box.sensor], wording.box_sides(box), area]
    item = QTreeWidgetItem(texts)
    item.setIcon(0, _dot(sensor_colour(box.sensor)))
    told = wording.box_sentence(box)
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, told)
    for column in range(len(COLUMNS)):
        item.setToolTip(column, told)
    for column in _FIGURES:
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item


def _dot(colour: str) -> QIcon:
    """A square as layers have, in the colour of where a box was found."""
    picture = QPixmap(20, 20)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(QRectF(0, 0, 20, 20), 4, 4)
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt tints it, and the colour means something
    return icon
