"""A tiny OGSOD-1.0: upright labels for the optical images, oriented ones for the SAR images, one image without."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate.pictures import write_picture

UPRIGHT = {
    "train": {"a1": ["0 0.5 0.5 0.25 0.125", "2 0.25 0.25 0.0625 0.0625"], "a2": []},
    "test": {"b1": ["1 0.5 0.5 1 1"]},
}
ORIENTED = {
    "train": {"a1": ["96 112 160 112 160 144 96 144 bridge 0", "64 56 72 64 64 72 56 64 storage_tank 1"], "a2": []},
    "test": {"b1": ["0 0 256 0 256 256 0 256 harbor 0"]},
}
"""The same things; the tank is a square standing on its corner."""


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    for place, (sensor, labels) in enumerate((("rgb", UPRIGHT), ("sar", ORIENTED))):
        for split, images in labels.items():
            for number, (stem, lines) in enumerate(images.items()):
                picture = folder / sensor / "images" / split / f"{stem}.png"
                picture_seed = seed + 10 * place + 5 * (split == "test") + number
                write_picture(picture, picture_seed, side=256, bands=1 if sensor == "sar" else 3)
                label = folder / sensor / "labels" / split / f"{stem}.txt"
                label.parent.mkdir(parents=True, exist_ok=True)
                label.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
