"""The only opener of raster files: grids, windows, overviews, masks, stretch, SAR units and speckle view, writing.

``masks``, ``polygons`` and ``ground_area`` go from a map of probabilities to polygons and their square metres.
"""

from engine.raster.dataset import Raster, open_raster
from engine.raster.grids import ground_size_m, whole_pixel_offset
from engine.raster.reading import RasterRead
from engine.raster.render import default_display, identify, render, with_limits
from engine.raster.sar import sar_to_db
from engine.raster.speckle import lee_filter
from engine.raster.stretch import stretch_limits
from engine.raster.verify import verify_image
from engine.raster.writing import replacing, write_cog, write_geotiff, write_png

__all__ = [
    "Raster",
    "RasterRead",
    "open_raster",
    "default_display",
    "with_limits",
    "render",
    "identify",
    "stretch_limits",
    "sar_to_db",
    "lee_filter",
    "ground_size_m",
    "whole_pixel_offset",
    "verify_image",
    "write_geotiff",
    "write_cog",
    "write_png",
    "replacing",
]
