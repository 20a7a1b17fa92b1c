"""What was outlined: the parts of the mask as a list, and how the mask is cut out of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QSlider, QSpinBox, QVBoxLayout, QWidget

from engine.records import Cleaning, Outline, OutlinePart
from rsqa_desktop.model import wording
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.levels import level_counts
from rsqa_desktop.panels.parts import GRID, CommandButton, heading, label
from rsqa_desktop.panels.things import Row, ThingsView
from rsqa_desktop.theme import FUSION, SLIDER_HANDLE_PX

COLUMNS = ("Part", "Area", "Probability", "Holes")
_FIGURES = (1, 2, 3)
MOST_PX = 1_000_000  # of a part that is left out or a hole that is filled
_BARS_PX = 4 * GRID


class PartsView(ThingsView):
    """One row per part of the mask, the largest first."""

    def __init__(self, document: Document) -> None:
        super().__init__(document, "Parts of the outline", COLUMNS, _FIGURES)

    def show_parts(self, outline: Outline | None) -> None:
        """Fill the list anew where the parts are others; None, or an outline of nothing, has no list."""
        parts = outline.parts if outline else ()
        self.setVisible(bool(parts))
        if not self.shows(parts):
            self.show_things(parts, [_row(place, part) for place, part in enumerate(parts)])


def _row(place: int, part: OutlinePart) -> Row:
    holes = wording.number(len(part.holes_map)) if part.holes_map else "–"
    cells = (f"{place + 1}", wording.part_area(part), wording.percent(part.mean_probability), holes)
    return Row(cells, wording.part_sentence(place, part))


class MaskControls(QWidget):
    """The threshold over a chart of the probabilities, and the sizes of parts and holes that do not count.

    Whatever is changed is seen on the images at once (``document.mask``); the figures follow a moment later.
    """

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._chart = LevelsChart()
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.percent = _spin("Threshold in percent", "%", 1, 99)
        self.least_part = _spin("Leave out parts of fewer pixels", "px", 0, MOST_PX)
        self.least_hole = _spin("Fill holes of fewer pixels", "px", 0, MOST_PX)
        self._part_ground, self._hole_ground = label("", "muted"), label("", "muted")
        self._reset = CommandButton(actions["mask.reset"], "flat")
        self._lay_out()
        self.threshold.valueChanged.connect(self._cut_at)
        self.percent.valueChanged.connect(self._cut_at)
        self.least_part.valueChanged.connect(lambda value: self._cut(least_part_px=value))
        self.least_hole.valueChanged.connect(lambda value: self._cut(least_hole_px=value))
        document.layers_changed.connect(self._follow)
        self._follow()

    def _lay_out(self) -> None:
        self.threshold.setRange(1, 99)
        self.threshold.setPageStep(5)
        self.threshold.setProperty("role", "threshold")
        self.threshold.setAccessibleName("Threshold: how likely a pixel has to be, in percent")
        self.threshold.setToolTip("A pixel is in the mask where it is at least so likely")
        top = QHBoxLayout()
        top.addWidget(heading("Mask — how likely a pixel has to be"))
        top.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.threshold, 1)
        row.addWidget(self.percent)
        sizes = QGridLayout()
        sizes.setHorizontalSpacing(GRID)
        sizes.setVerticalSpacing(GRID // 2)
        sizes.setColumnStretch(2, 1)
        for at, (text, spin, ground) in enumerate(
            (
                ("Leave out parts under", self.least_part, self._part_ground),
                ("Fill holes under", self.least_hole, self._hole_ground),
            )
        ):
            for place, widget in enumerate((label(text), spin, ground)):
                sizes.addWidget(widget, at, place)
        last = QHBoxLayout()
        last.addWidget(self._reset)
        last.addStretch(1)
        chart = QHBoxLayout()
        chart.setSpacing(GRID)
        chart.addWidget(self._chart, 1)
        chart.addSpacing(self.percent.width())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        for part in (top, chart, row, sizes, last):
            column.addLayout(part)

    def _follow(self) -> None:
        """Show how the mask on screen is cut; what is shown already is left alone, so that no echo goes back."""
        mask = self._document.mask
        self.setVisible(mask is not None)
        if mask is None or mask.outline is None or mask.cleaning is None:
            return
        cleaning, gsd_m = mask.cleaning, mask.outline.grid.gsd_m
        share = round(100 * cleaning.threshold)
        for field, value in (
            (self.threshold, share),
            (self.percent, share),
            (self.least_part, cleaning.least_part_px),
            (self.least_hole, cleaning.least_hole_px),
        ):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        self._chart.show_levels(mask.outline.probability, cleaning.threshold)
        self._part_ground.setText(wording.pixels_on_ground(cleaning.least_part_px, gsd_m))
        self._hole_ground.setText(wording.pixels_on_ground(cleaning.least_hole_px, gsd_m))
        self._reset.setVisible(self._reset.isEnabled())

    def _cut_at(self, share: int) -> None:
        self._cut(threshold=share / 100)

    def _cut(self, **changes: float) -> None:
        mask = self._document.mask
        if mask is not None and mask.cleaning is not None:
            cleaning: Cleaning = replace(mask.cleaning, **changes)  # type: ignore[arg-type]
            self._document.change_layer(mask.id, cleaning=cleaning)


class LevelsChart(QWidget):
    """How many pixels are how likely, as bars over the slider; those in the mask in its colour.

    Heights are roots, as most pixels are of nothing that was meant, and the few others are what matters.
    """

    def __init__(self) -> None:
        super().__init__()
        self._path = ""
        self._heights = np.zeros(0)
        self._threshold = 0.5
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("How many pixels are how likely")
        self.setToolTip("How many pixels are how likely, from 0 % on the left to 100 % on the right")

    def show_levels(self, path: str, threshold: float) -> None:
        """The probability map in the file ``path``, read where it is another; no bars where it is gone."""
        if path != self._path:
            self._path = path
            counts = level_counts(path)
            self._heights = np.sqrt(counts / max(counts.max(initial=0), 1))
        self._threshold = threshold
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(10 * GRID, _BARS_PX)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        left = SLIDER_HANDLE_PX / 2  # 0 and 1 are where the middle of the handle is then
        step = (self.width() - SLIDER_HANDLE_PX) / max(len(self._heights), 1)
        for at, height in enumerate(self._heights):
            inside = (at + 0.5) / len(self._heights) >= self._threshold
            painter.setBrush(QColor(FUSION) if inside else self.palette().color(QPalette.ColorRole.Dark))
            tall = max(height * self.height(), 1.0 if height else 0.0)
            painter.drawRect(QRectF(left + at * step, self.height() - tall, step - 1, tall))


def _spin(name: str, unit: str, least: int, most: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(least, most)
    spin.setProperty("role", "field")
    spin.setSuffix(f"{wording.NBSP}{unit}")
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    spin.setFixedWidth(9 * GRID)
    spin.setAccessibleName(name)
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.setKeyboardTracking(False)
    return spin
