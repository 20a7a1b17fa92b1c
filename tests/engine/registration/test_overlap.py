from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.records import Grid, PixelWindow
from engine.registration.overlap import centres_apart_m, how_grids_differ, overlap, pixel_size_m, same_grid
from engine.registration.sampling import choose_windows, px_per_cell

UTM = "EPSG:32631"


def grid(x=600_000.0, y=5_700_000.0, *, width=100, height=100, step=10.0, crs=UTM):
    return Grid(width, height, (step, 0, x, 0, -step, y), crs, step if crs == UTM else None)


OPTICAL = grid()


@given(dx=st.integers(-120, 120), dy=st.integers(-120, 120), width=st.integers(1, 150), height=st.integers(1, 150))
def test_share_and_box_of_two_rectangles_on_one_lattice(dx, dy, width, height):
    sar = grid(600_000 + 10 * dx, 5_700_000 - 10 * dy, width=width, height=height)
    cols = max(min(100, dx + width) - max(0, dx), 0)
    rows = max(min(100, dy + height) - max(0, dy), 0)
    shared = overlap(OPTICAL, sar)
    assert shared.share == pytest.approx(cols * rows / min(100 * 100, width * height), abs=1e-6)
    box = shared.box(OPTICAL)
    assert box == (PixelWindow(max(dx, 0), max(dy, 0), cols, rows) if cols and rows else None)


def test_pixels_twice_as_large():
    sar = grid(width=50, height=25, step=20.0)
    shared = overlap(OPTICAL, sar)
    assert shared.share == pytest.approx(1)
    assert shared.box(OPTICAL) == PixelWindow(0, 0, 100, 50)


def test_a_raster_turned_by_45_degrees_covers_a_diamond():
    """Its corners are the middles of the optical edges: half of the optical raster, and all of itself."""
    turned = Grid(100, 100, (5, 5, 600_000, 5, -5, 5_699_500), UTM, 50**0.5)
    shared = overlap(OPTICAL, turned)
    assert shared.share == pytest.approx(1)
    assert shared.outline.area == pytest.approx(5000)
    assert shared.cells(PixelWindow(0, 0, 100, 100), 50, 50).mean() == pytest.approx(0.5, abs=0.03)
    assert not shared.contains(np.array([3.0]), np.array([3.0]))[0]
    assert shared.contains(np.array([50.0]), np.array([50.0]))[0]


def test_another_crs_of_the_same_place():
    """About the box 500 km east in zone 31 as degrees."""
    degrees = Grid(200, 200, (0.0001, 0, 4.438, 0, -0.0001, 51.443), "EPSG:4326", 9.0)
    shared = overlap(OPTICAL, degrees)
    assert 0.5 < shared.share <= 1
    there = overlap(degrees, OPTICAL)
    assert there.share == pytest.approx(shared.share, rel=1e-3)


def test_a_small_raster_within_the_whole_earth():
    earth = Grid(3600, 1800, (0.1, 0, -180, 0, -0.1, 90), "EPSG:4326", 11_000.0)
    assert overlap(OPTICAL, earth).share == pytest.approx(1)
    assert overlap(OPTICAL, earth).box(OPTICAL) == PixelWindow(0, 0, 100, 100)
    assert overlap(earth, OPTICAL).share == pytest.approx(1)
    box = overlap(earth, OPTICAL).box(earth)
    assert (box.width, box.height) in {(1, 1), (1, 2), (2, 1), (2, 2)}


@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_longitudes_a_turn_apart_are_the_same_place(turn):
    east = Grid(100, 100, (0.01, 0, 179.5, 0, -0.01, 10), "EPSG:4326", 1100.0)
    same = Grid(100, 100, (0.01, 0, 179.5 + turn, 0, -0.01, 10), "EPSG:4326", 1100.0)
    assert overlap(east, same).share == pytest.approx(1)
    assert overlap(east, same).box(east) == PixelWindow(0, 0, 100, 100)


