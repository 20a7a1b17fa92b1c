"""The palette put on the application: Qt's Fusion style, a QPalette, one short style sheet, one font.

Fusion draws the same on Linux and Windows and honours a QPalette fully, so the sheet only says what a palette
cannot. It is driven by a dynamic property, never by object names::

    button.setProperty("role", "primary")   # primary | chip | segment (checkable, side by side) | flat
    label.setProperty("role", "heading")    # heading (small caps of a section) | title | brand | strong | muted
                                            # | answer (-stale: soon another) | good | warning
    frame.setProperty("role", "segments")   # round segments
    widget.setProperty("role", "bar")       # bar: a tool or status bar's ground; panel: a dock's; stage: the images'
    spin_box.setProperty("role", "quiet")   # a number that can be changed, among words; field: with an edge
    slider.setProperty("role", "threshold") # what is beyond the handle counts
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from rsqa_desktop.assets import icon_path
from rsqa_desktop.theme.palette import ACCENT, DARK, FUSION, LIGHT, Palette

Mode = Literal["system", "light", "dark"]
FONT_PX = 13
SLIDER_HANDLE_PX = 14
_SCHEMES = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}


class Theme(QObject):
    """The application's one theme: follows the system's colour scheme until told otherwise.

    ``changed`` carries the new :class:`Palette` whenever the colours change, by the user or by the system.
    """

    changed = Signal(object)

    def __init__(self, application: QApplication, mode: Mode = "system") -> None:
        super().__init__(application)
        self._application = application
        self._mode: Mode = "system"
        self._palette: Palette | None = None
        application.setStyle("Fusion")
        application.setFont(interface_font(application.font()))
        application.styleHints().colorSchemeChanged.connect(self._follow)
        self.set_mode(mode)

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def palette(self) -> Palette:
        scheme = _SCHEMES[self._mode]
        if scheme is Qt.ColorScheme.Unknown:
            scheme = self._application.styleHints().colorScheme()
        return DARK if scheme == Qt.ColorScheme.Dark else LIGHT

    def set_mode(self, mode: Mode) -> None:
        """Follow the ``system``, or stay ``light`` or ``dark``."""
        self._mode = mode
        # Also tells the platform, so that title bars and file dialogs agree with the window.
        self._application.styleHints().setColorScheme(_SCHEMES[mode])
        self._follow()

    def _follow(self) -> None:
        palette = self.palette
        if palette is self._palette:
            return
        self._palette = palette
        self._application.setPalette(qt_palette(palette))
        self._application.setStyleSheet(style_sheet(palette))
        self.changed.emit(palette)


def interface_font(base: QFont) -> QFont:
    """``base`` at 13 px with tabular figures, so that numbers that change do not jump."""
    font = QFont(base)
    font.setFamilies(["Inter", base.family()])  # drawn for screens; the system's where it is not installed
    font.setPixelSize(FONT_PX)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def qt_palette(palette: Palette) -> QPalette:
    """``palette`` in Qt's roles."""
    role = QPalette.ColorRole
    colours = {
        role.Window: palette.surface,
        role.WindowText: palette.text,
        role.Base: palette.surface,
        role.AlternateBase: palette.raised,
        role.Text: palette.text,
        role.PlaceholderText: palette.muted,
        role.Button: palette.raised,
        role.ButtonText: palette.text,
        role.ToolTipBase: palette.raised,
        role.ToolTipText: palette.text,
        role.Highlight: ACCENT,
        role.HighlightedText: "#FFFFFF",
        role.Accent: ACCENT,
        role.Link: palette.accent_text,
        role.BrightText: palette.warning_text,
        role.Mid: palette.line,
        role.Dark: palette.outline,
    }
    made = QPalette()
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(palette.muted))
    return made


def style_sheet(palette: Palette) -> str:
    """The sheet of one palette; see the module's docstring for its roles."""
    return "".join(part(palette) for part in (_grounds, _fields, _buttons, _texts_and_lists))


def _grounds(p: Palette) -> str:
    """Bars, panels, separators: what lies under everything else."""
    return f"""
QMainWindow::separator {{ background: {p.line}; width: 1px; height: 1px; }}
QSplitter::handle {{ background: {p.line}; }}
QMenuBar {{ background: {p.surface}; border-bottom: 1px solid {p.line}; padding: 2px 6px; }}
QMenuBar::item {{ padding: 4px 8px; border-radius: 4px; background: transparent; color: {p.muted}; }}
QMenuBar::item:selected {{ background: {p.selection}; color: {p.text}; }}
QStatusBar {{ background: {p.surface}; border-top: 1px solid {p.line}; }}
QStatusBar::item {{ border: none; }}
QToolTip {{ background: {p.raised}; color: {p.text}; border: 1px solid {p.outline}; padding: 4px 6px; }}
QDockWidget::title {{ padding: 8px 12px 4px 12px; background: {p.surface}; color: {p.muted}; }}
QWidget[role="bar"] {{ background: {p.surface}; border-bottom: 1px solid {p.line}; }}
QFrame[role="segments"] {{ border: 1px solid {p.outline}; border-radius: 6px; }}
QWidget[role="panel"] {{ background: {p.surface}; }}
QWidget[role="stage"] {{ background: {p.stage}; }}
"""


