"""Rectangles and outlines of pixels as RFC 7946 polygons: WGS 84 longitude and latitude, cut at the date line.

RFC 7946 draws an edge as a straight line in degrees, while an edge between pixels is straight in the scene's CRS.
Edges are therefore subdivided until the middle of every piece lies within 0.005 px of where it should.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pyproj
from shapely import Polygon, box
from shapely.affinity import translate
from shapely.geometry.polygon import orient

from engine.errors import ExportRefused
from engine.records import Box, Grid

CRS84 = "OGC:CRS84"
DIGITS = 9  # decimals of a degree: 0.1 mm, under 0.01 px of any raster
_TOLERANCE_PX = 0.005
_MAX_PIECES = 256  # per edge; an edge across a continent needs about 100
# Every Earth ellipsoid in use has its semi-major axis within this range; Venus, the nearest other, has 6 051 800 m.
_EARTH_RADIUS_M = (6_350_000.0, 6_400_000.0)

Point = tuple[float, float]


@dataclass(frozen=True)
class LonLatArea:
    """Polygons inside [-180, 180] x [-90, 90] and the RFC 7946 bounding box.

    Each polygon is its closed exterior ring, counter-clockwise, and those of its holes, clockwise.
    ``bbox`` is west, south, east, north; west is greater than east where the area crosses the date line.
    """

    polygons: tuple[tuple[tuple[Point, ...], ...], ...]
    bbox: tuple[float, float, float, float]

    @property
    def geometry(self) -> dict[str, Any]:
        """The GeoJSON geometry object: a Polygon, or a MultiPolygon where the date line cut it."""
        polygons = [[[list(point) for point in ring] for ring in polygon] for polygon in self.polygons]
        if len(polygons) == 1:
            return {"type": "Polygon", "coordinates": polygons[0]}
        return {"type": "MultiPolygon", "coordinates": polygons}


def why_no_lonlat(grid: Grid) -> str | None:
    """The sentence that says why positions on ``grid`` have no longitude and latitude on Earth; None if they have."""
    if grid.crs is None:
        return "GeoJSON needs longitude and latitude, and the raster has no CRS; GeoPackage keeps pixel positions."
    ellipsoid = pyproj.CRS.from_user_input(grid.crs).ellipsoid
    if ellipsoid is None:
        return "GeoJSON needs longitude and latitude, and the raster's CRS is not tied to the Earth; use GeoPackage."
    if not _EARTH_RADIUS_M[0] < ellipsoid.semi_major_metre < _EARTH_RADIUS_M[1]:
        radius_km = round(ellipsoid.semi_major_metre / 1000)
        return f"GeoJSON is for the Earth, and this raster lies on a body of {radius_km} km radius; use GeoPackage."
    return None


def lonlat_area(grid: Grid, area: Box) -> LonLatArea:
    """The rectangle ``area`` (pixels of ``grid``) in longitude and latitude.

    Raises :class:`ExportRefused` where the grid is not on Earth or the area lies outside what its CRS can map.
    """
    return lonlat_polygon(grid, area.corners)


def lonlat_polygon(grid: Grid, exterior: Sequence[Point], holes: Iterable[Sequence[Point]] = ()) -> LonLatArea:
    """A polygon whose open rings are in pixels of ``grid``, in degrees; raises as :func:`lonlat_area`."""
    reason = why_no_lonlat(grid)
    if reason is not None:
        raise ExportRefused(reason)
    edges = _Edges(grid)
    pieces = split_at_date_line(_unwrapped(edges.ring(exterior)), [edges.ring(hole) for hole in holes])
    if not pieces:
        raise ExportRefused("GeoJSON needs an area, and this one has none in degrees.", remedy="Use GeoPackage.")
    return LonLatArea(tuple(_rounded_rings(piece) for piece in pieces), _bbox(pieces))


def split_at_date_line(ring: Sequence[Point], holes: Iterable[Sequence[Point]] = ()) -> list[Polygon]:
    """A ring with continuous longitudes (which may leave [-180, 180]) as polygons inside it, exteriors
    counter-clockwise, less its ``holes``.

    ``ring`` is open (its first point is not repeated) and no edge of it is half a turn long or longer. A ring
    whose end lies a whole turn from its start goes round a pole, which is then added.
    """
    turn = round((_continued(ring[-1][0], ring[0][0]) - ring[0][0]) / 360) * 360
    if turn:
        pole = math.copysign(90.0, sum(lat for _, lat in ring))
        ring = [*ring, (ring[0][0] + turn, ring[0][1]), (ring[0][0] + turn, pole), (ring[0][0], pole)]
    beside = ring[0]  # a hole's longitudes go on from the exterior's, not from a turn away
    whole = Polygon(ring, [_unwrapped([beside, *hole])[1:] for hole in holes])
    west, _, east, _ = whole.bounds
    pieces: list[Polygon] = []
    for world in range(math.floor((west + 180) / 360), math.ceil((east + 180) / 360)):
        centre = 360.0 * world
        part = whole.intersection(box(centre - 180, -90, centre + 180, 90))
        pieces += [orient(polygon) for polygon in _polygons(translate(part, -centre))]
    return pieces


class _Edges:
    """Edges between pixels on their way to longitude and latitude."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._there = _to_lonlat(grid.crs)

    def ring(self, corners: Sequence[Point]) -> list[Point]:
        """Longitudes and latitudes along an open ring of ``corners`` in pixels."""
        ends = (*corners[1:], corners[0])
        middles = [((x0 + x1) / 2, (y0 + y1) / 2) for (x0, y0), (x1, y1) in zip(corners, ends, strict=True)]
        knots = self._lonlat(corners)  # all at once: an outline has thousands of short edges
        there = zip(corners, ends, knots, (*knots[1:], knots[0]), self._lonlat(middles), strict=True)
        points: list[Point] = []
        for start, end, left, right, middle in there:
            unwrapped = (_continued(left[0], right[0]), right[1])
            straight = _is_straight(left, unwrapped, middle, math.dist(start, end))
            points += [left] if straight else self.subdivided(start, end)
        return points

    def subdivided(self, start: Point, end: Point) -> list[Point]:
        """Longitudes and latitudes along the edge, its start included and its end not."""
        pieces = 1
        while pieces < _MAX_PIECES and not self._straight_enough(start, end, pieces):
            pieces *= 2
        return self._lonlat(_along(start, end, pieces))[:-1]

    def _straight_enough(self, start: Point, end: Point, pieces: int) -> bool:
        """Whether the true middle of each piece lies on the piece drawn straight in degrees, in pixels."""
        knots = _unwrapped(self._lonlat(_along(start, end, pieces)))
        middles = self._lonlat(_along(start, end, 2 * pieces)[1::2])
        size_px = math.dist(start, end) / pieces
        return all(
            _is_straight(left, right, middle, size_px)
            for (left, right), middle in zip(pairwise(knots), middles, strict=True)
        )

    def _lonlat(self, points: Iterable[Point]) -> list[Point]:
        xs, ys = zip(*(self._grid.to_map(col, row) for col, row in points), strict=True)
        lons, lats = self._there.transform(xs, ys)
        if not all(map(math.isfinite, (*lons, *lats))):
            raise ExportRefused(
                "GeoJSON needs longitude and latitude, and the analysed area reaches beyond where its CRS has them.",
                remedy="Use GeoPackage, or draw a smaller area.",
            )
        return list(zip(lons, lats, strict=True))


