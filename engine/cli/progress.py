"""How far a command has got, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_line() -> Iterator[Callable[[str, float | None], None]]:
    """Gives ``say(stage, fraction)``, which rewrites one line of standard error; fraction is 0..1, or None if unknown.

    The line is gone when the block is left, however that happens. Where standard error is not a terminal nothing is
    said, so that logs and pipes stay clean.
    """
    shown = sys.stderr.isatty()

    def say(stage: str, fraction: float | None) -> None:
        if shown:
            share = "" if fraction is None else f" {fraction:.0%}"
            print(f"\r\033[K{stage}{share}", end="", file=sys.stderr, flush=True)

    try:
        yield say
    finally:
        say("", None)
