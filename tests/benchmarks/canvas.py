"""The two panes under a user's hands: first pixels, frames a second, and how late the window's heartbeat is.

A pair (two paths as arguments, else a real Sentinel pair of ``../shared/data``) is opened through the real tile
reader; then wheel and drag events come 60 times a second for some seconds, while a timer of 10 ms notes how late it
is called. Run as ``python -m tests.benchmarks.canvas [OPTICAL SAR]``; nothing else should be using the machine.
Large pairs to name are those that ``python -m tests.benchmarks.raster_preview --keep FOLDER`` leaves behind.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from engine.protocol import Opened, OpenRaster
from rsqa_desktop.canvas import PairView
from rsqa_desktop.canvas.pane import Pane
from rsqa_desktop.services import TileReader
from rsqa_desktop.theme import Theme
from tests.conftest import shared_data_folder
from tests.desktop.canvas.conftest import send_mouse, turn_wheel

BEAT_MS = 10
SECONDS = 10.0


class Heartbeat(QObject):
    """Notes by how many milliseconds each beat came later than ``BEAT_MS`` after the one before.

    ``busy_ms`` is how long this thread itself computed in between: what is late beyond that, others took.
    """

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._last = time.perf_counter()
        self._busy = time.thread_time()
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self._last, self._busy = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self.late_ms.append(max((now - self._last) * 1000 - BEAT_MS, 0.0))
        self.busy_ms.append((busy - self._busy) * 1000)
        self._last, self._busy = now, busy


class PaintCounter(QObject):
    """Counts the paint events of the widgets that it filters."""

    count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def wait_until(done: Callable[[], bool], seconds: float = 30.0) -> float:
    """Milliseconds until ``done``; ends the program where it takes longer than ``seconds``."""
    start = time.perf_counter()
    while not done():
        QApplication.processEvents()
        if time.perf_counter() - start > seconds:
            sys.exit(f"Gave up after {seconds:.0f} s.")
        time.sleep(0.0005)
    return (time.perf_counter() - start) * 1000


def open_pair(reader: TileReader, optical: Path, sar: Path) -> list[Opened]:
    opened: dict[str, Opened] = {}
    reader.opened.connect(lambda _id, record: opened.update({record.info.path: record}))
    reader.open(OpenRaster(str(optical), "optical"))
    reader.open(OpenRaster(str(sar), "sar", on=str(optical)))
    wait_until(lambda: len(opened) == 2)
    return [opened[str(optical)], opened[str(sar)]]


def move_about(view: PairView, panes: list[Pane], seconds: float) -> None:
    """60 events a second: a drag in circles in one pane, with a wheel turn of the other every fifth of a second."""
    held, other = panes
    middle = held.width() / 2, held.height() / 2
    send_mouse(held, QEvent.Type.MouseButtonPress, *middle)
    start = time.perf_counter()
    tick = 0
    while (now := time.perf_counter() - start) < seconds:
        if now * 60 >= tick:
            tick += 1
            x, y = middle[0] + 150 * math.cos(tick / 20), middle[1] + 150 * math.sin(tick / 20)
            send_mouse(held, QEvent.Type.MouseMove, x, y)
            if tick % 12 == 0:
                turn_wheel(other, 200, 200, 1 if tick // 120 % 2 == 0 else -1)
        QApplication.processEvents()
        time.sleep(0.0005)
    send_mouse(held, QEvent.Type.MouseButtonRelease, *middle)
    view.zoom_fit()


def main(paths: list[str]) -> None:
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    Theme(application)
    optical, sar = (Path(path) for path in paths) if paths else sentinel_pair()
    reader = TileReader()
    ready: list[object] = []
    reader.ready.connect(ready.append)
    reader.start()
    wait_until(lambda: bool(ready))
    view = PairView(reader)
    view.resize(1400, 800)
    view.show()
    panes = view.findChildren(Pane)
    pair = open_pair(reader, optical, sar)
    print(f"{optical.name} and {sar.name}, {pair[0].info.width} x {pair[0].info.height} px")

    view.set_scene(*pair)
    print(f"first pixels in both panes: {wait_until(lambda: all(pane.stream.pictures for pane in panes)):.0f} ms")
    print(f"as sharp as they get:       {wait_until(lambda: view.settled, 120):.0f} ms more")

    beat, painted = Heartbeat(), PaintCounter()
    for pane in panes:
        pane.installEventFilter(painted)
    beat.start()
    move_about(view, panes, SECONDS)
    beat.stop()
    print(f"frames a second and pane:   {painted.count / len(panes) / SECONDS:.0f}")
    print(f"heartbeat late by, ms:      {spread(beat.late_ms)}")
    print(f"this thread computed, ms:   {spread(beat.busy_ms)}")
    print(f"memory of this process:     {psutil.Process().memory_info().rss / 2**20:.0f} MiB")
    reader.stop()


def spread(values: list[float]) -> str:
    ranked = sorted(values)
    shares = ((share, ranked[min(int(len(ranked) * share), len(ranked) - 1)]) for share in (0.5, 0.99, 0.999))
    return ", ".join(f"{share:.1%} {value:.1f}" for share, value in shares) + f", most {ranked[-1]:.1f}"


def sentinel_pair() -> tuple[Path, Path]:
    folder = shared_data_folder()
    if folder is None:
        sys.exit("There is no ../shared/data; name two rasters.")
    return folder / "pairs/sentinel_1024/059_opt.tif", folder / "pairs/sentinel_1024/059_sar.tif"


if __name__ == "__main__":
    main(sys.argv[1:])
