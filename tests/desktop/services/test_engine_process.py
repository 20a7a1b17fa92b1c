"""Births and deaths of engine processes, as the window sees them."""

from __future__ import annotations

import psutil
import pytest

from engine import protocol
from engine.protocol import Hello, OpenRaster
from rsqa_desktop.services import engine_process
from rsqa_desktop.services.engine_process import EngineProcess


@pytest.fixture
def make(qtbot, monkeypatch):
    made = []

    def of(*command: str, delays: tuple[float, ...] = (0.01, 0.01)) -> EngineProcess:
        monkeypatch.setattr(engine_process, "RESTART_DELAYS_S", delays)
        process = EngineProcess("The test process", command, Hello())
        process.deaths = []
        process.ends = []
        process.died.connect(process.deaths.append)
        process.finished.connect(lambda message_id, outcome: process.ends.append((message_id, outcome)))
        made.append(process)
        return process

    yield of
    for process in made:
        process.stop()


def test_one_that_keeps_dying_is_given_up_and_started_on_demand(qtbot, make):
    process = make("no-such-command")
    process.start()
    qtbot.waitUntil(lambda: len(process.deaths) == 3, timeout=30000)
    assert not process.will_restart
    assert process.pid == 0
    first, *_, last = process.deaths
    assert (first.status, first.code) == ("crashed", 2)
    assert first.reason == "The test process ended with exit code 2."
    assert "no-such-command" in first.error, "what it said on standard error"
    assert "being started again" in first.remedy
    assert "once more" in last.remedy

    process.send("x", OpenRaster("x.tif"))
    qtbot.waitUntil(lambda: len(process.deaths) == 4, timeout=30000)
    assert [(message_id, outcome.status) for message_id, outcome in process.ends] == [("x", "crashed")]


def test_another_release_at_the_other_end_is_not_started_again(qtbot, make, monkeypatch):
    monkeypatch.setattr(protocol, "PROTOCOL_VERSION", 99)  # we are the other release
    process = make("tiles")
    process.start()
    process.send("x", OpenRaster("x.tif"))
    qtbot.waitUntil(lambda: bool(process.deaths), timeout=30000)
    (death,) = process.deaths
    assert "protocol" in death.reason
    assert "same release" in death.remedy
    assert not process.will_restart
    assert [message_id for message_id, _ in process.ends] == ["x"]


def test_an_interpreter_that_is_gone(qtbot, make, monkeypatch):
    monkeypatch.setattr(engine_process.sys, "executable", "/no/such/python")
    process = make("tiles", delays=())
    process.send("x", OpenRaster("x.tif"))
    qtbot.waitUntil(lambda: bool(process.deaths), timeout=30000)
    assert "cannot be started" in process.deaths[0].reason
    assert [message_id for message_id, _ in process.ends] == ["x"]


def test_stopped_it_is_gone_and_says_nothing(qtbot, make):
    process = make("tiles")
    process.start()
    qtbot.waitUntil(lambda: process.pid != 0, timeout=10000)
    pid = process.pid
    process.send("x", OpenRaster("x.tif"))
    process.stop()
    assert not psutil.pid_exists(pid)
    qtbot.wait(50)
    assert (process.deaths, process.ends, process.pid) == ([], [], 0)


def test_its_last_words_are_the_reason(qtbot, make):
    process = make("tiles", delays=())  # greeted without any shared memory
    process.start()
    qtbot.waitUntil(lambda: bool(process.deaths), timeout=60000)
    (death,) = process.deaths
    assert (death.status, death.code) == ("crashed", 4)
    assert "shared memory" in death.reason
