"""How fast a 20,000 x 20,000 px pair is on screen: with overviews, sparsely without them, and at 1:1.

    python -m tests.benchmarks.raster_preview [--side 20000] [--keep FOLDER]

Makes an optical (RGB) and a SAR (one band) uint8 raster of real Sentinel texture where ../shared/data is at hand,
of noise otherwise, deflated, tiled and striped, with and without overviews, in a temporary folder (about 5 GB and
some minutes at full size; ``--keep`` makes them once). Promised: 150 ms with overviews, 1.5 s without. What is timed
is what the tile reader does: opened rasters (overviews) or fresh ones (previews), both panes one after the other in
one thread, where the tile reader has two.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine

from engine.raster import Raster, default_display, open_raster, render
from engine.records import DisplaySpec, PixelWindow
from tests.conftest import shared_data_folder
from tests.peak_memory import peak_megabytes

CHIP = 1024
PANE = 700


def texture(sensor: str) -> list[NDArray[np.uint8]]:
    """Chips of [bands, 1024, 1024] that deflate like real imagery."""
    shared = shared_data_folder()
    suffix = "opt" if sensor == "optical" else "sar"
    files = sorted((shared / "pairs" / "sentinel_1024").glob(f"*_{suffix}.tif"))[:20] if shared else []
    if files:
        return [rasterio.open(file).read() for file in files]
    rng = np.random.default_rng(0)
    bands = 3 if sensor == "optical" else 1
    coarse = rng.normal(120, 40, (8, bands, CHIP // 8, CHIP // 8)).repeat(8, axis=2).repeat(8, axis=3)
    return list(np.clip(coarse + rng.normal(0, 10, coarse.shape), 0, 255).astype(np.uint8))


def make(path: Path, chips: list[NDArray[np.uint8]], side: int, *, tiled: bool, overviews: bool) -> None:
    """Write one raster, unless it is there already."""
    if path.exists():
        return
    profile = {"driver": "GTiff", "width": side, "height": side, "count": len(chips[0]), "dtype": "uint8"}
    profile |= {"compress": "deflate", "interleave": "pixel", "crs": "EPSG:32631"}
    profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256} if tiled else {}
    across = -(-side // CHIP)
    unfinished = path.with_suffix(".part")
    with (
        rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS", COMPRESS_OVERVIEW="DEFLATE"),
        rasterio.open(unfinished, "w", transform=Affine(10, 0, 5e5, 0, -10, 4e6), **profile) as dataset,
    ):
        for down, row in enumerate(range(0, side, CHIP)):
            height = min(CHIP, side - row)
            strip = np.concatenate([chips[(down * 7 + i) % len(chips)] for i in range(across)], axis=2)
            dataset.write(strip[:, :height, :side], window=((row, row + height), (0, side)))
        if overviews:
            dataset.build_overviews([2, 4, 8, 16, 32], Resampling.average)
    unfinished.rename(path)


def large_pair(folder: Path, side: int, *, tiled: bool, overviews: bool) -> tuple[Path, Path]:
    """The pair of this kind, made where it is not there yet."""
    kind = f"{'tiled' if tiled else 'striped'}, {'with' if overviews else 'without'} overviews"
    paths = [folder / f"{sensor} {kind} {side}.tif" for sensor in ("optical", "sar")]
    for sensor, path in zip(("optical", "sar"), paths, strict=True):
        make(path, texture(sensor), side, tiled=tiled, overviews=overviews)
    return paths[0], paths[1]


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of the processor: the second hardly minds what else the machine does."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - start) * 1e3, (time.process_time() - used) * 1e3


def with_overviews(paths: list[Path], side: int) -> None:
    rasters = [open_raster(path) for path in paths]
    displays = [default_display(raster) for raster in rasters]
    windows = {
        "whole": PixelWindow(0, 0, side, side),
        "a quarter": PixelWindow(side // 7, side // 5, side // 2, side // 2),
        "1:2": PixelWindow(side // 3, side // 3, 2 * PANE, 2 * PANE),
        "1:1": PixelWindow(side // 2, side // 4, PANE, PANE),
    }
    for name, window in windows.items():
        times = [milliseconds(lambda: draw(rasters, displays, window)) for _ in range(5)]  # noqa: B023 - called here
        again = statistics.median(clock for clock, _ in times[1:])
        clock, used = times[0]
        print(f"    {name:10} first {clock:6.0f} ms ({used:4.0f} of processor), again {again:4.0f} ms, both panes")
    for raster in rasters:
        raster.close()


def draw(rasters: list[Raster], displays: list[DisplaySpec], window: PixelWindow, draft: bool = True) -> bool:
    """Both panes; whether any of them is a draft."""
    pictures = zip(rasters, displays, strict=True)
    drafts = [render(raster, window, PANE, PANE, display, draft=draft)[1] for raster, display in pictures]
    return any(drafts)


def without_overviews(paths: list[Path], side: int) -> None:
    whole = PixelWindow(0, 0, side, side)
    rasters: list[Raster] = []
    displays: list[DisplaySpec] = []
    is_draft = False

    def first_look() -> None:
        nonlocal is_draft
        rasters.extend(open_raster(path) for path in paths)
        displays.extend(default_display(raster) for raster in rasters)
        is_draft = draw(rasters, displays, whole)

    clock, used = milliseconds(first_look)
    steps = []
    for raster in rasters:
        more = True
        while more:
            begin = time.perf_counter()
            more = raster.refine(0.05)
            steps.append((time.perf_counter() - begin) * 1e3)
    kind = "a sparse preview" if is_draft else "the full picture"
    print(f"    from opening to {kind} in both panes {clock:5.0f} ms ({used:.0f} of processor)")
    print(f"    refined in {len(steps)} steps of at most {max(steps):.0f} ms, {sum(steps) / 1e3:.1f} s in all")
    final, _ = milliseconds(lambda: draw(rasters, displays, whole))
    print(f"    then both panes {final:6.0f} ms; memory of this process so far at most {peak_megabytes():.0f} MB")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=20_000)
    options.add_argument("--keep", type=Path)
    asked = options.parse_args()
    imports = "import time; t = time.perf_counter(); import {}; print((time.perf_counter() - t) * 1e3)"
    for module in ("numpy", "rasterio", "engine.raster"):
        command = [sys.executable, "-c", imports.format(module)]
        times = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(5)]
        print(f"import {module:14} {min(times):5.0f} ms")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for tiled in (True, False):
            for overviews in (True, False):
                paths = list(large_pair(folder, asked.side, tiled=tiled, overviews=overviews))
                print(paths[0].stem.removeprefix("optical "))
                (with_overviews if overviews else without_overviews)(paths, asked.side)


if __name__ == "__main__":
    main()
