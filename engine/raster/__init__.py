"""The only opener of raster files: grids, windows, overviews, masks, stretch, SAR units and speckle view, writing."""

from engine.raster.dataset import Raster, open_raster
from engine.raster.grids import whole_pixel_offset
from engine.raster.reading import RasterRead
from engine.raster.render import default_display, identify, render, with_limits
from engine.raster.sar import sar_to_db
from engine.raster.speckle import lee_filter
from engine.raster.stretch import stretch_limits
from engine.raster.writing import replacing, write_cog, write_geotiff, write_png

__all__ = [
    "Raster",
    "RasterRead",
    "default_display",
    "identify",
    "lee_filter",
    "open_raster",
    "render",
    "replacing",
    "sar_to_db",
    "stretch_limits",
    "whole_pixel_offset",
    "with_limits",
    "write_cog",
    "write_geotiff",
    "write_png",
]
