"""The window's side of the interactive worker, over the real process."""

from __future__ import annotations

import os
import signal

import pytest

from engine.protocol import Answer, Outcome
from engine.records import AskRequest, CheckRequest, PairCheck
from rsqa_desktop.services import Worker

pytest.importorskip("torch")


@pytest.fixture
def worker(qtbot, tiny_model):
    worker = Worker(arguments=("--device", "cpu", "--model", tiny_model))
    worker.replies = {}
    worker.stages = {}
    worker.ends = {}
    worker.deaths = []
    worker.replied.connect(worker.replies.__setitem__)
    worker.progress.connect(lambda message_id, event: worker.stages.setdefault(message_id, []).append(event.stage))
    worker.finished.connect(lambda message_id, outcome: worker.ends.setdefault(message_id, []).append(outcome))
    worker.died.connect(worker.deaths.append)
    with qtbot.waitSignal(worker.ready, timeout=120000):
        worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def request_of(pair, tmp_path):
    def make(question="Is there a river?") -> AskRequest:
        return AskRequest(question, pair.optical, pair.sar, str(tmp_path / "job"), model=pair.model)

    return make


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by POSIX signal")
def test_asks_survives_a_kill_and_asks_again(qtbot, worker, request_of, pair):
    asked = worker.submit(request_of())
    checked = worker.submit(CheckRequest(pair.optical, pair.sar))
    qtbot.waitUntil(lambda: {asked, checked} <= set(worker.ends), timeout=60000)
    assert worker.ends[asked] == [Outcome("succeeded")]
    assert isinstance(worker.replies[asked], Answer)
    assert worker.stages[asked][-1] == "answer"
    assert isinstance(worker.replies[checked], PairCheck)

    first = worker.pid
    lost = worker.submit(request_of("How many ships are there?"))
    cancelled_late = worker.submit(CheckRequest(pair.optical, pair.sar))
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(worker.deaths), timeout=10000)
    assert [outcome.status for outcome in worker.ends[lost]] == ["crashed"]
    assert "SIGKILL" in worker.ends[lost][0].reason
    assert "started again" in worker.ends[lost][0].remedy
    assert [outcome.status for outcome in worker.ends[cancelled_late]] == ["crashed"]
    worker.cancel(lost)  # too late, and harmless

    again = worker.submit(request_of("How many ships are there?"))  # while it is down
    qtbot.waitUntil(lambda: again in worker.ends, timeout=120000)
    assert worker.ends[again] == [Outcome("succeeded")]
    assert worker.pid not in (0, first)
    assert len(worker.deaths) == 1


def test_cancel_and_supersede(qtbot, worker, request_of):
    ids = [worker.submit(request_of(f"Is there a river number {number}?")) for number in range(4)]
    last = worker.submit(request_of())
    qtbot.waitUntil(lambda: {*ids, last} <= set(worker.ends), timeout=60000)
    assert [worker.ends[message_id][0].status for message_id in ids[1:]] == ["cancelled"] * 3
    assert worker.ends[last][0].status == "succeeded"
    stopped = worker.submit(request_of())
    worker.cancel(stopped)
    qtbot.waitUntil(lambda: stopped in worker.ends, timeout=60000)
    assert [outcome.status for outcome in worker.ends[stopped]] == ["cancelled"]
    assert stopped not in worker.replies
