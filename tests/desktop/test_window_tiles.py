"""A grid of tiles and the newer parts of the answer in the window, in its users' words, on fakes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QProgressBar
from pytestqt.qtbot import QtBot

from engine.protocol import Exported, Outcome, Progress, Ready
from engine.records import AskTilesRequest, ExportRequest
from rsqa_desktop.model.wording import NBSP
from rsqa_desktop.panels.parts import CommandButton, ShareBar
from rsqa_desktop.window import MainWindow
from tests.desktop.conftest import Rig
from tests.desktop.fakes import answer, check, coarse, tiled_answer
from tests.desktop.test_window import press, texts


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def card(window: MainWindow) -> str:
    return plain(texts(window.card))


def offered_tiles(window: MainWindow, rig: Rig) -> None:
    """A question was answered too coarsely."""
    rig.worker.ready.emit(Ready("worker", "1", "cpu"))
    rig.open_pair()
    rig.bench.asking.question = "Is there a river?"
    message_id = rig.ask()
    rig.worker.reply(message_id, coarse(answer(rig.document.history.entries[-1].request)))


def mapped(window: MainWindow, rig: Rig) -> str:
    """The offer was taken, and the map arrived."""
    offered_tiles(window, rig)
    press(window, "answer.tiles")
    message_id, request = rig.worker.newest(AskTilesRequest)
    assert isinstance(request, AskTilesRequest)
    rig.worker.reply(message_id, tiled_answer(request.ask))
    return message_id


def offer_button(window: MainWindow) -> CommandButton:
    return next(each for each in window.card.findChildren(CommandButton) if "tiles" in each.text())


def test_an_answer_seen_too_coarsely_warns_and_offers_tiles_with_their_number(window: MainWindow, rig: Rig) -> None:
    offered_tiles(window, rig)
    assert "outside its range" in card(window)
    assert offer_button(window).isVisible()
    assert offer_button(window).text() == offer_button(window).accessibleName() == "Ask over 25 tiles"
    assert "Each at 10 m per pixel instead of 46 m." in card(window)
    message_id = rig.ask()
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    assert not offer_button(window).isVisible(), "an answer at the weights' own scale needs none"


def test_tiles_count_up_and_escape_stops_them(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    offered_tiles(window, rig)
    qtbot.mouseClick(offer_button(window), Qt.MouseButton.LeftButton)
    message_id, _ = rig.worker.newest(AskTilesRequest)
    rig.worker.progress.emit(message_id, Progress("tiles", 12 / 25))
    assert "tile 13 of 25 · Esc stops" in card(window)
    assert "tile 13 of 25" in texts(window.readout)
    bar = next(each for each in window.card.findChildren(QProgressBar) if each.isVisible())
    assert bar.value() == 48
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Escape)
    assert rig.worker.cancelled == [message_id]
    rig.worker.finished.emit(message_id, Outcome("cancelled"))
    assert "Yes" in card(window), "the answer before is on the card again"
    assert offer_button(window).isVisible()


def test_the_map_is_on_the_card_over_both_images_and_in_the_history(window: MainWindow, rig: Rig) -> None:
    mapped(window, rig)
    said = card(window)
    for fact in ("Mostly no", "25 tiles of 2.2 km", "no", "80 %", "by one sensor alone", "1 of 25", "not answerable"):
        assert fact in said, fact
    assert "5 % of this area has no optical data." in said
    assert "optical 95 %, SAR 98 % valid" in said
    assert "EXPERTS" not in said
    assert "ON THE IMAGES" in said
    bars = [each for each in window.card.findChildren(ShareBar) if "share of the ground" in each.accessibleName()]
    assert sorted(each.accessibleName().rsplit(": ")[1] for each in bars) == ["20%", "80%"]
    assert "Map of answers" in texts(window)
    item = window.history.list.topLevelItem(0)
    assert item is not None
    assert item.text(1) == "25 tiles"
    assert "yes: 5 tiles" in item.toolTip(1)


def test_the_answer_and_the_map_come_back_from_the_history(window: MainWindow, rig: Rig) -> None:
    mapped(window, rig)
    history = window.history.list
    history.setCurrentItem(history.topLevelItem(1))
    assert "Mostly no" not in card(window)
    assert "EXPERTS" in card(window)
    assert offer_button(window).isVisible()
    history.setCurrentItem(history.topLevelItem(0))
    assert "Mostly no" in card(window)


def test_the_pointer_reads_the_tile(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    mapped(window, rig)
    with qtbot.waitSignal(window.view.overlays_pointed) as told:
        pane = window.view.focusProxy()
        assert pane is not None
        qtbot.mouseMove(pane, pane.rect().center())
    assert told.args is not None
    assert told.args[0] == (("answers", 0.0),)


def test_the_map_can_be_hidden_copied_and_exported(window: MainWindow, rig: Rig) -> None:
    mapped(window, rig)
    press(window, "layer.answers")
    assert [layer.visible for layer in rig.document.layers] == [False, False]
    press(window, "layer.confidence")
    assert [layer.visible for layer in rig.document.layers] == [False, True]
    press(window, "answer.copy")
    assert "no: 19 tiles" in QApplication.clipboard().text()
    press(window, "answer.export")
    export_id, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert request.tiled
    rig.worker.reply(export_id, Exported(("a_tiles.gpkg", "a_tiles.csv")))
    assert "Wrote 2 files (.csv .gpkg)" in texts(window)


def test_a_typed_question_goes_over_tiles_with_a_key(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    qtbot.keyClicks(window.query.edit, "Is there a bridge?")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Return, keys)
    _, request = rig.worker.newest(AskTilesRequest)
    assert isinstance(request, AskTilesRequest)
    assert request.ask.question == "Is there a bridge?"


def test_the_set_is_said_where_the_card_has_calibration(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.ask()
    given = answer(rig.document.history.entries[-1].request)
    rig.worker.reply(message_id, replace(given, answer_set=("yes", "no"), error_rate=0.1))
    assert "With 90 % certainty: yes, or no." in card(window)
    message_id = rig.ask()
    rig.worker.reply(message_id, given)
    assert "certainty" not in card(window)


def test_one_sensor_alone_is_said_with_the_reason(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.ask()
    given = answer(rig.document.history.entries[-1].request)
    reason = "Answered by the SAR expert alone: the optical image has no data there."
    alone = replace(given, sensors=("sar",), experts={"sar": given.experts["sar"]}, messages=(reason,))
    rig.worker.reply(message_id, alone)
    said = card(window)
    assert reason in said
    assert "Optical" not in said
    assert "Fusion" not in said


def test_a_network_without_experts_or_maps_has_a_card_without_them(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.ask()
    given = answer(rig.document.history.entries[-1].request)
    rig.worker.reply(message_id, replace(given, experts={}, explanations={}, gate=check()))
    said = card(window)
    assert "Yes" in said
    assert "EXPERTS" not in said
    assert "WHY" not in said
    assert "answered from" in said


def test_the_table_is_never_cut_off(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    mapped(window, rig)
    window.resize(1000, 600)
    qtbot.wait(50)
    content = window.card.widget()
    assert content.minimumSizeHint().width() <= window.card.viewport().width()


def test_every_control_of_offer_and_map_has_a_name_and_can_be_reached_by_tab(window: MainWindow, rig: Rig) -> None:
    offered_tiles(window, rig)
    buttons = [offer_button(window)]
    mapped(window, rig)
    QApplication.processEvents()  # rows just added are shown by the event loop
    boxes = [each for each in window.findChildren(QCheckBox) if each.isVisible()]
    assert {"Map of answers", "Confidence by tile", "Show Map of answers", "Show Confidence by tile"} == {
        each.accessibleName() for each in boxes
    }
    for control in (*buttons, *boxes):
        assert control.accessibleName()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
