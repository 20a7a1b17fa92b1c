"""Scenes per second on one core, with all their truth and both pictures, and where the time goes.

Run as ``python -m tests.benchmarks scenes``. Times are of this process on the processor, so that other work on the
machine falsifies little; every figure is of the same run over the same seeds. Also printed: what a process
spends on taking over a sample that another one made, as ``engine.scenes.stream`` does.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from engine.scenes import sample as pipeline
from engine.scenes.scene import SETTINGS
from engine.scenes.stream import scene_stream

SEEDS = range(5_000_000, 5_000_240)
STREAMED = 60
PROMISE_PER_S = 5.0
QUANTILES = (0.5, 0.95, 1.0)

STAGES: dict[str, tuple[str, ...]] = {
    "layout": ("make_scene",),
    "map": ("paint_items",),
    "facts": ("measure",),
    "questions": ("describe", "Asker.ask", "_clouded"),
    "expressions": ("refer",),
    "surface": ("make_surface",),
    "optical": ("render_clear", "expose"),
    "weather": ("add_weather",),
    "SAR": ("render_sigma0", "speckle", "to_db", "deliver"),
}
"""The steps of ``make_sample``, by the names that it calls them by."""


class Clock:
    """Milliseconds spent in each stage for each scene; a stage inside another counts as the outer one."""

    def __init__(self) -> None:
        self.spent: list[defaultdict[str, float]] = []
        self._inside = False

    def times(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed."""

        @wraps(function)
        def timed(*values: Any, **named: Any) -> Any:
            if self._inside:
                return function(*values, **named)
            self._inside, began = True, time.process_time()
            try:
                return function(*values, **named)
            finally:
                self._inside = False
                self.spent[-1][stage] += (time.process_time() - began) * 1000

        return timed

    def attach(self) -> None:
        """Time every step of :data:`STAGES`."""
        for stage, names in STAGES.items():
            for name in names:
                *owner, last = name.split(".")
                holder = getattr(pipeline, owner[0]) if owner else pipeline
                setattr(holder, last, self.times(stage, getattr(holder, last)))


def row(name: str, figures: list[float], whole: float) -> str:
    """A line of the table: mean, share of the whole, quantiles."""
    mean = float(np.mean(figures))
    quantiles = "".join(f"{value:9.1f}" for value in np.quantile(figures, QUANTILES))
    return f"{name:<14}{mean:9.1f}{mean / whole:8.0%}{quantiles}"


def taking_ms(count: int) -> float:
    """Milliseconds of this process per sample that another one makes and hands over."""
    with closing(scene_stream(range(count), 1)) as stream:
        next(stream)
        began = time.process_time()
        for _ in stream:
            pass
        return (time.process_time() - began) * 1000 / (count - 1)


def main() -> int:
    """Measure and print; 1 where the promise is not kept."""
    for seed in SEEDS[:8]:
        pipeline.make_sample(seed - 1000)
    clock = Clock()
    clock.attach()
    totals: list[float] = []
    by_setting: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for seed in SEEDS:
        clock.spent.append(defaultdict(float))
        began = time.process_time()
        sample = pipeline.make_sample(seed)
        totals.append((time.process_time() - began) * 1000)
        by_setting[sample.scene.setting].append(totals[-1])

    whole = float(np.mean(totals))
    print(f"{len(SEEDS)} scenes of 256 x 256 pixels, all truth, both pictures; milliseconds of one core")
    print(f"{'':<14}{'mean':>9}{'share':>8}{'median':>9}{'95 %':>9}{'worst':>9}")
    staged = {stage: [one[stage] for one in clock.spent] for stage in STAGES}
    rest = [total - sum(one.values()) for total, one in zip(totals, clock.spent, strict=True)]
    for stage, figures in {**staged, "rest": rest, "all": totals}.items():
        print(row(stage, figures, whole))
    print("\nby setting")
    for name, figures in by_setting.items():
        print(row(name, figures, whole))
    taken = taking_ms(STREAMED)
    print(f"\ntaking a sample over from another process: {taken:.1f} ms, {taken / whole:.0%} of making it")
    rate = 1000 / whole
    kept = rate >= PROMISE_PER_S
    print(f"{rate:.1f} scenes a second on one core; promised {PROMISE_PER_S:g}: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
