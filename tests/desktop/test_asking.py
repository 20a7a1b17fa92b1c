"""One question's way to the worker and back, its end in every way there is, export, and pointing."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from engine.protocol import Exported, Identified, Outcome, Progress, Ready, from_json
from engine.records import Answer, AskRequest, ExportRequest, PixelWindow
from rsqa_desktop.actions.pointing import REST_MS
from tests.desktop.conftest import OPTICAL, SAR, Rig
from tests.desktop.fakes import answer, check

CRASH = Outcome("crashed", "The interactive worker was ended by SIGKILL.", "It is being started again.", code=9)


def test_the_request_says_everything(rig: Rig) -> None:
    rig.open_pair()
    rig.document.set_area(PixelWindow(10, 20, 300, 200))
    rig.ask("  Is there a river? ")
    _, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    assert (request.question, request.optical, request.sar) == ("Is there a river?", OPTICAL, SAR)
    assert request.window == PixelWindow(10, 20, 300, 200)
    assert Path(request.folder).is_dir()


def test_a_newer_question_cancels_the_one_that_runs(rig: Rig) -> None:
    rig.open_pair()
    first = rig.ask("Is there a river?")
    second = rig.ask("Is there a bridge?")
    assert rig.worker.cancelled == [first]
    rig.worker.finished.emit(first, Outcome("cancelled"))
    assert rig.document.running is not None
    assert rig.document.running.id == second
    folders = {entry.request.folder for entry in rig.document.history.entries}
    assert len(folders) == 2, "answers never overwrite each other's arrays"


def test_progress_is_shown_for_the_question_that_runs_only(rig: Rig) -> None:
    rig.open_pair()
    rig.worker.ready.emit(Ready("worker", "1", "cpu", "No GPU was found."))
    message_id = rig.ask()
    rig.worker.progress.emit("another", Progress("elsewhere", 0.9))
    rig.worker.progress.emit(message_id, Progress("reading", 0.5))
    assert (rig.document.engine.stage, rig.document.engine.fraction) == ("reading", 0.5)
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    assert (rig.document.engine.stage, rig.document.engine.device) == ("", "cpu")


def test_a_refusal_is_said_in_the_engines_words(rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.ask()
    rig.worker.finished.emit(message_id, Outcome("failed", "The area has no data.", "Draw another one.", code=3))
    assert rig.document.notices[-1].text == "The area has no data. Draw another one."
    assert rig.document.history.entries[-1].state == "failed"
    rig.ask()
    assert rig.document.notices == (), "asking again takes the old complaint back"


def test_a_dead_worker_loses_one_question_and_nothing_else(rig: Rig) -> None:
    rig.open_pair()
    answered = rig.ask("Is there a river?")
    rig.worker.reply(answered, answer(rig.document.history.entries[-1].request))
    lost = rig.ask("Is there a bridge?")
    rig.worker.finished.emit(lost, CRASH)
    rig.worker.died.emit(CRASH)
    assert rig.document.engine.state == "restarting"
    assert "SIGKILL" in rig.document.notices[-1].text
    rig.worker.ready.emit(Ready("worker", "1"))
    notice = rig.document.notices[-1]
    assert notice.text == "The interactive worker was ended by SIGKILL. It was restarted. Ask again."
    assert notice.action == "ask.run"
    assert [entry.state for entry in rig.document.history.entries] == ["succeeded", "crashed"]
    assert rig.document.shown is not None
    again = rig.ask("Is there a bridge?")
    rig.worker.reply(again, answer(rig.document.history.entries[-1].request))
    assert rig.document.history.entries[-1].state == "succeeded"
    assert rig.document.notices == ()


def test_correcting_a_shift_asks_again_with_the_order_in_the_request(rig: Rig) -> None:
    rig.open_pair(judged=False)
    rig.judge(check("shifted", shift=40.0))
    message_id = rig.ask()
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    rig.bench.correct_shift(True)
    rig.judge(check("shifted", shift=40.0))
    _, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    assert request.gate.correct_shift
    assert request.question == "Is there a river?"
    assert rig.document.notices == (), "what was put right is no longer complained about"
    rig.bench.correct_shift(False)
    _, request = rig.worker.newest(AskRequest)
    assert isinstance(request, AskRequest)
    assert not request.gate.correct_shift


def test_assuming_registration_judges_the_pair_again(rig: Rig) -> None:
    rig.open_pair(judged=False)
    rig.judge(check("not-georeferenced"))
    rig.bench.assume_registered()
    rig.judge(check("aligned"))
    rig.bench.asking.question = "Is there a river?"
    assert rig.bench.asking.can_run


def test_export_hands_the_shown_answer_to_the_worker(rig: Rig, tmp_path: Path) -> None:
    rig.open_pair()
    message_id = rig.ask()
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    rig.bench.exporting.run(tmp_path)
    export_id, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert request.out == str(tmp_path)
    assert from_json(Path(request.answer_json).read_bytes(), Answer) == rig.document.shown.answer  # type: ignore[union-attr]
    rig.worker.reply(export_id, Exported((str(tmp_path / "a.gpkg"), str(tmp_path / "a.geojson"))))
    assert "2 files (.geojson .gpkg)" in rig.document.notices[-1].text
    assert rig.document.notices[-1].action == "export.reveal"


def test_a_failed_export_can_be_tried_again(rig: Rig, tmp_path: Path) -> None:
    rig.open_pair()
    message_id = rig.ask()
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    rig.bench.exporting.run(tmp_path)
    export_id, _ = rig.worker.newest(ExportRequest)
    rig.worker.finished.emit(export_id, Outcome("failed", "The disk is full.", "Make room.", code=3))
    notice = rig.document.notices[-1]
    assert (notice.text, notice.action) == ("The disk is full. Make room.", "answer.export")


def test_values_are_asked_for_when_the_cursor_rests(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    for col in range(100, 120):
        rig.bench.pointing.move(col + 0.5, 7.9)
    assert rig.tiles.pointed == {}
    qtbot.waitUntil(lambda: len(rig.tiles.pointed) == 2, timeout=20 * REST_MS)
    requests = list(rig.tiles.pointed.values())
    assert [(each.path, each.col, each.row, each.on) for each in requests] == [
        (OPTICAL, 119, 7, None),
        (SAR, 119, 7, OPTICAL),
    ]
    sar_id = list(rig.tiles.pointed)[1]
    rig.tiles.identified.emit(sar_id, Identified((-14.2,), -14.2))
    assert rig.bench.pointing.values["sar"].sigma0_db == -14.2
    rig.bench.pointing.move(500.0, 500.0)
    assert rig.bench.pointing.values == {}, "values of another pixel are not left standing"


def test_nothing_is_asked_beside_the_raster(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.bench.pointing.move(-3.0, 5.0)
    qtbot.wait(3 * REST_MS)
    assert rig.tiles.pointed == {}
    assert rig.bench.pointing.place is not None


def test_a_worker_that_keeps_dying_is_said_to_have_stopped(rig: Rig) -> None:
    rig.worker.will_restart = False
    rig.worker.died.emit(CRASH)
    assert rig.document.engine.sentence == "engine stopped"


def test_the_place_is_worked_out_anew_only_for_another_grid(rig: Rig) -> None:
    rig.open_pair(judged=False)
    locator = rig.bench.pointing.locator
    rig.judge(check())
    assert rig.bench.pointing.locator is locator
