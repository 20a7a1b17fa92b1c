"""How two grids lie to each other on the ground: the same grid, how much they share, how far apart they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from shapely.geometry.base import BaseGeometry

from engine.raster import whole_pixel_offset
from engine.records import Grid, PixelWindow

Points = NDArray[np.float64]

# Points along each edge of a footprint: a straight edge in one CRS is a curve in another.
_POINTS_PER_EDGE = 32


def same_grid(optical: Grid, sar: Grid) -> bool:
    """Whether pixel (col, row) of one is pixel (col, row) of the other, within 0.05 px everywhere."""
    return (optical.width, optical.height) == (sar.width, sar.height) and whole_pixel_offset(optical, sar) == (0, 0)


def how_grids_differ(optical: Grid, sar: Grid) -> str:
    """The first difference that matters, as the end of “SAR has …”."""
    if optical.crs is None or sar.crs is None or not _crs(optical.crs).equals(_crs(sar.crs), ignore_axis_order=True):
        return "another coordinate system"
    if not np.allclose(_steps(optical), _steps(sar), rtol=1e-3, atol=0):
        return "pixels of another size or direction"
    if (optical.width, optical.height) != (sar.width, sar.height):
        return "another extent"
    return "another origin"


def _steps(grid: Grid) -> tuple[float, ...]:
    a, b, _, d, e, _ = grid.transform
    return a, b, d, e


@dataclass(frozen=True)
class Overlap:
    """``share`` (0..1) of the smaller footprint, and the ``outline`` of what is shared, in optical pixels."""

    share: float
    outline: BaseGeometry

    def contains(self, cols: Points, rows: Points) -> NDArray[np.bool_]:
        """Which points (optical pixels) both rasters cover."""
        return np.asarray(shapely.contains_xy(self.outline, cols, rows))

    def cells(self, window: PixelWindow, width: int, height: int) -> NDArray[np.bool_]:
        """Which of ``height`` x ``width`` cells of a window both rasters cover at their centres."""
        box = window.box
        # A point at a time takes a tenth of a second per million; mostly the answer is "all of them".
        if self.outline.buffer(1e-6).covers(shapely.box(box.x0, box.y0, box.x1, box.y1)):
            return np.ones((height, width), bool)
        cols = box.x0 + (np.arange(width) + 0.5) * (box.width / width)
        rows = box.y0 + (np.arange(height) + 0.5) * (box.height / height)
        return self.contains(*np.meshgrid(cols, rows))

    def box(self, optical: Grid) -> PixelWindow | None:
        """The whole optical pixels around the outline, None where at most an edge is shared."""
        if self.outline.area == 0:
            return None
        left, top, right, bottom = (round(v, 2) for v in self.outline.bounds)
        left, top, right, bottom = math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)
        return PixelWindow(left, top, max(right - left, 1), max(bottom - top, 1)).clipped(optical.width, optical.height)


def overlap(optical: Grid, sar: Grid) -> Overlap:
    """What two footprints share; both need a CRS. Nothing where no transformation between these exists.

    The smaller footprint, its edges densified, is laid into the pixel frame of the larger one, where it is a polygon
    cut by a rectangle. In degrees a footprint may cross the date line: its longitudes are made continuous, and it is
    tried a turn to the west and to the east.
    """
    small, large = sorted((optical, sar), key=_ground_area)
    edge = np.linspace(0, 1, _POINTS_PER_EDGE, endpoint=False)
    cols = np.concatenate([edge, np.ones_like(edge), 1 - edge, np.zeros_like(edge)]) * small.width
    rows = np.concatenate([np.zeros_like(edge), edge, np.ones_like(edge), 1 - edge]) * small.height
    xs, ys = to_other_map(small, large, cols, rows)
    on_map = np.isfinite(xs) & np.isfinite(ys)
    if on_map.sum() < 3:
        return Overlap(0.0, shapely.Polygon())
    xs, ys = xs[on_map], ys[on_map]
    if _in_degrees(large):
        xs = np.unwrap(xs, period=360)
    turns = (-360.0, 0.0, 360.0) if _in_degrees(large) else (0.0,)
    frame = shapely.box(0, 0, large.width, large.height)
    turned = [shapely.make_valid(shapely.Polygon(np.column_stack(_to_pixels(large, xs + turn, ys)))) for turn in turns]
    outline = shapely.union_all([footprint.intersection(frame) for footprint in turned])
    area = turned[0].area
    share = min(outline.area / area, 1.0) if area > 0 else 0.0
    if large is not optical:
        outline = _in_pixels_of(optical, large, outline)
    return Overlap(share, outline)


def _in_pixels_of(optical: Grid, sar: Grid, outline: BaseGeometry) -> BaseGeometry:
    """An outline in SAR pixels as one in optical pixels."""

    def move(points: Points) -> Points:
        xs, ys = to_other_map(sar, optical, points[:, 0], points[:, 1])
        if _in_degrees(optical):
            middle = optical.to_map(optical.width / 2, optical.height / 2)[0]
            xs = middle - 180 + np.mod(xs - middle + 180, 360)
        return np.column_stack(_to_pixels(optical, xs, ys))

    if outline.is_empty:
        return outline
    longest = max(sar.width, sar.height) / _POINTS_PER_EDGE
    return shapely.make_valid(shapely.transform(shapely.segmentize(outline, longest), move))


def to_other_map(grid: Grid, other: Grid, cols: Points, rows: Points) -> tuple[Points, Points]:
    """Pixels of ``grid`` to map coordinates of ``other``; infinite where there is no image, or no transformation."""
    xs, ys = _to_map(grid, cols, rows)
    if grid.crs == other.crs:
        return xs, ys
    try:
        transformer = _transformer(grid.crs or "", other.crs or "")
        new_xs, new_ys = transformer.transform(xs, ys)
    except ProjError:  # for instance from the Moon to Mars
        nowhere = np.full(np.shape(cols), np.inf)
        return nowhere, nowhere
    return np.asarray(new_xs), np.asarray(new_ys)


def pixel_size_m(grid: Grid) -> tuple[float, float] | None:
    """Metres on the ground of one column and of one row at the grid's centre; None without a place on an ellipsoid."""
    points = _lonlat(grid, [grid.width / 2 + dc for dc in (0, 1, 0)], [grid.height / 2 + dr for dr in (0, 0, 1)])
    if points is None:
        return None
    lon, lat, geod = points
    _, _, metres = geod.inv([lon[0]] * 2, [lat[0]] * 2, lon[1:], lat[1:])
    return float(metres[0]), float(metres[1])


