"""The memory that the window shares with the tile reader, and which parts of it are free."""

from __future__ import annotations

import shutil
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import cast

from PySide6.QtGui import QImage

from engine.errors import EngineFailed
from engine.protocol import Hello, Tile

SLOTS = 6
SLOT_BYTES = 32 * 2**20
"""One picture at most: 4096 x 2048 pixels, a pane's half of a large screen. Pages never written take no memory."""
_POSIX_SHARED_MEMORY = Path("/dev/shm")


class PictureSlots:
    """Makes the block, lends its slots, and removes it at the end. The tile reader only opens it.

    Raises :class:`EngineFailed` where the system has no room for even one slot.
    """

    def __init__(self, slots: int = SLOTS, slot_bytes: int = SLOT_BYTES) -> None:
        slots = _affordable(slots, slot_bytes)
        self.slot_bytes = slot_bytes
        self._memory = SharedMemory(create=True, size=slots * slot_bytes)
        self._buffer = cast("memoryview", self._memory.buf)  # None only after close
        self._count = slots
        self._free = list(range(slots))

    @property
    def hello(self) -> Hello:
        return Hello(self._memory.name, self.slot_bytes, self._count)

    def lend(self) -> int | None:
        """A slot that nobody writes into, or None when all are in use."""
        return self._free.pop() if self._free else None

    def give_back(self, slot: int) -> None:
        self._free.append(slot)

    def image(self, tile: Tile) -> QImage:
        """A copy of the picture in ``tile``'s slot, which may be overwritten from then on."""
        start = tile.slot * self.slot_bytes
        with self._buffer[start : start + tile.width * tile.height * 4] as pixels:
            return QImage(pixels, tile.width, tile.height, tile.width * 4, QImage.Format.Format_RGBA8888).copy()

    def remove(self) -> None:
        """Give the memory back to the system."""
        self._memory.close()
        self._memory.unlink()


def _affordable(slots: int, slot_bytes: int) -> int:
    """As many of ``slots`` as half the room for shared memory takes.

    A container often has 64 MB of it, and a block larger than the room is made without complaint, until writing
    into it kills the writer.
    """
    if not _POSIX_SHARED_MEMORY.is_dir():
        return slots
    room = shutil.disk_usage(_POSIX_SHARED_MEMORY).free // 2
    if room < slot_bytes:
        raise EngineFailed(
            f"There is no room for pictures in {_POSIX_SHARED_MEMORY}: {room // 2**20} MiB of {slot_bytes // 2**20}.",
            remedy="Make room there, or give the container more shared memory.",
        )
    return min(slots, room // slot_bytes)
