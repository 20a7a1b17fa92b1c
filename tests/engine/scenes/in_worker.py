"""What the processes of a stream run in tests: functions of a module, as those are started anew and import it."""

from __future__ import annotations

import os
import sys
import time

from engine.errors import ExportRefused
from engine.scenes import make_sample


def heavy_modules(seed: int) -> list[str]:
    """Which heavy libraries a process has loaded once it has made a scene."""
    make_sample(seed, size=64)
    return [
        name for name in ("rasterio", "torch", "open_clip", "pyogrio", "matplotlib", "PySide6") if name in sys.modules
    ]


def slow_then_fast(number: int) -> int:
    """``number``, the first of them last."""
    time.sleep(0.3 if number == 0 else 0.0)
    return number


def process_id(number: int) -> int:
    return os.getpid()


def die(number: int) -> int:
    """End the process as a crash does, at number 2."""
    if number == 2:
        os._exit(3)
    return number


def refuse(number: int) -> int:
    if number == 1:
        raise ExportRefused("Number 1 cannot be written.", remedy="Leave it out.")
    return number
