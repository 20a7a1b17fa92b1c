"""Reasons lie on the pixels they are about, in the colours that mean them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from engine.errors import RasterUnreadable
from engine.records import Box
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.layers import OverlayLayer
from rsqa_desktop.theme import OPTICAL, SAR, attention_ramp, trust_ramp, value_ramp

EXTENT = Box(10, 20, 90, 60)  # 4 x 2 cells of 20 x 20 frame pixels
VIEW = Viewport(50, 40, 4.0, 400, 320)  # frame (0, 0) at screen (0, 0)


@pytest.fixture
def layer(tmp_path: Path) -> OverlayLayer:
    values = np.array([[0.0, 1.0, np.nan, 0.5], [np.nan, np.nan, np.nan, 1.0]], np.float32)
    np.save(tmp_path / "map.npy", values)
    return OverlayLayer(
        "r", "Regions", "regions", ("optical",), str(tmp_path / "map.npy"), EXTENT, 0.0, 1.0, 1.0, True, "optical"
    )


def painted(layer: OverlayLayer, view: Viewport = VIEW) -> QImage:
    """On mid grey."""
    image = QImage(view.width, view.height, QImage.Format.Format_RGB32)
    image.fill(QColor(128, 128, 128))
    painter = QPainter(image)
    Overlay(layer).paint(painter, view)
    painter.end()
    return image


def colour(image: QImage, col: float, row: float) -> tuple[int, int, int]:
    """At a frame position under ``VIEW``."""
    found = image.pixelColor(int(col * 4), int(row * 4))
    return found.red(), found.green(), found.blue()


GREY = (128, 128, 128)


def test_regions_are_outlined_cells_in_the_colour_of_their_sensor(layer: OverlayLayer) -> None:
    # Look for: four cells of a 4 x 2 grid outlined in orange with a white casing, (0, 1) filled the strongest, and
    # nothing at all in the four others.
    image = painted(layer)
    inside = {(r, c): colour(image, 20 + 20 * c, 30 + 20 * r) for r in (0, 1) for c in range(4)}
    for empty in ((0, 2), (1, 0), (1, 1), (1, 2)):
        assert inside[empty] == GREY
    assert inside[0, 1][0] > inside[0, 3][0] > inside[0, 0][0] > 128  # orange has more red than grey
    assert inside[0, 1] == inside[1, 3]
    line = QColor(OPTICAL)
    assert colour(image, 10, 30) == (line.red(), line.green(), line.blue())  # on the left edge of (0, 0)
    casing = image.pixelColor(10 * 4 - 2, 30 * 4)
    assert min(casing.red(), casing.green(), casing.blue()) > 190


def test_a_trust_map_runs_from_the_sar_colour_to_the_optical_one(layer: OverlayLayer) -> None:
    image = painted(replace(layer, kind="trust", sensor="both"))
    for cell, expected in (((20, 30), SAR), ((40, 30), OPTICAL)):
        wanted = QColor(expected)
        assert colour(image, *cell) == pytest.approx((wanted.red(), wanted.green(), wanted.blue()), abs=1)
    neutral = colour(image, 80, 30)
    assert max(neutral) - min(neutral) <= 4
    assert colour(image, 60, 30) == GREY
    # The boundary between the first two cells lies at column 30, not a pixel beside it.
    assert colour(image, 29.9, 30) == colour(image, 20, 30)
    assert colour(image, 30.1, 30) == colour(image, 40, 30)


@pytest.mark.parametrize("kind", ["word", "gate"])
def test_maps_of_no_one_sensor_run_from_blue_to_yellow_and_are_read_in_percent(layer: OverlayLayer, kind: str) -> None:
    image = painted(replace(layer, kind=kind, sensor="both"))  # type: ignore[arg-type]
    assert colour(image, 20, 30) == tuple(value_ramp()[0].tolist())
    assert colour(image, 40, 30) == tuple(value_ramp()[255].tolist())
    assert colour(image, 60, 30) == GREY
    assert Overlay(replace(layer, kind=kind)).readings_at(80, 30) == ["Regions  50\N{NO-BREAK SPACE}%"]  # type: ignore[arg-type]


def test_more_attention_is_brighter_in_one_hue(layer: OverlayLayer) -> None:
    image = painted(replace(layer, kind="attention"))
    little, much, some = (sum(colour(image, col, 30)) for col in (20, 40, 80))
    assert little < some < much
    assert colour(image, 60, 30) == GREY


def test_opacity_fades_towards_the_image(layer: OverlayLayer) -> None:
    strong, faint = (painted(replace(layer, kind="trust", opacity=opacity)) for opacity in (1.0, 0.25))
    distance = [np.abs(np.subtract(colour(image, 40, 30), GREY)).sum() for image in (strong, faint)]
    assert distance[1] == pytest.approx(distance[0] / 4, abs=4)
    assert colour(painted(replace(layer, opacity=0.0)), 40, 30) == GREY


def test_a_grid_that_reaches_past_the_view_is_clipped_not_moved(layer: OverlayLayer) -> None:
    image = painted(replace(layer, kind="trust"), replace(VIEW, col=70, scale=64))
    assert image.pixelColor(5, 5) != QColor(128, 128, 128) or image.pixelColor(395, 5) != QColor(128, 128, 128)


def test_values_are_told_by_cell(layer: OverlayLayer) -> None:
    overlay = Overlay(layer)
    assert overlay.value_at(10, 20) == 0.0
    assert overlay.value_at(30, 20) == 1.0
    assert overlay.value_at(89.99, 59.99) == 1.0
    assert overlay.value_at(60, 30) is None
    assert overlay.value_at(90, 60) is None
    assert overlay.value_at(9.9, 30) is None


def test_only_a_changed_file_legend_or_colour_is_loaded_again(layer: OverlayLayer) -> None:
    overlay = Overlay(layer)
    assert overlay.serves(replace(layer, opacity=0.2, visible=False))
    assert not overlay.serves(replace(layer, high=2.0))


@pytest.mark.parametrize("values", [np.zeros((2, 2, 2), np.float32), np.array([["a"]]), np.zeros((0, 3))])
def test_what_is_no_map_is_refused_by_name(layer: OverlayLayer, tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "odd.npy", values)
    with pytest.raises(RasterUnreadable, match="Regions"):
        Overlay(replace(layer, array_path=str(tmp_path / "odd.npy")))


def test_a_legend_without_length_shows_all_values_alike(layer: OverlayLayer) -> None:
    image = painted(replace(layer, low=0.5, high=0.5))
    assert colour(image, 20, 30) == colour(image, 40, 30)


def test_ramps_keep_their_order_in_grey_print() -> None:
    for sensor in ("optical", "sar"):
        lightness = attention_ramp(sensor).astype(float) @ (0.299, 0.587, 0.114)
        assert (np.diff(lightness) >= -0.5).all()
    assert trust_ramp().shape == (256, 3)
