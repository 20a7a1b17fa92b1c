"""A real engine process at the end of two pipes, for tests."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio
from affine import Affine

from engine.protocol import Outcome, from_line, to_line


class Child:
    """``rsqa COMMAND``: say requests, hear (id, event) pairs in order."""

    def __init__(self, *command: str, environment: dict[str, str] | None = None) -> None:
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli.main", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._stderr: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._keep_stderr, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def say(self, message_id: str, request: object) -> None:
        self.say_raw(to_line(message_id, request))

    def say_raw(self, line: bytes) -> None:
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def hear(self, timeout: float = 60) -> tuple[str, Any]:
        return self._heard.get(timeout=timeout)

    def hear_until(self, message_id: str, timeout: float = 60) -> list[tuple[str, Any]]:
        """Everything up to the outcome of ``message_id``, that included."""
        heard = []
        while True:
            heard.append(self.hear(timeout))
            if heard[-1][0] == message_id and isinstance(heard[-1][1], Outcome):
                return heard

    def hears_nothing_more(self) -> bool:
        return self._heard.empty()

    def stderr(self) -> str:
        """All of it, once the process has ended."""
        self.process.wait(10)
        self._threads[1].join(10)
        return b"".join(self._stderr).decode()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self._heard.put(from_line(line))

    def _keep_stderr(self) -> None:
        self._stderr.extend(iter(self.process.stderr.readline, b""))


def write_raster(
    path: Path, values: np.ndarray, *, origin: tuple[float, float] = (500000.0, 5400000.0), **options: object
) -> str:
    """[bands, rows, columns] as a GeoTIFF of 10 m pixels in UTM 31N."""
    bands, rows, columns = values.shape
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": bands,
        "dtype": values.dtype.name,
        **options,
        "crs": "EPSG:32631",
        "transform": Affine(10, 0, origin[0], 0, -10, origin[1]),
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(values)
    return str(path)
