"""The whole window on a 20,000 x 20,000 px pair: first pixels, memory, and the heartbeat while questions run.

    python -m tests.benchmarks.large_pair [--side 20000] [--keep FOLDER]

The rasters are those of ``raster_preview`` (made in a temporary folder, or once in ``--keep``). For each kind the real
program is built, with its real tile reader and worker. *First pixels* is the time from asking for a part never shown to
a picture in both panes. Then questions are asked back to back while the view is dragged and zoomed, and a timer of
10 ms notes how late it is called. Nothing else should be using the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from engine.records import PixelWindow
from rsqa_desktop.app import Engine, Program, build
from rsqa_desktop.canvas.pane import Pane
from tests.benchmarks.canvas import Heartbeat, move_about, spread, wait_until
from tests.benchmarks.raster_preview import large_pair

SECONDS = 20.0
JUMPS = 9
QUESTIONS = ("Is there a river?", "How many ships are there?", "Where is the bridge?", "Is the image cloudy?")


def shows(pane: Pane, window: PixelWindow) -> bool:
    """Whether the pane's sharpest picture, draft or not, holds the whole of ``window``."""
    if not pane.stream.pictures:
        return False
    box, wanted = pane.stream.pictures[-1].window.box, window.box
    return box.x0 <= wanted.x0 and box.y0 <= wanted.y0 and box.x1 >= wanted.x1 and box.y1 >= wanted.y1


def first_pixels(panes: list[Pane], program: Program, side: int) -> list[float]:
    """Milliseconds from asking for each of some scattered parts to a picture of it in both panes."""
    view, taken = program.window.view, []
    for jump in range(JUMPS):
        width = side >> (jump % 3 * 2 + 1)  # a half, an eighth and a thirty-second of the pair
        column, row = (jump * 7919) % (side - width), (jump * 104729) % (side - width)
        start = time.perf_counter()
        view.center_on(PixelWindow(column, row, width, width), zoom=True)
        seen = view.visible_window()
        assert seen is not None
        wait_until(lambda: all(shows(pane, seen) for pane in panes), 60)  # noqa: B023 - called here
        taken.append((time.perf_counter() - start) * 1000)
        wait_until(lambda: view.settled, 300)
    return taken


def ask_while_moving(program: Program, panes: list[Pane]) -> tuple[Heartbeat, int]:
    """Ask one question after the other while the view moves; the heartbeat, and how many were answered."""
    document, asking = program.bench.document, program.bench.asking
    asked = 0

    def ask_again() -> None:
        nonlocal asked
        if document.running is None:
            asking.question = QUESTIONS[asked % len(QUESTIONS)]
            asking.run()
            asked += 1

    timer = QTimer(interval=50)
    timer.timeout.connect(ask_again)
    beat = Heartbeat()
    timer.start()
    beat.start()
    move_about(program.window.view, panes, SECONDS)
    beat.stop()
    timer.stop()
    return beat, asked - 1


def measure(optical: Path, sar: Path, side: int) -> None:
    """One pair in one program, from opening to the last beat."""
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    with tempfile.TemporaryDirectory() as scratch:
        program = build(application, Path(scratch), Engine(), Path(scratch) / "settings.json")
        program.window.show()
        panes = program.window.view.findChildren(Pane)
        ready: list[object] = []
        program.worker.ready.connect(ready.append)
        program.start_services("-", "-")
        wait_until(lambda: bool(ready), 120)
        start = time.perf_counter()
        program.bench.opening.open_pair(str(optical), str(sar))
        wait_until(lambda: all(pane.stream.pictures for pane in panes), 60)
        print(f"  opened and both panes show the whole: {(time.perf_counter() - start) * 1000:.0f} ms")
        wait_until(lambda: program.window.view.settled, 300)
        print(f"  as sharp as it gets after             {time.perf_counter() - start:.1f} s")
        taken = first_pixels(panes, program, side)
        print(
            f"  first pixels of a part, both panes:   median {statistics.median(taken):.0f} ms, most {max(taken):.0f}"
        )
        wait_until(lambda: program.bench.document.scene.check is not None, 60)
        beat, answered = ask_while_moving(program, panes)
        print(f"  {answered} questions answered in {SECONDS:.0f} s while moving about")
        print(f"  heartbeat late by, ms:                {spread(beat.late_ms)}")
        print(f"  the window's own thread computed, ms: {spread(beat.busy_ms)}")
        print(f"  memory of the desktop process:        {psutil.Process().memory_info().rss / 2**20:.0f} MiB")
        program.stop_services()
        program.window.close()
        program.window.deleteLater()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=20_000)
    options.add_argument("--keep", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for tiled, overviews in ((True, True), (False, True), (True, False), (False, False)):
            optical, sar = large_pair(folder, asked.side, tiled=tiled, overviews=overviews)
            print(optical.stem.removeprefix("optical "), flush=True)
            measure(optical, sar, asked.side)


if __name__ == "__main__":
    main()
