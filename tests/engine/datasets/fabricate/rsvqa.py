"""RSVQA's three files per split, as the authors' database wrote them, for the three sets that share the layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.engine.datasets.fabricate.pictures import write_raster

Row = tuple[int, str, str, str]
"""Image, type, question, published answer."""


def write_splits(folder: Path, prefix: str, images: str, side: int, splits: dict[str, list[Row]], seed: int) -> None:
    """Write ``PREFIX_SPLIT_KIND.json`` for every split and the images as ``IMAGES/ID.tif``.

    Every file lists the whole database. What is not of the split has its place, its id, and ``active`` false.
    """
    rows = [(split, row) for split, listed in splits.items() for row in listed]
    numbers = range(1 + max(row[0] for _, row in rows))
    for split in splits:
        found = {row[0] for name, row in rows if name == split}
        mine = [name == split for name, _ in rows]
        listed = {
            "images": [
                {"id": n, "sensor": "S2", "original_name": f"{n}.png", "active": True} if n in found else _inactive(n)
                for n in numbers
            ],
            "questions": [
                {"id": n, "img_id": image, "type": kind, "question": text, "answers_ids": [n], "active": True}
                if mine[n]
                else _inactive(n)
                for n, (_, (image, kind, text, _)) in enumerate(rows)
            ],
            "answers": [
                {"id": n, "question_id": n, "people_id": 0, "answer": row[3], "active": True}
                if mine[n]
                else _inactive(n)
                for n, (_, row) in enumerate(rows)
            ],
        }
        for kind, records in listed.items():
            (folder / f"{prefix}_{split}_{kind}.json").write_text(json.dumps({kind: records}), encoding="utf-8")
    for number in numbers:
        pixels = np.random.default_rng(seed + number).integers(0, 256, (3, side, side)).astype(np.uint8)
        write_raster(folder / images / f"{number}.tif", pixels)


def _inactive(number: int) -> dict[str, object]:
    return {"id": number, "active": False}
