"""The small parts that several panels are made of: headings, muted lines, bars, swatches, buttons of a command."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QLinearGradient, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from rsqa_desktop.theme import trust_ramp

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
        if role:
            self.setProperty("role", role)
        action.changed.connect(self._follow)
        self.clicked.connect(self._trigger)
        self._follow()

    def _trigger(self) -> None:
        self._action.trigger()
        self._follow()  # Qt has toggled a checkable button already; the command decides whether it is on

    def _follow(self) -> None:
        self.setText(self._text or self._action.text())
        self.setAccessibleName(self._action.text())
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


class TrustLegend(QWidget):
    """The ramp of the sensor-trust map, optical on the left as the panes are."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(GRID)
        self.setAccessibleName("Legend: from optical on the left over neutral to SAR on the right")

    def paintEvent(self, _: QPaintEvent) -> None:
        ramp = trust_ramp()  # entry 0 is all SAR
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for index in range(0, 256, 51):
            gradient.setColorAt(1 - index / 255, QColor(*(int(channel) for channel in ramp[index])))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(0, 1, self.width(), 6), 3, 3)


class Swatch(QWidget):
    """The colour of a sensor or layer: round for a sensor, square for a layer."""

    def __init__(self, colour: str, *, round_: bool = False) -> None:
        super().__init__()
        self._colour = colour
        self._round = round_
        self.setFixedSize(10, 10)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colour))
        if self._round:
            painter.drawEllipse(self.rect())
        else:
            painter.drawRoundedRect(self.rect(), 2, 2)


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
