"""Windows cover their area, and whatever is smaller than their overlap lies whole in one of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.grounding.windows import WindowPlan
from engine.records.geometry import PixelWindow

sides = st.integers(1, 200)
areas = st.builds(PixelWindow, st.integers(-50, 50), st.integers(-50, 50), sides, sides)
plans = st.builds(WindowPlan.over, areas, st.integers(20, 120), st.floats(0, 0.7))


@given(plans)
def test_every_pixel_is_covered_and_first_shown_by_one_window(plan: WindowPlan) -> None:
    area = plan.area
    covered, fresh = (np.zeros((area.height, area.width), int) for _ in range(2))
    for window in plan:
        assert window.width == window.height == plan.side_px
        for counts, box in ((covered, window.box), (fresh, plan.fresh(window))):
            left, top = max(0, int(box.x0) - area.col_off), max(0, int(box.y0) - area.row_off)
            counts[top : int(box.y1) - area.row_off, left : int(box.x1) - area.col_off] += 1
    assert covered.min() >= 1
    assert (fresh == 1).all()
    assert len(plan) == len(list(plan))


@given(plans, st.data())
def test_a_box_up_to_the_overlap_lies_whole_in_a_window(plan: WindowPlan, data: st.DataObject) -> None:
    area = plan.area.box
    width = data.draw(st.floats(0, min(plan.overlap_px, area.width)))
    height = data.draw(st.floats(0, min(plan.overlap_px, area.height)))
    x0 = data.draw(st.floats(area.x0, area.x1 - width))
    y0 = data.draw(st.floats(area.y0, area.y1 - height))
    assert any(w.box.x0 <= x0 and x0 + width <= w.box.x1 and w.box.y0 <= y0 and y0 + height <= w.box.y1 for w in plan)


@given(plans)
def test_seams_are_the_borders_that_the_area_goes_on_beyond(plan: WindowPlan) -> None:
    for window in plan:
        seams, ours, area = plan.seams(window), window.box, plan.area.box
        assert seams == (ours.x0 > area.x0, ours.y0 > area.y0, ours.x1 < area.x1, ours.y1 < area.y1)
    if len(plan) == 1:
        assert not any(plan.seams(next(iter(plan))))


def test_the_last_window_is_moved_inwards() -> None:
    plan = WindowPlan.over(PixelWindow(10, 20, 1000, 640), 640, 0.25)
    assert [(w.col_off, w.row_off) for w in plan] == [(10, 20), (370, 20)]
    assert plan.overlap_px == 160


def test_an_area_smaller_than_a_window_lies_in_its_middle() -> None:
    plan = WindowPlan.over(PixelWindow(0, 0, 100, 300), 200, 0.25)
    assert [(w.col_off, w.row_off) for w in plan] == [(-50, 0), (-50, 100)]


def test_windows_that_do_not_move_on_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot overlap"):
        WindowPlan.over(PixelWindow(0, 0, 10, 10), 8, 1.0)
