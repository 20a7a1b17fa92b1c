"""Results that are costly to make, kept while they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """The ``most`` values asked for last. Not safe for use from two threads at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value kept under ``key``, or the one that ``make`` makes now. What ``make`` raises is not kept."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return self._values[key]


FileState = tuple[str, int, int]


def file_state(path: str | None) -> FileState | None:
    """What changes when a file does: path, time of change (ns) and size; zeros for what is no file of its own."""
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size
