"""The list of what lies over the images: each overlay with its box and opacity, the two rasters at the bottom."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from rsqa_desktop.model.document import Document
from rsqa_desktop.model.layers import OverlayLayer
from rsqa_desktop.model.wording import raster_detail
from rsqa_desktop.panels.parts import GRID, ElidedLabel, Swatch, heading, label
from rsqa_desktop.theme import FUSION, NEUTRAL, answer_colour, expert_colour, sensor_colour, value_ramp


class LayersPanel(QWidget):
    """Topmost layer first. Rows stay while the same layers do, so that a spin box is not taken from under a key."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._rows: dict[str, LayerRow] = {}
        self._empty = label("Open a pair to begin.", "muted", wrap=True)
        self._group = ElidedLabel("", "muted")
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(heading("Layers"))
        column.addWidget(self._empty)
        column.addWidget(self._group)
        column.addLayout(self._list)
        document.layers_changed.connect(self._follow)
        document.shown_changed.connect(self._name_group)
        document.scene_changed.connect(self._rebuild)
        self._rebuild()
        self._name_group()

    def _name_group(self) -> None:
        """The overlays are those of one question; which one is said above them."""
        shown = self._document.shown
        self._group.show_text(shown.text if shown and self._document.layers else "")
        self._group.setVisible(bool(self._document.layers))

    def _follow(self) -> None:
        if [(key, row.title) for key, row in self._rows.items()] != [(x.id, x.title) for x in self._document.layers]:
            self._rebuild()
            return
        for layer in self._document.layers:
            self._rows[layer.id].show_layer(layer)

    def _rebuild(self) -> None:
        while (item := self._list.takeAt(0)) is not None:
            row = item.widget()
            if row is not None:
                row.hide()
                row.deleteLater()
        self._rows = {}
        for layer in self._document.layers:
            self._rows[layer.id] = LayerRow(self._document, layer)
            self._list.addWidget(self._rows[layer.id])
        scene = self._document.scene
        for word, opened in (("Optical", scene.optical), ("SAR", scene.sar)):
            if opened:
                name = opened.info.path.replace("\\", "/").rsplit("/", 1)[-1]
                self._list.addWidget(_raster_row(f"{word} {name}", raster_detail(opened.info), word.lower()))
        self._empty.setVisible(scene.is_empty)


class LayerRow(QWidget):
    """One overlay: shown or not, its colour, its name, its opacity in percent."""

    def __init__(self, document: Document, layer: OverlayLayer) -> None:
        super().__init__()
        self._document = document
        self.title = layer.title
        self._id = layer.id
        self._box = QCheckBox()
        self._box.setAccessibleName(f"Show {layer.title}")
        self._opacity = QSpinBox()
        self._opacity.setRange(0, 100)
        self._opacity.setSingleStep(10)
        self._opacity.setSuffix("\N{NO-BREAK SPACE}%")
        self._opacity.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._opacity.setFixedWidth(6 * GRID)
        self._opacity.setProperty("role", "quiet")
        self._opacity.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._opacity.setAccessibleName(f"Opacity of {layer.title}")
        self._opacity.setToolTip("Opacity: type it, or use the up and down keys")
        _fill(self, self._box, Swatch(*_colours(layer)), ElidedLabel(layer.title), self._opacity)
        self.show_layer(layer)
        self._box.toggled.connect(lambda on: self._document.change_layer(self._id, visible=on))
        self._opacity.valueChanged.connect(lambda value: self._document.change_layer(self._id, opacity=value / 100))

    def show_layer(self, layer: OverlayLayer) -> None:
        """Follow the document; what it already shows is left alone, so that no echo goes back."""
        self._box.setChecked(layer.visible)
        self._opacity.setValue(round(layer.opacity * 100))


def _raster_row(title: str, detail: str, sensor: str) -> QWidget:
    row = QWidget()
    room = QWidget()
    room.setFixedWidth(24)  # where an overlay has its box
    _fill(row, room, Swatch(sensor_colour(sensor), round_=True), ElidedLabel(title), label(detail, "muted"))
    return row


def _fill(row: QWidget, *widgets: QWidget) -> None:
    row.setFixedHeight(28)
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GRID - 2)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, ElidedLabel) else 0)


def _colours(layer: OverlayLayer) -> tuple[str, ...]:
    """Of its swatch: those of what it tells apart, or the one that means what the layer is about."""
    if layer.finding is not None:
        return tuple(sensor_colour(each) for each in layer.finding.searched)
    if layer.kind == "routing":
        return tuple(expert_colour(number) for number in range(1, min(round(layer.high), 3) + 1))
    if layer.kind == "answers" and layer.tiled is not None:
        return tuple(answer_colour(place) for place in range(min(len(layer.tiled.counts), 3)))
    if layer.kind in ("probability", "word"):
        return tuple(QColor(*map(int, value_ramp()[at])).name() for at in (0, 128, 255))
    if layer.kind in ("confidence", "outline"):
        return (FUSION,)
    return (NEUTRAL if layer.sensor == "both" else sensor_colour(layer.sensor),)
