"""How many windows or tiles are worked on at once."""

from __future__ import annotations

BATCH_S = 0.4
"""How long a batch should take, so that a stop is heeded well within a second."""


class Pace:
    """Starts with one at once, and doubles as long as a batch takes less than :data:`BATCH_S`, up to ``most``."""

    def __init__(self, most: int) -> None:
        self.at_once = 1
        self._most = most

    def note(self, worked_on: int, seconds: float) -> None:
        """A batch took so long with so many that there was work in; what has no data says nothing of pace."""
        if worked_on:
            fitting = int(BATCH_S * worked_on / max(seconds, 1e-9))
            self.at_once = max(1, min(self._most, 2 * self.at_once, fitting))
