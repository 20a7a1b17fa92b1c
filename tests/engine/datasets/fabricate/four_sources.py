"""The four sources of OptSAR-RSVG with sentences that are true of painted things, so that turned copies can be judged.

Every picture is grey, 96 x 64 pixels, with two things: one in its left half, one in its right half, each a rectangle of
its own grey level. The picture's number draws where they lie.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from engine.draws import Draws

WIDTH, HEIGHT = 96, 64
LEVELS = (90, 200)
"""Grey level of the first and the second thing."""

SHIPS = ("Arleigh Burke", "Aircraft Carrier", "Cargo Ship")

Thing = tuple[str, tuple[int, int, int, int], str]
"""Class, box (left, top, right, bottom), sentence."""


def fabricate(folder: Path, *, pictures: int = 20) -> dict[str, Path]:
    """Write all four below ``folder``, RSVGD with ``pictures`` images, the others with fewer; returns their folders."""
    folders = {
        "rsvgd": folder / "RSVGD",
        "opt-rsvg": folder / "OPT-RSVG",
        "sarvg": folder / "SARVG",
        "tacmt": folder / "SARVG1.0",
    }
    _coco(folders["rsvgd"], pictures, 3, 0, SHIPS)
    _coco(folders["sarvg"], pictures // 2, 1, 1000, ("ship",))
    _voc(folders["opt-rsvg"], pictures // 2)
    _pickles(folders["tacmt"], pictures // 4)
    return folders


def things(number: int, name: str, other: str) -> list[Thing]:
    """Two things of picture ``number`` and what is said of them."""
    draws = Draws(number, 9)
    first, second = _box(draws, 2), _box(draws, WIDTH // 2 + 2)
    height = "top" if first[1] + first[3] < HEIGHT else "bottom"
    return [
        (name, first, f"The {name.lower()} on the {height} left of the image"),
        (other, second, f"The {other.lower()} to the right of the {name.lower()}"),
    ]


def _box(draws: Draws, left: int) -> tuple[int, int, int, int]:
    x, y = draws.between(left, left + 20), draws.choice((3, 40)) + draws.below(4)
    return x, y, x + draws.between(10, 20), y + draws.between(8, 16)


def paint(path: Path, boxes: list[tuple[int, int, int, int]], bands: int, seed: int) -> None:
    """A PNG with the boxes in their levels; a column of odd pixels tells two pictures apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((HEIGHT, WIDTH), 30, np.uint8)
    pixels[:, 0] = seed % 20
    pixels[0, :] = seed // 20 % 20
    for (left, top, right, bottom), level in zip(boxes, LEVELS, strict=False):
        pixels[top:bottom, left:right] = level
    Image.fromarray(pixels if bands == 1 else pixels[..., None].repeat(3, axis=2)).save(path)


def _coco(folder: Path, pictures: int, bands: int, seed: int, kinds: tuple[str, ...]) -> None:
    for split in ("train", "val", "test"):
        numbers = [n for n in range(pictures) if (n % 4 > 1) == (split == "train") and (n % 4 == 1) == (split == "val")]
        images, annotations = [], []
        for number in numbers:
            kind = kinds[number % len(kinds)]
            found = things(seed + number, kind, kind)
            name = f"{number}.png"
            paint(folder / "images" / split / name, [box for _, box, _ in found], bands, seed + number)
            images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
            for _, (left, top, right, bottom), sentence in found:
                box = [left, top, right - left, bottom - top]
                annotations.append(
                    {"image_id": number, "category_id": 1 + number % len(kinds), "caption": sentence, "bbox": box}
                )
        categories = [{"id": 1 + index, "name": kind} for index, kind in enumerate(kinds)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(content), encoding="utf-8")


def _voc(folder: Path, pictures: int) -> None:
    (folder / "Annotations").mkdir(parents=True)
    for number in range(pictures):
        # Every fourth picture has a rare class.
        found = things(2000 + number, *(("storage tank", "vehicle") if number % 4 else ("bridge", "harbor")))
        paint(folder / "JPEGImages" / f"{number}.png", [box for _, box, _ in found], 3, 2000 + number)
        objects = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax>"
            f"<ymax>{box[3]}</ymax></bndbox><description>{escape(sentence)}</description></object>"
            for name, box, sentence in found
        )
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{number}.png</filename>{size}{objects}</annotation>"
        (folder / "Annotations" / f"{number:05}.xml").write_text(text, encoding="utf-8")
    for index, split in enumerate(("train", "val", "test")):  # one image in several splits, as published
        numbers = range(index, 2 * pictures, 3)
        (folder / f"{split}.txt").write_text("".join(f"{number}\n" for number in numbers), encoding="ascii")


def _pickles(folder: Path, pictures: int) -> None:
    for split, start in (("train", 0), ("val", 1), ("testA", 2)):
        rows = []
        for number in range(start, pictures, 3):
            name = f"{number}.png"
            found = things(3000 + number, "tower", "tower")
            paint(folder / "images" / name, [box for _, box, _ in found], 1, 3000 + number)
            rows += [(name, [box[0], box[1], box[2] - box[0], box[3] - box[1]], sentence) for _, box, sentence in found]
        (folder / f"sarvg_{split}.pth").write_bytes(pickle.dumps(rows))
