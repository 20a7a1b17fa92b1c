"""Maps of answers made by hand, so that exporting is tested without a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.records import (
    AreaUsed,
    Grid,
    PairCheck,
    PixelWindow,
    Provenance,
    TileArrays,
    TileCount,
    TiledAnswer,
    TileGrid,
    ValidShare,
)
from engine.records.tiles import TILE_STATES
from tests.engine.export.handmade import UTM

WINDOW = PixelWindow(40, 30, 200, 100)
MAP = ("AAa", "B..")
"""Tiles of 80 px over 200 x 100: A and B answers, small by one sensor alone, a point not answerable."""


def tiled_by_hand(
    arrays: Path,
    grid: Grid = UTM,
    window: PixelWindow = WINDOW,
    side_px: int = 80,
    letters: tuple[str, ...] = MAP,
    names: tuple[str, ...] = ("water", "forest"),
    optical: str | None = None,
    sar: str | None = None,
    **fields: object,
) -> TiledAnswer:
    """A record and its arrays as ``letters`` draws them."""
    tiles = TileGrid.over(window, side_px)
    drawn = np.array([list(line) for line in letters])
    assert drawn.shape == (tiles.rows, tiles.columns)
    place = np.array([["ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(cell.upper()) for cell in line] for line in letters])
    empty, alone = drawn == ".", np.char.islower(drawn)
    state = np.where(empty, 2, np.where(alone, 1, 0))
    confidence = np.where(empty, np.nan, 0.5 + 0.4 * (place == 0))
    values = {
        "answer": np.where(empty, -1, place).astype(np.int32),
        "confidence": confidence.astype(np.float32),
        "state": state.astype(np.uint8),
        "valid_optical": np.where(empty, 0, 1).astype(np.float32),
        "valid_sar": np.where(empty | alone, 0, 1).astype(np.float32),
    }
    for name, array in values.items():
        np.save(arrays / f"{name}.npy", array)
    counts = _counts(tiles, np.where(empty, -1, place), confidence, names, grid.gsd_m)
    gate = PairCheck("aligned", None, None, 0.8, True, 16.0, 1.0, ValidShare(1.0, 0.9), 1.0, {}, None, None)
    provenance = Provenance(
        optical, sar, (1, 2, 3), (1,), "db", "aligned", (0.0, 0.0), "tgfnet-compact", "ab" * 32,
        "rsqa-desktop 0.1.0", "cpu", "2026-11-21T10:44:55+00:00",
    )  # fmt: skip
    made: dict[str, object] = {
        "question": "What is the main land cover?",
        "grid": tiles,
        "counts": counts,
        "states": {name: int((state == code).sum()) for code, name in enumerate(TILE_STATES)},
        "arrays": TileArrays(**{name: str(arrays / f"{name}.npy") for name in values}),
        "area": AreaUsed(window, grid, grid.gsd_m, (0.5, 10.0), 0.9, 0.7),
        "gate": gate,
        "provenance": provenance,
    }
    return TiledAnswer(**(made | fields))  # type: ignore[arg-type]


def _counts(
    tiles: TileGrid, place: np.ndarray, confidence: np.ndarray, names: tuple[str, ...], gsd_m: float | None
) -> tuple[TileCount, ...]:
    """The table, counted tile by tile."""
    pixels = {position: tiles.tile(*position).width * tiles.tile(*position).height for position in tiles.positions()}
    answered = sum(count for position, count in pixels.items() if place[position] >= 0)
    counts = []
    for index, name in enumerate(names):
        here = [position for position in pixels if place[position] == index]
        ground = sum(pixels[position] for position in here)
        sure = float(np.mean([confidence[position] for position in here]))
        area_m2 = None if gsd_m is None else ground * gsd_m**2
        counts.append(TileCount(name, len(here), ground / answered, sure, area_m2))
    return tuple(counts)
