"""One engine process as the window sees it: started, spoken to, missed when it dies, started again.

Everything happens on the Qt thread and nothing in it waits: QProcess queues what is written and hands over what was
said line by line, each a few kilobytes at most (arrays travel by other ways).
"""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from engine.errors import ProtocolMismatch
from engine.protocol import Cancel, Hello, Outcome, Ready, from_line, to_line

RESTART_DELAYS_S = (0.1, 0.5, 2.0, 8.0)
"""Waits before the first, second … restart in a row; after the last the process stays down until asked for."""
STEADY_S = 30.0
"""A process that ran this long was well: the next death counts as the first again."""
STDERR_KEPT = 4000
"""Characters of standard error kept for the report of a crash."""


class EngineProcess(QObject):
    """Runs ``rsqa COMMAND`` and speaks ``engine.protocol`` with it.

    ``hello`` is the first line said to each new process. Signals: ``ready(Ready)``; ``said(id, event)`` for every
    event but outcomes; ``finished(id, Outcome)`` once for each request sent, whatever happens; ``died(Outcome)``
    when the process ended without having been asked to, after the outcomes of its requests. A restart follows by
    itself, unless ``will_restart`` is False.
    """

    ready = Signal(object)
    said = Signal(str, object)
    finished = Signal(str, object)
    died = Signal(object)

    def __init__(self, title: str, command: tuple[str, ...], hello: Hello, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._command = command
        self._hello = hello
        self._process: QProcess | None = None
        self._unfinished: dict[str, object] = {}
        self._unsent: list[bytes] = []
        self._partial = b""
        self._stderr = ""
        self._last_words: Outcome | None = None
        self._fault: Outcome | None = None
        self._started_at = 0.0
        self._deaths = 0
        self._restart = QTimer(self, singleShot=True)
        self._restart.timeout.connect(self.start)

    @property
    def pid(self) -> int:
        """The process id, 0 where it is down."""
        return 0 if self._process is None else int(self._process.processId())

    @property
    def will_restart(self) -> bool:
        """Whether the process is down and about to be started again."""
        return self._restart.isActive()

    def start(self) -> None:
        """Start the process if it is down; returns at once. Requests may be sent before it is ready."""
        if self._process is not None:
            return
        self._restart.stop()
        self._partial, self._stderr, self._last_words, self._fault = b"", "", None, None
        process = QProcess(self)
        process.setProgram(sys.executable)
        # -P: a folder named "engine" where the window was started from is not ours.
        process.setArguments(["-P", "-m", "engine.cli.main", *self._command])
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._keep_stderr)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        self._started_at = time.monotonic()
        process.start()
        process.write(to_line("", self._hello))
        for line in self._unsent:
            process.write(line)
        self._unsent.clear()

    def send(self, message_id: str, request: object) -> None:
        """Send a request, or keep it for when the process is up again. Starts a process that had been given up."""
        self._unfinished[message_id] = request
        self._write(to_line(message_id, request))

    def cancel(self, message_id: str) -> None:
        """Ask for a request to be stopped; its outcome still comes."""
        if message_id in self._unfinished:
            self._write(to_line("", Cancel(message_id)))

    def stop(self, patience_ms: int = 1000) -> None:
        """End the process for good, by force if it has not gone after ``patience_ms``. Its requests get no outcome."""
        self._restart.stop()
        self._unfinished.clear()
        self._unsent.clear()
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)  # its end is no news
        process.closeWriteChannel()
        if not process.waitForFinished(patience_ms):
            process.kill()
            process.waitForFinished(patience_ms)
        process.deleteLater()

    def _write(self, line: bytes) -> None:
        if self._process is not None:
            self._process.write(line)
            return
        self._unsent.append(line)
        if not self.will_restart:
            self.start()

    def _read(self) -> None:
        if self._process is None or self._fault is not None:
            return
        *lines, self._partial = (self._partial + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            try:
                self._hear(*from_line(line))
            except ProtocolMismatch as error:
                self._quarrel(error)
                return

    def _hear(self, message_id: str, event: Any) -> None:
        if isinstance(event, Ready):
            self.ready.emit(event)
        elif not isinstance(event, Outcome):
            self.said.emit(message_id, event)
        elif message_id:
            if self._unfinished.pop(message_id, None) is not None:
                self.finished.emit(message_id, event)
        else:
            self._last_words = event  # about no request: the reason, should the process now end by itself

    def _quarrel(self, error: ProtocolMismatch) -> None:
        """Another release's process, or none of ours, is at the other end: starting it again would not help."""
        process = self._process
        if process is None:
            return
        self._deaths = len(RESTART_DELAYS_S)
        self._fault = Outcome("failed", str(error), error.remedy, type(error).__name__, error.exit_code)
        process.readyReadStandardOutput.disconnect(self._read)
        process.kill()

    def _keep_stderr(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
            self._stderr = (self._stderr + text)[-STDERR_KEPT:]

    def _on_error(self, error: QProcess.ProcessError) -> None:
        # Every other error is followed by `finished`.
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._bury(f"{self._title} cannot be started: {self._process.errorString()}.", code=4)

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._keep_stderr()
        if self._process is not None:
            crashed = status is QProcess.ExitStatus.CrashExit
            if not crashed and self._fault is None:
                self._fault = self._last_words
            how = f"was ended by {_signal_name(code)}" if crashed else f"ended with exit code {code}"
            self._bury(f"{self._title} {how}.", code)

    def _bury(self, reason: str, code: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        if time.monotonic() - self._started_at > STEADY_S:
            self._deaths = 0
        restarts = self._deaths < len(RESTART_DELAYS_S)
        if restarts:
            self._restart.start(int(RESTART_DELAYS_S[self._deaths] * 1000))
            self._deaths += 1
        remedy = "It is being started again." if restarts else "It is not started again by itself; try once more."
        fault = self._fault
        if fault is not None:
            reason, remedy = fault.reason, fault.remedy or remedy
        death = Outcome("crashed", reason, remedy, error=self._stderr.strip(), code=code)
        interrupted, self._unfinished = self._unfinished, {}
        for message_id in interrupted:
            self.finished.emit(message_id, death)
        self.died.emit(death)


def _signal_name(code: int) -> str:
    """``SIGKILL`` for 9. Qt gives a Unix signal's number as the exit code of a crash; Windows an NTSTATUS."""
    try:
        return signal.Signals(code).name
    except ValueError:
        return f"a crash (code {code:#x})"
