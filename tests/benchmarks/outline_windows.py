"""Outlining a large pair in windows: peak memory, seconds, and how soon a stop is heeded.

    python -m tests.benchmarks.outline_windows [--side 10000] [--gsd 20] [--keep FOLDER]

Rasters are those of ``raster_preview``, of 10 m pixels; the model is LGCE's compact preset with random weights, whose
mask is full of crumbs: the worst case of what comes after the windows. At 20 m per pixel at the model a window is 768
pixels of the raster wide (a quarter of the windows, some minutes in all); ``--gsd 10`` looks at every pixel. Promised:
under 3 GB, and a stop within a second. Exits 1 where one of them is not kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

from engine.catalog import file_sha256
from engine.catalog.card import write_card
from engine.errors import Cancelled
from engine.jobs.ask import Asker
from engine.jobs.outline import Outliner
from engine.jobs.redraw import redraw
from engine.nn.weights import save_weights
from engine.records import Cleaning, GateChoice, Outline, OutlineRequest, RedrawRequest
from engine.segmentation.build import build_network
from engine.segmentation.config import SegmentationConfig
from tests.benchmarks.raster_preview import large_pair
from tests.engine.segmentation.outliner import outliner_card

MOST_MB, MOST_LATE_S = 3000.0, 1.0
EVERY_S = 0.05


def write_model(folder: Path) -> None:
    """The compact preset as ``torch`` draws it; MiniLM reads the words."""
    torch.manual_seed(1)
    config = SegmentationConfig.compact()
    path = save_weights(torch.nn.ModuleDict({"network": build_network(config)}), folder)
    facts = {"sha256": file_sha256(path), "size_bytes": path.stat().st_size, "trained_gsd_m": (5.0, 40.0)}
    write_card(outliner_card(config, **facts), folder)


class Watch:
    """The most memory, in MB, that this process and its children held together while it watched."""

    def __init__(self) -> None:
        self.most = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> float:
        self._done.set()
        self._thread.join()
        return self.most

    def _look(self) -> None:
        me = psutil.Process()
        while not self._done.wait(EVERY_S):
            held = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:  # it ended meanwhile
                    continue
            self.most = max(self.most, held / 2**20)


class Stop:
    """Asks to stop ``after_s`` seconds from when ``stage`` begins."""

    def __init__(self, stage: str, after_s: float) -> None:
        self._stage, self._after_s, self.due = stage, after_s, float("inf")

    def progress(self, stage: str, fraction: float | None, steps: int | None = None) -> None:
        if stage == self._stage and self.due == float("inf"):
            self.due = time.perf_counter() + self._after_s

    def cancelled(self) -> bool:
        return time.perf_counter() >= self.due


def late_s(run: Callable[..., Outline], request: object, stop: Stop) -> float | None:
    """Seconds from the wish to stop to the end; None where it was done before."""
    try:
        run(request, progress=stop.progress, cancelled=stop.cancelled)
    except Cancelled:
        return time.perf_counter() - stop.due
    return None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=10_000)
    options.add_argument("--gsd", type=float, default=20.0)
    options.add_argument("--keep", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_model(folder / "model")
        optical, sar = large_pair(folder, asked.side, tiled=True, overviews=False)
        sys.exit(0 if measure(folder, str(optical), str(sar), asked.gsd) else 1)


def measure(folder: Path, optical: str, sar: str, gsd_m: float) -> bool:
    """Outline all of it, then stop at several moments; whether both promises are kept."""
    outliner = Outliner(Asker("cpu"))

    def wanted(expression: str, job: str) -> OutlineRequest:
        return OutlineRequest(
            expression,
            optical,
            sar,
            str(folder / job),
            model=str(folder / "model"),
            device="cpu",
            gate=GateChoice(assume_registered=True, tolerance_px=1000.0),
            gsd_m=gsd_m,
        )

    watch, began = Watch(), time.perf_counter()
    stages: dict[str, float] = {}
    made = outliner.outline(
        wanted("the largest lake", "whole"), progress=lambda stage, *_: stages.setdefault(stage, time.perf_counter())
    )
    took, most = time.perf_counter() - began, watch.end()
    windows = made.windows.windows if made.windows else 1
    each_ms = 1000 * (stages["cut"] - stages["windows"]) / windows
    cut_s = time.perf_counter() - stages["cut"]
    print(
        f"{made.grid.width} x {made.grid.height} px: {windows} windows of {each_ms:.0f} ms, cut in {cut_s:.0f} s, "
        f"{took:.0f} s in all, {len(made.parts) + made.parts_cut:,} parts, peak {most:.0f} MB"
    )
    worst = 0.0
    for stage, after_s in (("stretch", 0.2), ("windows", 0.5), ("windows", 3.3)):
        late = late_s(outliner.outline, wanted("lakes", "stopped"), Stop(stage, after_s))
        worst = max(worst, late or 0.0)
        print(f"stopped {after_s} s into {stage}: {'done before' if late is None else f'{1000 * late:.0f} ms later'}")
    for share in (0.1, 0.3, 0.6, 0.9):
        request = RedrawRequest(str(folder / "whole" / "result.json"), str(folder / "redrawn"), Cleaning(0.5, 50, 50))
        late = late_s(redraw, request, Stop("cut", share * cut_s))
        worst = max(worst, late or 0.0)
        print(f"redraw stopped at {share:.0%}: {'done before' if late is None else f'{1000 * late:.0f} ms later'}")
    kept = most < MOST_MB and worst < MOST_LATE_S
    promise = "kept" if kept else "NOT KEPT"
    print(f"peak {most:.0f} MB of {MOST_MB:.0f}, stop after {worst:.2f} s of {MOST_LATE_S:.0f}: {promise}")
    return kept


if __name__ == "__main__":
    main()
