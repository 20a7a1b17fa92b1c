"""Scenes made by several processes while they are used: nothing touches the disk, and the order is that of the seeds.

What comes out depends on the seeds alone, not on the number of processes: each scene is made of its own seed, and
results are handed over in order. A training run that goes on at step n asks for the seeds from step n on and gets what
it would have got. The processes load this room and what it needs (NumPy, SciPy, Pillow), and the room of ``work``.

A whole sample of 256 x 256 pixels travels as 4 MB and costs the consumer 4 ms, a 25th of making it (measured by
``tests.benchmarks.scenes``): arrays in shared memory would gain next to nothing. Where 4 ms are too much, beside a fast
GPU say, let :func:`in_order` run a function of your own that makes the sample and gives back only what is trained on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TypeVar

from engine.errors import EngineFailed, UsageError
from engine.scenes.plan import VIEW
from engine.scenes.sample import Sample, make_sample
from engine.text import Wording

I = TypeVar("I")  # noqa: E741
T = TypeVar("T")

PREFETCH = 4


def scene_stream(
    seeds: Iterable[int],
    workers: int,
    *,
    prefetch: int = PREFETCH,
    size: int = VIEW,
    wording: Wording = "train",
    questions_per_type: int = 1,
) -> Generator[Sample, None, None]:
    """The samples of ``seeds``, which may have no end, as :func:`engine.scenes.make_sample` makes them.

    Raises what :func:`in_order` raises, and :class:`UsageError` at a seed or for a size that there is not.
    """
    make = partial(make_sample, size=size, wording=wording, questions_per_type=questions_per_type)
    return in_order(make, seeds, workers, prefetch=prefetch)


def in_order(
    work: Callable[[I], T], items: Iterable[I], workers: int, *, prefetch: int = PREFETCH
) -> Generator[T, None, None]:
    """``work(item)`` for each of ``items``, in their order, computed by ``workers`` processes (0: by this one).

    ``work`` is a function of a module, or a ``functools.partial`` of one: the processes are started anew ("spawn"), as
    threads of torch do not survive a fork. At most ``workers + prefetch`` results are under way or wait. The processes
    end when the stream is exhausted or closed (``contextlib.closing``), when ``work`` raises, and with this process,
    however it ends; Ctrl-C is left to this process.

    Raises :class:`UsageError` for a number below 0, what ``work`` raises in the place of that result, and
    :class:`EngineFailed` where a process died.
    """
    if workers < 0 or prefetch < 0:
        raise UsageError(f"There are no {min(workers, prefetch)} processes or results.", remedy="Ask for 0 or more.")
    if workers == 0:
        return (work(item) for item in items)
    return _from_processes(work, iter(items), workers, workers + prefetch)


def _from_processes(work: Callable[[I], T], items: Iterator[I], workers: int, most: int) -> Generator[T, None, None]:
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
    waiting: deque[Future[T]] = deque()
    try:
        while True:
            coming = list(islice(items, most - len(waiting)))
            with _interrupts_held():
                waiting.extend(pool.submit(work, item) for item in coming)
            if not waiting:
                return
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise EngineFailed(
            "One of the processes that share this work has died.",
            remedy="If memory is short, use fewer processes or smaller pictures.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """In a new process: leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C: a process started here is born with it held back, and tells no traceback of its imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
