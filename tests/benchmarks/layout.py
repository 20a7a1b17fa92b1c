"""How long the layout of a scene takes, step by step, on one core.

Run as ``python -m tests.benchmarks layout``. The aim is 25 ms for a view of 256 x 256 pixels.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.scenes import layout
from engine.scenes.built import sites

SCENES = 200
STEPS = (
    (layout, "lay_ground"), (layout, "lay_waters"), (sites, "lay_large"), (layout, "lay_roads"), (sites, "lay_small"),
    (layout, "lay_lines"), (layout, "mark_junctions"),
)  # fmt: skip


def timed(step: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """``step`` that notes how long it took, in milliseconds."""

    def run(*arguments: Any) -> Any:
        start = time.perf_counter()
        result = step(*arguments)
        spent.append((time.perf_counter() - start) * 1e3)
        return result

    return run


def main() -> None:
    """Print mean and 95th percentile per step and for the whole."""
    spent: dict[str, list[float]] = defaultdict(list)
    for module, name in STEPS:
        setattr(module, name, timed(getattr(module, name), spent[name]))
    whole = timed(layout.make_scene, spent["make_scene"])
    for seed in range(SCENES):
        whole(seed)
    for name, times in spent.items():
        print(f"{name:16s} mean {np.mean(times):6.2f} ms, 95 % under {np.percentile(times, 95):6.2f} ms")


if __name__ == "__main__":
    main()
