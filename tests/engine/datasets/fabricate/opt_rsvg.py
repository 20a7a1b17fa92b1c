"""A tiny OPT-RSVG: DIOR-RSVG's layout with OPT-RSVG's classes. The folder's name must have OPT-RSVG in it."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate import dior_rsvg

THINGS: dict[str, list[dior_rsvg.Thing]] = {
    "1": [("T junction", (3, 4, 12, 14), "The T junction on the left")],
    "2": [("ground track field", (2, 2, 40, 40), "A red ground track field"), ("vehicle", (5, 5, 8, 9), "A car")],
    "10": [("swimming pool", (i, i, i + 8, i + 5), f"Pool number {i}") for i in range(6)],
}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    dior_rsvg.fabricate(folder, seed=seed, things=THINGS)
