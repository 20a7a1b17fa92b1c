"""Pixels to pixels between two grids, metres per pixel, and coordinate reference systems as short strings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

from engine.errors import InputRefused
from engine.records import Box, Grid

Points = NDArray[np.float64]

# Two grids that differ by less than this anywhere are one grid: resampling would blur and gain nothing.
SAME_GRID_PX = 0.05


def crs_name(crs: CRS) -> str:
    """``EPSG:32631`` where the code means exactly this CRS, else WKT2."""
    authority = crs.to_authority(confidence_threshold=100)
    if authority is not None:
        return f"{authority[0]}:{authority[1]}"
    return str(crs.to_wkt(version="WKT2_2019"))


@lru_cache(maxsize=64)
def parse_crs(name: str) -> CRS:
    """The CRS of a :class:`Grid`; parsing WKT costs milliseconds, and every tile needs it."""
    return CRS.from_string(name)


def ground_sampling_m(width: int, height: int, transform: tuple[float, ...], crs: str) -> float | None:
    """Metres on the ground per pixel at the centre of a raster: the root of a pixel's area.

    Measured with geodesics on the ellipsoid of the CRS (also Mars's), so Mercator's swelling at high latitude and
    degrees are both right. A CRS whose own unit agrees within 1 % keeps its round number. None where the CRS has no
    inverse there or is not on an ellipsoid.
    """
    col, row = width / 2, height / 2
    cell = _parallelogram_m([(col, row), (col + 1, row), (col, row + 1)], transform, crs)
    return None if cell is None else math.sqrt(cell[2]) or None


def ground_size_m(grid: Grid, box: Box) -> tuple[float, float, float] | None:
    """How far ``box`` of ``grid`` reaches on the ground: metres across, metres down, and its area in square metres.

    Measured at the box's own place, by the rules of :func:`ground_sampling_m`; so for things, not for continents. None
    where the grid has no CRS or the CRS no place there.
    """
    if grid.crs is None:
        return None
    return _parallelogram_m([(box.x0, box.y0), (box.x1, box.y0), (box.x0, box.y1)], grid.transform, grid.crs)


def _parallelogram_m(
    points: Sequence[tuple[float, float]], transform: tuple[float, ...], crs: str
) -> tuple[float, float, float] | None:
    """Metres from the first of three ``points`` (columns, rows) to the second and to the third, and the area they span.

    None where the CRS has no inverse there, or is not on an ellipsoid.
    """
    frame = ground_frame(crs)
    if frame is None:
        return None
    to_degrees, geod, unit_m = frame
    a, b, c, d, e, f = transform
    on_map = [(a * col + b * row + c, d * col + e * row + f) for col, row in points]
    lon, lat = to_degrees.transform(*zip(*on_map, strict=True))
    if not np.all(np.isfinite([*lon, *lat])):
        return None
    azimuth_across, _, across = geod.inv(lon[0], lat[0], lon[1], lat[1])
    azimuth_down, _, down = geod.inv(lon[0], lat[0], lon[2], lat[2])
    area = across * down * abs(math.sin(math.radians(azimuth_across - azimuth_down)))
    if unit_m is None:
        return across, down, area
    (x0, y0), (x1, y1), (x2, y2) = on_map
    nominal = abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) * unit_m**2
    if abs(math.sqrt(area) - math.sqrt(nominal)) > 0.01 * math.sqrt(nominal):
        return across, down, area
    return math.hypot(x1 - x0, y1 - y0) * unit_m, math.hypot(x2 - x0, y2 - y0) * unit_m, nominal


@lru_cache(maxsize=16)
def ground_frame(crs: str) -> tuple[Any, Any, float | None] | None:
    """Of a CRS: the way to degrees, geodesics on its ellipsoid, and the metres of its unit, None for degrees."""
    import pyproj  # 60 ms, and only opening a georeferenced raster needs it

    system = pyproj.CRS.from_user_input(crs)
    geographic = system.geodetic_crs
    if geographic is None or system.ellipsoid is None:
        return None
    to_degrees = pyproj.Transformer.from_crs(system, geographic, always_xy=True)
    geod = pyproj.Geod(a=system.ellipsoid.semi_major_metre, b=system.ellipsoid.semi_minor_metre)
    return to_degrees, geod, system.axis_info[0].unit_conversion_factor if system.is_projected else None


def is_of_earth(crs: str) -> bool:
    """Whether the CRS's ellipsoid is about the size of the Earth's."""
    import pyproj

    ellipsoid = pyproj.CRS.from_user_input(crs).ellipsoid
    return ellipsoid is None or 6.3e6 < ellipsoid.semi_major_metre < 6.45e6


def whole_pixel_offset(on: Grid, source: Grid) -> tuple[int, int] | None:
    """Columns and rows to add to a pixel of ``on`` to get the same pixel of ``source``, where that is all it takes.

    None where the two need resampling: anywhere on ``on`` they are apart by :data:`SAME_GRID_PX` or more, or have
    different CRSs. Two rasters of one size of which one has no CRS count as registered pixel by pixel, as the gate
    lets such a pair pass only when the user said so. Raises :class:`InputRefused` where one has none and sizes differ.
    """
    if on == source:
        return 0, 0
    if on.crs is None or source.crs is None:
        if (on.width, on.height) == (source.width, source.height):
            return 0, 0
        raise InputRefused(
            f"A raster of {source.width} x {source.height} px cannot be laid on a grid of {on.width} x {on.height} px "
            "without a georeference on both.",
            remedy="Give both files a georeference, or bring them to one pixel size.",
        )
    if on.crs != source.crs and parse_crs(on.crs) != parse_crs(source.crs):
        return None
    first = source.to_pixel(*on.to_map(0, 0))
    offset = round(first[0]), round(first[1])
    for col, row in ((0, 0), (on.width, 0), (0, on.height), (on.width, on.height)):
        there = source.to_pixel(*on.to_map(col, row))
        if max(abs(there[0] - col - offset[0]), abs(there[1] - row - offset[1])) >= SAME_GRID_PX:
            return None
    return offset


def apply(transform: Affine, xs: Points, ys: Points) -> tuple[Points, Points]:
    """An affine transform of many points."""
    a, b, c, d, e, f = transform[:6]
    return a * xs + b * ys + c, d * xs + e * ys + f


def map_points(xs: Points, ys: Points, source: str | None, target: str | None) -> tuple[Points, Points]:
    """Map coordinates from one CRS to another; infinite where a point has no image. Same or none: unchanged."""
    if source == target or source is None or target is None:
        return xs, ys
    new_xs, new_ys = transform_points(parse_crs(source), parse_crs(target), xs, ys)
    return np.asarray(new_xs), np.asarray(new_ys)
