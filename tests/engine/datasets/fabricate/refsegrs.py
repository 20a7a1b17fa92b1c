"""A tiny RefSegRS: four images, six expressions, one ID with two of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.engine.datasets.fabricate.pictures import SIDE, box_mask, write_raster

LINES = {
    "train": ["0 road", "0 paved road in the middle", "1 vehicle on the road"],
    "val": ["2 building along the road"],
    "test": ["10 low vegetation surrounded by building", "10 low vegetation"],
}

BOXES = {"0": (0, 20, 48, 28), "1": (4, 22, 8, 24), "2": (10, 2, 30, 18), "10": (5, 5, 9, 40)}


def fabricate(folder: Path, *, seed: int = 0, images: str = "images", masks: str = "masks", suffix: str = "") -> None:
    """Write the layout into ``folder``; ``suffix`` follows the IDs in the text files."""
    random = np.random.default_rng(seed)
    for index, (key, box) in enumerate(BOXES.items()):
        write_raster(folder / images / f"{key}.tif", random.integers(0, 255, (3, SIDE, SIDE)).astype(np.uint8))
        write_raster(folder / masks / f"{key}.tif", box_mask(box, value=255 if index % 2 else 1))
    for split, lines in LINES.items():
        named = [" ".join([f"{line.split()[0]}{suffix}", *line.split()[1:]]) for line in lines]
        (folder / f"output_phrase_{split}.txt").write_text("".join(f"{line}\n" for line in named), encoding="utf-8")
