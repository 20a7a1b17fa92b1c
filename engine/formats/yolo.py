"""YOLO text labels: one box per line, upright or oriented.

========================================  ====================================================================
``class cx cy w h``                       centre and size, fractions of the image (Darknet, YOLOv5)
``class x1 y1 x2 y2 x3 y3 x4 y4``         four corners, fractions of the image (oriented YOLO)
``x1 y1 … x4 y4 class [difficulty]``      four corners in pixels (DOTA, and YOLOv5-OBB's labels)
========================================  ====================================================================

A class is a number from 0, a place in the list of names, or a name itself (``storage_tank`` is "storage tank").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.formats.records import FaultSink, read_text

_HEADERS = ("imagesource:", "gsd:")  # the two lines that DOTA puts first


@dataclass(frozen=True, slots=True)
class YoloBox:
    """A box: ``corners`` x1, y1 … x4, y4, in fractions of the image where ``normalised``, else in pixels."""

    line: int
    name: str
    corners: tuple[float, ...]
    normalised: bool
    oriented: bool

    def xyxy_px(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The upright box around it, left, top, right, bottom in pixels of an image of that size."""
        across, down = (width, height) if self.normalised else (1, 1)
        xs, ys = self.corners[::2], self.corners[1::2]
        return min(xs) * across, min(ys) * down, max(xs) * across, max(ys) * down


def read_yolo(path: Path, faults: FaultSink, names: Sequence[str]) -> tuple[YoloBox, ...]:
    """The boxes of a label file; a line that is none is a fault. An empty file is an image without objects.

    ``names`` are the classes in their order, in lower case with spaces.
    """
    text = read_text(path, faults)
    found = []
    for line, words in enumerate((row.split() for row in (text or "").splitlines()), start=1):
        if not words or words[0].lower().startswith(_HEADERS):
            continue
        box = _box(line, words, names)
        if isinstance(box, str):
            faults.add(path, line, box)
        else:
            found.append(box)
    return tuple(found)


def _box(line: int, words: list[str], names: Sequence[str]) -> YoloBox | str:
    """The box of one line, or the sentence that says what is wrong with it."""
    pixels = len(words) == 10 or (len(words) == 9 and _is_dota(words, names))
    label, rest = (words[8], words[:8]) if pixels else (words[0], words[1:])
    numbers = [_number(word) for word in rest]
    if len(words) not in (5, 9, 10):
        return f"The line has {len(words)} columns; a box has 5, 9 or 10."
    if any(number is None for number in numbers):
        return "A coordinate is not a number."
    name = _name(label, names)
    if name is None:
        return f"The class {label!r} is none of {', '.join(names)}."
    values = tuple(number for number in numbers if number is not None)
    if len(values) == 4:
        cx, cy, w, h = values
        left, top, right, bottom = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
        values = (left, top, right, top, right, bottom, left, bottom)
    return YoloBox(line, name, values, normalised=not pixels, oriented=len(words) != 5)


def _is_dota(words: list[str], names: Sequence[str]) -> bool:
    """Whether nine columns end with the class: with a word, or with a class behind what cannot be fractions."""
    if _number(words[8]) is None:
        return True
    fractions = all((_number(word) or 0.0) <= 1.5 for word in words[1:])
    return _name(words[8], names) is not None and not fractions


def _name(label: str, names: Sequence[str]) -> str | None:
    plain = label.replace("_", " ").replace("-", " ").lower()
    if plain in names:
        return plain
    place = _number(label)
    if place is None or place != int(place) or not 0 <= place < len(names):
        return None
    return names[int(place)]


def _number(word: str) -> float | None:
    """A finite number of a size that pixels can have."""
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e9 else None
