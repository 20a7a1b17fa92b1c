"""Every image file of a data set decoded once, several at a time: its size, and a digest that tells equal files."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.dataset import Progress
from engine.errors import Cancelled, RsqaError
from engine.raster import verify_image

_WORKERS = min(4, os.cpu_count() or 1)
_AHEAD = 4 * _WORKERS  # images that may be decoded before their turn


@dataclass(frozen=True, slots=True)
class Seen:
    """An image file once decoded: its size in pixels and a digest of its bytes, or why it could not be."""

    width: int = 0
    height: int = 0
    digest: bytes = b""
    problem: str = ""


def see_all(paths: Iterable[Path]) -> Generator[tuple[Path, Seen], None, None]:
    """Every file decoded, in order, a few at a time ahead. Close it where it is left early."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[tuple[Path, Future[Seen]]] = deque()
        for path in paths:
            waiting.append((path, pool.submit(_see, path)))
            if len(waiting) >= _AHEAD:
                first, seen = waiting.popleft()
                yield first, seen.result()
        for last, seen in waiting:
            yield last, seen.result()


def look_at(paths: Iterable[Path], progress: Progress, cancelled: Callable[[], bool]) -> dict[Path, Seen]:
    """Every file seen once. Raises :class:`Cancelled`, between two files, once ``cancelled()`` is true."""
    wanted = sorted(set(paths))
    found: dict[Path, Seen] = {}
    with closing(see_all(wanted)) as files:
        for number, (path, seen) in enumerate(files):
            progress("Decoding the images", number / len(wanted))
            if cancelled():
                raise Cancelled("Reading the images was stopped.")
            found[path] = seen
    return found


def _see(path: Path) -> Seen:
    if not path.is_file():
        return Seen(problem="The file is missing.")
    try:
        width, height, _ = verify_image(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except RsqaError as error:
        return Seen(problem=str(error))
    except OSError as error:
        return Seen(problem=f"The file cannot be read: {error.strerror or error}.")
    return Seen(width, height, digest)
