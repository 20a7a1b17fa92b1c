"""What a question over a grid of tiles would be, worked out from an answer that saw its area too coarsely."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass

from engine.records import AreaUsed, TileGrid
from engine.records.query import DEFAULT_MAX_TILES
from engine.records.tiles import nearest_trained_gsd_m


@dataclass(frozen=True, slots=True)
class TileOffer:
    """``tiles`` of ``side_px`` pixels of the raster each, seen by the model at ``gsd_m`` metres per pixel.

    ``is_finest`` is false where so many tiles of the finest scale would be needed that a coarser one is offered.
    """

    tiles: int
    side_px: int
    gsd_m: float
    is_finest: bool


def tile_offer(area: AreaUsed) -> TileOffer | None:
    """The grid worth offering for the area of an answer; None where the network saw enough already.

    The tiles are those that the engine would lay: as near to the raster's own scale as the model was trained for. Above
    ``DEFAULT_MAX_TILES`` the scale is halved until they fit.
    """
    native, seen = area.grid.gsd_m, area.model_gsd_m
    if not area.tiles_show_more or native is None or seen is None:
        return None
    finest = gsd = nearest_trained_gsd_m(native, area.trained_gsd_m)
    model_side_px = round(native * max(area.window.width, area.window.height) / seen)  # the longer side fills it
    while (grid := _grid(area, model_side_px * gsd / native)).tiles > DEFAULT_MAX_TILES:
        gsd *= 2
    return TileOffer(grid.tiles, grid.side_px, gsd, gsd == finest) if grid.tiles > 1 else None


def _grid(area: AreaUsed, side_px: float) -> TileGrid:
    return TileGrid.over(area.window, max(1, round(side_px)))


def letter(place: int) -> str:
    """What stands for the answer in ``place`` of the table where its colour alone is too little; a plus after Z."""
    return string.ascii_uppercase[place] if place < len(string.ascii_uppercase) else "+"


def step_at(fraction: float | None, steps: int | None) -> int | None:
    """Which tile or window, from 1, is at work after ``fraction`` of them; None where that cannot be told."""
    if fraction is None or not steps:
        return None
    return min(math.floor(fraction * steps + 1e-6) + 1, steps)
