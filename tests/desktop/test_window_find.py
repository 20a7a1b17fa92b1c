"""Finding in the window, in its users' words, on fakes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from engine.protocol import Outcome, Progress
from engine.records import AskRequest, Box, ExportRequest, FindRequest
from rsqa_desktop.canvas.pane import Pane
from rsqa_desktop.model.wording import NBSP
from rsqa_desktop.panels.boxes import BoxesView
from rsqa_desktop.window import MainWindow
from tests.desktop.conftest import Rig
from tests.desktop.fakes import SHIPS, finding, found
from tests.desktop.test_window import press, texts


def card(window: MainWindow) -> str:
    return texts(window.card).replace(NBSP, " ")


def boxes_of(window: MainWindow) -> BoxesView:
    return window.card.findChildren(BoxesView)[0]


def primary(window: MainWindow) -> str:
    return next(b.text() for b in window.query.findChildren(QPushButton) if b.property("role") == "primary")


def over(window: MainWindow, box: Box, pane: int = 0) -> tuple[Pane, QPointF]:
    """A pane, and where on it the middle of a box is."""
    shown = window.view.findChildren(Pane)[pane]
    return shown, QPointF(*shown.viewport.to_screen((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))


def move(pane: Pane, at: QPointF, kind: QEvent.Type = QEvent.Type.MouseMove) -> None:
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    held = Qt.MouseButton.LeftButton if kind == QEvent.Type.MouseButtonPress else Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(pane, QMouseEvent(kind, at, pane.mapToGlobal(at), button, held, keys))


def click(pane: Pane, at: QPointF) -> None:
    move(pane, at, QEvent.Type.MouseButtonPress)
    move(pane, at, QEvent.Type.MouseButtonRelease)


def test_types_an_expression_sees_boxes_clicks_a_row_exports_a_geopackage(
    window: MainWindow, rig: Rig, qtbot: QtBot
) -> None:
    rig.open_pair()
    qtbot.keyClicks(window.query.edit, "all ships")
    assert primary(window) == "Find", "the button says what Enter will do"
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Return)
    message_id, request = rig.worker.newest(FindRequest)
    assert isinstance(request, FindRequest)
    rig.worker.reply(message_id, finding(request))
    said = card(window)
    for fact in (
        "all ships",
        "3 found",
        "understood: ship; all of them",
        "all from a score of 0.25",
        "searched",
        "310 ms",
    ):
        assert fact in said, fact
    listed = boxes_of(window).list
    rows = [[listed.topLevelItem(row).text(at) for at in range(5)] for row in range(3)]  # type: ignore[union-attr]
    assert [cell.replace(NBSP, " ") for cell in rows[1]] == ["ship", "0.74", "optical", "80 × 40", "0.3 ha"]
    view = window.view.visible_window()
    assert view is not None
    listed.setCurrentItem(listed.topLevelItem(0))
    assert rig.document.marks.selected == 0
    near = window.view.visible_window()
    assert near is not None
    assert near.width < view.width / 4, "a box of 6 pixels is brought near"
    assert near.col_off < SHIPS[0].box.x0 < near.col_off + near.width
    press(window, "export.gpkg")
    _, export = rig.worker.newest(ExportRequest)
    assert isinstance(export, ExportRequest)
    assert (export.finding, export.formats, export.out) == (True, ("gpkg",), str(rig.folder))


@pytest.mark.parametrize("pane", [0, 1])
def test_a_box_clicked_on_either_image_is_the_chosen_row(window: MainWindow, rig: Rig, pane: int) -> None:
    rig.open_pair()
    rig.find()
    listed = boxes_of(window).list
    before = window.view.visible_window()
    image, at = over(window, SHIPS[2].box, pane)
    move(image, at)
    assert rig.document.marks.pointed == 2
    assert listed.topLevelItem(2).font(0).underline()  # type: ignore[union-attr]
    click(image, at)
    assert listed.currentItem() is listed.topLevelItem(2)
    assert window.view.visible_window() == before, "what was clicked is in view already"
    click(image, QPointF(at.x() - 200, at.y()))
    assert rig.document.marks.selected is None
    assert listed.currentItem() is None


def test_a_drag_over_a_box_pans_and_chooses_nothing(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    image, at = over(window, SHIPS[2].box)
    move(image, at, QEvent.Type.MouseButtonPress)
    for step in (3, 9, 0):
        move(image, at + QPointF(step, 0))
    move(image, at, QEvent.Type.MouseButtonRelease)
    assert rig.document.marks.selected is None


def test_a_row_under_the_pointer_marks_its_box(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    listed = boxes_of(window).list
    listed.itemEntered.emit(listed.topLevelItem(1), 0)
    assert rig.document.marks.pointed == 1
    QApplication.sendEvent(listed.viewport(), QEvent(QEvent.Type.Leave))
    assert rig.document.marks.pointed is None


def test_the_modes_have_words_keys_and_exactly_one_is_on(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    modes = ("auto", "ask", "find")
    assert [window.commands.by_id[f"mode.{mode}"].text() for mode in modes] == ["Auto", "Ask", "Find"]
    assert all(not window.commands.by_id[f"mode.{mode}"].shortcut().isEmpty() for mode in modes)
    for mode in (*reversed(modes), "auto"):
        press(window, f"mode.{mode}")
        assert [window.commands.by_id[f"mode.{each}"].isChecked() for each in modes] == [m == mode for m in modes]
    window.query.edit.setText("Is there a river?")
    assert primary(window) == "Ask"
    press(window, "mode.find")
    assert primary(window) == "Find"
    assert window.query.edit.accessibleName() == "Expression"
    assert not window.commands.by_id["ask.tiles"].isEnabled(), "only questions are asked over tiles"


def test_up_and_down_walk_through_questions_and_expressions(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.ask("Is there a river?")
    rig.find("all ships")
    seen = []
    window.query.edit.clear()
    for _ in range(2):
        qtbot.keyClick(window.query.edit, Qt.Key.Key_Up)
        seen.append((window.query.edit.text(), primary(window)))
    assert seen == [("all ships", "Find"), ("Is there a river?", "Ask")]


def test_a_search_in_windows_tells_how_far_it_is_and_escape_stops_it(
    window: MainWindow, rig: Rig, qtbot: QtBot
) -> None:
    from engine.protocol import Ready

    rig.worker.ready.emit(Ready("worker", "1", "cpu"))
    rig.open_pair()
    rig.bench.asking.question = "all ships"
    press(window, "ask.run")
    message_id, _ = rig.worker.newest(FindRequest)
    rig.worker.progress.emit(message_id, Progress("windows", 0.5, 40))
    assert "window 21 of 40 · Esc stops" in card(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Escape)
    assert rig.worker.cancelled == [message_id]
    rig.worker.finished.emit(message_id, Outcome("cancelled"))
    assert not window.commands.by_id["ask.cancel"].isEnabled()


def test_nothing_found_is_said_calmly(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.find("the purple elephant", ())
    assert "Nothing found" in card(window)
    assert "No box was found that scores 0.25 or more." in card(window)
    assert not boxes_of(window).isVisible()
    assert rig.document.notices == ()


def test_reasons_are_toggled_on_the_card_with_a_legend_in_words(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    assert "Expert" not in card(window).splitlines()
    press(window, "layer.routing")
    assert {layer.id for layer in rig.document.layers if layer.visible} == {"boxes", "routing-optical", "routing-sar"}
    assert "Expert" in card(window).splitlines()
    assert "EXPERTS" not in card(window), "those of an answer are others"


def test_a_newer_finding_renews_the_list_and_the_layers(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    rig.find("tanks", (found(Box(5, 5, 50, 50), "storage tank"),))
    assert boxes_of(window).list.topLevelItemCount() == 1
    assert "Boxes · 1" in texts(window)
    history = window.history.list
    history.setCurrentItem(history.topLevelItem(1))
    assert boxes_of(window).list.topLevelItemCount() == 3
    assert [history.topLevelItem(row).text(1) for row in (0, 1)] == ["1 found", "3 found"]  # type: ignore[union-attr]


def test_an_example_is_asked_or_found_as_what_it_is(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    press(window, "mode.ask")
    chip = next(b for b in window.card.findChildren(QPushButton) if b.accessibleName() == "Find: all ships")
    chip.click()
    press(window, "ask.run")
    assert not any(isinstance(each, AskRequest) for each in rig.worker.sent.values())
    assert any(isinstance(each, FindRequest) for each in rig.worker.sent.values())


def test_the_card_of_a_finding_is_never_cut_off(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.find("the largest storage tank to the left of the harbour")
    press(window, "layer.routing")
    window.resize(1000, 600)
    qtbot.wait(50)
    content = window.card.widget()
    assert content is not None
    assert content.minimumSizeHint().width() <= window.card.viewport().width()
    assert content.mapTo(window, QPoint(0, 0)).x() < window.width()
