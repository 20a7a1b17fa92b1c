"""Which weights the engine is to use for what, and which of them are at hand."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog import find_model
from engine.errors import ModelNotFound
from rsqa_desktop.model.mode import AtHand


@dataclass(frozen=True, slots=True)
class Engine:
    """Which weights answer, which find, which outline (names of ``engine.catalog``, or folders), and the device."""

    model: str = "tgfnet-compact"
    device: str = "auto"
    finder: str = "optisar-compact"
    outliner: str = "lgce-compact"

    def at_hand(self) -> AtHand:
        """Which of them are on this machine by now; they are not opened."""
        return AtHand(_is_there(self.finder), _is_there(self.outliner))


def _is_there(model: str) -> bool:
    try:
        find_model(model)
    except ModelNotFound:
        return False
    return True
