"""The status bar: where the cursor is, what lies there, how it is projected, and what the engine is doing."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QWidget

from engine.protocol import Identified
from rsqa_desktop.actions.pointing import Pointing
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.wording import NBSP, number, working
from rsqa_desktop.panels.parts import GRID, label

INCH_M = 0.0254


class StatusReadout(QStatusBar):
    """Left: longitude and latitude, map x and y, both rasters' values, CRS, scale. Right: engine and device."""

    def __init__(self, document: Document, pointing: Pointing) -> None:
        super().__init__()
        self._document = document
        self._pointing = pointing
        self.setSizeGripEnabled(False)
        self.setContentsMargins(GRID, 0, GRID, 0)
        self._lonlat = label("", "strong", name="Longitude and latitude")
        self._xy = label("", "muted", name="Map coordinates")
        self._optical = label("", "muted", name="Optical values")
        self._sar = label("", "muted", name="SAR value")
        self._crs = label("", "muted", name="Coordinate reference system")
        self._scale = label("", "muted", name="Scale")
        self._engine = label("", "muted", name="Engine")
        self._progress = QProgressBar()
        self._progress.setFixedWidth(12 * GRID)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName("Progress of the question")
        left: tuple[QWidget, ...] = (self._lonlat, self._xy, self._optical, self._sar, self._crs, self._scale)
        for widget in left:
            widget.setContentsMargins(0, 0, GRID, 0)
            self.addWidget(widget)
        self.addPermanentWidget(self._progress)
        self.addPermanentWidget(self._engine)
        pointing.changed.connect(self._follow_cursor)
        document.engine_changed.connect(self._follow_engine)
        document.history_changed.connect(self._follow_engine)
        self._follow_cursor()
        self._follow_engine()

    def show_scale(self, frame_px_per_screen_px: float) -> None:
        """The map scale on this screen; without metres, image pixels per screen pixel."""
        frame = self._document.scene.frame
        if frame is None:
            text = ""
        elif frame.grid.gsd_m is None:
            text = f"{frame_px_per_screen_px:.3g} image px per screen px"
        else:
            on_screen_m = INCH_M / self.logicalDpiX()
            denominator = frame.grid.gsd_m * frame_px_per_screen_px / on_screen_m
            digits = max(0, math.floor(math.log10(denominator)) - 1)
            text = f"1 : {number(round(denominator, -digits))}"
        _say(self._scale, text)

    def _follow_cursor(self) -> None:
        place, locator = self._pointing.place, self._pointing.locator
        _say(self._lonlat, place.degrees if place else "")
        decimals = 0 if locator is None or locator.is_metric or locator.crs_name.startswith("no") else 5
        _say(self._xy, f"x{NBSP}{number(place.x, decimals)} y{NBSP}{number(place.y, decimals)}" if place else "")
        _say(self._optical, _values("optical", self._pointing.values.get("optical")))
        _say(self._sar, _values("SAR", self._pointing.values.get("sar")))
        _say(self._crs, locator.crs_name if locator else "")

    def _follow_engine(self) -> None:
        engine = self._document.engine
        running = self._document.running
        busy = f"{working(running, engine)} · " if running and engine.stage else ""
        _say(self._engine, busy + engine.sentence)
        self._engine.setToolTip(engine.reason)
        self._progress.setVisible(running is not None)
        if engine.fraction is None:
            self._progress.setRange(0, 0)
        else:
            self._progress.setRange(0, 100)
            self._progress.setValue(round(engine.fraction * 100))


def _say(where: QLabel, text: str) -> None:
    """Show a text; an empty one takes no room."""
    where.setText(text)
    where.setVisible(bool(text))
    where.setAlignment(Qt.AlignmentFlag.AlignVCenter)


def _values(name: str, found: Identified | None) -> str:
    """``optical 74 81 96`` or ``SAR −14.2 dB``; no data is said."""
    if found is None:
        return ""
    if found.sigma0_db is not None:
        return f"{name} {number(found.sigma0_db, 1)}{NBSP}dB"
    known = [value for value in found.values if value is not None]
    if not known:
        return f"{name} no data"
    shown = " ".join(f"{value:.6g}".replace("-", "−") for value in known[:4])
    return f"{name} {shown}" + (" …" if len(known) > 4 else "")