def test_a_utm_raster_across_the_date_line():
    """Zone 60, its east end beyond 180 degrees; 111 columns of a hundredth of a degree, cut at half of them."""
    across = Grid(100, 100, (1000, 0, 776_000, 0, -1000, 1_100_000), "EPSG:32660", 1000.0)
    beyond = Grid(200, 200, (0.01, 0, -180, 0, -0.01, 11), "EPSG:4326", 1100.0)
    share = overlap(across, beyond).share
    assert 0.3 < share < 0.7
    from_before = Grid(200, 200, (0.01, 0, 178, 0, -0.01, 11), "EPSG:4326", 1100.0)
    assert share + overlap(across, from_before).share == pytest.approx(1, abs=0.15)


def test_two_planets_share_nothing():
    mars = grid(
        0,
        0,
        crs='GEOGCRS["Mars",DATUM["D",ELLIPSOID["Mars",3396190,169.8944472]],CS[ellipsoidal,2],'
        'AXIS["lat",north],AXIS["lon",east],ANGLEUNIT["degree",0.0174532925199433]]',
        step=0.001,
    )
    shared = overlap(OPTICAL, mars)
    assert shared.share == 0
    assert shared.box(OPTICAL) is None
    assert centres_apart_m(OPTICAL, mars) is None


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"x": 600_000.4}, True),  # 0.04 px
        ({"x": 600_000.6}, False),
        ({"step": 10.004}, True),  # 0.04 px at the far end
        ({"step": 10.006}, False),
        ({"width": 101}, False),
        ({"crs": "EPSG:32632"}, False),
    ],
)
def test_grids_within_a_twentieth_of_a_pixel_are_one(change, same):
    assert same_grid(OPTICAL, grid(**change)) is same


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crs": "EPSG:32632"}, "another coordinate system"),
        ({"step": 20.0}, "pixels of another size or direction"),
        ({"width": 90}, "another extent"),
        ({"x": 600_003.0}, "another origin"),
    ],
)
def test_the_difference_is_named(change, words):
    assert how_grids_differ(OPTICAL, grid(**change)) == words


def test_pixel_size_on_the_ground():
    assert pixel_size_m(OPTICAL) == pytest.approx((10, 10), rel=1e-3)
    degrees = Grid(10, 10, (0.001, 0, 20, 0, -0.001, 60), "EPSG:4326", 70.0)
    assert pixel_size_m(degrees) == pytest.approx((55.8, 111.4), rel=2e-3)  # cos 60 deg is a half
    assert pixel_size_m(grid(crs=None)) is None


def test_distance_of_centres():
    assert centres_apart_m(OPTICAL, grid(x=610_000.0)) == pytest.approx(10_000, rel=1e-3)


def test_a_small_overlap_is_read_whole_and_a_large_one_in_sixteen_windows():
    small, large = grid(width=1024, height=1024), grid(width=20_000, height=20_000)
    assert choose_windows(overlap(small, small), PixelWindow(0, 0, 1024, 1024), 1) == [PixelWindow(0, 0, 1024, 1024)]
    windows = choose_windows(overlap(large, large), PixelWindow(0, 0, 20_000, 20_000), 1)
    assert len(windows) == 16
    assert {(w.width, w.height) for w in windows} == {(256, 256)}
    assert {w.col_off for w in windows} == {w.row_off for w in windows} == {0, 6581, 13163, 19744}


def test_windows_of_a_slanted_overlap_lie_in_it():
    large = grid(width=8000, height=8000)
    slanted = Grid(9000, 1500, (7, 7, 600_000, 7, -7, 5_622_000), UTM, 10.0)
    shared = overlap(large, slanted)
    windows = choose_windows(shared, shared.box(large), 1)
    assert 12 <= len(windows) <= 16
    middles = np.array([(w.col_off + 128.0, w.row_off + 128.0) for w in windows])
    assert shared.contains(middles[:, 0], middles[:, 1]).all()


@pytest.mark.parametrize(("ratio", "expected"), [(None, 1), (0.2, 1), (1.0, 1), (2.2, 2), (20.0, 4)])
def test_coarse_sar_is_compared_on_coarse_cells(ratio, expected):
    assert px_per_cell(ratio) == expected