@lru_cache(maxsize=4)
def _to_lonlat(crs: str | None) -> pyproj.Transformer:
    """Kept, as a grid of tiles asks for it thousands of times."""
    return pyproj.Transformer.from_crs(crs, CRS84, always_xy=True)


def _is_straight(left: Point, right: Point, middle: Point, size_px: float) -> bool:
    """Whether ``middle`` is on the line from ``left`` to ``right`` (degrees, unwrapped), which is ``size_px`` long."""
    shrink = math.cos(math.radians(middle[1]))  # a degree of longitude over a degree of latitude
    along = ((right[0] - left[0]) * shrink, right[1] - left[1])
    there = ((_continued(left[0], middle[0]) - left[0]) * shrink, middle[1] - left[1])
    chord = math.hypot(*along)
    off = abs(along[0] * there[1] - along[1] * there[0])  # distance to the chord, times the chord
    forward = 0 < along[0] * there[0] + along[1] * there[1] < chord**2
    return forward and off * size_px <= _TOLERANCE_PX * chord**2


def _along(start: Point, end: Point, pieces: int) -> list[Point]:
    """``pieces + 1`` points from ``start`` to ``end``, both included."""
    (x0, y0), (x1, y1) = start, end
    return [(x0 + (x1 - x0) * i / pieces, y0 + (y1 - y0) * i / pieces) for i in range(pieces + 1)]


def _continued(before: float, lon: float) -> float:
    """``lon`` plus the whole turns that bring it nearest to ``before``."""
    return lon + 360 * round((before - lon) / 360)


def _unwrapped(points: Sequence[Point]) -> list[Point]:
    """The same points with longitudes that never jump by more than half a turn."""
    result = [points[0]]
    for lon, lat in points[1:]:
        result.append((_continued(result[-1][0], lon), lat))
    return result


def _polygons(geometry: Any) -> list[Polygon]:
    """The polygons of any shapely geometry; lines and points, where an area only touches the line, have none."""
    if geometry.geom_type == "Polygon":
        return [] if geometry.is_empty or geometry.area == 0 else [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _polygons(part)]


def _rounded_rings(polygon: Polygon) -> tuple[tuple[Point, ...], ...]:
    rings = (polygon.exterior, *polygon.interiors)
    return tuple(tuple((round(lon, DIGITS), round(lat, DIGITS)) for lon, lat in ring.coords) for ring in rings)


def _bbox(pieces: Sequence[Polygon]) -> tuple[float, float, float, float]:
    """West, south, east, north. Pieces on both sides of the date line give west > east (RFC 7946, section 5.2)."""
    bounds = [piece.bounds for piece in pieces]
    south, north = min(b[1] for b in bounds), max(b[3] for b in bounds)
    west, east = min(b[0] for b in bounds), max(b[2] for b in bounds)
    if len(pieces) > 1 and (west, east) == (-180, 180):
        left = min(b[0] for b in bounds if b[2] == 180)
        right = max(b[2] for b in bounds if b[0] == -180)
        if left > right:
            west, east = left, right
    return (round(west, DIGITS), round(south, DIGITS), round(east, DIGITS), round(north, DIGITS))