def centres_apart_m(optical: Grid, sar: Grid) -> float | None:
    """Metres along the ground between the two centres, None where one cannot be placed or they are on two planets."""
    first = _lonlat(optical, [optical.width / 2], [optical.height / 2])
    second = _lonlat(sar, [sar.width / 2], [sar.height / 2])
    if first is None or second is None or not math.isclose(first[2].a, second[2].a, rel_tol=0.01):
        return None
    return float(first[2].inv(first[0][0], first[1][0], second[0][0], second[1][0])[2])


def _lonlat(grid: Grid, cols: list[float], rows: list[float]) -> tuple[Points, Points, pyproj.Geod] | None:
    """Longitudes and latitudes of pixels, with the ellipsoid they are on."""
    system = _crs(grid.crs) if grid.crs else None
    if system is None or system.geodetic_crs is None or system.ellipsoid is None:
        return None
    xs, ys = _to_map(grid, np.array(cols), np.array(rows))
    try:
        lon, lat = pyproj.Transformer.from_crs(system, system.geodetic_crs, always_xy=True).transform(xs, ys)
    except ProjError:
        return None
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None
    ellipsoid = system.ellipsoid
    return lon, lat, pyproj.Geod(a=ellipsoid.semi_major_metre, b=ellipsoid.semi_minor_metre)


def _to_map(grid: Grid, cols: Points, rows: Points) -> tuple[Points, Points]:
    """:meth:`Grid.to_map` of many points."""
    a, b, c, d, e, f = grid.transform
    return a * cols + b * rows + c, d * cols + e * rows + f


def _to_pixels(grid: Grid, xs: Points, ys: Points) -> tuple[Points, Points]:
    """:meth:`Grid.to_pixel` of many points."""
    a, b, c, d, e, f = grid.transform
    det = a * e - b * d
    return (e * (xs - c) - b * (ys - f)) / det, (a * (ys - f) - d * (xs - c)) / det


def _ground_area(grid: Grid) -> float:
    return grid.width * grid.height * (grid.gsd_m or 1.0) ** 2


def _in_degrees(grid: Grid) -> bool:
    return grid.crs is not None and _crs(grid.crs).is_geographic


@lru_cache(maxsize=16)
def _crs(name: str) -> pyproj.CRS:
    return pyproj.CRS.from_user_input(name)


@lru_cache(maxsize=16)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(_crs(source), _crs(target), always_xy=True)
