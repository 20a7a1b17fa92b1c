"""The tile reader's end of the memory it shares with the window."""

from __future__ import annotations

import sys
from multiprocessing import resource_tracker, shared_memory

import numpy as np
import numpy.typing as npt

from engine.errors import ProtocolMismatch
from engine.protocol import Hello


class Slots:
    """The window's block of shared memory, cut into equal slots that each take one picture.

    The window makes and removes the block; this end only writes into it. Raises :class:`ProtocolMismatch` where
    the block is not there or too small for what the greeting says of it.
    """

    def __init__(self, hello: Hello) -> None:
        try:
            self._memory = _attach(hello.shared_memory)
        except (OSError, ValueError) as error:
            raise ProtocolMismatch(
                f"The window's shared memory “{hello.shared_memory}” cannot be opened: {error}."
            ) from error
        if self._memory.size < hello.slots * hello.slot_bytes or min(hello.slots, hello.slot_bytes) < 1:
            raise ProtocolMismatch(
                f"The window's shared memory has {self._memory.size} bytes, "
                f"not {hello.slots} slots of {hello.slot_bytes}."
            )
        self._slot_bytes = hello.slot_bytes
        self._slots = hello.slots

    def picture(self, slot: int, width: int, height: int) -> npt.NDArray[np.uint8]:
        """The memory of ``slot`` as a picture [height, width, 4], rows without padding, to be written into.

        Raises :class:`ProtocolMismatch` for a slot that does not exist or a picture that does not fit.
        """
        if not 0 <= slot < self._slots or min(width, height) < 1 or width * height * 4 > self._slot_bytes:
            raise ProtocolMismatch(
                f"A picture of {width} x {height} pixels does not fit slot {slot} "
                f"({self._slots} slots of {self._slot_bytes} bytes)."
            )
        return np.ndarray((height, width, 4), np.uint8, self._memory.buf, offset=slot * self._slot_bytes)


def _attach(name: str) -> shared_memory.SharedMemory:
    """Open an existing block without answering for it.

    From Python 3.13 on that is ``track=False``. Before, opening a block enters it with this process's resource
    tracker, which removes it, with a warning, when this process ends: the window would lose its memory with every
    reader that dies.
    """
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False)
    register = resource_tracker.register
    resource_tracker.register = lambda name, rtype: None
    try:
        return shared_memory.SharedMemory(name)
    finally:
        resource_tracker.register = register
