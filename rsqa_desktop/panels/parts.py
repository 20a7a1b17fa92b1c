"""The small parts that several panels are made of: headings, muted lines, bars, swatches, buttons of a command."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QBrush, QColor, QFont, QLinearGradient, QPainter, QPainterPath, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from rsqa_desktop.theme import CASING, PILL, expert_colour

GRID = 8  # px; every distance in a panel is a multiple of it, or its half


def label(text: str, role: str = "", *, name: str = "", wrap: bool = False) -> QLabel:
    """A text in one of the style's roles; ``name`` is what a screen reader says where the text alone is not enough."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)  # file names and answers come from outside: never markup
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    if name:
        made.setAccessibleName(name)
    return made


def heading(text: str) -> QLabel:
    """The small capitals over a section."""
    return label(text.upper(), "heading", name=text)


def say_heading(where: QLabel, text: str) -> None:
    """Another text over the same section."""
    where.setText(text.upper())
    where.setAccessibleName(text)


def set_role(widget: QWidget, role: str) -> None:
    """Change the role of a widget that is already on screen; the style is applied anew."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class CommandButton(QPushButton):
    """A button that says, does and is enabled as its command; a toggle shows whether it is on.

    ``text`` replaces the command's own where the place already says half of it.
    """

    def __init__(self, action: QAction, role: str = "", *, text: str = "") -> None:
        super().__init__()
        self._action = action
        self._text = text
        self._name = ""
        if role:
            self.setProperty("role", role)
        action.changed.connect(self._follow)
        self.clicked.connect(self._trigger)
        self._follow()

    def say(self, text: str) -> None:
        """Say ``text`` in place of the command's own, as the matter now has a number or a name."""
        self._text = self._name = text
        self._follow()

    def _trigger(self) -> None:
        self._action.trigger()
        self._follow()  # Qt has toggled a checkable button already; the command decides whether it is on

    def _follow(self) -> None:
        self.setText(self._text or self._action.text())
        self.setAccessibleName(self._name or self._action.text())
        self.setToolTip(self._action.toolTip())
        self.setEnabled(self._action.isEnabled())
        self.setCheckable(self._action.isCheckable())
        self.setChecked(self._action.isChecked())


class ShareBar(QWidget):
    """A share 0..1 as a rounded bar in a colour that means something; the number always stands beside it."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._name = name
        self._colour = colour
        self._share = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_share(0.0)

    def show_share(self, share: float) -> None:
        """Fill the bar to ``share``, clipped to 0..1."""
        self._share = min(max(share, 0.0), 1.0)
        self.setAccessibleName(f"{self._name}: {self._share:.0%}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(80, GRID)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, GRID)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(0, (self.height() - 6) / 2, self.width(), 6)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRoundedRect(track, 3, 3)
        if self._share > 0:
            painter.setBrush(QColor(self._colour))
            painter.drawRoundedRect(QRectF(0, track.y(), max(track.width() * self._share, 6), 6), 3, 3)


class RampLegend(QWidget):
    """A map's ramp of colours (RGB bytes [256, 3], left to right) with a word at either end."""

    def __init__(self, ramp: np.ndarray, left: str, right: str) -> None:
        super().__init__()
        self.setAccessibleName(f"Legend: from {left} on the left to {right} on the right")
        bar = _RampBar(ramp)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(bar)
        ends = QHBoxLayout()
        ends.addWidget(label(left, "muted"))
        ends.addStretch(1)
        ends.addWidget(label(right, "muted"))
        column.addLayout(ends)


class ExpertLegend(QWidget):
    """The colour of every routed expert beside its number."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Legend: a colour for each expert")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(3 * GRID, 0, 0, 0)
        self._row.setSpacing(GRID // 2)
        self._row.addWidget(label("Expert", "muted"))
        self._row.addStretch(1)
        self._shown = 0

    def show_experts(self, count: int) -> None:
        """Name experts 1 to ``count``; those that are named stay."""
        for number in range(self._shown + 1, count + 1):
            for widget in (Swatch(expert_colour(number)), label(str(number))):
                self._row.insertWidget(self._row.count() - 1, widget)
        self._shown = max(self._shown, count)


class _RampBar(QWidget):
    def __init__(self, ramp: np.ndarray) -> None:
        super().__init__()
        self._ramp = ramp
        self.setFixedHeight(GRID)

    def paintEvent(self, _: QPaintEvent) -> None:
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for index in range(0, 256, 51):
            gradient.setColorAt(index / 255, QColor(*(int(channel) for channel in self._ramp[index])))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(0, 1, self.width(), 6), 3, 3)


class Swatch(QWidget):
    """The colour of a sensor or layer, or side by side its colours: round for a sensor, square for a layer."""

    def __init__(self, *colours: str, round_: bool = False) -> None:
        super().__init__()
        self._colours = colours
        self._round = round_
        self.setFixedSize(10, 10)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._round:
            painter.setBrush(QColor(self._colours[0]))
            painter.drawEllipse(self.rect())
            return
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 2, 2)
        painter.setClipPath(shape)
        width = self.width() / len(self._colours)
        for at, colour in enumerate(self._colours):
            painter.fillRect(QRectF(at * width, 0, width, self.height()), QColor(colour))


class AnswerSwatch(QWidget):
    """A tile of the map of answers as it is drawn there: colour and letter, hatched, or grey and struck out."""

    SIDE = 2 * GRID

    def __init__(self, colour: str, letter: str = "", *, hatched: bool = False, struck: bool = False) -> None:
        super().__init__()
        self._colour, self._letter, self._hatched, self._struck = colour, letter, hatched, struck
        self.setFixedSize(self.SIDE, self.SIDE)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colour))
        painter.setPen(QColor(CASING))
        if self._hatched:
            painter.fillRect(self.rect(), QBrush(QColor(CASING), Qt.BrushStyle.BDiagPattern))
        if self._struck:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawLine(0, self.SIDE, self.SIDE, 0)
        if self._letter:
            font = self.font()
            font.setPixelSize(11)
            font.setWeight(QFont.Weight.DemiBold)
            painter.setFont(font)
            dark = QColor(self._colour).lightness() > 140
            painter.setPen(QColor(PILL if dark else CASING))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._letter)


class ElidedLabel(QLabel):
    """A line that gives way: shortened with an ellipsis where the panel is narrow, whole in its tooltip."""

    def __init__(self, text: str, role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            self.setProperty("role", role)
        self._whole = ""
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Show as much of ``text`` as fits."""
        self._whole = text
        self.setAccessibleName(text)
        self.setToolTip(text)
        self._fit()

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit()

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))
