"""Drawing, moving and resizing the area, by hand-made drags and by arbitrary ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.records import PixelWindow
from rsqa_desktop.canvas.area import AreaTool

anywhere = st.tuples(st.floats(-200, 1200), st.floats(-200, 1000))


def tool(window: PixelWindow | None = None) -> AreaTool:
    made = AreaTool()
    made.frame_width, made.frame_height = 1000, 800
    made.window = window
    return made


def dragged(made: AreaTool, start: tuple[float, float], end: tuple[float, float]) -> PixelWindow | None:
    made.press(*start, reach=4)
    made.drag(*end)
    made.release()
    return made.window


def test_every_pixel_that_the_drag_touches() -> None:
    assert dragged(tool(), (10.2, 5.7), (20.9, 9.1)) == PixelWindow(10, 5, 11, 5)
    assert dragged(tool(), (20.9, 9.1), (10.2, 5.7)) == PixelWindow(10, 5, 11, 5)


def test_a_drag_past_the_edge_ends_at_the_edge() -> None:
    assert dragged(tool(), (900, 700), (2000, 2000)) == PixelWindow(900, 700, 100, 100)


def test_a_drag_outside_leaves_the_area_as_it_was() -> None:
    window = PixelWindow(100, 100, 50, 50)
    assert dragged(tool(window), (-50, -50), (-10, -10)) == window


def test_inside_it_moves_and_keeps_its_size() -> None:
    assert dragged(tool(PixelWindow(100, 100, 50, 40)), (120, 120), (130, 90)) == PixelWindow(110, 70, 50, 40)
    assert dragged(tool(PixelWindow(100, 100, 50, 40)), (120, 120), (-999, 120)) == PixelWindow(0, 100, 50, 40)


def test_edges_and_corners_resize() -> None:
    window = PixelWindow(100, 100, 50, 40)
    assert dragged(tool(window), (150, 120), (170, 500)) == PixelWindow(100, 100, 70, 40)
    assert dragged(tool(window), (101, 99), (90, 90)) == PixelWindow(90, 90, 60, 50)
    # A corner pulled over the opposite one turns the rectangle inside out, and does not lose it.
    assert dragged(tool(window), (150, 140), (80, 80)) == PixelWindow(80, 80, 20, 20)


def test_cancelled_is_as_before() -> None:
    made = tool(PixelWindow(1, 2, 3, 4))
    made.press(500, 500, reach=4)
    made.drag(600, 600)
    made.cancel()
    assert made.window == PixelWindow(1, 2, 3, 4)
    assert not made.release()


def test_a_small_area_can_still_be_moved() -> None:
    assert tool(PixelWindow(10, 10, 6, 6)).grip_at(13, 13, reach=100) == "move"


@given(st.lists(st.tuples(anywhere, anywhere), max_size=5))
def test_whatever_is_dragged_the_area_lies_in_the_frame(drags: list[tuple[tuple[float, float], ...]]) -> None:
    made = tool()
    for start, end in drags:
        window = dragged(made, start, end)
        assert window is None or window.clipped(1000, 800) == window


@given(st.integers(-2000, 2000), st.integers(-2000, 2000))
def test_keys_keep_it_in_the_frame(columns: int, rows: int) -> None:
    made = tool()
    window = PixelWindow(100, 100, 50, 40)
    for changed in (made.moved(window, columns, rows), made.grown(window, columns, rows)):
        assert changed.clipped(1000, 800) == changed
