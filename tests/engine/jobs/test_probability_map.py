"""Probabilities of windows as one map: what is known of it wherever the windows lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.grounding.windows import WindowPlan
from engine.jobs import probability_map
from engine.jobs.probability_map import BlendedMap, fill, resized
from engine.raster.masks import LEVELS, NO_DATA, as_levels
from engine.records import PixelWindow

shares = st.floats(0, 1, width=32)
pictures = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=shares | st.just(np.nan))
)
sides = st.integers(1, 40)
plans = st.builds(
    WindowPlan.over,
    st.builds(PixelWindow, st.integers(-5, 50), st.integers(-5, 50), sides, sides),
    st.integers(1, 24),
    st.sampled_from([0.0, 0.2, 0.5, 0.7]),
)


def blended(plan: WindowPlan, said) -> np.ndarray:
    """The map of a plan whose windows say what ``said`` says of each; None for one without data."""
    levels = np.full((plan.area.height, plan.area.width), 77, np.uint8)  # nothing of it shall be left
    into = BlendedMap(levels, plan)
    for window in plan:
        values = said(window)
        if values is not None:
            into.add(window, values)
    into.finish()
    return levels


def of_world(world: np.ndarray, window: PixelWindow) -> np.ndarray:
    """What a window shows of ``world``, whose middle pixel is the raster's (0, 0); the world is everywhere."""
    half = len(world) // 2
    return world[
        half + window.row_off : half + window.row_off + window.height,
        half + window.col_off : half + window.col_off + window.width,
    ]


@given(plans, st.integers(0, 2**32 - 1))
def test_windows_that_agree_make_what_they_agree_on(plan, seed):
    world = np.random.default_rng(seed).random((250, 250), np.float32)
    world[world > 0.9] = np.nan
    levels = blended(plan, lambda window: of_world(world, window))
    expected = as_levels(of_world(world, plan.area))
    assert ((levels == NO_DATA) == (expected == NO_DATA)).all()
    assert np.abs(levels.astype(int) - expected).max() <= 1


@given(plans, st.integers(0, 2**32 - 1))
def test_between_windows_that_disagree_the_map_is_between(plan, seed):
    drawn = np.random.default_rng(seed)
    said = {window: np.float32(drawn.random()) for window in plan}
    levels = blended(plan, lambda window: np.full((plan.side_px, plan.side_px), said[window]))
    for row in range(0, plan.area.height, 7):
        for column in range(0, plan.area.width, 7):
            x, y = column + plan.area.col_off, row + plan.area.row_off
            showing = [
                value
                for window, value in said.items()
                if 0 <= x - window.col_off < plan.side_px and 0 <= y - window.row_off < plan.side_px
            ]
            assert min(showing) - 0.01 <= levels[row, column] / LEVELS <= max(showing) + 0.01


def test_no_border_shows():
    """Every window says something else: the steepest step anywhere is that of a sine over the overlap."""
    plan = WindowPlan.over(PixelWindow(0, 0, 500, 400), 100, 0.2)
    drawn = np.random.default_rng(4)
    levels = blended(plan, lambda window: np.full((100, 100), drawn.random(), np.float32)).astype(float) / LEVELS
    steepest = np.pi / 2 / plan.overlap_px
    for axis in (0, 1):
        assert np.abs(np.diff(levels, axis=axis)).max() <= 1.1 * steepest + 1 / LEVELS


def test_rows_of_windows_without_data_are_no_data():
    plan = WindowPlan.over(PixelWindow(0, 0, 30, 90), 10, 0.2)
    seen = np.full((10, 10), 0.5, np.float32)
    levels = blended(plan, lambda window: seen if window.row_off in (0, 80) else None)
    assert (levels[:10] == 127).all()
    assert (levels[10:80] == NO_DATA).all()
    assert (levels[80:] == 127).all()


@given(pictures, st.integers(1, 30), st.integers(1, 30))
def test_a_resized_picture_stays_within_itself_and_without_data_where_it_was(picture, width, height):
    larger = resized(picture, width, height)
    assert larger.shape == (height, width)
    known = picture[np.isfinite(picture)]
    if known.size:
        found = larger[np.isfinite(larger)]
        assert (found >= known.min() - 1e-4).all()
        assert (found <= known.max() + 1e-4).all()
    rows = ((np.arange(height) + 0.5) * picture.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * picture.shape[1] / width).astype(int)
    np.testing.assert_array_equal(np.isnan(larger), np.isnan(picture[np.ix_(rows, columns)]))


@given(pictures, st.integers(1, 40), st.integers(1, 40), st.integers(1, 13))
def test_a_map_is_filled_strip_by_strip_as_at_once(picture, width, height, strip):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probability_map, "STRIP_ROWS", strip)
        levels = np.full((height, width), 77, np.uint8)
        fill(levels, picture)
    expected = as_levels(resized(picture, width, height))
    assert ((levels == NO_DATA) == (expected == NO_DATA)).all()
    assert np.abs(levels.astype(int) - expected).max() <= 1
