"""How a run is asked to stop: a signal, or a file in its folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signal() -> Iterator[list[int]]:
    """A list that is no longer empty once SIGTERM or SIGINT arrived; the old handlers come back afterwards."""
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    try:
        old = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: the stop file still works
        yield heard
        return
    try:
        yield heard
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
