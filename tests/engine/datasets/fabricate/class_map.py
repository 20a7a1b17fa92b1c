"""Tiles with maps of classes for the RefSegRS builder: a road with cars, a house with a parking area, trees, grass."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.engine.datasets.fabricate.pictures import write_raster

CLASSES = {
    0: "low vegetation",
    1: "paved road",
    2: "lane marking",
    3: "car",
    4: "building",
    5: "paved parking place",
    6: "tree",
    7: "large truck",
    8: "clutter",
}

GSD_M = 0.5


def fabricate(folder: Path, *, tiles: int = 6, side: int = 180) -> None:
    """Write ``tiles``, ``maps`` and ``classes.toml`` into ``folder``; the layout repeats every 120 pixels."""
    for number in range(tiles):
        classes = class_map(side, number)
        noise = np.random.default_rng(number).integers(0, 40, (3, side, side))
        write_raster(folder / "tiles" / f"tile{number}.tif", (classes * 20 + noise).astype(np.uint8))
        write_raster(folder / "maps" / f"tile{number}.tif", classes)
    lines = "".join(f'{number} = "{name}"\n' for number, name in CLASSES.items())
    (folder / "classes.toml").write_text(f"gsd_m = {GSD_M}\n[classes]\n{lines}", encoding="utf-8")


def class_map(side: int, number: int = 0) -> np.ndarray:
    """Class numbers [side, side]. Buffers of 1.5 m are 3 pixels here."""
    block = np.zeros((120, 120), np.uint8)
    block[50:70] = 1  # a road from west to east
    block[59:61, ::2] = 2
    block[59:61, 1::2] = 2
    block[52:56, 10:18] = 3  # a car on the road
    block[63:68, 60:80] = 7  # a truck on the road
    block[10:40, 10:40] = 4  # a house ...
    block[10:40, 40:60] = 5  # ... with a parking area
    block[15:19, 45:53] = 3  # a car in it
    block[90:110, 90:110] = 4  # a second house, with a court of grass in it
    block[97:103, 97:103] = 0
    block[72:80, 20:30] = 6  # trees along the road
    block[100:108, 20 + number : 30 + number] = 6  # and others
    block[112:116, 60:66] = 3  # a car on the grass
    times = -(-side // 120)
    return np.tile(block, (times, times))[:side, :side]
