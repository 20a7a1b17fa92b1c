"""Geometry of the records, and that a wrong one cannot be made."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.records import AskRequest, AskTilesRequest, BandChoice, Box, Grid, PixelWindow, ValidShare
from engine.records.pair import SENSOR_SAID, SENSORS

metres = st.floats(-1e7, 1e7)
sizes = st.integers(1, 40_000)
offsets = st.integers(-50_000, 50_000)


@st.composite
def grids(draw) -> Grid:
    """Any invertible grid: rotated, south up, with pixels from centimetres to kilometres."""
    pixel = draw(st.floats(1e-5, 1e3))
    angle = draw(st.floats(-math.pi, math.pi))
    flip = draw(st.sampled_from([1, -1]))
    a, b = pixel * math.cos(angle), -pixel * math.sin(angle) * flip
    d, e = pixel * math.sin(angle), pixel * math.cos(angle) * flip
    return Grid(draw(sizes), draw(sizes), (a, b, draw(metres), d, e, draw(metres)), "EPSG:32631", pixel)


@given(grids(), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_to_the_map_and_back_is_the_same_place(grid, col, row):
    back = grid.to_pixel(*grid.to_map(col, row))
    # What double precision can hold at 1e7 m from the origin, in pixels of this grid.
    tolerance = 1e-6 + 1e-8 / abs(grid.gsd_m or 1)
    assert back == pytest.approx((col, row), abs=max(tolerance, 1e-7 * max(abs(col), abs(row))))


@given(grids(), st.floats(0, 1e3), st.floats(0, 1e3), st.floats(1, 1e3), st.floats(1, 1e3), sizes, sizes)
def test_a_sub_grid_has_its_corners_where_the_box_has_them(grid, x, y, width, height, columns, rows):
    box = Box(x, y, x + width, y + height)
    sub = grid.sub(box, columns, rows)
    for (col, row), corner in zip([(0, 0), (columns, 0), (columns, rows), (0, rows)], box.corners, strict=True):
        assert sub.to_map(col, row) == pytest.approx(grid.to_map(*corner), rel=1e-9, abs=1e-6)


@given(offsets, offsets, sizes, sizes, sizes, sizes)
def test_a_clipped_window_is_what_both_share(col, row, width, height, raster_width, raster_height):
    clipped = PixelWindow(col, row, width, height).clipped(raster_width, raster_height)
    columns = set(range(max(col, 0), min(col + width, raster_width), max(1, width // 7)))
    rows = range(max(row, 0), min(row + height, raster_height), max(1, height // 7))
    assert (clipped is None) == (not columns or not rows)
    if clipped is not None:
        assert clipped.clipped(raster_width, raster_height) == clipped
        assert all(clipped.col_off <= c < clipped.col_off + clipped.width for c in columns)


@given(grids())
def test_bounds_hold_every_corner(grid):
    left, bottom, right, top = grid.bounds
    for col, row in [(0, 0), (grid.width, grid.height), (grid.width, 0), (grid.width / 2, grid.height / 3)]:
        x, y = grid.to_map(col, row)
        slack = 1e-9 * max(1.0, abs(x), abs(y))
        assert left - slack <= x <= right + slack
        assert bottom - slack <= y <= top + slack


@given(st.floats(), st.floats(), st.floats(), st.floats())
def test_a_box_is_finite_and_in_order_or_not_made(x0, y0, x1, y1):
    assume(not (x0 <= x1 and y0 <= y1 and all(map(math.isfinite, (x0, y0, x1, y1)))))
    with pytest.raises(UsageError):
        Box(x0, y0, x1, y1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PixelWindow(0, 0, 0, 5),
        lambda: Grid(10, 10, (0.0, 0.0, 1.0, 0.0, 0.0, 1.0)),
        lambda: Grid(0, 10, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        lambda: BandChoice((1, 2), "asked"),
        lambda: BandChoice((0,), "asked"),
        lambda: AskRequest("  ", "a.tif", None, "out"),
        lambda: AskRequest("Is there a river?", None, None, "out"),
    ],
)
def test_a_record_that_means_nothing_cannot_be_made(make):
    with pytest.raises(UsageError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: AskRequest("Is there a river?", "o.tif", None, "job", error_rate=1.0),
        lambda: AskRequest("Is there a river?", "o.tif", None, "job", error_rate=math.nan),
        lambda: AskTilesRequest(AskRequest("Is there a river?", "o.tif", None, "job"), tile_gsd_m=0.0),
        lambda: AskTilesRequest(AskRequest("Is there a river?", "o.tif", None, "job"), tile_gsd_m=math.inf),
        lambda: AskTilesRequest(AskRequest("Is there a river?", "o.tif", None, "job"), max_tiles=0),
    ],
)
def test_a_question_that_makes_no_sense_cannot_be_made(make):
    with pytest.raises(UsageError) as refused:
        make()
    assert refused.value.remedy


def test_the_sensors_have_one_order_and_each_a_word() -> None:
    assert tuple(field.name for field in fields(ValidShare)) == SENSORS == tuple(SENSOR_SAID)
