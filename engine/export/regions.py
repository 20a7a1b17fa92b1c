"""Key regions (KRR) as rectangles: the cells of an explanation map that were routed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ExportRefused
from engine.records import Answer, Box, ExplanationMap


@dataclass(frozen=True)
class KeyRegion:
    """One routed region: its part inside the analysed area, in optical pixels, and its routing score."""

    map_name: str
    sensor: str
    box_px: Box
    score: float


def read_map(one: ExplanationMap) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The array of an explanation map, float32 [rows, columns]. Raises as :func:`read_array`."""
    return np.asarray(read_array(one.path, f"explanation map “{one.name}”", one.shape), dtype=np.float32)


def read_array(path: str, what: str, shape: tuple[int, int]) -> np.ndarray[Any, np.dtype[Any]]:
    """The array in ``path``.

    Raises :class:`ExportRefused` where it is gone, or not of the ``shape`` that its record says.
    """
    try:
        values = np.load(Path(path), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ExportRefused(
            f"The {what} cannot be read from “{path}”: {error}.", remedy="Ask the question again, then export."
        ) from error
    if values.shape != tuple(shape):
        raise ExportRefused(
            f"The {what} has shape {values.shape} where its answer says {tuple(shape)}.",
            remedy="Ask the question again, then export.",
        )
    return np.asarray(values)


def key_regions(answer: Answer) -> tuple[KeyRegion, ...]:
    """The routed regions of every sensor, best score first, clipped to the analysed area.

    Regions that lie wholly in the letterbox's padding are left out: there is no ground under them.
    """
    found = [
        region
        for one in answer.explanations.values()
        if one.kind == "regions"
        for region in _routed(one, answer.area.window.box)
    ]
    return tuple(sorted(found, key=lambda region: -region.score))


def _routed(one: ExplanationMap, area: Box) -> Iterable[KeyRegion]:
    scores = read_map(one)
    rows, cols = scores.shape
    cell_w, cell_h = one.extent_px.width / cols, one.extent_px.height / rows
    for row, col in zip(*np.nonzero(np.isfinite(scores)), strict=True):
        x0, y0 = one.extent_px.x0 + int(col) * cell_w, one.extent_px.y0 + int(row) * cell_h
        left, top = max(x0, area.x0), max(y0, area.y0)
        right, bottom = min(x0 + cell_w, area.x1), min(y0 + cell_h, area.y1)
        if right > left and bottom > top:
            yield KeyRegion(one.name, one.sensor, Box(left, top, right, bottom), float(scores[row, col]))
