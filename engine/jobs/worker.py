"""The interactive worker: takes requests one at a time, lets a newer question replace an older one.

The main thread computes; a second one listens, so that cancelling works while it does; a third prepares torch and
the usual model, so that checking a pair need not wait for them. What a request does is the business of the
handlers; this module knows only their order and their end.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine.errors import Cancelled, ProtocolMismatch, RsqaError
from engine.jobs.conversation import Call, Conversation, outcome_of
from engine.jobs.folder import JobFolder
from engine.jobs.telling import ProgressTeller
from engine.protocol import Cancel, Hello, Outcome, Progress, Ready
from engine.records import AskRequest, AskTilesRequest, FindRequest, OutlineRequest, RedrawRequest

GRACE_S = 2.0
"""How long a request may go on after the window has gone."""

QUESTIONS = (AskRequest, AskTilesRequest, FindRequest, OutlineRequest, RedrawRequest)
"""A newer one of these takes the place of an older one: the window shows one answer."""


class Handler(Protocol):
    """Turns a request into the event that answers it; calls ``progress`` between stages and looks at ``cancelled``."""

    def __call__(self, request: Any, *, progress: ProgressTeller, cancelled: Callable[[], bool]) -> object: ...


class Worker:
    """The process. ``prepare`` does what :class:`Ready` promises and returns it."""

    def __init__(
        self, conversation: Conversation, handlers: Mapping[type, Handler], prepare: Callable[[], Ready]
    ) -> None:
        self._conversation = conversation
        self._handlers = handlers
        self._prepare_with = prepare
        self._waiting: deque[Call] = deque()
        self._running: Call | None = None
        self._closing = False
        self._changed = threading.Condition()

    def run(self) -> int:
        """Serve until the window hangs up or says ``shutdown``; returns the exit code."""
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        threading.Thread(target=self._prepare, name="preparer", daemon=True).start()
        while (call := self._next()) is not None:
            self._serve(call)
        return 0

    def _listen(self) -> None:
        for call in self._conversation.calls():
            self._receive(call)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            if self._running is not None:
                self._running.stop.set()
        # A stage that does not end in time must not outlive the window.
        last_resort = threading.Timer(GRACE_S, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()

    def _prepare(self) -> None:
        try:
            ready = self._prepare_with()
        except Exception as error:  # whatever hinders torch or the driver: say it, then end as failed
            traceback.print_exc(file=sys.stderr)
            self._conversation.say("", outcome_of(error))
            os._exit(RsqaError.exit_code)
        self._conversation.say("", ready)

    def _receive(self, call: Call) -> None:
        request = call.request
        if isinstance(request, Cancel):
            self._drop(lambda waiting: waiting.id == request.target, "The request was stopped before it began.")
        elif type(request) in self._handlers:
            if isinstance(request, QUESTIONS):
                self._supersede_questions()
            with self._changed:
                self._waiting.append(call)
                self._changed.notify_all()
        elif not isinstance(request, Hello):
            error = ProtocolMismatch(f"The worker does not take a {type(request).__name__}.")
            self._conversation.close(call, outcome_of(error))

    def _supersede_questions(self) -> None:
        self._drop(
            lambda waiting: isinstance(waiting.request, QUESTIONS), "A newer question took the place of this one."
        )
        with self._changed:
            if self._running is not None and isinstance(self._running.request, QUESTIONS):
                self._running.stop.set()

    def _drop(self, unwanted: Callable[[Call], bool], reason: str) -> None:
        with self._changed:
            dropped = [call for call in self._waiting if unwanted(call)]
            self._waiting = deque(call for call in self._waiting if call not in dropped)
        for call in dropped:
            self._conversation.close(call, outcome_of(Cancelled(reason)))

    def _next(self) -> Call | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._running = None if self._closing else self._waiting.popleft()
            return self._running

    def _serve(self, call: Call) -> None:
        def progress(stage: str, fraction: float | None, steps: int | None = None) -> None:
            self._conversation.say(call.id, Progress(stage, fraction, steps))

        try:
            handler = self._handlers[type(call.request)]
            event = handler(call.request, progress=progress, cancelled=call.stop.is_set)
            if call.stop.is_set() and isinstance(call.request, QUESTIONS):  # files once written are not unwritten
                raise Cancelled("The question was stopped.")
            self._conversation.say(call.id, event)
            outcome = Outcome("succeeded")
        except Exception as error:  # a fault in one request ends that request, not the worker
            outcome = outcome_of(error)
            if not isinstance(error, RsqaError):
                self._log(call, error)
        with self._changed:
            self._running = None
        self._conversation.close(call, outcome)

    def _log(self, call: Call, error: Exception) -> None:
        traceback.print_exception(error, file=sys.stderr)
        folder = getattr(call.request, "folder", None)
        if folder is not None:
            try:
                JobFolder(folder).log(error)
            except RsqaError as unwritable:
                print(unwritable.sentence, file=sys.stderr)  # noqa: T201 - standard error is this process's log
