"""A tiny RSVQA-LR: three images, one for each split, and counts at the borders of their ranges."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate.rsvqa import Row, write_splits

SPLITS: dict[str, list[Row]] = {
    "train": [
        (0, "rural_urban", "Is it a rural or an urban area", "rural"),
        (0, "presence", "Is a road present?", "yes"),
        (0, "count", "What is the number of roads?", "10"),
    ],
    "val": [(1, "comp", "Are there more roads than buildings?", "no"), (1, "count", "How many farmlands?", "0")],
    "test": [(2, "count", "How many buildings are there?", "1001"), (2, "count", "How many lakes?", "11")],
}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    write_splits(folder, "LR_split", "Images_LR", 256, SPLITS, seed)
