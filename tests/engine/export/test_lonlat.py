"""Rectangles of pixels as RFC 7946 polygons, wherever on Earth they lie."""

from __future__ import annotations

import itertools

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExportRefused
from engine.export.lonlat import LonLatArea, lonlat_area, split_at_date_line, why_no_lonlat
from engine.records import Box, Grid

GEOD = pyproj.Geod(ellps="WGS84")


def as_polygons(area: LonLatArea) -> list[shapely.Polygon]:
    return [shapely.Polygon(rings[0], rings[1:]) for rings in area.polygons]


def assert_rfc_7946(area: LonLatArea) -> None:
    for (ring, *_), polygon in zip(area.polygons, as_polygons(area), strict=True):
        assert ring[0] == ring[-1]
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        west, south, east, north = polygon.bounds
        assert west >= -180
        assert east <= 180
        assert south >= -90
        assert north <= 90


rectangles = st.tuples(
    st.floats(-540, 540), st.floats(-89, 80), st.floats(0.001, 300), st.floats(0.001, 9)
)  # west, south, width, height in degrees


@given(rectangles)
def test_cutting_at_the_date_line_loses_nothing_and_moves_nothing(rectangle: tuple[float, ...]) -> None:
    west, south, width, height = rectangle
    ring = [(west + width * t, south) for t in (0, 0.5)] + [(west + width, south + height * t) for t in (0, 1)]
    ring += [(west + width * 0.5, south + height), (west, south + height)]
    pieces = split_at_date_line(ring)
    assert sum(piece.area for piece in pieces) == pytest.approx(width * height, rel=1e-6)
    assert all(piece.exterior.is_ccw for piece in pieces)
    for piece in pieces:
        assert piece.bounds[0] >= -180
        assert piece.bounds[2] <= 180
        # Shifted by whole turns, every piece lies in the rectangle that it was cut from.
        whole = shapely.box(west, south, west + width, south + height).buffer(1e-9)
        turns = [shapely.affinity.translate(piece, 360 * turn) for turn in range(-3, 4)]
        assert any(whole.contains(turned) for turned in turns)


@given(
    zone=st.integers(1, 60),
    south=st.booleans(),
    x=st.floats(200_000, 700_000),
    y=st.floats(1_000_000, 8_500_000),
    turn=st.floats(-180, 180),
    metres=st.sampled_from([0.3, 10, 100]),
)
def test_a_utm_rectangle_keeps_its_corners_and_its_area(
    zone: int, south: bool, x: float, y: float, turn: float, metres: float
) -> None:
    cos, sin = metres * np.cos(np.radians(turn)), metres * np.sin(np.radians(turn))
    grid = Grid(900, 700, (cos, sin, x, sin, -cos, y), f"EPSG:{(32700 if south else 32600) + zone}", metres)
    box = Box(100, 50, 600, 450)
    area = lonlat_area(grid, box)
    assert_rfc_7946(area)
    back = pyproj.Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True)
    points = [grid.to_pixel(*back.transform(*point)) for rings in area.polygons for ring in rings for point in ring]
    for corner in box.corners:
        assert min(np.hypot(col - corner[0], row - corner[1]) for col, row in points) < 0.01
    geodesic = sum(abs(GEOD.geometry_area_perimeter(polygon)[0]) for polygon in as_polygons(area))
    expected = box.width * box.height * metres**2
    assert geodesic == pytest.approx(expected, rel=0.02)  # UTM's own scale error, squared, over these zones


def test_long_edges_follow_the_scene_not_the_degrees() -> None:
    """200 km of UTM: the straight line in degrees between two corners is 40 pixels off in the middle."""
    grid = Grid(20000, 20000, (10, 0, 500000, 0, -10, 5000000), "EPSG:32631")
    ((ring,),) = lonlat_area(grid, Box(0, 0, 20000, 20000)).polygons
    back = pyproj.Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True)
    for (lon0, lat0), (lon1, lat1) in itertools.pairwise(ring):
        col, row = grid.to_pixel(*back.transform((lon0 + lon1) / 2, (lat0 + lat1) / 2))
        distance = min(abs(col), abs(row), abs(col - 20000), abs(row - 20000))
        assert distance < 0.01


def test_a_small_area_in_degrees_has_four_corners() -> None:
    grid = Grid(100, 100, (0.01, 0, 10, 0, -0.01, 50), "EPSG:4326")
    area = lonlat_area(grid, Box(0, 0, 100, 50))
    assert area.bbox == (10, 49.5, 11, 50)
    assert len(area.polygons[0][0]) == 5


def test_an_area_wider_than_half_the_world_does_not_turn_inside_out() -> None:
    grid = Grid(2000, 100, (0.1, 0, -100, 0, -0.1, 5), "EPSG:4326")
    area = lonlat_area(grid, Box(0, 0, 2000, 100))
    assert_rfc_7946(area)
    assert area.bbox == (-100, -5, 100, 5)


def test_the_whole_world_is_one_polygon() -> None:
    grid = Grid(3600, 1800, (0.1, 0, -180, 0, -0.1, 90), "EPSG:4326")
    area = lonlat_area(grid, Box(0, 0, 3600, 1800))
    assert_rfc_7946(area)
    assert area.bbox == (-180, -90, 180, 90)
    assert sum(polygon.area for polygon in as_polygons(area)) == pytest.approx(360 * 180)


def test_a_world_that_starts_at_greenwich_covers_all_longitudes() -> None:
    grid = Grid(3600, 1800, (0.1, 0, 0, 0, -0.1, 90), "EPSG:4326")
    area = lonlat_area(grid, Box(0, 0, 3600, 1800))
    assert_rfc_7946(area)
    assert area.bbox == (-180, -90, 180, 90)


def test_an_area_round_the_pole_holds_the_pole() -> None:
    grid = Grid(4000, 4000, (1000, 0, -2e6, 0, -1000, 2e6), "EPSG:3413", 1000)
    area = lonlat_area(grid, Box(0, 0, 4000, 4000))
    assert_rfc_7946(area)
    assert area.bbox[0::2] == (-180, 180)
    assert area.bbox[3] == 90
    geodesic = sum(abs(GEOD.geometry_area_perimeter(shapely.segmentize(p, 0.1))[0]) for p in as_polygons(area))
    assert geodesic == pytest.approx(4000**2 * 1e6, rel=0.05)  # polar stereographic, true at 70 degrees


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        (None, "no CRS"),
        ("IAU_2015:49910", "3396 km"),
        ("IAU_2015:30100", "1737 km"),
        ("EPSG:4326", None),
        ("EPSG:3031", None),
    ],
)
def test_bodies_other_than_the_earth_are_named_by_their_radius(crs: str | None, said: str | None) -> None:
    reason = why_no_lonlat(Grid(10, 10, (1, 0, 0, 0, -1, 0), crs))
    assert reason is None if said is None else said in str(reason)


def test_what_lies_off_the_globe_of_a_geostationary_view_is_refused() -> None:
    crs = "+proj=geos +h=35786023 +lon_0=-75 +sweep=x +ellps=GRS80 +units=m"
    grid = Grid(100, 100, (110000, 0, -5.5e6, 0, -110000, 5.5e6), pyproj.CRS(crs).to_wkt())
    with pytest.raises(ExportRefused, match="beyond where its CRS has them"):
        lonlat_area(grid, Box(0, 0, 100, 100))  # the corners look past the Earth
    assert_rfc_7946(lonlat_area(grid, Box(40, 40, 60, 60)))
