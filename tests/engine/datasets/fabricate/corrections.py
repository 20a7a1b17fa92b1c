"""A tiny folder of corrections: one of each task, one thought better of, one taken back."""

from __future__ import annotations

from pathlib import Path

from engine.datasets.readers.corrections import Correction, append_correction
from tests.engine.datasets.fabricate.pictures import box_mask, write_picture, write_raster

MADE = "2026-11-21T13:00:00+00:00"
PAIR = {"optical": "optical/a.png", "sar": "sar/a.png"}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    write_picture(folder / "optical" / "a.png", seed)
    write_picture(folder / "sar" / "a.png", seed + 1, bands=1)
    write_picture(folder / "optical" / "b.png", seed + 2)
    write_raster(folder / "masks" / "c3.tif", box_mask((3, 4, 20, 30)))
    for correction in corrections():
        append_correction(folder, correction)


def corrections() -> list[Correction]:
    """In the order they were made."""
    ships = Correction(
        "c1", MADE, "vqa", "wrong", "How many ships?", **PAIR, type="number", given="3", answer="4", model="m 1"
    )
    fewer = Correction("c1", MADE, "vqa", "right", "How many ships?", **PAIR, type="number", given="3", answer="3")
    pier = Correction(
        "c2", MADE, "grounding", "wrong", "the pier", **PAIR, sensor="sar", category="harbor", box_xyxy_px=(1, 2, 30, 9)
    )
    wood = Correction(
        "c3", MADE, "segmentation", "wrong", "the wood", optical="optical/b.png", sensor="optical", mask="masks/c3.tif"
    )
    lake = Correction("c4", MADE, "vqa", "wrong", "A lake?", optical="optical/b.png", type="presence", answer="no")
    taken_back = Correction("c4", MADE, "vqa", "withdrawn", "A lake?")
    return [ships, pier, wood, lake, fewer, taken_back]
