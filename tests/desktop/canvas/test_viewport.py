"""The way between frame pixels and the screen, for every pan and zoom."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.records import Box
from rsqa_desktop.canvas.viewport import MAX_SCALE, Viewport, fit_scale, window_around

positions = st.floats(-1e5, 1e5)
viewports = st.builds(
    Viewport,
    positions,
    positions,
    st.floats(0.01, MAX_SCALE),
    st.integers(1, 4000),
    st.integers(1, 4000),
)


@given(viewports, st.floats(-4000, 8000), st.floats(-4000, 8000))
def test_there_and_back(view: Viewport, x: float, y: float) -> None:
    assert view.to_screen(*view.to_frame(x, y)) == pytest.approx((x, y), abs=1e-4)


@given(viewports, st.floats(0, 4000), st.floats(0, 4000), st.floats(0.1, 10))
def test_what_lies_under_the_cursor_stays_there_when_zooming(view: Viewport, x: float, y: float, factor: float) -> None:
    zoomed = view.zoomed(factor, x, y, least=0.001)
    assert zoomed.to_screen(*view.to_frame(x, y)) == pytest.approx((x, y), abs=1e-3)
    assert zoomed.scale == pytest.approx(min(view.scale * factor, MAX_SCALE))


@given(viewports, st.floats(-500, 500), st.floats(-500, 500))
def test_a_pan_moves_everything_by_the_drag(view: Viewport, dx: float, dy: float) -> None:
    x, y = view.to_screen(123.0, 456.0)
    assert view.panned(dx, dy).to_screen(123.0, 456.0) == pytest.approx((x + dx, y + dy), abs=1e-4)


@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(0, 1e4), st.floats(0, 1e4))
def test_the_window_around_a_box_is_the_least_that_holds_it(x: float, y: float, width: float, height: float) -> None:
    box = Box(x, y, x + width, y + height)
    around = window_around(box).box
    assert around.x0 <= box.x0 < around.x0 + 1
    assert around.y0 <= box.y0 < around.y0 + 1
    assert around.x1 >= box.x1
    assert around.y1 >= box.y1
    assert around.x1 - box.x1 <= 1 or around.width == 1
    assert around.y1 - box.y1 <= 1 or around.height == 1


def test_a_fitted_box_is_wholly_seen() -> None:
    box = Box(0, 0, 1000, 500)
    scale = fit_scale(box, 400, 400)
    seen = Viewport(500, 250, scale, 400, 400).visible
    assert seen.x0 < 0 < 1000 < seen.x1
    assert math.isclose(scale, 0.96 * 0.4)


def test_the_middle_is_held_in_the_frame() -> None:
    held = Viewport(-50, 900, 1, 10, 10).held_in(1000, 800)
    assert (held.col, held.row) == (0, 800)


def test_a_tiny_raster_is_not_magnified_past_the_limit() -> None:
    assert fit_scale(Box(0, 0, 2, 2), 800, 800) == MAX_SCALE
