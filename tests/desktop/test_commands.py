"""The table of commands: every row has a name and may be called whenever it says so."""

from __future__ import annotations

from collections import Counter

from engine.records import AskTilesRequest
from rsqa_desktop.actions.commands import COMMANDS
from tests.desktop.conftest import Rig
from tests.desktop.fakes import answer, coarse, tiled_answer

BY_ID = {command.id: command for command in COMMANDS}


def enabled(rig: Rig) -> set[str]:
    return {command.id for command in COMMANDS if command.enabled(rig.bench)}


def test_ids_and_shortcuts_are_unique() -> None:
    assert max(Counter(command.id for command in COMMANDS).values()) == 1
    shortcuts = Counter(command.shortcut for command in COMMANDS if command.shortcut)
    assert max(shortcuts.values()) == 1


def test_nothing_about_a_scene_can_be_done_without_one(rig: Rig) -> None:
    able = enabled(rig)
    assert {"file.open_pair", "file.quit", "help.about", "theme.dark"} <= able
    assert not {"ask.run", "ask.cancel", "view.fit", "area.draw", "answer.export", "layer.regions"} & able


def test_what_an_open_pair_and_an_answer_make_possible(rig: Rig) -> None:
    rig.open_pair()
    assert "view.fit" in enabled(rig)
    assert "ask.run" not in enabled(rig), "there is no question yet"
    message_id = rig.ask()
    assert {"ask.run", "ask.cancel"} <= enabled(rig)
    assert "answer.export" not in enabled(rig)
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    assert {"answer.export", "answer.copy", "layer.regions", "layer.attention", "layer.trust"} <= enabled(rig)
    assert "ask.cancel" not in enabled(rig)


def test_every_enabled_row_can_be_called_in_every_state(rig: Rig) -> None:
    """No handler relies on a state that its ``enabled`` does not ask for."""
    for state in ("empty", "open", "answered", "tiled", "found"):
        if state == "open":
            rig.open_pair()
        if state == "answered":
            message_id = rig.ask()
            rig.worker.reply(message_id, coarse(answer(rig.document.history.entries[-1].request)))
        if state == "tiled":
            rig.bench.asking.run_over_tiles()
            message_id, _ = rig.worker.newest(AskTilesRequest)
            rig.worker.reply(message_id, tiled_answer(rig.document.history.entries[-1].request))
        if state == "found":
            rig.find()
        for command in COMMANDS:
            if command.enabled(rig.bench):
                command.run(rig.bench)
        rig.bench.asking.mode = "auto"


def test_tiles_are_offered_only_where_they_show_more(rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.ask()
    rig.worker.reply(message_id, answer(rig.document.history.entries[-1].request))
    assert "answer.tiles" not in enabled(rig)
    assert "ask.tiles" in enabled(rig), "who asks for tiles unbidden gets them"
    message_id = rig.ask()
    assert "answer.tiles" not in enabled(rig), "there is no answer yet"
    rig.worker.reply(message_id, coarse(answer(rig.document.history.entries[-1].request)))
    assert "answer.tiles" in enabled(rig)


def test_the_area_command_draws_then_clears(rig: Rig) -> None:
    rig.open_pair()
    BY_ID["area.draw"].run(rig.bench)
    assert rig.document.drawing
    rig.document.set_area(rig.document.target)
    rig.document.set_drawing(False)
    BY_ID["area.draw"].run(rig.bench)
    assert (rig.document.drawing, rig.document.area) == (False, None)


def test_escape_stops_drawing_where_nothing_runs(rig: Rig) -> None:
    rig.open_pair()
    assert not BY_ID["ask.cancel"].enabled(rig.bench)
    BY_ID["area.draw"].run(rig.bench)
    assert BY_ID["ask.cancel"].enabled(rig.bench)
    BY_ID["ask.cancel"].run(rig.bench)
    assert not rig.document.drawing
