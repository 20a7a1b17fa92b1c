"""One process at a time works in the folder of a run; of several that train together, the main one stands for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import UsageError
from engine.training.processes import is_main_process

LOCK_FILE = "lock"


@contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """``folder``, made where it is not there yet, is this run's alone; a process that dies gives it back by dying.

    Raises UsageError where another process works in it.
    """
    if not is_main_process():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UsageError(
            f"Another process is at work in {folder}.",
            remedy="Wait until it ends, stop it with a file “stop” in the run's folder, or name another folder.",
        ) from error
    try:
        yield
    finally:
        lock.release()
