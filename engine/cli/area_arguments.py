"""The three ways to name an area on the command line, all ending as a window in pixels of the pair's grid."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from engine.errors import UsageError
from engine.records import Grid, PixelWindow

_Four = tuple[float, float, float, float]


def add_area_arguments(parser: argparse.ArgumentParser) -> None:
    """``--area``, ``--area-map`` and ``--bbox``, of which one may be given."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--area", type=_four, metavar="X0,Y0,X1,Y1", help="columns and rows of the optical raster (default: all of it)"
    )
    ways.add_argument("--area-map", type=_four, metavar="X0,Y0,X1,Y1", help="map coordinates in the raster's own CRS")
    ways.add_argument("--bbox", type=_four, metavar="W,S,E,N", help="longitude and latitude in degrees (WGS 84)")


def area_window(args: argparse.Namespace, grid: Grid, *, path: str) -> PixelWindow | None:
    """The named area as the smallest window of whole pixels that covers it, cut to the raster; None for all of it.

    ``grid`` is the grid of the raster ``path`` that defines the pixels. Raises :class:`UsageError` where the area
    misses the raster, or is given on the map for a raster that is not on one.
    """
    if args.area is not None:
        x0, y0, x1, y1 = args.area
        corners = [(x0, y0), (x1, y1)]
    elif args.area_map is not None:
        x0, y0, x1, y1 = args.area_map
        corners = [grid.to_pixel(x, y) for x in (x0, x1) for y in (y0, y1)]
    elif args.bbox is not None:
        x0, y0, x1, y1 = _bbox_on_map(args.bbox, grid, path)
        corners = [grid.to_pixel(x, y) for x in (x0, x1) for y in (y0, y1)]
    else:
        return None
    window = _covering(corners).clipped(grid.width, grid.height)
    if window is None:
        raise UsageError(
            f"The area lies outside “{path}”, which has {grid.width} x {grid.height} pixels.",
            remedy=_where(grid),
        )
    return window


def _four(text: str) -> _Four:
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise argparse.ArgumentTypeError(f"{text!r} is not four numbers with commas between them")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _covering(corners: Sequence[tuple[float, float]]) -> PixelWindow:
    """The smallest whole-pixel window around ``corners``; a thousandth of a pixel beyond an edge is rounding."""
    cols, rows = zip(*corners, strict=True)
    left, top = math.floor(min(cols) + 1e-3), math.floor(min(rows) + 1e-3)
    right, bottom = math.ceil(max(cols) - 1e-3), math.ceil(max(rows) - 1e-3)
    return PixelWindow(left, top, right - left, bottom - top)


def _bbox_on_map(bbox: _Four, grid: Grid, path: str) -> _Four:
    """The box around the bounding box's image in the grid's CRS: left, bottom, right, top."""
    import pyproj

    if grid.crs is None:
        raise UsageError(
            f"“{path}” has no CRS, so a place in longitude and latitude cannot be found in it.",
            remedy="Name the area in pixels with --area.",
        )
    there = pyproj.Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True)
    try:
        box = there.transform_bounds(*bbox, densify_pts=21, errcheck=True)
    except pyproj.exceptions.ProjError as error:
        raise UsageError(
            f"The box {', '.join(f'{number:g}' for number in bbox)} has no place in the CRS of “{path}”: {error}.",
            remedy="Give west, south, east, north in degrees, or name the area in pixels with --area.",
        ) from error
    return box[0], box[1], box[2], box[3]


def _where(grid: Grid) -> str:
    left, bottom, right, top = grid.bounds
    frame = grid.crs if grid.crs is not None and len(grid.crs) < 20 else "its CRS" if grid.crs else "pixels"
    return f"It covers x {left:g} to {right:g}, y {bottom:g} to {top:g} in {frame}."
