"""How far a command has got, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.jobs.telling import ProgressTeller

SPEAK_AFTER_S = 3.0
"""A stage says how long it will take from then on; before that nobody knows."""


@contextmanager
def progress_line() -> Iterator[ProgressTeller]:
    """Gives ``say(stage, fraction)``, which rewrites one line of standard error; fraction is 0..1, or None if unknown.

    The line tells the time left of the stage, as far as its pace so far lets it be known, and is gone when the block is
    left, however that happens. Where standard error is not a terminal nothing is said, so that logs and pipes stay
    clean.
    """
    shown = sys.stderr.isatty()
    began: tuple[str, float] = ("", 0.0)

    def say(stage: str, fraction: float | None, _: int | None = None) -> None:
        nonlocal began
        if stage != began[0]:
            began = (stage, time.monotonic())
        if shown:
            share = "" if fraction is None else f" {fraction:.0%}{time_left(time.monotonic() - began[1], fraction)}"
            print(f"\r\033[K{stage}{share}", end="", file=sys.stderr, flush=True)

    try:
        yield say
    finally:
        say("", None)


def time_left(seconds: float, fraction: float) -> str:
    """`` · 2:05 left`` of a stage whose ``fraction`` took ``seconds``; "" where it is too early to tell, or done."""
    if seconds < SPEAK_AFTER_S or not 0 < fraction < 1:
        return ""
    minutes, rest = divmod(round(seconds / fraction - seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f" · {f'{hours}:{minutes:02d}' if hours else minutes}:{rest:02d} left"
