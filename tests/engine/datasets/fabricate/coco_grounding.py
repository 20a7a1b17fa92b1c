"""A tiny RSVGD or SARVG as this program takes it to be: COCO files by split. The folder's name says which it is."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.datasets.fabricate.pictures import SIDE, write_picture

SENTENCES = {"train": ["the largest ship", "a ship at the pier"], "val": ["two ships"], "test": ["the left ship"]}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    for number, (split, sentences) in enumerate(SENTENCES.items()):
        write_picture(folder / "images" / split / f"{split}.jpg", seed + number)
        coco = {
            "images": [{"id": 7, "file_name": f"{split}.jpg", "width": SIDE, "height": SIDE}],
            "annotations": [
                {"id": index, "image_id": 7, "bbox": [4 * index, 5, 10, 8.5], "description": sentence}
                for index, sentence in enumerate(sentences)
            ],
        }
        (folder / f"{split}.json").write_text(json.dumps(coco), encoding="utf-8")
