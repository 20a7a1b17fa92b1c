"""The boxes that were found, as a list: the best first."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from engine.records import Finding, FoundBox
from rsqa_desktop.model import wording
from rsqa_desktop.model.document import Document
from rsqa_desktop.panels.things import Row, ThingsView
from rsqa_desktop.theme import sensor_colour

COLUMNS = ("Box", "Score", "In", "Size", "Area")
_SIZE = 3
_FIGURES = (1, 3, 4)


class BoxesView(ThingsView):
    """One row per box."""

    def __init__(self, document: Document) -> None:
        super().__init__(document, "Boxes that were found", COLUMNS, _FIGURES)

    def show_boxes(self, finding: Finding | None) -> None:
        """Fill the list anew where it is another finding; None, or a finding without boxes, has no list."""
        boxes = finding.boxes if finding else ()
        self.setVisible(bool(boxes))
        if not self.shows(boxes):
            unit = "px" if any(box.length_m is None for box in boxes) else "m"
            self.list.headerItem().setText(_SIZE, f"{COLUMNS[_SIZE]}, {unit}")
            self.show_things(boxes, [_row(box) for box in boxes])


def _row(box: FoundBox) -> Row:
    area = "" if box.area_m2 is None else wording.ground(box.area_m2)
    cells = (box.label, f"{box.score:.2f}", wording.FOUND_IN_WORDS[box.sensor], wording.box_sides(box), area)
    return Row(cells, wording.box_sentence(box), _dot(sensor_colour(box.sensor)))


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
