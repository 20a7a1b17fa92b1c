"""A tiny RSVQA-HR: four images, one for each split with the second test set, and areas."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate.rsvqa import Row, write_splits

SPLITS: dict[str, list[Row]] = {
    "train": [(0, "area", "What is the area covered by buildings?", "1234m2"), (0, "count", "How many?", "17")],
    "val": [(1, "area", "What is the area covered by parks?", "0m2")],
    "test": [(2, "area", "What is the area covered by small pools?", "100m2"), (2, "presence", "Is there one?", "no")],
    "test_phili": [(3, "comp", "Are there more roads than parks?", "yes")],
}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    write_splits(folder, "USGS_split", "Data", 512, SPLITS, seed)
