"""What the window shows before anything is open: how to begin, and what was open before."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from rsqa_desktop.model.settings import RecentPair
from rsqa_desktop.panels.parts import GRID, CommandButton, heading, label


class Welcome(QWidget):
    """One invitation, one button, the recent pairs (``pair_asked_for`` with the :class:`RecentPair`)."""

    pair_asked_for = Signal(object)

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setProperty("role", "stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(4)
        column = QVBoxLayout(self)
        column.setSpacing(2 * GRID)
        column.addStretch(2)
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(label("Ask an optical and a SAR image of the same place", "title"), 0, centre)
        hint = "Drop one or two rasters here, or open them. GeoTIFF and whatever else GDAL reads."
        column.addWidget(label(hint, "muted"), 0, centre)
        column.addWidget(CommandButton(actions["file.open_pair"], "primary"), 0, centre)
        column.addSpacing(2 * GRID)
        column.addLayout(self._recent)
        column.addStretch(3)

    def show_recent(self, pairs: tuple[RecentPair, ...]) -> None:
        """List the pairs opened before, newest first."""
        while (item := self._recent.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        centre = Qt.AlignmentFlag.AlignHCenter
        if pairs:
            self._recent.addWidget(heading("Recent"), 0, centre)
        for pair in pairs:
            button = QPushButton(pair.label)
            button.setProperty("role", "flat")
            button.setAccessibleName(f"Open {pair.label}")
            button.setToolTip("\n".join(path for path in (pair.optical, pair.sar) if path))
            button.clicked.connect(lambda _=False, pair=pair: self.pair_asked_for.emit(pair))
            self._recent.addWidget(button, 0, centre)
