"""One engine process's end of the wire: requests in on standard input, events out on standard output.

Two promises are kept here for every process alike: a request is closed by exactly one outcome, and nothing but
messages reaches standard output, whatever a library prints.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from engine.errors import Cancelled, ProtocolMismatch, RsqaError
from engine.protocol import Cancel, Outcome, Shutdown, from_line, line_id, to_line


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request under way: its id, its record, and the flag that asks it to stop."""

    id: str
    request: Any
    stop: threading.Event = field(default_factory=threading.Event)


class Conversation:
    """Lines in, lines out, and the account of which requests are still open. Safe to use from several threads."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._writing = threading.Lock()
        self._open: dict[str, Call] = {}
        self._accounting = threading.Lock()

    @classmethod
    def on_standard_streams(cls) -> Conversation:
        """Take over this process's standard input and output.

        What anything else prints goes to standard error, where a native crash leaves its trace too.
        """
        sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        faulthandler.enable()
        if not sys.stdin.isatty():
            # Ctrl+C in the window's terminal reaches the children too, whose end is decided by their input alone.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return cls(sys.stdin.buffer, sink)

    def calls(self) -> Iterator[Call]:
        """Requests as they arrive, until the other side hangs up or says ``shutdown``.

        A line that is no valid request is answered here. Requests to cancel set the target's flag and are
        passed on too, as a loop may be able to close a request that is still waiting.
        """
        for raw in self._source:
            try:
                message_id, request = from_line(raw)
                if isinstance(request, Shutdown):
                    return
            except ProtocolMismatch as error:
                self.say(line_id(raw), outcome_of(error))
                continue
            call = Call(message_id, request)
            if isinstance(request, Cancel):
                self._ask_to_stop(request.target)
            elif message_id and not self._begin(call):
                # It cannot be answered under its id, which belongs to the first.
                self.say("", outcome_of(ProtocolMismatch(f"The request id “{call.id}” is in use already.")))
                continue
            yield call

    def say(self, message_id: str, event: object) -> None:
        """Send one event."""
        line = to_line(message_id, event)
        # A broken pipe means the window is gone; end of input, which ends the process, is then on its way.
        with self._writing, contextlib.suppress(BrokenPipeError):
            self._sink.write(line)
            self._sink.flush()

    def close(self, call: Call, outcome: Outcome) -> None:
        """End a request. Raises ``KeyError`` if it was ended before: two outcomes would be a fault of ours."""
        with self._accounting:
            del self._open[call.id]
        self.say(call.id, outcome)

    def _begin(self, call: Call) -> bool:
        with self._accounting:
            return self._open.setdefault(call.id, call) is call

    def _ask_to_stop(self, target: str) -> None:
        with self._accounting:
            call = self._open.get(target)
        if call is not None:
            call.stop.set()


def outcome_of(error: BaseException) -> Outcome:
    """How a request ends that raised ``error``: ours by their sentence, others as a fault with its name."""
    if isinstance(error, Cancelled):
        return Outcome("cancelled", reason=str(error), code=Cancelled.exit_code)
    if isinstance(error, RsqaError):
        return Outcome("failed", str(error), error.remedy, type(error).__name__, error.exit_code)
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" ({where[0].name}, line {where[0].lineno})" if where else ""
    return Outcome(
        "failed",
        reason=f"The engine failed: {type(error).__name__}: {error}{place}.",
        remedy="Ask again; if it fails again, report it with the log.",
        error=type(error).__name__,
        code=RsqaError.exit_code,
    )
