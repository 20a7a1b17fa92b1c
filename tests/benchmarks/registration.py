"""Known shifts found again on the 31 Sentinel pairs, how far "sure" can be trusted, how long ``rsqa check`` takes.

Run as ``python -m tests.benchmarks registration``. The pairs have an unknown residual of their own, so a shift is
measured as the difference of two estimates: with SAR read from a shifted window, and without.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.raster import open_raster
from engine.records import PixelWindow
from engine.registration import ShiftEstimate, estimate_shift
from tests.conftest import shared_data_folder

SHIFTS = ((20, 0), (0, -20), (-13, 9), (7, -16), (20, 20), (-20, -20))
MUST_BE_WITHIN_PX = 1.5
CUTS_PX = (1024, 512, 256)

Image = NDArray[np.float32]


def sentinel_pairs(folder: Path) -> Iterator[tuple[str, Image, Image]]:
    """Name, optical and SAR [1024, 1024] of each pair."""
    for path in sorted((folder / "pairs" / "sentinel_1024").glob("*_opt.tif")):
        name = path.name.removesuffix("_opt.tif")
        images = []
        for sensor, suffix in (("optical", "opt"), ("sar", "sar")):
            with open_raster(path.with_name(f"{name}_{suffix}.tif"), sensor=sensor) as raster:
                whole = PixelWindow(0, 0, raster.info.width, raster.info.height)
                images.append(raster.read(whole, whole.width, whole.height).values.mean(axis=0))
        yield name, images[0], images[1]


def shifted_estimate(optical: Image, sar: Image, dx: int, dy: int) -> ShiftEstimate:
    """The estimate where SAR content is moved by (dx, dy), both cut to what then exists of both."""
    height, width = optical.shape
    cut_optical = optical[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
    cut_sar = sar[max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)]
    everywhere = np.ones(cut_optical.shape, bool)
    return estimate_shift(cut_optical, cut_sar, everywhere, everywhere)


def errors_px(optical: Image, sar: Image) -> tuple[ShiftEstimate, list[float]]:
    """The pair's own residual, and by how much each of :data:`SHIFTS` moves the estimate wrongly."""
    own = shifted_estimate(optical, sar, 0, 0)
    errors = []
    for dx, dy in SHIFTS:
        moved = shifted_estimate(optical, sar, dx, dy)
        if own.shift_px is None or moved.shift_px is None:
            errors.append(float("inf"))
            continue
        errors.append(max(abs(moved.shift_px[0] - own.shift_px[0] - dx), abs(moved.shift_px[1] - own.shift_px[1] - dy)))
    return own, errors


def main() -> int:
    """Print the tables; 1 where the imagery is not here."""
    folder = shared_data_folder()
    if folder is None:
        print("The real pairs are not here: ../shared/data is absent.")
        return 1
    pairs = list(sentinel_pairs(folder))
    _print_known_shifts(pairs)
    _print_trust(pairs)
    _print_times(folder / "pairs" / "sentinel_1024" / f"{pairs[0][0]}_opt.tif")
    return 0


def _print_known_shifts(pairs: list[tuple[str, Image, Image]]) -> None:
    print(f"pair   own residual (px)  confidence  error at {'  '.join(f'{dx:+d},{dy:+d}' for dx, dy in SHIFTS)}")
    residuals, errors = [], []
    for name, optical, sar in pairs:
        own, pair_errors = errors_px(optical, sar)
        dx, dy = own.shift_px or (float("nan"), float("nan"))
        residuals.append(np.hypot(dx, dy))
        errors.append(pair_errors)
        columns = "  ".join(f"{error:7.2f}" for error in pair_errors)
        print(f"{name}  {dx:7.2f} {dy:7.2f}  {own.confidence:10.2f}{'' if own.sure else '?':1}           {columns}")
    table = np.array(errors)
    good = table <= MUST_BE_WITHIN_PX
    whole = good.all(axis=1)
    print(f"within {MUST_BE_WITHIN_PX} px: {good.mean():.1%} of shifts; all six on {whole.mean():.1%} of pairs")
    print(f"error: median {np.median(table):.2f} px, largest {table.max():.2f} px")
    print(f"own residual: median {np.median(residuals):.1f} px, largest {max(residuals):.1f} px")


def _print_trust(pairs: list[tuple[str, Image, Image]]) -> None:
    """Share of "sure" on cuts of true pairs, and on optical with SAR of another place, which must have none."""
    for side in CUTS_PX:
        start = (1024 - side) // 2
        part = np.s_[start : start + side, start : start + side]
        true = [shifted_estimate(optical[part], sar[part], 0, 0).sure for _, optical, sar in pairs]
        others = [pairs[(k + step) % len(pairs)][2] for step in (3, 11) for k in range(len(pairs))]
        false = [
            shifted_estimate(pairs[k % len(pairs)][1][part], other[part], 0, 0).sure for k, other in enumerate(others)
        ]
        print(f"{side:5} px: sure on {np.mean(true):.0%} of true pairs, on {sum(false)} of {len(false)} false ones")


def _print_times(optical: Path) -> None:
    sar = optical.with_name(optical.name.replace("_opt", "_sar"))
    seconds, before = [], os.times()
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "engine.cli.main", "check", str(optical), str(sar), "--json"],
            check=True,
            capture_output=True,
        )
        seconds.append(time.monotonic() - start)
    after = os.times()
    # On a busy machine the processor time says more than the clock.
    processor = (after.children_user + after.children_system - before.children_user - before.children_system) / 5
    print(
        f"rsqa check, 1024 px pair: median {np.median(seconds):.2f} s, best {min(seconds):.2f} s, CPU {processor:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
