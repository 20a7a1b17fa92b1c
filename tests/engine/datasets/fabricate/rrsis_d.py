"""A tiny RRSIS-D: three images, four references, masks as packed and plain run lengths and as a polygon."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

from pycocotools import mask as coco_mask

from tests.engine.datasets.fabricate.pictures import SIDE, box_mask, write_picture

BOXES = [(3, 4, 12, 14), (20, 20, 40, 30), (0, 0, 48, 10), (30, 5, 45, 45)]
SENTENCES = [["the red ship"], ["a bridge in the middle", "the only bridge"], ["a harbor at the top"], ["a dam"]]
SPLITS = ["train", "train", "val", "test"]
IMAGES = [1, 1, 2, 3]


def fabricate(folder: Path, *, seed: int = 0, place: str = "", images: str = "JPEGImages") -> None:
    """Write the layout into ``folder``; ``place`` is where the annotations lie, ``images`` the pictures."""
    for number in sorted(set(IMAGES)):
        write_picture(folder / images / f"{number:05}.jpg", seed + number)
    (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / place / "instances.json").write_text(json.dumps(instances()), encoding="utf-8")
    (folder / place / "refs(unc).p").write_bytes(pickle.dumps(references(), protocol=2))


def instances() -> dict[str, object]:
    """The COCO file."""
    names = ["ship", "bridge", "harbor", "dam"]
    return {
        "info": {},
        "images": [
            {"id": number, "file_name": f"{number:05}.jpg", "width": SIDE, "height": SIDE}
            for number in sorted(set(IMAGES))
        ],
        "annotations": [
            {
                "id": index + 1,
                "image_id": IMAGES[index],
                "category_id": index + 1,
                "bbox": list(box),
                "segmentation": segmentation(index),
            }
            for index, box in enumerate(BOXES)
        ],
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(names)],
    }


def segmentation(index: int) -> object:
    """Packed run lengths in a list (as published), plain ones, a polygon, packed ones by themselves."""
    left, top, right, bottom = BOXES[index]
    packed = coco_mask.encode(box_mask(BOXES[index], value=1).copy(order="F"))
    run_lengths = {"size": packed["size"], "counts": packed["counts"].decode("ascii")}
    if index == 1:
        column = [bottom - top, SIDE - (bottom - top)]
        runs = [left * SIDE + top, *column * (right - left)]
        runs[-1] = SIDE * SIDE - sum(runs[:-1])
        return {"size": [SIDE, SIDE], "counts": runs}
    if index == 2:
        return [[left, top, right, top, right, bottom, left, bottom]]
    return [run_lengths] if index == 0 else run_lengths


def references() -> list[dict[str, object]]:
    """The pickled list."""
    return [
        {
            "ref_id": index,
            "ann_id": index + 1,
            "image_id": IMAGES[index],
            "category_id": index + 1,
            "split": SPLITS[index],
            "file_name": f"{IMAGES[index]:05}.jpg",
            "sentences": [{"sent": text, "raw": text, "tokens": text.split(), "sent_id": index} for text in texts],
        }
        for index, texts in enumerate(SENTENCES)
    ]
