"""How long a question takes, from request sent to answer received, through the window's client and a warm worker.

On the sample pair: first questions (a new area each time, so that it is read and encoded) and further questions on one
view, each worded differently. Run as ``python -m tests.benchmarks.questions [MODEL]``; nothing else should be using the
machine. Also printed: how long the two processes take to be ready, and the pair's check before torch is loaded.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer, SignalInstance

from engine.jobs.make_scenes import make_sample_pair
from engine.protocol import Ready
from engine.records import AskRequest, CheckRequest, PixelWindow
from rsqa_desktop.services import TileReader, Worker

FIRST, FURTHER = 12, 60
THINGS = ("river", "road", "bridge", "ship", "storage tank", "building", "forest", "field", "lake", "town")
FORMS = ("Is there a {}?", "How many of type {} are there?", "Where is the {}?", "Is a {} to be seen here?",
         "What is beside the {}?", "Does this picture show a {}?")  # fmt: skip
LIMIT_MS = 120_000


def wait_for(signal: SignalInstance, wanted: Callable[..., bool] = lambda *values: True) -> tuple[object, ...]:
    """Run the event loop until ``signal`` comes with ``wanted`` values; exits where it does not come."""
    loop, heard = QEventLoop(), []

    def hear(*values: object) -> None:
        if wanted(*values):
            heard.append(values)
            loop.quit()

    signal.connect(hear)
    QTimer.singleShot(LIMIT_MS, loop.quit)
    if not heard:
        loop.exec()
    signal.disconnect(hear)
    if not heard:
        sys.exit("No answer came in time.")
    return heard[0]


def timed(worker: Worker, request: AskRequest | CheckRequest) -> float:
    """Milliseconds until the outcome of ``request``; exits where it is no success."""
    began = time.perf_counter()
    sent = worker.submit(request)
    _, outcome = wait_for(worker.finished, lambda message_id, outcome: message_id == sent)
    if outcome.status != "succeeded":
        sys.exit(f"{outcome.reason} {outcome.remedy}")
    return (time.perf_counter() - began) * 1000


def report(what: str, figures: list[float]) -> None:
    """Print median, 95th percentile and worst."""
    median, high = np.percentile(figures, [50, 95])
    print(f"{what}: median {median:.0f} ms, p95 {high:.0f} ms, worst {max(figures):.0f} ms ({len(figures)} times)")


def main(model: str = "tgfnet-compact") -> int:
    """Measure and print."""
    application = QCoreApplication.instance() or QCoreApplication([])
    with tempfile.TemporaryDirectory() as folder:
        pair = make_sample_pair(Path(folder))
        began = time.perf_counter()
        reader = TileReader()
        reader.start()
        wait_for(reader.ready)
        print(f"tile reader ready: {(time.perf_counter() - began) * 1000:.0f} ms")
        reader.stop()

        worker = Worker(arguments=("--model", model))
        began = time.perf_counter()
        ready_after: list[tuple[float, Ready]] = []
        worker.ready.connect(lambda ready: ready_after.append((time.perf_counter() - began, ready)))
        worker.start()
        checked = timed(worker, CheckRequest(pair.optical, pair.sar))
        print(f"pair checked by a worker just started: {checked:.0f} ms")
        if not ready_after:
            wait_for(worker.ready)
        seconds, ready = ready_after[0]
        print(f"worker ready: {seconds:.1f} s on {ready.device}. {ready.reason}")

        def request(question: str, offset: int) -> AskRequest:
            window = PixelWindow(offset, offset, 512, 512)
            return AskRequest(question, pair.optical, pair.sar, str(Path(folder) / "job"), window, model)

        report("first question on an area", [timed(worker, request("Is there a river?", 16 * i)) for i in range(FIRST)])
        questions = [form.format(thing) for form in FORMS for thing in THINGS][:FURTHER]
        report("further question on it", [timed(worker, request(text, 16 * (FIRST - 1))) for text in questions])
        worker.stop()
    application.processEvents()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
