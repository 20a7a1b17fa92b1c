"""A tiny folder of an analyst's own: two pairs, COCO in two splits, questions in CSV."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.datasets.fabricate.pictures import SIDE, write_picture

CSV = """Image;Question;Answer;Type
port.png;"How many ships; small ones too?";4;number
optical/port.png;Is there a pier?;yes;
"""


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    for index, name in enumerate(("port", "river")):
        write_picture(folder / "optical" / f"{name}.png", seed + 2 * index)
        write_picture(folder / "sar" / f"{name}.jpg", seed + 2 * index + 1, bands=1)
    (folder / "train.csv").write_text(CSV, encoding="utf-8-sig")
    (folder / "train.json").write_text(json.dumps(port()), encoding="utf-8")
    (folder / "val.json").write_text(json.dumps(river()), encoding="utf-8")


def port() -> dict[str, list[dict[str, object]]]:
    """A box with a caption, and a mask with only a category."""
    return {
        "images": [{"id": 1, "file_name": "port.png", "width": SIDE, "height": SIDE}],
        "categories": [{"id": 5, "name": "ship"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 5, "caption": "the ship at the pier", "bbox": [4, 6, 10, 8]},
            {"id": 2, "image_id": 1, "category_id": 5, "segmentation": [[0, 0, 20, 0, 20, 10]], "sensor": "sar"},
        ],
    }


def river() -> dict[str, list[dict[str, object]]]:
    """A box and a mask in one, in plain run lengths."""
    runs = [0, SIDE * 4, SIDE * (SIDE - 4)]
    mask = {"size": [SIDE, SIDE], "counts": runs}
    return {
        "images": [{"id": "r", "file_name": "river"}],
        "annotations": [{"image_id": "r", "caption": "the river", "bbox": [0, 0, 4, SIDE], "segmentation": mask}],
    }
