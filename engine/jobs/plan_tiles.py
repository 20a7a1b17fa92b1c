"""How large the tiles of a question are, and how many: decided from the card, before any weights are loaded."""

from __future__ import annotations

from engine.catalog import ModelCard
from engine.errors import InputRefused, UsageError
from engine.records import AskTilesRequest, Grid, PixelWindow, TileGrid
from engine.records.tiles import nearest_trained_gsd_m
from engine.vqa.config import TgfnetConfig


def plan_tiles(request: AskTilesRequest, window: PixelWindow, grid: Grid, card: ModelCard) -> TileGrid:
    """Tiles over ``window``, each whole one as many pixels of ``grid`` as fill the model's square at the asked scale.

    Raises :class:`InputRefused` for more tiles than the request allows, :class:`UsageError` for a scale that cannot be
    had, :class:`ModelDamaged` for a card that no network can be built from.
    """
    image_size = TgfnetConfig.from_json(card.config).image_size
    tiles = TileGrid.over(window, _side_px(request.tile_gsd_m, grid.gsd_m, card.trained_gsd_m, image_size))
    if tiles.tiles > request.max_tiles:
        scale = "" if grid.gsd_m is None else f" of {tiles.side_px * grid.gsd_m / image_size:.3g} m per pixel"
        raise InputRefused(
            f"This area has {tiles.tiles:,} tiles{scale}, more than the {request.max_tiles:,} allowed.",
            remedy="Choose a coarser scale for the tiles (--tile-gsd), a smaller area, or allow more (--max-tiles).",
        )
    return tiles


def _side_px(
    asked_gsd_m: float | None, native_gsd_m: float | None, trained_gsd_m: tuple[float, float], image_size: int
) -> int:
    """Side of a tile in pixels of the raster; one pixel of it is one of the model's where no scale can be known."""
    if native_gsd_m is None:
        if asked_gsd_m is not None:
            raise UsageError(
                "The raster has no CRS, so its metres per pixel are unknown and those of tiles cannot be chosen.",
                remedy="Leave the scale of tiles out: one pixel of the image then is one of the model's.",
            )
        return image_size
    gsd_m = nearest_trained_gsd_m(native_gsd_m, trained_gsd_m) if asked_gsd_m is None else asked_gsd_m
    return max(1, round(image_size * gsd_m / native_gsd_m))
