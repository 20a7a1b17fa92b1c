"""Outlining in the window, in its users' words, on fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from engine.protocol import Outcome, Progress, Ready
from engine.records import ExportRequest, OutlineRequest, RedrawRequest
from rsqa_desktop.canvas.pane import Pane
from rsqa_desktop.model.wording import NBSP
from rsqa_desktop.panels.outlined import MaskControls, PartsView
from rsqa_desktop.window import MainWindow
from tests.desktop.conftest import Rig
from tests.desktop.outlines import LAKE, POND, outlined, redrawn
from tests.desktop.test_window import press, texts
from tests.desktop.test_window_find import card, click, move, primary


def controls_of(window: MainWindow) -> MaskControls:
    return window.card.findChildren(MaskControls)[0]


def parts_of(window: MainWindow) -> PartsView:
    return window.card.findChildren(PartsView)[0]


def at(window: MainWindow, col: float, row: float, pane: int = 0) -> tuple[Pane, QPointF]:
    shown = window.view.findChildren(Pane)[pane]
    return shown, QPointF(*shown.viewport.to_screen(col, row))


def redraw(rig: Rig, qtbot: QtBot) -> RedrawRequest:
    """Wait for the slider to rest, and have the worker cut the mask."""
    sent = len([each for each in rig.worker.sent.values() if isinstance(each, RedrawRequest)])
    if not rig.document.mask or not rig.document.mask.is_preview:
        raise AssertionError("nothing was changed")
    qtbot.waitUntil(lambda: len([e for e in rig.worker.sent.values() if isinstance(e, RedrawRequest)]) > sent)
    rig.redraw()
    request = rig.worker.newest(RedrawRequest)[1]
    assert isinstance(request, RedrawRequest)
    return request


def test_outlines_water_changes_the_threshold_reads_hectares_exports(
    window: MainWindow, rig: Rig, qtbot: QtBot
) -> None:
    rig.open_pair()
    qtbot.keyClicks(window.query.edit, "outline the water")
    assert primary(window) == "Outline", "the button says what Enter will do"
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Return)
    message_id, request = rig.worker.newest(OutlineRequest)
    assert isinstance(request, OutlineRequest)
    rig.worker.reply(message_id, outlined(request))
    assert rig.document.shown is not None
    first = rig.document.shown.outline
    assert first is not None
    said = card(window)
    for fact in (
        "the water",
        " ha",
        "km²",
        "2 parts",
        "mean probability",
        "understood: water",
        "outlined from",
        "210 ms",
    ):
        assert fact in said, fact
    controls = controls_of(window)
    assert controls.threshold.value() == 50
    controls.threshold.setFocus()
    for _ in range(4):
        qtbot.keyClick(controls.threshold, Qt.Key.Key_PageUp)
    assert "drawing the mask" in card(window), "the old area is not that of the mask on screen"
    request = redraw(rig, qtbot)
    assert request.cleaning.threshold == pytest.approx(0.7)
    second = rig.document.shown.outline
    assert second is not None
    assert "drawing the mask" not in card(window)
    row = window.history.list.topLevelItem(0)
    assert row is not None
    assert row.text(1).replace(NBSP, " ") in card(window)
    assert window.history.list.topLevelItemCount() == 1
    press(window, "export.outline.gpkg")
    _, export = rig.worker.newest(ExportRequest)
    assert isinstance(export, ExportRequest)
    assert (export.outline, export.formats, export.out) == (True, ("gpkg",), str(rig.folder))


def test_sizes_of_parts_and_holes_say_how_much_ground_they_are(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline()
    controls = controls_of(window)
    controls.least_part.setValue(20)
    assert "≈ 0.20 ha" in card(window)
    request = redraw(rig, qtbot)
    assert (request.cleaning.least_part_px, request.cleaning.least_hole_px) == (20, 0)
    assert parts_of(window).list.topLevelItemCount() == 1, "the pond of 12 pixels is gone"
    assert window.commands.by_id["mask.reset"].isEnabled()
    press(window, "mask.reset")
    assert controls.least_part.value() == 0
    redraw(rig, qtbot)
    assert parts_of(window).list.topLevelItemCount() == 2
    assert not window.commands.by_id["mask.reset"].isEnabled()


def test_a_part_that_is_chosen_in_the_list_comes_into_view(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.outline()
    listed = parts_of(window).list
    assert [listed.topLevelItem(row).text(0) for row in range(2)] == ["1", "2"]  # type: ignore[union-attr]
    assert listed.topLevelItem(0).text(3) == "1", "the island is a hole"  # type: ignore[union-attr]
    listed.setCurrentItem(listed.topLevelItem(1))
    assert rig.document.marks.selected == 1
    near = window.view.visible_window()
    assert near is not None
    assert near.width < 100, "a pond of 4 pixels is brought near"
    assert near.col_off < POND.x0 < near.col_off + near.width


@pytest.mark.parametrize("pane", [0, 1])
def test_a_part_clicked_on_either_image_is_the_chosen_row_and_its_hole_is_none(
    window: MainWindow, rig: Rig, pane: int
) -> None:
    rig.open_pair()
    rig.outline()
    listed = parts_of(window).list
    image, shore = at(window, LAKE[0] + 100, LAKE[1], pane)
    move(image, shore)
    assert rig.document.marks.pointed == 0
    click(image, shore)
    assert listed.currentItem() is listed.topLevelItem(0)
    image, island = at(window, *LAKE, pane)
    move(image, island)
    assert rig.document.marks.pointed is None, "the island is no lake"
    click(image, island)
    assert rig.document.marks.selected is None


def test_the_readout_tells_part_and_probability(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.outline()
    press(window, "layer.probability")
    image, shore = at(window, LAKE[0] + 100, LAKE[1])
    move(image, shore)
    said = "\n".join(image._readout).replace(NBSP, " ")
    assert "part 1 · " in said
    assert "mean probability" in said
    assert "Probability  9" in said


def test_words_are_buttons_and_one_is_shown_at_a_time(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.outline()
    buttons = {
        b.text(): b for b in window.card.findChildren(QPushButton) if b.accessibleName().startswith("Attention of")
    }
    assert list(buttons) == ["the", "water"]
    for word, other in (("the", "water"), ("water", "the")):
        buttons[word].click()
        assert buttons[word].isChecked()
        assert not buttons[other].isChecked()
    assert [layer.title for layer in rig.document.layers if layer.visible] == ["Outline", "“water”"]
    press(window, "layer.word")
    assert not rig.document.shows_kind("word"), "after the last word comes none"
    press(window, "layer.word")
    assert buttons["the"].isChecked()


def test_a_long_outline_tells_how_far_it_is_and_escape_stops_it(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.worker.ready.emit(Ready("worker", "1", "cpu"))
    rig.open_pair()
    press(window, "mode.outline")
    rig.bench.asking.question = "all ships"
    press(window, "ask.run")
    message_id, _ = rig.worker.newest(OutlineRequest)
    rig.worker.progress.emit(message_id, Progress("windows", 0.5, 40))
    assert "window 21 of 40 · Esc stops" in card(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Escape)
    assert rig.worker.cancelled == [message_id]
    rig.worker.finished.emit(message_id, Outcome("cancelled"))


def test_nothing_outlined_is_said_calmly_and_the_threshold_can_be_lowered(
    window: MainWindow, rig: Rig, qtbot: QtBot
) -> None:
    rig.open_pair()
    message_id = rig.outline()
    shown = rig.document.shown
    assert shown is not None
    assert shown.outline is not None
    rig.document.change_layer("outline", cleaning=replace(shown.outline.cleaning, threshold=0.99))
    qtbot.waitUntil(lambda: any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()))
    redraw_id, request = rig.worker.newest(RedrawRequest)
    assert isinstance(request, RedrawRequest)
    said = "Nothing was outlined: the most likely pixel has a probability of 0.94, and the threshold is 0.99."
    rig.worker.reply(redraw_id, replace(redrawn(shown.outline, request), messages=(said,), on_mask=(said,)))
    assert "Nothing outlined" in card(window)
    assert said in card(window)
    assert not parts_of(window).isVisible()
    assert controls_of(window).isVisibleTo(window.card), "a lower threshold may find something"
    assert rig.document.notices == ()
    assert rig.document.history.get(message_id) is not None
    assert window.history.list.topLevelItem(0).text(1) == "nothing"  # type: ignore[union-attr]


def test_the_same_can_be_had_as_boxes_by_one_press(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.find("all ships")
    other = next(b for b in window.card.findChildren(QPushButton) if b.text() == "Outline the same")
    assert other.isVisibleTo(window.card)
    other.click()
    assert isinstance(rig.worker.newest(OutlineRequest)[1], OutlineRequest)


def test_an_outline_without_its_files_is_told_and_the_window_stays(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.outline()
    shown = rig.document.shown
    assert shown is not None
    assert shown.outline is not None
    rig.document.answered(message_id, replace(shown.outline, mask=str(rig.folder / "gone.npy")))
    assert "cannot be read" in rig.document.notices[-1].text


def test_the_card_of_an_outline_is_never_cut_off(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline("the flooded fields to the left of the largest harbour")
    press(window, "layer.probability")
    window.resize(1000, 600)
    qtbot.wait(50)
    content = window.card.widget()
    assert content is not None
    assert content.minimumSizeHint().width() <= window.card.viewport().width()
    assert content.mapTo(window, QPoint(0, 0)).x() < window.width()
    assert "Outline" in texts(window)
