"""Text is legible, the meaningful colours stay apart, and the theme follows."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from rsqa_desktop.theme import (
    ACCENT,
    DARK,
    FUSION,
    LIGHT,
    OPTICAL,
    PILL,
    PILL_MUTED,
    PILL_TEXT,
    SAR,
    Palette,
    Theme,
    style_sheet,
    trust_ramp,
)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, "contrast ratio"."""
    low, high = sorted(_luminance(QColor(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: QColor) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour.getRgbF()[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_is_legible_where_it_stands(palette: Palette) -> None:
    for name in ("text", "muted", "accent_text", "good_text", "warning_text"):
        assert contrast(getattr(palette, name), palette.surface) >= 4.5, name
    for ground in (palette.raised, palette.selection, palette.stage):
        assert contrast(palette.text, ground) >= 4.5
        assert contrast(palette.muted, ground) >= 4.4


def test_white_is_legible_on_what_can_be_pressed_and_on_pills() -> None:
    assert contrast("#FFFFFF", ACCENT) >= 4.5
    assert contrast(PILL_TEXT, PILL) >= 7
    assert contrast(PILL_MUTED, PILL) >= 4.5


def test_the_meaningful_colours_are_far_apart() -> None:
    for one, other in combinations((ACCENT, OPTICAL, SAR, FUSION), 2):
        a, b = QColor(one), QColor(other)
        assert abs(a.red() - b.red()) + abs(a.green() - b.green()) + abs(a.blue() - b.blue()) > 60


def test_trust_ends_in_the_sensors_colours() -> None:
    ramp = trust_ramp()
    assert QColor(*map(int, ramp[0])) == QColor(SAR)
    assert QColor(*map(int, ramp[-1])) == QColor(OPTICAL)


def test_it_is_put_on_and_switched(qapp: QApplication, qtbot: QtBot) -> None:
    before = qapp.palette(), qapp.styleSheet(), qapp.font(), qapp.style().name()
    theme = Theme(qapp, "light")
    try:
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.surface)
        with qtbot.waitSignal(theme.changed) as told:
            theme.set_mode("dark")
        assert told.args == [DARK]
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.surface)
        with qtbot.assertNotEmitted(theme.changed):
            theme.set_mode("dark")
    finally:
        theme.set_mode("system")
        qapp.setStyleSheet(before[1])
        qapp.setPalette(before[0])
        qapp.setFont(before[2])
        qapp.setStyle(before[3])
        theme.deleteLater()


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_the_sheet_is_one_that_qt_understands(
    palette: Palette, qtbot: QtBot, capfd: pytest.CaptureFixture[str]
) -> None:
    for kind in (QLabel, QLineEdit, QListWidget, QPushButton):
        widget = kind()
        qtbot.addWidget(widget)
        widget.setStyleSheet(style_sheet(palette))
        widget.grab()
    said = capfd.readouterr().err
    assert "Unknown property" not in said
    assert "Could not parse" not in said
