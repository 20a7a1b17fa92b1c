"""Each tile in its answer's colour and named; what is less than an answer by both sensors looks different."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from engine.errors import RasterUnreadable
from engine.records import AskRequest, PixelWindow, TiledAnswer
from rsqa_desktop.canvas.layer_overlay import overlay_of
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.tile_overlay import AnswersOverlay
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.overlays import layers_of
from rsqa_desktop.model.wording import NBSP
from rsqa_desktop.theme import NO_DATA, answer_colour
from tests.desktop.fakes import tiled_answer

WINDOW = PixelWindow(10, 20, 480, 480)  # 5 x 5 tiles of 100 px, the last 80
GREY = QColor(128, 128, 128)
READ_AT = ((300, 300), (489, 499), (20, 30), (491, 300), (5, 5))


@pytest.fixture
def tiled(tmp_path: Path) -> TiledAnswer:
    return tiled_answer(AskRequest("Is there a river?", "/a.tif", "/b.tif", str(tmp_path)), side_px=100, window=WINDOW)


def painted(overlay: Overlay, scale: float = 1.0) -> QImage:
    """On mid grey, frame (0, 0) at screen (0, 0)."""
    side = int(510 * scale)
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(GREY)
    painter = QPainter(image)
    overlay.paint(painter, Viewport(side / 2 / scale, side / 2 / scale, scale, side, side))
    painter.end()
    return image


def opaque(tiled: TiledAnswer) -> Overlay:
    return overlay_of(replace(layers_of(tiled, ("optical", "sar"), {})[0], opacity=1.0))


def shares(image: QImage, window: PixelWindow, scale: float = 1.0) -> dict[str, float]:
    """How much of a window each colour takes."""
    colours: dict[str, float] = {}
    left, top = round(window.col_off * scale), round(window.row_off * scale)
    width, height = round(window.width * scale), round(window.height * scale)
    for x in range(left, left + width):
        for y in range(top, top + height):
            name = image.pixelColor(x, y).name().upper()
            colours[name] = colours.get(name, 0) + 1 / (width * height)
    return colours


def test_each_tile_has_its_answers_colour(qapp: QApplication, tiled: TiledAnswer) -> None:
    image = painted(opaque(tiled))
    for (row, column), place in {(2, 2): 0, (2, 1): 1, (4, 1): 1, (1, 4): 0}.items():
        found = shares(image, tiled.grid.tile(row, column))
        assert found[answer_colour(place)] > 0.7, (row, column)


def test_nothing_is_painted_beyond_a_cut_tile(qapp: QApplication, tiled: TiledAnswer) -> None:
    for layer in layers_of(tiled, ("optical", "sar"), {}):
        image = painted(overlay_of(layer))
        for x, y in ((495, 300), (300, 505), (5, 300), (300, 15)):
            assert image.pixelColor(x, y) == GREY, layer.id


def test_names_stand_in_their_tiles_and_no_colour_is_alone(qapp: QApplication, tiled: TiledAnswer) -> None:
    # Look for: “no” and “yes” in white with a dark casing; a letter where the tile is 20 px; nothing at 10 px.
    def white(scale: float) -> float:
        inner = tiled.grid.tile(2, 2)  # less its edges
        inner = PixelWindow(inner.col_off + 10, inner.row_off + 10, 80, 80)
        return sum(share for name, share in shares(painted(opaque(tiled), scale), inner, scale).items() if name > "#E")

    assert white(1.0) > 0.003
    assert white(0.2) > 0.02
    assert white(0.1) == 0


def test_one_sensor_is_hatched_and_none_is_grey_and_struck_out(qapp: QApplication, tiled: TiledAnswer) -> None:
    image = painted(opaque(tiled))
    empty, alone = shares(image, tiled.grid.tile(0, 0)), shares(image, tiled.grid.tile(4, 4))
    assert empty[NO_DATA.upper()] > 0.9
    corner_to_corner = [image.pixelColor(10 + at, 119 - at).name().upper() != NO_DATA for at in range(5, 95)]
    assert sum(corner_to_corner) > 80
    assert 0.5 < alone[answer_colour(0)] < 0.95, "a hatch lets its answer's colour through"
    assert len([name for name, share in alone.items() if name > "#C" and share > 0.05]) >= 1


def test_the_readout_says_answer_confidence_who_and_how_much_data(qapp: QApplication, tiled: TiledAnswer) -> None:
    overlay = overlay_of(layers_of(tiled, ("optical", "sar"), {})[0])
    said = {at: [line.replace(NBSP, " ") for line in overlay.readings_at(*at)] for at in READ_AT}
    assert said[300, 300] == ["no · 93 %", "100 % valid"]
    assert said[489, 499] == ["no · 93 %", "by one sensor alone", "optical 0 %, SAR 100 % valid"]
    assert said[20, 30] == ["not answerable: no data", "optical 0 %, SAR 0 % valid"]
    assert said[491, 300] == [], "where the tile is cut"
    assert said[5, 5] == []


def test_confidence_is_read_as_a_share(qapp: QApplication, tiled: TiledAnswer) -> None:
    overlay = overlay_of(layers_of(tiled, ("optical", "sar"), {})[1])
    assert not isinstance(overlay, AnswersOverlay)
    assert [line.replace(NBSP, " ") for line in overlay.readings_at(300, 300)] == ["Confidence by tile  93 %"]
    assert overlay.readings_at(20, 30) == []


def test_arrays_of_another_grid_are_refused_by_name(qapp: QApplication, tiled: TiledAnswer) -> None:
    np.save(tiled.arrays.state, np.zeros((2, 2), np.uint8))
    with pytest.raises(RasterUnreadable, match="“Map of answers” is not of 5 x 5 tiles"):
        opaque(tiled)


def test_a_layer_without_opacity_leaves_nothing(qapp: QApplication, tiled: TiledAnswer) -> None:
    for layer in layers_of(tiled, ("optical", "sar"), {}):
        image = painted(overlay_of(replace(layer, opacity=0.0)))
        assert set(shares(image, WINDOW)) == {GREY.name().upper()}
