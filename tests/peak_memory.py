"""The most memory that this process itself has held, for tests that start one and judge it."""

from __future__ import annotations

import re
from pathlib import Path

import psutil


def peak_megabytes() -> float:
    """Peak resident memory in MB since this program began.

    Not ``getrusage``: on Linux its maximum survives ``exec``, so a small process started by a large one (a test run
    that has torch loaded, say) would report its parent's memory.
    """
    status = Path("/proc/self/status")
    if status.exists():
        match = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.M)
        if match:
            return int(match[1]) / 1024
    memory = psutil.Process().memory_info()
    return float(getattr(memory, "peak_wset", memory.rss)) / 2**20
