"""Finding in windows over a large pair: peak memory and seconds per window, beside those of a small pair.

    python -m tests.benchmarks.find_windows [--side 10000] [--windows 100] [--keep FOLDER]

Rasters are those of ``raster_preview``, of 10 m pixels. The network is the compact preset, untrained: reading, network
and record take what they take in use. It sees the large pair at the scale at which that is about ``--windows`` windows.
Each search runs in a process of its own. Promised: a scene of 10,000 pixels needs no more memory than one of 2,000, but
for what it found and the decoded blocks that GDAL keeps (``engine.raster.gdal`` bounds them; the small pair has fewer
than that). The same search with next to no such blocks shows their part.

The last line is seams and both sensors made one for as many boxes as are ever kept, drawn at random: no untrained
network finds so many.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from math import sqrt
from pathlib import Path

import numpy as np

import engine.grounding.predictor
from engine.grounding.config import GroundingConfig
from engine.grounding.reconcile import TOLERANCE_PX, Sighting, reconcile
from engine.grounding.seams import MARGIN_PX, WindowSighting, cut_sides, join_at_seams
from engine.grounding.windows import WindowPlan
from engine.jobs.find import find
from engine.jobs.find_windows import MOST_KEPT
from engine.records import FindRequest, GateChoice, PixelWindow
from engine.records.pair import SENSORS
from tests.benchmarks.raster_preview import large_pair
from tests.engine.grounding.finder import HashEmbedder, write_finder
from tests.peak_memory import peak_megabytes

SMALL_SIDE, PIXEL_M = 2000, 10.0
COMPACT = GroundingConfig.compact()
NEARLY_ALL = 3e-4
"""A threshold that lets through what an untrained network finds."""


def search(folder: Path, side: int, gsd_m: float) -> None:
    """One search over the whole pair, in this process."""
    embedder = HashEmbedder(COMPACT.embed_width)
    engine.grounding.predictor.build_embedder = lambda name, files, device: embedder  # type: ignore[assignment]
    optical, sar = large_pair(folder, side, tiled=True, overviews=False)
    request = FindRequest(
        "storage tanks",
        str(optical),
        str(sar),
        str(folder / f"job {side}"),
        model=str(folder / "model"),
        device="cpu",
        gate=GateChoice(assume_registered=True, tolerance_px=1000.0),
        gsd_m=gsd_m,
        least_score=NEARLY_ALL,
    )
    stages: dict[str, float] = {}
    before, began = peak_megabytes(), time.perf_counter()
    finding = find(request, progress=lambda name, *_: stages.setdefault(name, time.perf_counter()))
    took, windows = time.perf_counter() - began, finding.windows.windows if finding.windows else 1
    each, deciding = (stages["decide"] - stages["windows"]) / windows, began + took - stages["decide"]
    print(
        f"{side:6} px, GDAL's blocks up to {os.environ.get('GDAL_CACHEMAX', '64')} MB: {windows} windows of "
        f"{1000 * each:.0f} ms, {deciding:.1f} s for seams, decision and record of {len(finding.boxes):,} boxes, "
        f"{took:.0f} s in all; peak {peak_megabytes():.0f} MB, {before:.0f} MB of it before"
    )


def decide(side: int) -> None:
    """Join :data:`MOST_KEPT` boxes of each sensor at the seams of an area of ``side`` pixels, and make both one."""
    plan = WindowPlan.over(PixelWindow(0, 0, side, side), COMPACT.image_size)
    rng, windows = np.random.default_rng(0), list(plan)
    before = peak_megabytes()
    found = {sensor: [_drawn(rng, plan, windows, sensor) for _ in range(MOST_KEPT)] for sensor in SENSORS}
    held, began, used = peak_megabytes(), time.perf_counter(), time.process_time()
    optical, sar = (join_at_seams(found[sensor], margin=MARGIN_PX) for sensor in SENSORS)
    left = reconcile(optical, sar, tolerance=TOLERANCE_PX)
    took, used = time.perf_counter() - began, time.process_time() - used
    print(
        f"{side:6} px, seams alone: {MOST_KEPT:,} boxes of each sensor take {held - before:.0f} MB and are made "
        f"{len(left):,} in {took:.1f} s ({used:.1f} of processor), with {peak_megabytes() - held:.0f} MB more"
    )


def _drawn(rng: np.random.Generator, plan: WindowPlan, windows: list[PixelWindow], sensor: str) -> WindowSighting:
    """A box of 4 to 60 pixels somewhere in some window, cut off where it would reach beyond."""
    number = int(rng.integers(len(windows)))
    frame = windows[number].box
    centre, size = rng.uniform((frame.x0, frame.y0), (frame.x1, frame.y1)), rng.uniform(4, 60, 2)
    x0, y0 = np.maximum(centre - size / 2, (frame.x0, frame.y0)).tolist()
    x1, y1 = np.minimum(centre + size / 2, (frame.x1, frame.y1)).tolist()
    cut = cut_sides((x0, y0, x1, y1), (frame.x0, frame.y0, frame.x1, frame.y1), plan.seams(windows[number]), MARGIN_PX)
    return WindowSighting(Sighting((x0, y0, x1, y1), float(rng.uniform()), "storage tank", sensor), number, cut)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=10_000)
    options.add_argument("--windows", type=int, default=100)
    options.add_argument("--keep", type=Path)
    options.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options.add_argument("--seams", action="store_true", help="the last line alone")
    asked = options.parse_args()
    if asked.seams:
        decide(asked.side)
        return
    gsd_m = PIXEL_M * max(1.0, asked.side / sqrt(asked.windows) / (0.8 * COMPACT.image_size))
    if asked.one is not None:
        search(asked.keep, asked.one, gsd_m)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_finder(folder / "model", COMPACT, trained_gsd_m=(5.0, 20.0))
        for side, blocks_mb in ((SMALL_SIDE, "64"), (asked.side, "64"), (asked.side, "1")):
            large_pair(folder, side, tiled=True, overviews=False)
            command = [sys.executable, "-m", __spec__.name, "--keep", str(folder), "--one", str(side)]
            command += ["--side", str(asked.side), "--windows", str(asked.windows)]
            subprocess.run(command, check=True, env=os.environ | {"GDAL_CACHEMAX": blocks_mb})
    command = [sys.executable, "-m", __spec__.name, "--side", str(asked.side), "--seams"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
