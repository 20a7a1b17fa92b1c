"""Finding in windows over a large pair: peak memory and seconds per window, beside those of a small pair.

    python -m tests.benchmarks.find_windows [--side 10000] [--keep FOLDER]

Rasters are those of ``raster_preview``, of 10 m pixels; the model is a small untrained OptiSAR-Net++ with a square of
640 pixels, so that what is measured is reading, windows and seams. Each search runs in a process of its own. Promised:
a scene of 10,000 pixels needs no more memory than one of 2,000, but for what it found.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import engine.grounding.predictor
from engine.jobs.find import find
from engine.records import FindRequest, GateChoice
from tests.benchmarks.raster_preview import large_pair
from tests.engine.grounding.finder import SMALL, HashEmbedder, write_finder
from tests.peak_memory import peak_megabytes

SMALL_SIDE, MODEL_SIDE = 2000, 640


def search(folder: Path, side: int) -> None:
    """One search over the whole pair, in this process."""
    engine.grounding.predictor.build_embedder = lambda name, files, device: HashEmbedder()  # type: ignore[assignment]
    optical, sar = large_pair(folder, side, tiled=True, overviews=False)
    request = FindRequest(
        "storage tanks",
        str(optical),
        str(sar),
        str(folder / f"job {side}"),
        model=str(folder / "model"),
        device="cpu",
        gate=GateChoice(assume_registered=True, tolerance_px=1000.0),
        gsd_m=10.0,
        least_score=0.9,
    )
    before, began = peak_megabytes(), time.perf_counter()
    finding = find(request)
    took, windows = time.perf_counter() - began, finding.windows.windows if finding.windows else 1
    print(
        f"{side} px: {windows} windows, {len(finding.boxes)} boxes, {took:.0f} s ({1000 * took / windows:.0f} ms "
        f"each), peak {peak_megabytes():.0f} MB, {before:.0f} MB of it before"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=10_000)
    options.add_argument("--keep", type=Path)
    options.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.one is not None:
        search(asked.keep, asked.one)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_finder(folder / "model", replace(SMALL, image_size=MODEL_SIDE), trained_gsd_m=(5.0, 20.0))
        for side in (SMALL_SIDE, asked.side):
            large_pair(folder, side, tiled=True, overviews=False)
            command = [sys.executable, "-m", __spec__.name, "--keep", str(folder), "--one", str(side)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
