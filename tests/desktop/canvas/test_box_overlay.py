"""Boxes on an image: where they are, in whose colour, crisp, named without hiding each other, the chosen one plain."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from engine.records import Box, FindRequest, FoundBox
from rsqa_desktop.canvas.box_overlay import BoxesOverlay
from rsqa_desktop.canvas.layer_overlay import overlay_of
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.things import LEAST_PX
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.layers import PaneName
from rsqa_desktop.model.overlays import layers_of
from rsqa_desktop.theme import FUSION, OPTICAL, PILL, SAR, expert_colour
from tests.desktop.fakes import finding, found

SIDE = 400
GREY = QColor(128, 128, 128)
BOTH, IN_OPTICAL, IN_SAR = (
    found(Box(50, 60, 110, 100), score=0.9),
    found(Box(200.3, 60.4, 260.2, 100.6), score=0.8, sensor="optical"),
    found(Box(50, 250, 110, 290), score=0.7, sensor="sar"),
)


@pytest.fixture
def overlay_with(qapp: QApplication, tmp_path: Path):
    def make(*boxes: FoundBox) -> BoxesOverlay:
        request = FindRequest("ships", "/a.tif", "/b.tif", str(tmp_path))
        made = overlay_of(layers_of(finding(request, boxes), ("optical", "sar"), {})[0])
        assert isinstance(made, BoxesOverlay)
        return made

    return make


def painted(overlay: Overlay, scale: float = 1.0, pane: PaneName = "optical") -> QImage:
    """On mid grey, frame (0, 0) at screen (0, 0)."""
    image = QImage(SIDE, SIDE, QImage.Format.Format_RGB32)
    image.fill(GREY)
    painter = QPainter(image)
    overlay.paint(painter, Viewport(SIDE / 2 / scale, SIDE / 2 / scale, scale, SIDE, SIDE), pane)
    painter.end()
    return image


def colours(image: QImage, left: int, top: int, width: int, height: int) -> Counter[str]:
    return Counter(
        image.pixelColor(x, y).name().upper() for x in range(left, left + width) for y in range(top, top + height)
    )


def lower_edge(image: QImage, box: Box) -> Counter[str]:
    """The pixels along the lower edge of a box, less its corners; labels stand at other edges."""
    return colours(image, round(box.x0) + 4, round(box.y1) - 1, round(box.width) - 8, 1)


def test_each_box_has_the_colour_of_where_it_was_found_on_both_images(overlay_with) -> None:
    overlay = overlay_with(BOTH, IN_OPTICAL, IN_SAR)
    for pane in ("optical", "sar"):
        image = painted(overlay, pane=pane)
        for one, colour in ((BOTH, FUSION), (IN_OPTICAL, OPTICAL), (IN_SAR, SAR)):
            assert lower_edge(image, one.box)[colour] > 20, (pane, one.sensor)


def test_on_the_other_image_a_box_is_dashed(overlay_with) -> None:
    overlay = overlay_with(BOTH, IN_OPTICAL, IN_SAR)
    for pane, elsewhere in (("optical", IN_SAR), ("sar", IN_OPTICAL)):
        image = painted(overlay, pane=pane)
        for one in (BOTH, IN_OPTICAL, IN_SAR):
            colour = {"both": FUSION, "optical": OPTICAL, "sar": SAR}[one.sensor]
            line = lower_edge(image, one.box)
            assert (line[colour] < line.total()) == (one is elsewhere), (pane, one.sensor)


@pytest.mark.parametrize("scale", [0.37, 1.0, 2.83])
def test_lines_are_crisp_at_every_zoom(overlay_with, scale: float) -> None:
    """Only the line, its casing and the ground: no pixel is a mixture of neighbours."""
    overlay = overlay_with(found(Box(20.3, 30.7, 110.9, 121.1), label="", score=0.9))
    image = painted(overlay, scale)
    top, bottom = round(30.7 * scale), round(121.1 * scale)
    middle = round((top + bottom) / 2)
    row = colours(image, 0, middle, SIDE, 1)
    assert row[FUSION] == 4, "two lines of two pixels"
    assert set(row) == {FUSION, GREY.name(), min(set(row) - {FUSION, GREY.name()})}
    assert sum(row[each] for each in set(row) - {FUSION, GREY.name()}) == 4, "a pixel of casing on either side of both"


def test_the_chosen_box_differs_by_more_than_colour(overlay_with) -> None:
    overlay = overlay_with(BOTH, IN_OPTICAL)
    plain = lower_edge(painted(overlay), IN_OPTICAL.box)
    overlay.selected = 1
    image = painted(overlay)
    across = colours(image, 230, 90, 1, 24)
    assert plain[OPTICAL] > 20
    assert across[OPTICAL] >= 4, "twice as thick"
    assert across[PILL.upper()] >= 2, "a dark frame round it"


def test_a_box_too_small_to_see_is_a_mark(overlay_with) -> None:
    image = painted(overlay_with(found(Box(100, 100, 101, 101), label="", score=0.5)), scale=0.5)
    around = colours(image, 50 - LEAST_PX, 50 - LEAST_PX, 2 * LEAST_PX, 2 * LEAST_PX)
    assert around[FUSION] > 2 * LEAST_PX


def labels_of(overlay: BoxesOverlay, scale: float = 1.0) -> float:
    """How many labels there are, by their dark ground."""
    return colours(painted(overlay, scale), 0, 0, SIDE, SIDE)[PILL.upper()] / (20 * 45)


def test_apart_all_are_named_and_crowded_only_those_with_room(overlay_with) -> None:
    apart = [found(Box(40 + 120 * at, 60, 70 + 120 * at, 80), score=0.9 - at / 10) for at in range(3)]
    three = labels_of(overlay_with(*apart))
    assert three > 2
    rng = np.random.default_rng(1)
    crowd = [
        found(Box(x, y, x + 24, y + 18), score=0.5) for x, y in rng.uniform(0, SIDE - 24, (150, 2)).round().tolist()
    ]
    overlay = overlay_with(*crowd)
    silent = labels_of(overlay)
    assert silent < 3, "boxes are not hidden under names"
    overlay.selected = 77
    assert labels_of(overlay) > silent, "the chosen one is always named"


def test_no_name_covers_another_box(overlay_with) -> None:
    below = found(Box(50, 30, 110, 56), score=0.5)  # where the name of BOTH would stand
    image = painted(overlay_with(BOTH, below))
    assert lower_edge(image, below.box)[FUSION] > 40


def test_the_smallest_box_under_the_pointer_is_meant(overlay_with) -> None:
    overlay = overlay_with(found(Box(0, 0, 300, 300)), found(Box(100, 100, 110, 110), score=0.5))
    assert overlay.thing_at(105, 105, 0) == 1
    assert overlay.thing_at(50, 50, 0) == 0
    assert overlay.thing_at(305, 100, 0) is None
    assert overlay.thing_at(303, 100, 4) == 0
    assert overlay.readings_at(105, 105)[:2] == ["ship 0.50", "found in both images"]
    assert overlay.readings_at(350, 350) == []
    assert overlay_with().thing_at(1, 1, 5) is None


def test_what_is_out_of_view_is_not_painted(overlay_with) -> None:
    overlay = overlay_with(found(Box(2000, 2000, 2100, 2100)))
    overlay.selected = 0
    assert set(colours(painted(overlay), 0, 0, SIDE, SIDE)) == {GREY.name()}


def test_each_patch_has_its_experts_colour(qapp: QApplication, tmp_path: Path) -> None:
    request = FindRequest("ships", "/a.tif", "/b.tif", str(tmp_path))
    layer = next(x for x in layers_of(finding(request), ("optical", "sar"), {}) if x.id == "routing-optical")
    experts = np.load(layer.array_path)
    overlay = overlay_of(layer)
    image = QImage(100, 100, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    overlay.layer = replace(layer, opacity=1.0)
    overlay.paint(painter, Viewport(512, 512, 100 / 1024, 100, 100))
    painter.end()
    for row in range(5):
        for column in range(5):
            at = image.pixelColor(20 * column + 10, 20 * row + 10)
            if np.isnan(experts[row, column]):
                assert at.alpha() == 0
            else:
                assert at.name().upper() == expert_colour(int(experts[row, column]))
    read = overlay.readings_at(1024 * 0.3, 10)
    assert read == [f"Experts · optical  expert {experts[0, 1]:.0f}"]
