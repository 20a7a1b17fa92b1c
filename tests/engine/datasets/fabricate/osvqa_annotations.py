"""Annotated pairs as the builder of OSVQA reads them: each image has things that its annotation tells truly.

Every annotation has all attributes of Table I, so that questions of all sixteen types can be asked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.text import LOCATION_ANSWERS
from tests.engine.datasets.fabricate.pictures import write_picture

PAIRS = 20


def annotation(number: int) -> dict[str, Any]:
    """The annotation of pair ``number``, from 1: urban with odd numbers; every fifth one is foggy in fact."""
    urban = bool(number % 2)
    box = [10.0 * (number % 9) + 5, 100.0, 10.0 * (number % 9) + 45, 130.0]
    cell = LOCATION_ANSWERS[number % 9]
    return {
        "image": str(number),
        "match": number % 7 != 0,
        "fog_dark": "foggy" if number % 5 == 0 else "clear",
        "urban": urban,
        "residential": urban,
        "themes": {"harbor": not urban, "airport": False},
        "theme": "residential area" if urban else "harbor",
        "main_cover": "built-up area" if urban else "water",
        "main_object": "building" if urban else "ship",
        "objects": [
            {"name": "water", "area_px": 30000 if not urban else 900, "cells": [cell], "quality": "both"},
            {"name": "built-up area", "area_ha": 1.5 if not urban else 4.0, "quality": "both"},
            {"name": "ship", "subcategory": "cargo ship", "number": 1, "boxes_px": [box], "location": "left",
             "length_m": 40.0, "distribution": "single", "quality": "both"},
            {"name": "building", "number": 3 + number, "distribution": "clustered", "quality": "both"},
            {"name": "tennis court", "number": number % 3, "quality": "optical image"},
            {"name": "lake", "number": 1, "shape": "round", "location": "right", "quality": "SAR image"},
            {"name": "airplane", "present": False},
        ],
        "relations": [
            {"one": "cargo ship", "other": "lake", "position": "left", "distance_m": 60.0 + number},
            {"one": "lake", "other": "cargo ship", "position": "right"},
        ],
        "deduce": [
            {"question": "Could goods be unloaded from a ship here?", "answer": "no" if urban else "yes"},
            {"topic": "swim", "answer": "yes"},
        ],
    }  # fmt: skip


def fabricate(folder: Path, *, seed: int = 0, pairs: int = PAIRS) -> None:
    """Write ``optical``, ``sar`` and ``annotations.jsonl`` into ``folder``; an image is 256 pixels of 1 m."""
    lines = []
    for number in range(1, pairs + 1):
        write_picture(folder / "optical" / f"{number}.png", seed + 2 * number, side=256)
        write_picture(folder / "sar" / f"{number}.png", seed + 2 * number + 1, bands=1, side=256)
        lines.append(json.dumps(annotation(number) | {"gsd_m": 1.0}) + "\n")
    (folder / "annotations.jsonl").write_text("".join(lines), encoding="utf-8")
