"""A tiny OptSAR-RSVG: six images by the release's names, all sixteen classes, JSON and YOLO; or the VOC form."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.datasets.fabricate.dior_rsvg import xml
from tests.engine.datasets.fabricate.pictures import SIDE, write_picture

# As the release's configuration lists them.
CLASSES = """optical vehicle, optical bridge, optical crossroad, optical T junction, optical ground track field,
optical baseball diamond, optical swimming pool, optical tennis court, optical parking lot, optical basketball court,
optical storage tank, optical ship, optical airplane, optical harbor, sar transmission tower, sar ship"""
NAMES = [" ".join(name.split()) for name in CLASSES.split(",")]

IMAGES = {
    "train": {"opt_000001.jpg": range(8), "opt_000002.jpg": range(8, 12), "sar_000001.jpg": range(14, 16)},
    "val": {"opt_000003.jpg": range(12, 14), "sar_000002.jpg": range(15, 16)},
    "test": {"opt_000004.jpg": range(11, 12)},
}
"""Split, image, and the classes on it."""


def box_of(number: int) -> tuple[float, float, float, float]:
    """Left, top, width, height of the object of class ``number``."""
    return 2 * number, number + 0.5, 10, 7.25


def sentence_of(number: int) -> str:
    return f"the {NAMES[number].split(' ', 1)[1]} at place {number}"


def fabricate(folder: Path, *, seed: int = 0, voc: bool = False) -> None:
    """Write the layout into ``folder``; with ``voc`` the annotations are XML files."""
    for split, images in IMAGES.items():
        for name in images:
            number = int(name[4:10])  # the release counts through all splits
            write_picture(folder / "images" / split / name, seed + number, bands=1 if name.startswith("sar") else 3)
        if voc:
            _write_voc(folder, split)
        else:
            _write_json(folder, split)


def _write_json(folder: Path, split: str) -> None:
    coco = {
        "images": [
            {"id": index, "file_name": name, "width": SIDE, "height": SIDE} for index, name in enumerate(IMAGES[split])
        ],
        "annotations": [
            {
                "id": 100 * index + number,
                "image_id": index,
                "category_id": number,
                "category_name": NAMES[number],
                "caption": sentence_of(number),
                "bbox": list(box_of(number)),
                "area": 72.5,
                "iscrowd": 0,
            }
            for index, numbers in enumerate(IMAGES[split].values())
            for number in numbers
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(NAMES)],
    }
    (folder / f"{split}.json").write_text(json.dumps(coco), encoding="utf-8")
    (folder / "labels" / split).mkdir(parents=True)
    for name, numbers in IMAGES[split].items():
        boxes = [(number, *box_of(number)) for number in numbers]
        lines = [f"{n} {(x + w / 2) / SIDE} {(y + h / 2) / SIDE} {w / SIDE} {h / SIDE}\n" for n, x, y, w, h in boxes]
        (folder / "labels" / split / f"{Path(name).stem}.txt").write_text("".join(lines), encoding="ascii")


def _write_voc(folder: Path, split: str) -> None:
    (folder / "annotations" / split).mkdir(parents=True)
    for name, numbers in IMAGES[split].items():
        things = []
        for number in numbers:
            left, top, width, height = box_of(number)
            things.append((NAMES[number], (left, top, left + width, top + height), sentence_of(number)))
        (folder / "annotations" / split / f"{Path(name).stem}.xml").write_text(xml(name, things), encoding="utf-8")
