"""Streams of scenes: the same in any number of processes, bounded, clean at the end whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.errors import EngineFailed, ExportRefused, UsageError
from engine.scenes import make_sample
from engine.scenes.stream import in_order, scene_stream
from tests.engine.scenes import in_worker

ROOT = Path(__file__).resolve().parents[3]


def gone(pid: int, patience_s: float = 10.0) -> bool:
    """Whether a process ends within that time."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def start(program: str) -> subprocess.Popen[str]:
    """A Python process of its own session that runs ``program``."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_are_those_of_the_seeds_in_their_order(workers: int) -> None:
    seeds = [5, 3, 5, 8]
    streamed = list(scene_stream(seeds, workers, size=64, wording="held-out", questions_per_type=2))
    assert [sample.seed for sample in streamed] == seeds
    for sample in streamed:
        alone = make_sample(sample.seed, size=64, wording="held-out", questions_per_type=2)
        assert sample.truth.questions == alone.truth.questions
        assert sample.referrals == alone.referrals
        np.testing.assert_array_equal(sample.optical, alone.optical)
        np.testing.assert_array_equal(sample.sar, alone.sar)


def test_the_slowest_does_not_change_the_order() -> None:
    assert list(in_order(in_worker.slow_then_fast, range(8), 2)) == list(range(8))


def test_an_endless_stream_is_fetched_no_further_than_said_and_ends_its_processes() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in count():
            asked.append(number)
            yield number

    with closing(in_order(in_worker.process_id, numbers(), 2, prefetch=3)) as stream:
        workers = {next(stream) for _ in range(4)}
        assert asked == list(range(4 + 5 - 1))
    assert os.getpid() not in workers
    assert all(gone(pid) for pid in workers)


def test_nothing_is_asked_before_the_first_is() -> None:
    asked = iter(range(3))
    in_order(in_worker.process_id, asked, 1).close()
    assert next(asked) == 0


def test_a_refusal_comes_in_its_place_with_its_remedy() -> None:
    stream = in_order(in_worker.refuse, range(5), 2)
    assert next(stream) == 0
    with pytest.raises(ExportRefused, match="Number 1") as caught:
        next(stream)
    assert caught.value.remedy == "Leave it out."
    assert list(stream) == []


def test_a_crash_is_told_and_leaves_no_process() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(EngineFailed, match="died"):
        list(in_order(in_worker.die, range(8), 2))
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    trackers = [pid for pid in left if "resource_tracker" in " ".join(psutil.Process(pid).cmdline())]
    assert all(gone(pid) for pid in left - set(trackers))


@pytest.mark.parametrize(("workers", "prefetch"), [(-1, 0), (1, -1)])
def test_numbers_below_zero_are_refused_at_once(workers: int, prefetch: int) -> None:
    with pytest.raises(UsageError):
        in_order(in_worker.process_id, range(3), workers, prefetch=prefetch)


def test_processes_load_nothing_that_scenes_do_not_need() -> None:
    program = """
        import json
        from engine.scenes.stream import in_order
        from tests.engine.scenes.in_worker import heavy_modules
        if __name__ == "__main__":
            print(json.dumps(list(in_order(heavy_modules, range(2), 1))))
    """
    process = start(program)
    out, err = process.communicate(timeout=120)
    assert (json.loads(out), err) == ([[], []], "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to interrupt or kill like this")
@pytest.mark.parametrize("deadly", [signal.SIGINT, signal.SIGKILL])
def test_processes_do_not_outlive_the_one_that_asked(deadly: signal.Signals) -> None:
    program = """
        from itertools import count
        from engine.scenes.stream import in_order
        from tests.engine.scenes.in_worker import process_id
        stream = in_order(process_id, count(), 1)
        print(next(stream), flush=True)
        for _ in stream:
            pass
    """
    process = start(program)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    if deadly is signal.SIGINT:
        os.killpg(process.pid, deadly)  # as a terminal does: to all of them
    else:
        process.kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == -deadly
    assert gone(worker)
    assert err.count("Traceback") == (deadly is signal.SIGINT)
