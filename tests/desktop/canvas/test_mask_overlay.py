"""A mask on an image: where it is, its line and casing, holes, parts; a preview, and probabilities as a wash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from engine.errors import RasterUnreadable
from engine.raster.masks import NO_DATA
from engine.records import Cleaning, OutlineRequest, PixelWindow
from rsqa_desktop.canvas.layer_overlay import overlay_of
from rsqa_desktop.canvas.mask_overlay import FILL_ALPHA, MaskOverlay
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.layers import OverlayLayer
from rsqa_desktop.model.overlays import layers_of
from rsqa_desktop.theme import FUSION, value_ramp
from tests.desktop.outlines import outlined

SIDE = 300
GREY = QColor(128, 128, 128)
WINDOW = PixelWindow(20, 10, 200, 160)


def square(levels: np.ndarray, x: int, y: int, side: int, level: int) -> None:
    levels[y : y + side, x : x + side] = level


@pytest.fixture
def layers(qapp: QApplication, tmp_path: Path) -> tuple[OverlayLayer, ...]:
    """Over ``WINDOW``: a square of 0.9 with a hole, one of 0.6, a crumb of 0.9, a strip without data."""
    levels = np.full((WINDOW.height, WINDOW.width), 5, np.uint8)
    square(levels, 20, 20, 80, 229)
    square(levels, 50, 50, 20, 5)
    square(levels, 120, 20, 40, 152)
    square(levels, 180, 120, 2, 229)
    levels[:, -8:] = NO_DATA
    request = OutlineRequest("the water", "/a.tif", "/b.tif", str(tmp_path), WINDOW, threshold=0.5)
    return layers_of(outlined(request, levels), ("optical", "sar"), {})


@pytest.fixture
def mask(layers: tuple[OverlayLayer, ...]) -> MaskOverlay:
    made = overlay_of(layers[0])
    assert isinstance(made, MaskOverlay)
    return made


def painted(overlay: Overlay, scale: float = 1.0, left: float = 0.0, top: float = 0.0, ratio: float = 1.0) -> QImage:
    """On mid grey, frame (left, top) at screen (0, 0)."""
    image = QImage(round(SIDE * ratio), round(SIDE * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(GREY)
    painter = QPainter(image)
    overlay.paint(painter, Viewport(left + SIDE / 2 / scale, top + SIDE / 2 / scale, scale, SIDE, SIDE), "optical")
    painter.end()
    return image


def colour(image: QImage, x: float, y: float) -> str:
    ratio = image.devicePixelRatio()
    return image.pixelColor(int(x * ratio), int(y * ratio)).name().upper()


def filled() -> str:
    mixed = [FILL_ALPHA * a + (1 - FILL_ALPHA) * 128 for a in (0x00, 0x9E, 0x73)]
    return QColor(*(round(each) for each in mixed)).name().upper()


def near(one: str, other: str) -> bool:
    return all(abs(a - b) <= 2 for a, b in zip(QColor(one).getRgb(), QColor(other).getRgb(), strict=True))


@pytest.mark.parametrize(("scale", "ratio"), [(1.0, 1.0), (2.0, 1.0), (0.5, 1.0), (1.0, 2.0)])
def test_the_fill_lies_where_the_mask_is_and_not_in_its_hole(mask: MaskOverlay, scale: float, ratio: float) -> None:
    def at(col: float, row: float) -> str:
        """What is seen at a place of the area, in the middle of the pane."""
        left, top = col + WINDOW.col_off - SIDE / 2 / scale, row + WINDOW.row_off - SIDE / 2 / scale
        return colour(painted(mask, scale, left, top, ratio), SIDE / 2, SIDE / 2)

    assert near(at(35, 35), filled())
    assert at(60, 60) == GREY.name(), "the hole"
    assert at(110, 60) == GREY.name()
    assert near(at(140, 40), filled())
    assert at(196, 40) == GREY.name(), "no data"


def test_along_the_edge_runs_a_line_in_a_casing_and_round_the_hole_too(mask: MaskOverlay) -> None:
    image = painted(mask)
    left, hole, row = WINDOW.col_off + 20, WINDOW.col_off + 50, WINDOW.row_off + 60
    across = [colour(image, left + step, row) for step in (-4, -2, -1, 0, 3)]
    assert across[0] == GREY.name()
    assert QColor(across[1]).lightness() > 200, "the casing is on the outside"
    assert across[2:4] == [FUSION, FUSION]
    assert near(across[4], filled())
    assert [colour(image, hole + step, row) for step in (-1, 0)] == [FUSION, FUSION]
    assert QColor(colour(image, hole + 1, row)).lightness() > 200, "the hole is outside"


def test_the_frame_of_the_area_is_no_edge(qapp: QApplication, tmp_path: Path) -> None:
    request = OutlineRequest("the water", "/a.tif", "/b.tif", str(tmp_path), WINDOW)
    everywhere = outlined(request, np.full((WINDOW.height, WINDOW.width), 250, np.uint8))
    image = painted(overlay_of(layers_of(everywhere, ("optical", "sar"), {})[0]))
    assert near(colour(image, WINDOW.col_off, WINDOW.row_off + 50), filled())
    assert colour(image, WINDOW.col_off - 1, WINDOW.row_off + 50) == GREY.name()


def test_another_threshold_is_seen_at_once_and_says_nothing_of_parts(mask: MaskOverlay) -> None:
    painted(mask)
    mask.layer = replace(mask.layer, cleaning=Cleaning(0.8))
    image = painted(mask)
    assert colour(image, WINDOW.col_off + 140, WINDOW.row_off + 40) == GREY.name(), "0.6 is too little now"
    assert near(colour(image, WINDOW.col_off + 35, WINDOW.row_off + 35), filled())
    assert mask.thing_at(WINDOW.col_off + 35, WINDOW.row_off + 35, 0) is None
    assert mask.readings_at(WINDOW.col_off + 35, WINDOW.row_off + 35) == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_sizes_are_previewed_as_the_engine_will_cut(mask: MaskOverlay, scale: float) -> None:
    mask.layer = replace(mask.layer, cleaning=Cleaning(0.5, least_part_px=5, least_hole_px=401))
    image = painted(mask, scale, left=20)
    assert near(colour(image, (WINDOW.col_off - 20 + 60) * scale, (WINDOW.row_off + 60) * scale), filled()), "the hole"
    crumb = (WINDOW.col_off - 20 + 181) * scale, (WINDOW.row_off + 121) * scale
    assert scale == 2.0 or colour(image, *crumb) == GREY.name()
    mask.layer = replace(mask.layer, cleaning=Cleaning(0.5, least_part_px=3, least_hole_px=399))
    assert colour(painted(mask, scale, left=20), (WINDOW.col_off + 40) * scale, (WINDOW.row_off + 60) * scale) == (
        GREY.name()
    )


def test_a_pan_uses_the_picture_that_is_there_and_lands_on_the_same_pixels(mask: MaskOverlay) -> None:
    painted(mask)
    made = mask._picture._sample
    shifted = painted(mask, left=5)
    assert mask._picture._sample is made, "a small drag makes no new picture"
    assert near(colour(shifted, WINDOW.col_off + 35 - 5, WINDOW.row_off + 35), filled())
    assert colour(shifted, WINDOW.col_off + 20 - 5, WINDOW.row_off + 60) == FUSION
    painted(mask, left=150)
    assert mask._picture._sample is made, "all of the area was in the picture"
    painted(mask, 4.0)
    assert mask._picture._sample is not made


def test_a_part_is_hit_within_its_polygon_and_a_crumb_a_little_beside(mask: MaskOverlay) -> None:
    col, row = WINDOW.col_off, WINDOW.row_off
    assert mask.thing_at(col + 35, row + 35, 0) == 0
    assert mask.thing_at(col + 60, row + 60, 0) is None, "the hole"
    assert mask.thing_at(col + 140, row + 40, 0) == 1
    assert mask.thing_at(col + 185, row + 121, 0) is None
    assert mask.thing_at(col + 185, row + 121, 4) == 2
    assert mask.readings_at(col + 140, row + 40)[0].startswith("part 2 · ")


def test_a_part_too_small_to_be_seen_is_marked(mask: MaskOverlay) -> None:
    x, y = (WINDOW.col_off + 181) / 2, (WINDOW.row_off + 121) / 2
    image = painted(mask, 0.5)
    around = {colour(image, x + dx, y + dy) for dx in range(-6, 7) for dy in range(-6, 7)}
    assert FUSION in around


def test_the_chosen_part_is_filled_more_and_named(mask: MaskOverlay) -> None:
    plain = painted(mask)
    mask.selected = 1
    chosen = painted(mask)
    inside = WINDOW.col_off + 140, WINDOW.row_off + 40
    assert colour(chosen, *inside) != colour(plain, *inside)
    above = [colour(chosen, WINDOW.col_off + 125 + dx, WINDOW.row_off + 12) for dx in range(40)]
    assert any(QColor(each).lightness() < 60 for each in above), "its name stands over it"


def test_an_opacity_fades_all_of_it(mask: MaskOverlay) -> None:
    mask.layer = replace(mask.layer, opacity=0.0)
    image = painted(mask)
    assert colour(image, WINDOW.col_off + 35, WINDOW.row_off + 35) == GREY.name()


def test_probabilities_are_a_wash_with_a_value_under_the_pointer(layers: tuple[OverlayLayer, ...]) -> None:
    overlay = overlay_of(replace(layers[1], opacity=1.0))
    image = painted(overlay)
    col, row = WINDOW.col_off, WINDOW.row_off
    assert QColor(colour(image, col + 35, row + 35)).getRgb()[:3] == tuple(value_ramp()[229].tolist())
    assert colour(image, col + 196, row + 40) == GREY.name(), "no data"
    assert overlay.value_at(col + 35, row + 35) == pytest.approx(229 / 254)
    assert overlay.value_at(col + 196, row + 35) is None
    assert overlay.value_at(5, 5) is None
    assert overlay.readings_at(col + 140, row + 40) == ["Probability  60\N{NO-BREAK SPACE}%"]


def test_what_is_no_map_of_bytes_is_refused_in_words(layers: tuple[OverlayLayer, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "float.npy", np.zeros((4, 4), np.float32))
    for name in ("float.npy", "gone.npy"):
        with pytest.raises(RasterUnreadable, match="Probability"):
            overlay_of(replace(layers[1], array_path=str(tmp_path / name)))
