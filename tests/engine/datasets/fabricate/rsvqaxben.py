"""A tiny RSVQAxBEN: three images and lists of land covers for answers."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate.rsvqa import Row, write_splits

SPLITS: dict[str, list[Row]] = {
    "train": [(0, "LC", "What are the classes in this image?", "Pastures,Mixed forest"), (0, "yes/no", "Water?", "no")],
    "val": [(1, "LC", "Which artificial areas are there?", "None")],
    "test": [(2, "yes/no", "Are there pastures and water?", "yes")],
}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    write_splits(folder, "RSVQAxBEN_split", "Images", 120, SPLITS, seed)
