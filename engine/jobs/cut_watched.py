"""The cut of a large map in a process of its own: tracing polygons cannot be stopped halfway, but a process can."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

from engine.errors import EngineFailed, RsqaError
from engine.jobs.cut_outline import Cut, ProbabilityMap, cut
from engine.jobs.folder import JobFolder
from engine.records import Cleaning

MOST_HERE = 1 << 23
"""Maps of up to so many pixels are cut in well below a second, less than it takes to start a process."""

LOOK_EVERY_S = 0.1


def cut_watched(probable: ProbabilityMap, cleaning: Cleaning, folder: JobFolder, step: Callable[[], None]) -> Cut:
    """As :func:`engine.jobs.cut_outline.cut`, and ``step`` is called at least every :data:`LOOK_EVERY_S`.

    Once it raises nothing goes on behind it. Raises also :class:`EngineFailed` where the process died.
    """
    if probable.window.width * probable.window.height <= MOST_HERE:
        return cut(probable, cleaning, folder, step)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    # Not a fork: what torch and GDAL hold in their threads does not survive one.
    process = multiprocessing.get_context("spawn").Process(
        target=_cut_apart, args=(theirs, probable, cleaning, folder.path), daemon=True
    )
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    try:
        while not ours.poll(LOOK_EVERY_S):
            step()
        made: Cut | RsqaError = ours.recv()
    except EOFError as error:
        raise EngineFailed(
            "The mask could not be cut: its process ended.", remedy="Close other programs, or choose a smaller area."
        ) from error
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(made, RsqaError):
        raise made
    return made


def _cut_apart(answer: Connection, probable: ProbabilityMap, cleaning: Cleaning, folder: str) -> None:
    """What the process does: the cut, or what refused it, goes through the pipe."""
    try:
        answer.send(cut(probable, cleaning, JobFolder(folder), lambda: None))
    except RsqaError as refusal:
        answer.send(refusal)
