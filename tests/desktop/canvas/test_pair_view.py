"""The two panes as the user meets them: by mouse, wheel and key."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.records import Box, PixelWindow
from rsqa_desktop.canvas import PairView
from rsqa_desktop.canvas.pane import Pane
from rsqa_desktop.model.layers import OverlayLayer
from rsqa_desktop.theme import DARK
from tests.desktop.canvas.conftest import drag, pane_of, send_mouse, turn_wheel
from tests.desktop.canvas.fakes import FakeReader, opened


def panes(view: PairView) -> tuple[Pane, Pane]:
    optical, sar = pane_of(view, "Optical"), pane_of(view, "SAR")
    assert isinstance(optical, Pane)
    assert isinstance(sar, Pane)
    return optical, sar


def test_a_pair_is_fitted_and_sar_is_drawn_on_the_optical_grid(view: PairView, reader: FakeReader) -> None:
    assert view.visible_window() == PixelWindow(0, 0, 1000, 800)
    assert {(drawing.path, drawing.on) for drawing in reader.all} == {
        ("optical.tif", None),
        ("sar.tif", "optical.tif"),
    }


def test_sar_alone_is_its_own_frame(view: PairView, reader: FakeReader) -> None:
    view.set_scene(None, opened("sar.tif", 300, 200))
    assert reader.waiting[-1].on is None
    assert view.visible_window() == PixelWindow(0, 0, 300, 200)
    optical, _ = panes(view)
    assert not optical.has_image
    assert "open one" in optical.accessibleDescription()


def test_a_pair_without_georeference_shares_its_pixels(view: PairView, reader: FakeReader) -> None:
    sar = opened("plain_sar.tif")
    view.set_scene(opened("optical.tif"), replace(sar, info=replace(sar.info, georeference="none")))
    assert reader.waiting[-1].on is None


def test_panes_pan_and_zoom_together(view: PairView) -> None:
    optical, sar = panes(view)
    drag(optical, (200, 200), (150, 230))
    assert optical.viewport == sar.viewport
    before = sar.viewport.to_frame(100, 100)
    turn_wheel(sar, 100, 100, 3)
    assert optical.viewport == sar.viewport
    assert sar.viewport.scale == pytest.approx(1.25**3 * 0.384)
    assert sar.viewport.to_frame(100, 100) == pytest.approx(before)


def test_the_dragged_place_follows_the_pointer(view: PairView) -> None:
    optical, _ = panes(view)
    place = optical.viewport.to_frame(200, 200)
    drag(optical, (200, 200), (150, 230))
    assert optical.viewport.to_screen(*place) == pytest.approx((150, 230))


def test_keys_zoom_fit_and_pan(view: PairView) -> None:
    optical, _ = panes(view)
    fitted = view.scale
    QTest.keyClick(optical, Qt.Key.Key_Plus)
    assert view.scale == pytest.approx(1.5 * fitted)
    QTest.keyClick(optical, Qt.Key.Key_Minus)
    assert view.scale == pytest.approx(fitted)
    QTest.keyClick(optical, Qt.Key.Key_1)
    assert view.scale == pytest.approx(1)
    col = optical.viewport.col
    QTest.keyClick(optical, Qt.Key.Key_Right)
    assert optical.viewport.col == pytest.approx(col + 64)
    QTest.keyClick(optical, Qt.Key.Key_0)
    assert view.scale == pytest.approx(fitted)


def test_a_fitted_view_stays_fitted_when_the_window_grows(view: PairView, qtbot: QtBot) -> None:
    view.resize(1601, 800)
    qtbot.waitUntil(lambda: view.scale == pytest.approx(0.768))
    view.zoom_in()
    view.resize(801, 400)
    qtbot.wait(10)
    assert view.scale == pytest.approx(1.5 * 0.768)


def test_the_images_cannot_be_lost(view: PairView) -> None:
    optical, _ = panes(view)
    for _ in range(30):
        drag(optical, (10, 200), (390, 200))
        turn_wheel(optical, 200, 200, -1)
    assert view.visible_window() is not None
    assert 0 <= optical.viewport.col <= 1000


def test_until_the_sharp_picture_comes_the_old_one_fills_in_without_blocks(view: PairView, reader: FakeReader) -> None:
    # Look for: first a soft ramp of red made of the old picture, then steps of the raster's own pixels, never nothing.
    optical, _ = panes(view)

    def reds() -> list[int]:
        picture = optical.grab().toImage()
        return [picture.pixelColor(x, 200).red() for x in range(100, 300)]

    view.center_on(PixelWindow(400, 300, 40, 40), zoom=True)
    soft = reds()
    reader.answer_all()
    sharp = reds()
    assert min(soft) > 90
    assert np.allclose(soft, sharp, atol=2)
    assert sharp == sorted(sharp)
    assert len(set(sharp)) == 6  # 200 screen pixels are 21 frame pixels; red steps every fourth


def test_the_cursor_is_told_and_mirrored(view: PairView, qtbot: QtBot) -> None:
    optical, sar = panes(view)
    with qtbot.waitSignal(view.cursor_moved) as told:
        send_mouse(optical, QEvent.Type.MouseMove, 123, 77, held=False)
    assert told.args == pytest.approx(list(optical.viewport.to_frame(123, 77)))
    # Look for: the crosshair at the same place in the other pane, a light line in a darker casing.
    casing, line, _, ground = (sar.grab().toImage().pixelColor(x, 395).lightness() for x in (122, 123, 124, 133))
    assert casing < line
    assert casing < ground
    with qtbot.waitSignal(view.cursor_left):
        QApplication.sendEvent(optical, QEvent(QEvent.Type.Leave))
    after = sar.grab().toImage()
    assert after.pixelColor(123, 395) == after.pixelColor(133, 395)


def test_outside_the_frame_the_cursor_has_no_position(view: PairView, qtbot: QtBot) -> None:
    optical, _ = panes(view)
    with qtbot.waitSignal(view.cursor_left), qtbot.assertNotEmitted(view.cursor_moved):
        send_mouse(optical, QEvent.Type.MouseMove, 200, 2, held=False)


@pytest.mark.parametrize(("notches", "expected_scale"), [(0, 0.384), (4, 0.9375), (20, 33.3)])
def test_an_area_drawn_by_mouse_is_the_pixels_under_it(
    view: PairView, qtbot: QtBot, notches: int, expected_scale: float
) -> None:
    optical, sar = panes(view)
    turn_wheel(optical, 200, 200, notches)
    assert view.scale == pytest.approx(expected_scale, rel=0.01)
    view.set_area_mode(True)
    x0, y0 = sar.viewport.to_frame(100, 120)
    x1, y1 = sar.viewport.to_frame(301, 255)
    with qtbot.waitSignal(view.area_changed) as told:
        drag(sar, (100, 120), (301, 255))
    (window,) = told.args
    assert (window.col_off, window.row_off) == (int(x0), int(y0))
    assert abs(window.box.x1 - x1) <= 1
    assert abs(window.box.y1 - y1) <= 1
    assert view.area == window


def test_a_drawn_area_is_moved_resized_and_cleared(view: PairView, qtbot: QtBot) -> None:
    optical, _ = panes(view)
    view.set_area(PixelWindow(400, 300, 200, 100))
    view.set_area_mode(True)
    drag(optical, optical.viewport.to_screen(500, 350), optical.viewport.to_screen(550, 400))
    assert view.area == PixelWindow(450, 350, 200, 100)
    drag(optical, optical.viewport.to_screen(650, 450), optical.viewport.to_screen(700, 500))
    assert view.area == PixelWindow(450, 350, 250, 150)
    with qtbot.waitSignal(view.area_changed) as told:
        QTest.keyClick(optical, Qt.Key.Key_Escape)
    assert told.args == [None]


def test_an_area_without_a_mouse(view: PairView) -> None:
    optical, _ = panes(view)
    view.set_area_mode(True)
    QTest.keyClick(optical, Qt.Key.Key_Return)
    assert view.area == PixelWindow(250, 200, 500, 400)
    QTest.keyClick(optical, Qt.Key.Key_Left)
    QTest.keyClick(optical, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    step = round(8 / view.scale)
    assert view.area == PixelWindow(250 - step, 200, 500, 400 + step)


def test_escape_without_an_area_is_left_to_the_window(view: PairView) -> None:
    optical, _ = panes(view)
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)
    assert not event.isAccepted()
    view.set_area(PixelWindow(1, 1, 5, 5))
    QTest.keyClick(optical, Qt.Key.Key_Escape)
    assert view.area is None


def test_another_frame_loses_the_area_the_same_one_keeps_it(view: PairView) -> None:
    window = PixelWindow(10, 10, 20, 20)
    view.set_area(window)
    view.zoom_in()
    scale = view.scale
    view.set_scene(opened("optical.tif"), opened("other_sar.tif"))
    assert view.area == window
    assert view.scale == scale
    view.set_scene(opened("optical.tif", 500, 500), None)
    assert view.area is None


def test_a_raster_already_shown_is_not_asked_for_again(view: PairView, reader: FakeReader) -> None:
    before = len(reader.all)
    view.set_scene(opened("optical.tif"), opened("other_sar.tif"))
    assert {drawing.path for drawing in reader.all[before:]} == {"other_sar.tif"}


def test_another_display_is_asked_for(view: PairView, reader: FakeReader) -> None:
    display = replace(opened("sar.tif").display, low=(3.0,))
    view.set_display("sar", display)
    (asked,) = reader.waiting
    assert (asked.path, asked.display) == ("sar.tif", display)
    assert not view.settled
    reader.answer_all()
    assert view.settled


def test_a_failed_picture_is_a_sentence(view: PairView, reader: FakeReader, qtbot: QtBot) -> None:
    view.zoom_in()
    view.zoom_in()
    with qtbot.waitSignal(view.problem) as told:
        reader.fail()
    assert told.args == ["The file is gone. Open it again."]


def test_the_view_as_a_picture_has_no_crosshair(view: PairView) -> None:
    optical, _ = panes(view)
    plain = view.grab_view()
    send_mouse(optical, QEvent.Type.MouseMove, 123, 77, held=False)
    optical.setFocus(Qt.FocusReason.TabFocusReason)
    assert view.grab_view() == plain
    assert view.grab().toImage() != plain
    assert (plain.width(), plain.height()) == (801, 400)


def test_values_under_the_cursor(view: PairView, qtbot: QtBot, tmp_path: Path) -> None:
    np.save(tmp_path / "trust.npy", np.array([[0.25, 0.75], [np.nan, 1.0]], np.float32))
    layer = OverlayLayer(
        "t", "Sensor trust", "trust", ("sar",), str(tmp_path / "trust.npy"), Box(100, 100, 300, 300), 0, 1
    )
    view.set_overlays([layer])
    optical, sar = panes(view)
    with qtbot.waitSignal(view.overlays_pointed) as told:
        send_mouse(sar, QEvent.Type.MouseMove, *sar.viewport.to_screen(250, 150), held=False)
    assert told.args == [(("t", 0.75),)]
    with qtbot.waitSignal(view.overlays_pointed) as told:  # the layer is not in this pane
        send_mouse(optical, QEvent.Type.MouseMove, *optical.viewport.to_screen(250, 150), held=False)
    assert told.args == [()]
    with qtbot.assertNotEmitted(view.overlays_pointed):  # nothing is known there
        send_mouse(sar, QEvent.Type.MouseMove, *sar.viewport.to_screen(150, 250), held=False)


def test_a_layer_that_cannot_be_read_is_a_sentence_and_the_others_are_shown(
    view: PairView, qtbot: QtBot, tmp_path: Path
) -> None:
    np.save(tmp_path / "good.npy", np.ones((2, 2), np.float32))
    extent = Box(0, 0, 1000, 800)
    gone = OverlayLayer("a", "Attention", "attention", ("sar",), str(tmp_path / "gone.npy"), extent, 0, 1)
    good = OverlayLayer("b", "Trust", "trust", ("sar",), str(tmp_path / "good.npy"), extent, 0, 1)
    with qtbot.waitSignal(view.problem) as told:
        view.set_overlays([gone, good])
    assert "Attention" in told.args[0]
    _, sar = panes(view)
    with qtbot.waitSignal(view.overlays_pointed) as told:
        send_mouse(sar, QEvent.Type.MouseMove, 200, 200, held=False)
    assert told.args == [(("b", 1.0),)]


def test_panes_have_names_and_are_reached_by_tab(view: PairView) -> None:
    optical, sar = panes(view)
    assert "plus and minus zoom" in optical.accessibleDescription()
    optical.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(optical, Qt.Key.Key_Tab)
    assert sar.hasFocus()


def test_it_goes_and_leaves_nothing(qtbot: QtBot, reader: FakeReader) -> None:
    pair_view = PairView(reader)
    pair_view.set_scene(opened("optical.tif"), opened("sar.tif"))
    pair_view.set_theme(DARK)
    pair_view.show()
    seen = [weakref.ref(pane) for pane in panes(pair_view)]
    pair_view.close()
    pair_view.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    del pair_view
    gc.collect()
    assert [pane() for pane in seen] == [None, None]
    reader.answer_all()  # a late picture meets nobody
