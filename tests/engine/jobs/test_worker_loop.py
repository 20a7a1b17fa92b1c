"""The worker's order of things, with handlers that can be held back and made to fail."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine.errors import ExportRefused
from engine.jobs.conversation import Conversation
from engine.jobs.worker import Worker
from engine.protocol import Cancel, Exported, Outcome, Ready, Shutdown, from_line, to_line
from engine.records import AskRequest, CheckRequest, ExportRequest


class Bench:
    """A worker in a thread. ``hold`` keeps a question from being answered; ``begun`` tells that it was begun."""

    def __init__(self) -> None:
        requests, self._say = os.pipe()
        self._hear, events = os.pipe()
        self.hold, self.begun = threading.Event(), threading.Event()
        self._in, self._out = os.fdopen(requests, "rb"), os.fdopen(events, "wb")
        self.said, self.heard = os.fdopen(self._say, "wb"), os.fdopen(self._hear, "rb")
        handlers: dict[type, Any] = {AskRequest: self._ask, ExportRequest: self._export}
        worker = Worker(Conversation(self._in, self._out), handlers, lambda: Ready("worker", "0"))
        self.thread = threading.Thread(target=worker.run)
        self.thread.start()

    def _ask(self, request, *, progress, cancelled):
        progress("answer", None)
        self.begun.set()
        while not self.hold.wait(0.01) and not cancelled():
            pass
        return Exported((request.question,))  # any event will do

    def _export(self, request, *, progress, cancelled):
        if request.out == "refuse":
            raise ExportRefused("The disk is full.", remedy="Make room.")
        raise ZeroDivisionError("by chance")

    def say(self, message_id: str, request: object) -> None:
        self.said.write(to_line(message_id, request))
        self.said.flush()

    def outcomes(self, count: int) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        while len(found) < count:
            message_id, event = from_line(self.heard.readline())
            if isinstance(event, Outcome):
                assert message_id not in found
                found[message_id] = event
        return found


@pytest.fixture
def bench(monkeypatch) -> Iterator[Bench]:
    monkeypatch.setattr("engine.jobs.worker.GRACE_S", 1000.0)  # its last resort would end this process
    bench = Bench()
    yield bench
    bench.hold.set()
    bench.say("", Shutdown())
    bench.thread.join(10)
    assert not bench.thread.is_alive()
    for stream in (bench.said, bench.heard, bench._in, bench._out):
        stream.close()


def ask(question: str) -> AskRequest:
    return AskRequest(question, "o.tif", None, "folder")


def test_a_newer_question_stops_the_running_one_and_drops_the_waiting_ones(bench):
    bench.say("a", ask("first?"))
    assert bench.begun.wait(10)
    for number in range(3):
        bench.say(f"b{number}", ask("more?"))
    stopped = bench.outcomes(3)
    assert {message_id: outcome.status for message_id, outcome in stopped.items()} == dict.fromkeys(
        ["a", "b0", "b1"], "cancelled"
    )
    bench.hold.set()
    assert bench.outcomes(1)["b2"].status == "succeeded"


def test_exports_are_not_superseded_by_questions(bench, tmp_path):
    bench.say("a", ask("first?"))
    assert bench.begun.wait(10)
    bench.say("e", ExportRequest("a.json", "refuse"))
    bench.say("b", ask("second?"))
    bench.hold.set()
    ends = bench.outcomes(3)
    assert list(ends) == ["a", "e", "b"]
    assert ends["e"] == Outcome("failed", "The disk is full.", "Make room.", "ExportRefused", 3)


def test_cancel_closes_what_waits_at_once(bench):
    bench.say("a", ask("first?"))
    assert bench.begun.wait(10)
    bench.say("e", ExportRequest("a.json", "refuse"))
    bench.say("", Cancel("e"))
    assert bench.outcomes(1)["e"].status == "cancelled"
    bench.say("", Cancel("a"))
    assert bench.outcomes(1)["a"].status == "cancelled"


def test_a_fault_of_ours_ends_the_request_only(bench, capsys):
    bench.hold.set()
    bench.say("e", ExportRequest("a.json", "break"))
    end = bench.outcomes(1)["e"]
    assert (end.status, end.error, end.code) == ("failed", "ZeroDivisionError", 4)
    assert "by chance" in end.reason
    assert "_export, line" in end.reason, "where it happened"
    bench.say("a", ask("and now?"))
    assert bench.outcomes(1)["a"].status == "succeeded"


def test_what_it_does_not_take_and_ids_used_twice(bench):
    bench.say("c", CheckRequest("o.tif", None))
    assert "CheckRequest" in bench.outcomes(1)["c"].reason
    bench.say("a", ask("first?"))
    assert bench.begun.wait(10)
    bench.say("a", ask("again?"))
    assert "in use already" in bench.outcomes(1)[""].reason
    bench.hold.set()
    assert bench.outcomes(1)["a"].status == "succeeded"


def test_the_traceback_of_a_fault_lies_in_the_folder(tmp_path):
    source = io.BytesIO(to_line("a", AskRequest("Why?", "o.tif", None, str(tmp_path / "job"))))
    sink = io.BytesIO()

    def broken(request, *, progress, cancelled):
        raise KeyError("nowhere")

    hold = threading.Event()

    class UntilAnswered(Conversation):
        """Hangs up only after the answer, as a window does."""

        def calls(self):
            yield from super().calls()
            hold.wait(10)

        def close(self, call, outcome):
            super().close(call, outcome)
            hold.set()

    program_end = pytest.MonkeyPatch()
    program_end.setattr("engine.jobs.worker.GRACE_S", 1000.0)
    Worker(UntilAnswered(source, sink), {AskRequest: broken}, lambda: Ready("worker", "0")).run()
    program_end.undo()
    log = (tmp_path / "job" / "log.txt").read_text()
    assert "Traceback" in log
    assert "KeyError: 'nowhere'" in log


def test_a_worker_that_cannot_prepare_says_why_and_ends():
    program = textwrap.dedent(
        """
        from engine.jobs.conversation import Conversation
        from engine.jobs.worker import Worker
        def prepare():
            raise ImportError("torch is broken")
        Worker(Conversation.on_standard_streams(), {}, prepare).run()
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as child:  # fmt: skip
        message_id, outcome = from_line(child.stdout.readline())
        assert (message_id, outcome.status) == ("", "failed")
        assert "torch is broken" in outcome.reason
        assert child.wait(10) == 4


def test_what_a_library_prints_is_no_message():
    program = textwrap.dedent(
        """
        import os
        from engine.jobs.conversation import Conversation
        from engine.protocol import Ready
        conversation = Conversation.on_standard_streams()
        print("chatter of a library")
        os.write(1, b"chatter of a C library")
        conversation.say("", Ready("worker", "0"))
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, input=b"", check=True)
    assert done.stdout == to_line("", Ready("worker", "0"))
    assert b"chatter of a library" in done.stderr
    assert b"chatter of a C library" in done.stderr
