"""What lies in a pane beside the image: its name, the scale bar, the crosshair, a readout, words for an empty pane."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from engine.records import RasterInfo
from rsqa_desktop.theme import PILL, PILL_MUTED, PILL_TEXT, Palette, sensor_colour

EDGE = 8  # distance of everything from the pane's edge: the 8-px grid
BAR_MOST = 120  # longest scale bar, screen pixels
_NAMES = {"optical": "Optical", "sar": "SAR"}


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A rounded ground length and how long it is on screen."""

    text: str
    length_px: float


def scale_bar(scale: float, gsd_m: float | None) -> ScaleBar:
    """The longest bar of 1, 2 or 5 times a power of ten metres (frame pixels without ``gsd_m``) that fits.

    ``scale`` is screen pixels per frame pixel.
    """
    unit_px = scale if gsd_m is None else scale / gsd_m
    length = _round_down(BAR_MOST / unit_px)
    if gsd_m is None:
        text = f"{length:,.0f} px" if length >= 1 else f"{length:g} px"
    elif length >= 1000:
        text = f"{length / 1000:,.0f} km"
    elif length >= 1:
        text = f"{length:.0f} m"
    else:
        text = f"{length * 100:.0f} cm" if length >= 0.01 else f"{length * 1000:g} mm"
    return ScaleBar(text, length * unit_px)


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max((step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)), default=power)


def describe(info: RasterInfo, sensor: str) -> str:
    """Date, band or polarisation, and pixel size, as far as they are known."""
    parts = [info.acquired[:10]] if info.acquired else []
    if sensor == "sar":
        chosen = next((band for band in info.bands if band.index == info.choice.bands[0]), None)
        if chosen is not None and 0 < len(chosen.description) <= 12:
            parts.append(chosen.description)
    gsd = info.grid.gsd_m
    if gsd is not None:
        parts.append(f"{gsd:,.0f} m" if gsd >= 10 else f"{gsd:.2g} m")
    return " · ".join(parts)


def paint_label(painter: QPainter, font: QFont, sensor: str, details: str, most_width: float) -> None:
    """The pill top left: a dot in the sensor's colour, its name, what is known of the image."""
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    name = _NAMES[sensor]
    name_width = QFontMetricsF(bold).horizontalAdvance(name)
    metrics = QFontMetricsF(font)
    room = most_width - 2 * EDGE - 34 - name_width - 8
    details = metrics.elidedText(details, Qt.TextElideMode.ElideRight, max(room, 0))
    width = 34 + name_width + (8 + metrics.horizontalAdvance(details) if details else 0)
    pill = QRectF(EDGE, EDGE, width, 26)
    _pill(painter, pill)
    painter.setBrush(QColor(sensor_colour(sensor)))
    painter.drawEllipse(QPointF(pill.left() + 15, pill.center().y()), 5, 5)
    painter.setPen(QColor(PILL_TEXT))
    painter.setFont(bold)
    text = pill.adjusted(25, 0, 0, 0)
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, name)
    painter.setPen(QColor(PILL_MUTED))
    painter.setFont(font)
    painter.drawText(text.adjusted(name_width + 8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, details)


def paint_scale_bar(painter: QPainter, font: QFont, bar: ScaleBar, width: int, height: int) -> None:
    """The scale bar bottom right."""
    text_width = QFontMetricsF(font).horizontalAdvance(bar.text)
    pill_width = max(bar.length_px, text_width) + 20
    pill = QRectF(width - EDGE - pill_width, height - EDGE - 34, pill_width, 34)
    _pill(painter, pill)
    left, base = round(pill.left() + 10) + 0.5, round(pill.top()) + 12.5
    right = left + round(bar.length_px)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(PILL_TEXT), 1))
    painter.drawPolyline([QPointF(left, base - 5), QPointF(left, base), QPointF(right, base), QPointF(right, base - 5)])
    painter.setFont(font)
    painter.drawText(QRectF(pill.left() + 10, base + 1, pill_width - 10, 18), Qt.AlignmentFlag.AlignVCenter, bar.text)


def paint_readout(painter: QPainter, font: QFont, lines: list[str], height: int) -> None:
    """The values under the pointer, bottom left."""
    metrics = QFontMetricsF(font)
    line_height = 18
    size = max(metrics.horizontalAdvance(line) for line in lines) + 20, line_height * len(lines) + 8
    pill = QRectF(EDGE, height - EDGE - size[1], *size)
    _pill(painter, pill)
    painter.setPen(QColor(PILL_TEXT))
    painter.setFont(font)
    for i, line in enumerate(lines):
        row = QRectF(pill.left() + 10, pill.top() + 4 + i * line_height, size[0], line_height)
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, line)


def paint_crosshair(painter: QPainter, x: float, y: float, width: int, height: int) -> None:
    """Thin lines through a screen position: white, in a dark casing that shows them on white ground."""
    column, line = round(x), round(y)
    for thickness, colour in ((3, QColor(0, 0, 0, 50)), (1, QColor(255, 255, 255, 170))):
        shift = thickness // 2
        painter.fillRect(column - shift, 0, thickness, height, colour)
        painter.fillRect(0, line - shift, width, thickness, colour)


def paint_empty(painter: QPainter, palette: Palette, font: QFont, sensor: str, hint: str, area: QRectF) -> None:
    """Words for a pane without an image."""
    title = QFont(font)
    title.setPixelSize(17)
    title.setWeight(QFont.Weight.DemiBold)
    middle = area.center().y()
    painter.setFont(title)
    painter.setPen(QColor(palette.text))
    upper = QRectF(area.left(), middle - 34, area.width(), 28)
    painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, f"No {'optical' if sensor == 'optical' else 'SAR'} image")
    painter.setFont(font)
    painter.setPen(QColor(palette.muted))
    lower = QRectF(area.left() + 24, middle - 2, area.width() - 48, 60)
    painter.drawText(lower, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, hint)


def _pill(painter: QPainter, rectangle: QRectF) -> None:
    ground = QColor(PILL)
    ground.setAlphaF(0.82)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(rectangle, 5, 5)
