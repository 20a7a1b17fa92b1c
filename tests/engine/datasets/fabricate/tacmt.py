"""A tiny SARVG1.0: four SAR images and their pickled lists, one of them in the zip that torch.save writes."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

from tests.engine.datasets.fabricate.pictures import write_picture

Row = tuple[str, list[float], str]

ROWS: dict[str, list[Row]] = {
    "train": [
        ("capella_1.png", [3, 4, 9, 10], "The transmission tower on the upper left"),
        ("capella_1.png", [30.5, 20, 8, 10.25], "the tower nearest to the river"),
        ("iceye_2.png", [0, 0, 5, 5], "a transmission tower"),
    ],
    "val": [("gf3_3.png", [10, 10, 20, 20], "the only tower")],
    "testA": [("iceye_4.png", [20, 20, 6, 6], "the right tower")],
}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    for index, name in enumerate(("capella_1.png", "iceye_2.png", "gf3_3.png", "iceye_4.png")):
        write_picture(folder / "images" / name, seed + index, bands=1)
    with zipfile.ZipFile(folder / "sarvg_train.pth", "w") as archive:
        archive.writestr("sarvg_train/data.pkl", pickle.dumps(ROWS["train"], protocol=2))
        archive.writestr("sarvg_train/version", "3\n")
    for split in ("val", "testA"):
        (folder / f"sarvg_{split}.pth").write_bytes(pickle.dumps(ROWS[split]))
