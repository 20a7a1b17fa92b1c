"""The words of an expression, each a button that shows what it looked at."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QPushButton, QVBoxLayout, QWidget

from rsqa_desktop.model.document import Document
from rsqa_desktop.model.overlays import KIND_HELP, KIND_TITLES
from rsqa_desktop.panels.parts import GRID, label


class WordsView(QWidget):
    """One button per word, in the order of the expression; the one that is shown is down, and no more than one is."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._words: dict[str, str] = {}
        self._buttons: dict[str, QPushButton] = {}
        self._flow = FlowLayout(GRID // 2)
        title = label(KIND_TITLES["word"])
        title.setToolTip(KIND_HELP["word"])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(title)
        column.addLayout(self._flow)
        document.layers_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        layers = [layer for layer in self._document.layers if layer.kind == "word"]
        self.setVisible(bool(layers))
        words = {layer.id: layer.title.strip("“”") for layer in layers}
        if words != self._words:
            self._rebuild(words)
        for layer in layers:
            self._buttons[layer.id].setChecked(layer.visible)

    def _rebuild(self, words: dict[str, str]) -> None:
        self._words = words
        for button in self._buttons.values():
            self._flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = {}
        for name, word in words.items():
            button = self._buttons[name] = QPushButton(word.replace("&", "&&"))
            button.setProperty("role", "chip")
            button.setCheckable(True)
            button.setAccessibleName(f"Attention of the word {word}")
            button.clicked.connect(lambda on, name=name: self._document.show_kind("word", on, only=name))
            self._flow.addWidget(button)


class FlowLayout(QLayout):
    """Widgets beside each other in lines, as words in a text."""

    def __init__(self, spacing: int) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks until there is none
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arranged(width)[1]

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        widest = max((item.minimumSize().width() for item in self._items), default=0)
        return QSize(widest, max((item.minimumSize().height() for item in self._items), default=0))

    def setGeometry(self, place: QRect) -> None:
        super().setGeometry(place)
        for item, spot in zip(self._items, self._arranged(place.width())[0], strict=True):
            item.setGeometry(QRect(place.topLeft() + spot, item.sizeHint()))

    def _arranged(self, width: int) -> tuple[list[QPoint], int]:
        """Where each widget stands in so much room, and how high all of them are."""
        spots, x, y, line = [], 0, 0, 0
        for item in self._items:
            size = item.sizeHint()
            if x and x + size.width() > width:
                x, y, line = 0, y + line + self.spacing(), 0
            spots.append(QPoint(x, y))
            x, line = x + size.width() + self.spacing(), max(line, size.height())
        return spots, y + line
