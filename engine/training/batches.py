"""Which items of a step are whose, and their preparation ahead of time in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

from engine.errors import UsageError
from engine.training.task import Task

AHEAD = 2
"""Steps whose batches are prepared while the model computes."""


def share(items: Sequence[Any], rank: int, processes: int, parts: int) -> list[Sequence[Any]]:
    """The ``parts`` equal, contiguous pieces of ``items`` that process ``rank`` of ``processes`` computes.

    Process 0 has the first pieces, process 1 the next, and so on, so two processes see the same pieces as one that
    accumulates two. Raises UsageError where the pieces would not be equal: their losses would weigh differently.
    """
    size, rest = divmod(len(items), processes * parts)
    if rest or not size:
        raise UsageError(
            f"A batch of {len(items)} items cannot be cut into {processes} × {parts} equal parts (processes × "
            "accumulation).",
            remedy="Choose a batch size that is a multiple of both together.",
        )
    first = rank * parts
    return [items[piece * size : (piece + 1) * size] for piece in range(first, first + parts)]


class Batches:
    """The collated parts of one process, step by step, prepared up to two steps ahead in one thread.

    Used in a ``with``: the thread is gone afterwards. What fails in the thread is raised by :meth:`parts`, with the
    traceback of the place where it failed.
    """

    def __init__(self, task: Task, first: int, end: int, *, rank: int, processes: int, accumulation: int) -> None:
        self._task = task
        self._next, self._end = first, end
        self._cut = (rank, processes, accumulation)
        self._pending: deque[Future[list[Any]]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")

    def __enter__(self) -> Batches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def parts(self) -> list[Any]:
        """The parts of the next step, on the CPU."""
        while self._next < self._end and len(self._pending) <= AHEAD:
            self._pending.append(self._thread.submit(self._prepare, self._next))
            self._next += 1
        return self._pending.popleft().result()

    def _prepare(self, step: int) -> list[Any]:
        return [self._task.collate(items, step) for items in share(self._task.draw(step), *self._cut)]
