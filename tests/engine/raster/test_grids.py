from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from engine.errors import InputRefused
from engine.raster import ground_size_m, whole_pixel_offset
from engine.raster.grids import crs_name, ground_sampling_m, is_of_earth, parse_crs
from engine.records import Box, Grid

UTM = Grid(200, 100, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), "EPSG:32631", 10.0)
MARS = (
    'GEOGCS["Mars 2000",DATUM["D_Mars_2000",SPHEROID["Mars_2000_IAU_IAG",3396190,169.89]],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]'
)


def moved(grid: Grid, cols: float, rows: float) -> Grid:
    """The same grid with its origin at (cols, rows) of the old one."""
    a, b, _, d, e, _ = grid.transform
    x, y = grid.to_map(cols, rows)
    return Grid(grid.width, grid.height, (a, b, x, d, e, y), grid.crs, grid.gsd_m)


@given(st.integers(-500, 500), st.integers(-500, 500), st.floats(-0.04, 0.04), st.floats(-0.04, 0.04))
def test_whole_pixels_apart_need_no_resampling(cols, rows, dc, dr):
    assert whole_pixel_offset(UTM, moved(UTM, -cols - dc, -rows - dr)) == (cols, rows)


@given(st.floats(0.06, 0.94), st.integers(-9, 9))
def test_fractions_of_a_pixel_apart_need_resampling(fraction, cols):
    assert whole_pixel_offset(UTM, moved(UTM, cols + fraction, 0)) is None


def test_another_scale_or_crs_needs_resampling():
    a, b, c, d, e, f = UTM.transform
    assert whole_pixel_offset(UTM, Grid(200, 100, (a * 1.01, b, c, d, e, f), UTM.crs)) is None
    assert whole_pixel_offset(UTM, Grid(200, 100, UTM.transform, "EPSG:32632")) is None


def test_third_of_a_millimetre_per_pixel_is_no_difference():
    # The SpaceNet chips: 4.5 m pixels of which the two sensors disagree by 0.3 mm; 200 px make 6 cm, 0.013 px.
    optical = Grid(200, 200, (4.499968, 0, 5e5, 0, -4.499968, 5.7e6), "EPSG:32631")
    sar = Grid(200, 200, (4.499705, 0, 5e5, 0, -4.499705, 5.7e6), "EPSG:32631")
    assert whole_pixel_offset(optical, sar) == (0, 0)


def test_without_a_frame_only_equal_sizes_meet():
    free = Grid(200, 100, (1.0, 0, 0, 0, 1.0, 0))
    assert whole_pixel_offset(UTM, free) == (0, 0)
    with pytest.raises(InputRefused, match=r"200 x 100 px .* 50 x 50 px"):
        whole_pixel_offset(Grid(50, 50, (1.0, 0, 0, 0, 1.0, 0)), UTM)


def test_metres_per_pixel():
    assert ground_sampling_m(200, 100, UTM.transform, "EPSG:32631") == 10.0, "UTM keeps its round number"
    # One degree of latitude at 45 N is 111.13 km, of longitude 78.85 km (WGS 84).
    degrees = ground_sampling_m(2, 2, (1e-4, 0, 10, 0, -1e-4, 45.0001), "EPSG:4326")
    assert degrees == pytest.approx(math.sqrt(11.113 * 7.885), rel=1e-3)
    # Mercator at 60 N swells by two.
    mercator = ground_sampling_m(2, 2, (10, 0, 0, 0, -10, 8399737.9), "EPSG:3857")
    assert mercator == pytest.approx(5.0, rel=5e-3)
    feet = ground_sampling_m(2, 2, (1, 0, 2e6, 0, -1, 7e5), "EPSG:2263")
    assert feet == pytest.approx(0.3048, rel=1e-3)
    # A minute of longitude on Mars's equator is 987.9 m, of latitude less by 2 / 169.89 of it.
    on_mars = ground_sampling_m(2, 2, (1 / 60, 0, 0, 0, -1 / 60, 0), MARS)
    assert on_mars == pytest.approx(987.9 * math.sqrt(1 - 2 / 169.89), rel=1e-3)


def test_the_size_of_a_box_on_the_ground():
    assert ground_size_m(UTM, Box(10, 20, 13, 24)) == pytest.approx((30, 40, 1200)), "UTM keeps its round numbers"
    assert ground_size_m(Grid(9, 9, (1.0, 0, 0, 0, 1.0, 0)), Box(0, 0, 2, 2)) is None
    degrees = Grid(100, 100, (1e-4, 0, 10, 0, -1e-4, 60), "EPSG:4326")
    # A degree of longitude at 60 N is 55.80 km, of latitude 111.41 km (WGS 84).
    assert ground_size_m(degrees, Box(0, 0, 20, 10)) == pytest.approx((111.6, 111.41, 111.6 * 111.41), rel=1e-3)
    # Mercator swells with latitude: what is 100 m wide on the map is half that on the ground at 60 N.
    mercator = Grid(100, 100, (10, 0, 0, 0, -10, 8399737.9), "EPSG:3857")
    assert ground_size_m(mercator, Box(0, 0, 10, 5)) == pytest.approx((50, 25, 1250), rel=1e-2)
    turned = Grid(100, 100, (6, 8, 5e5, 8, -6, 4e6), "EPSG:32631")
    assert ground_size_m(turned, Box(0, 0, 3, 2)) == pytest.approx((30, 20, 600))


def test_mars_is_not_the_earth():
    assert not is_of_earth(MARS)
    assert is_of_earth("EPSG:3395")


def test_crs_names_come_back():
    assert crs_name(CRS.from_epsg(32631)) == "EPSG:32631"
    odd = CRS.from_proj4("+proj=laea +lat_0=12 +lon_0=34 +datum=WGS84 +units=m")
    assert parse_crs(crs_name(odd)) == odd