def _fields(p: Palette) -> str:
    """What is typed into or ticked."""
    return f"""
QLineEdit {{
    background: {p.raised}; border: 1px solid {p.outline}; border-radius: 6px; padding: 5px 8px;
    selection-background-color: {ACCENT}; selection-color: #FFFFFF; }}
QLineEdit:focus {{ border-color: {ACCENT}; }}
QSpinBox[role="quiet"] {{ background: transparent; border: 1px solid transparent; padding: 1px 4px; color: {p.muted}; }}
QSpinBox[role="quiet"] QLineEdit {{ background: transparent; border: none; padding: 0 4px 0 0; color: {p.muted}; }}
QSpinBox[role="quiet"]::up-button, QSpinBox[role="quiet"]::down-button {{ width: 0; border: none; }}
QSpinBox[role="quiet"]:hover {{ background: {p.raised}; }}
QSpinBox[role="quiet"]:focus {{ border-color: {ACCENT}; color: {p.text}; }}
QSpinBox[role="field"] {{
    background: {p.raised}; border: 1px solid {p.outline}; border-radius: 6px; padding: 3px 6px; }}
QSpinBox[role="field"]::up-button, QSpinBox[role="field"]::down-button {{ width: 0; border: none; }}
QSpinBox[role="field"]:focus {{ border-color: {ACCENT}; }}

QSlider[role="threshold"]::groove:horizontal {{ height: 4px; border-radius: 2px; background: {p.line}; }}
QSlider[role="threshold"]::add-page:horizontal {{ border-radius: 2px; background: {FUSION}; }}
QSlider[role="threshold"]::handle:horizontal {{
    width: {SLIDER_HANDLE_PX - 2}px; margin: -5px 0; border: 1px solid {p.surface}; border-radius: 7px;
    background: {ACCENT}; }}
QSlider[role="threshold"]::handle:horizontal:hover, QSlider[role="threshold"]::handle:horizontal:focus {{
    border-color: {p.text}; }}

QCheckBox {{ spacing: 8px; }}
QCheckBox::indicator, QAbstractItemView::indicator {{
    width: 14px; height: 14px; border: 1px solid {p.outline}; border-radius: 4px; }}
QCheckBox::indicator:hover, QCheckBox::indicator:focus {{ border-color: {p.accent_text}; }}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{
    background: {ACCENT}; border-color: {ACCENT}; image: url("{icon_path("check")}"); }}
QCheckBox:focus {{ color: {p.accent_text}; }}
"""


def _buttons(p: Palette) -> str:
    """Buttons by their role."""
    return f"""
QPushButton {{ background: {p.surface}; border: 1px solid {p.outline}; border-radius: 6px; padding: 6px 12px; }}
QPushButton:hover {{ background: {p.raised}; }}
QPushButton:pressed, QPushButton:checked {{ background: {p.selection}; border-color: {ACCENT}; }}
QPushButton:focus {{ border-color: {ACCENT}; }}
QPushButton:disabled {{ color: {p.muted}; border-color: {p.line}; }}
QPushButton[role="primary"] {{ background: {ACCENT}; color: #FFFFFF; border-color: {ACCENT}; font-weight: 600; }}
QPushButton[role="primary"]:hover {{ background: #0081C8; }}
QPushButton[role="primary"]:focus {{ border-color: {p.text}; }}
QPushButton[role="primary"]:disabled {{ background: {p.line}; border-color: {p.line}; color: {p.muted}; }}
QPushButton[role="chip"] {{ border-radius: 13px; padding: 5px 12px; }}
QPushButton[role="flat"] {{ border-color: transparent; background: transparent; }}
QPushButton[role="flat"]:hover {{ background: {p.raised}; }}
QPushButton[role="flat"]:focus {{ border-color: {ACCENT}; }}
QPushButton[role="segment"] {{
    border-radius: 4px; padding: 4px 12px; border-color: transparent; background: transparent; }}
QPushButton[role="segment"]:focus {{ border-color: {p.accent_text}; }}
QPushButton[role="segment"]:checked {{ background: {ACCENT}; color: #FFFFFF; font-weight: 600; }}
"""


def _texts_and_lists(p: Palette) -> str:
    """Labels by their role, lists, progress."""
    return f"""
QLabel[role="brand"] {{ font-weight: 700; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="title"] {{ font-size: 20px; font-weight: 600; }}
QLabel[role="heading"] {{ color: {p.muted}; font-size: 11px; font-weight: 600; letter-spacing: 1px; }}
QLabel[role="muted"] {{ color: {p.muted}; }}
QLabel[role="good"] {{ color: {p.good_text}; font-weight: 600; }}
QLabel[role="warning"] {{ color: {p.warning_text}; }}
QLabel[role="answer"], QLabel[role="answer-stale"] {{ font-size: 26px; font-weight: 700; }}
QLabel[role="answer-stale"] {{ color: {p.muted}; }}

QTreeView, QListView, QTableView {{ background: {p.surface}; border: none; outline: none; }}
QTreeView::item, QListView::item {{ padding: 4px 2px; border: none; color: {p.text}; }}
QTreeView::item:hover, QListView::item:hover {{ background: {p.raised}; }}
QTreeView::item:selected, QListView::item:selected {{ background: {p.selection}; color: {p.text}; }}
QHeaderView {{ background: {p.surface}; border: none; }}
QHeaderView::section {{
    background: {p.surface}; color: {p.muted}; border: none; border-bottom: 1px solid {p.line}; padding: 2px 4px; }}
QTreeView:focus, QListView:focus {{ border: 1px solid {ACCENT}; }}
QProgressBar {{ background: {p.line}; border: none; border-radius: 3px; max-height: 6px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
"""
