"""A shown pair view over the fake reader."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from rsqa_desktop.canvas import PairView
from tests.desktop.canvas.fakes import FakeReader, opened


@pytest.fixture
def reader(qapp: QApplication) -> FakeReader:
    return FakeReader()


@pytest.fixture
def view(qtbot: QtBot, reader: FakeReader) -> PairView:
    """800 x 400 with a pair of 1000 x 800 px on show, every picture there."""
    pair_view = PairView(reader)
    qtbot.addWidget(pair_view)
    pair_view.resize(801, 400)
    with qtbot.waitExposed(pair_view):
        pair_view.show()
    pair_view.set_scene(opened("optical.tif"), opened("sar.tif"))
    reader.answer_all()
    return pair_view


def send_mouse(
    widget: QWidget,
    kind: QEvent.Type,
    x: float,
    y: float,
    *,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    held: bool = True,
) -> None:
    """One mouse event. ``held``: a move with the button down."""
    position = QPointF(x, y)
    moving = kind == QEvent.Type.MouseMove
    none = Qt.MouseButton.NoButton
    down = none if kind == QEvent.Type.MouseButtonRelease or (moving and not held) else button
    event = QMouseEvent(
        kind,
        position,
        widget.mapToGlobal(position),
        none if moving else button,
        down,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def drag(widget: QWidget, start: tuple[float, float], end: tuple[float, float], **options: Qt.MouseButton) -> None:
    """Press, three moves, release."""
    send_mouse(widget, QEvent.Type.MouseButtonPress, *start, **options)
    for share in (0.3, 0.7, 1.0):
        x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        send_mouse(widget, QEvent.Type.MouseMove, x, y, **options)
    send_mouse(widget, QEvent.Type.MouseButtonRelease, *end, **options)


def turn_wheel(widget: QWidget, x: float, y: float, notches: int) -> None:
    position = QPointF(x, y)
    event = QWheelEvent(
        position,
        widget.mapToGlobal(position),
        QPointF(0, 0).toPoint(),
        QPointF(0, 120 * notches).toPoint(),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def pane_of(view: PairView, name: str) -> QWidget:
    """A pane by its name for screen readers."""
    return next(pane for pane in view.findChildren(QWidget) if pane.accessibleName() == f"{name} image")
