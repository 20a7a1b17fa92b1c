"""The window in its users' words, on fakes: what they see, press and type."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from engine.protocol import Identified, Outcome, Ready
from engine.records import AskRequest, ExportRequest, PixelWindow
from rsqa_desktop.model.settings import SettingsStore
from rsqa_desktop.theme import DARK, LIGHT, Theme
from rsqa_desktop.window import MainWindow
from tests.desktop.conftest import OPTICAL, SAR, Rig
from tests.desktop.fakes import answer, check, raster


def texts(widget: QWidget) -> str:
    """Everything that is written on the visible part of a widget."""
    QApplication.processEvents()  # a row just added is shown by the event loop
    labels = [each.accessibleName() or each.text() for each in widget.findChildren(QLabel) if each.isVisibleTo(widget)]
    return "\n".join([*labels, *(each.text() for each in widget.findChildren(QLabel) if each.isVisibleTo(widget))])


def answer_newest(rig: Rig, text: str = "yes") -> None:
    message_id, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    rig.worker.reply(message_id, answer(request, text=text))


def press(window: MainWindow, command: str) -> None:
    window.commands.by_id[command].trigger()


def test_an_empty_window_says_how_to_begin(window: MainWindow) -> None:
    assert window.welcome.isVisible()
    assert "Drop one or two rasters here" in texts(window.welcome)


def test_open_ask_see_why_export_without_a_mouse(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    press(window, "file.open_pair")
    rig.tiles.settle()
    rig.judge(check())
    assert window.view.isVisible()
    qtbot.keyClicks(window.query.edit, "Is there a river?")
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Return)
    assert "the question waits" in texts(window.card)
    rig.worker.ready.emit(Ready("worker", "1", "cpu"))
    assert "asking the engine" in texts(window.card)
    answer_newest(rig)
    seen = texts(window.card)
    for fact in (
        "Is there a river?",
        "Yes",
        "93 %",
        "next: no (6 %)",
        "0.58",
        "33 %",
        "Aligned",
        "3 days apart",
        "8.4",
    ):
        assert fact in seen.replace("\N{NO-BREAK SPACE}", " "), fact
    assert [layer.kind for layer in rig.document.layers if layer.visible] == ["regions", "regions"]
    press(window, "layer.trust")
    assert rig.document.shows_kind("trust")
    press(window, "answer.export")
    _, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert request.out == str(rig.folder)


def test_up_and_down_walk_through_what_was_asked(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    for question in ("Is there a river?", "Is there a bridge?"):
        rig.ask(question)
        answer_newest(rig)
    window.query.edit.setText("How many")
    seen = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(window.query.edit, key)
        seen.append(window.query.edit.text())
    assert seen == ["Is there a bridge?", "Is there a river?", "Is there a bridge?", "How many"]


def test_escape_cancels_the_question(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    message_id = rig.ask()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.query.edit, Qt.Key.Key_Escape)
    assert rig.worker.cancelled == [message_id]
    rig.worker.finished.emit(message_id, Outcome("cancelled"))
    assert not window.commands.by_id["ask.cancel"].isEnabled()


def test_files_may_be_dropped(window: MainWindow, rig: Rig) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(SAR), QUrl.fromLocalFile(OPTICAL)])
    where = QPointF(300, 300)
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(where, Qt.DropAction.CopyAction, data, buttons, keys))
    rig.tiles.settle()
    assert window.windowTitle() == "opt.tif and sar.tif — RSQA"


def test_a_pair_of_two_places_is_refused_in_words(window: MainWindow, rig: Rig) -> None:
    rig.open_pair(judged=False)
    rig.judge(check("no-overlap", messages=("The two rasters do not overlap.",)))
    rig.bench.asking.question = "Is there a river?"
    assert "The two rasters do not overlap." in texts(window)
    assert "No overlap" in texts(window.card)
    assert not window.commands.by_id["ask.run"].isEnabled()


def test_what_was_assumed_about_a_file_is_on_the_card(window: MainWindow, rig: Rig) -> None:
    rig.known[OPTICAL] = raster(OPTICAL, "optical", notices=("No CRS: positions are in pixels.",))
    rig.open_pair()
    assert "opt.tif: No CRS: positions are in pixels." in texts(window.card)


def test_a_shift_is_offered_to_be_corrected(window: MainWindow, rig: Rig) -> None:
    rig.open_pair(judged=False)
    rig.judge(check("shifted", shift=40.0))
    rig.ask()
    answer_newest(rig)
    press(window, "gate.correct")
    _, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    assert request.gate.correct_shift


def test_without_sar_the_window_says_so_and_asks(window: MainWindow, rig: Rig) -> None:
    rig.bench.opening.open_pair(OPTICAL, None)
    rig.tiles.settle()
    rig.judge(check("single-sensor"))
    assert "One sensor only" in texts(window.card)
    rig.ask()
    _, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    assert request.sar is None


def test_a_killed_worker_is_told_and_the_window_goes_on(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    lost = rig.ask()
    crash = Outcome("crashed", "The interactive worker was ended by SIGKILL.", "It is being started again.", code=9)
    rig.worker.finished.emit(lost, crash)
    rig.worker.died.emit(crash)
    assert "engine restarting" in texts(window.readout)
    rig.worker.ready.emit(Ready("worker", "1", "cpu"))
    assert "It was restarted. Ask again." in texts(window)
    assert "engine ready · CPU" in texts(window.readout)
    press(window, "ask.run")
    answer_newest(rig)
    assert "Yes" in texts(window.card)
    assert "restarted" not in texts(window)


def test_the_drawn_area_is_asked_about_and_taken_back(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    press(window, "area.draw")
    assert window.view.area_mode
    assert window.commands.by_id["area.draw"].isChecked()
    assert "drag over an image" in window.query.hint.text()
    window.view.set_area(PixelWindow(100, 100, 200, 200))
    assert rig.document.target == PixelWindow(100, 100, 200, 200)
    assert not window.view.area_mode, "the next drag pans again"
    assert "in the drawn area" in window.query.hint.text()
    press(window, "area.draw")
    assert window.view.area is None
    assert "in the view" in window.query.hint.text()


def test_the_view_is_what_is_asked_about(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    press(window, "view.native")
    seen = window.view.visible_window()
    assert seen is not None
    assert seen.width < 1024
    rig.ask()
    _, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    assert request.window == seen


def test_the_cursor_is_told_in_the_status_bar(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    window.view.cursor_moved.emit(100.5, 200.5)
    qtbot.waitUntil(lambda: len(rig.tiles.pointed) == 2)
    optical_id, sar_id = rig.tiles.pointed
    rig.tiles.identified.emit(optical_id, Identified((74.0, 81.0, 96.0)))
    rig.tiles.identified.emit(sar_id, Identified((-14.23,), -14.23))
    told = texts(window.readout).replace("\N{NO-BREAK SPACE}", " ")
    for fact in ("3.0112° E", "x 501,005 y 3,997,995", "optical 74 81 96", "SAR −14.2 dB", "EPSG:32631", "1 : "):
        assert fact in told, fact


def test_opacity_and_visibility_go_to_the_document_and_back(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.ask()
    answer_newest(rig)
    spin = next(s for s in window.findChildren(QAbstractSpinBox) if "Key regions · SAR" in s.accessibleName())
    spin.setValue(20)  # type: ignore[attr-defined]
    assert {layer.id: layer.opacity for layer in rig.document.layers}["regions_sar"] == pytest.approx(0.2)
    rig.document.change_layer("regions_sar", opacity=0.9)
    assert spin.text().startswith("90")


def test_an_earlier_answer_comes_back_with_a_click(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.ask("How many ships are there?")
    answer_newest(rig, "14")
    rig.ask("Is there a river?")
    answer_newest(rig)
    history = window.history.list
    assert history.topLevelItemCount() == 2
    history.setCurrentItem(history.topLevelItem(1))
    assert "How many ships are there?" in texts(window.card)
    assert "14" in texts(window.card)


def test_the_view_is_saved_as_a_picture(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    press(window, "view.save_picture")
    assert QImage(str(rig.folder / "view.png")).width() > 400
    assert "Wrote the view" in texts(window)


def test_the_theme_can_be_switched_and_is_remembered(window: MainWindow, rig: Rig, theme: Theme) -> None:
    press(window, "theme.dark")
    assert theme.palette is DARK
    assert window.commands.by_id["theme.dark"].isChecked()
    assert not window.commands.by_id["theme.light"].isChecked()
    assert SettingsStore(rig.settings.path).current.theme == "dark"
    press(window, "theme.light")
    assert theme.palette is LIGHT


def test_panels_fold_away(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    before = window.view.width()
    press(window, "panel.right")
    assert not window.card.isVisible()
    press(window, "panel.right")
    assert window.card.isVisible()
    assert abs(window.view.width() - before) < 40


def test_recent_pairs_are_offered_at_the_next_start(window: MainWindow, rig: Rig, theme: Theme, qtbot: QtBot) -> None:
    rig.open_pair()
    window.close()
    later = Rig(rig.folder)
    second = MainWindow(later.bench, theme)
    qtbot.addWidget(second)
    second.show()
    button = next(b for b in second.welcome.findChildren(QAbstractButton) if "opt.tif + sar.tif" in b.text())
    button.click()
    later.tiles.settle()
    assert later.document.scene.title == "opt.tif and sar.tif"


def test_every_control_has_a_name_for_a_screen_reader(window: MainWindow, rig: Rig) -> None:
    rig.open_pair(judged=False)
    rig.judge(check("shifted", messages=("SAR lies 40 px to the right.",)))
    rig.ask()
    answer_newest(rig)
    controls = (QAbstractButton, QLineEdit, QAbstractSpinBox, QAbstractItemView)
    nameless = [
        f"{type(each).__name__} in {type(each.parent()).__name__}"
        for each in window.findChildren(QWidget)
        if isinstance(each, controls)
        and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not isinstance(each.parent(), QAbstractSpinBox)
        and not each.accessibleName()
    ]
    assert nameless == []


def test_every_control_can_be_reached_by_tab(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.ask()
    answer_newest(rig)
    reached, at = set(), window.query.edit.nextInFocusChain()
    while at is not window.query.edit:
        reached.add(at)
        at = at.nextInFocusChain()
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and button.isEnabled():
            assert button in reached
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus, button.text()


def test_names_from_files_are_never_markup(window: MainWindow, rig: Rig) -> None:
    rig.open_pair()
    rig.ask("<b>Is there</b> a river?")
    answer_newest(rig, "<img src=x>")
    for each in window.findChildren(QLabel):
        assert each.textFormat() == Qt.TextFormat.PlainText or "<" not in each.text()


def test_the_card_is_never_cut_off(window: MainWindow, rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.ask()
    answer_newest(rig, "a rather long answer about land cover")
    window.resize(1000, 600)
    qtbot.wait(50)
    content = window.card.widget()
    assert content.minimumSizeHint().width() <= window.card.viewport().width()
    assert content.mapTo(window, QPoint(0, 0)).x() < window.width()


def test_closing_leaves_nothing_behind(window: MainWindow, rig: Rig, tmp_path: Path) -> None:
    window.close()
    assert SettingsStore(rig.settings.path).current.geometry
    assert not list(tmp_path.glob("*.tmp"))
