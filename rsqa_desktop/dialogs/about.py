"""What this program and this machine are: the window's short form of ``rsqa doctor``."""

from __future__ import annotations

import platform

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from engine import __version__
from rsqa_desktop.model.engine_status import EngineStatus


class AboutDialog(QDialog):
    """Version, device, and why not a GPU where there is none. Not modal for long: one button closes it."""

    def __init__(self, engine: EngineStatus, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About RSQA")
        lines = [
            f"RSQA Desktop {__version__}, Apache-2.0",
            f"Python {platform.python_version()}, Qt {qVersion()}, {platform.system()} {platform.machine()}",
            f"Status: {engine.sentence}.",
            engine.reason,
            "“rsqa doctor” in a terminal says more about drivers and versions.",
        ]
        text = QLabel("\n\n".join(line for line in lines if line))
        text.setWordWrap(True)
        text.setMinimumWidth(400)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(text)
        column.addWidget(buttons)
