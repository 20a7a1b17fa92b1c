"""Parts of one thing that windows cut become one box; different things stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.grounding.reconcile import Sighting
from engine.grounding.seams import WindowSighting, cut_sides, join_at_seams
from engine.grounding.windows import WindowPlan
from engine.records.geometry import PixelWindow

Box = tuple[float, float, float, float]


def seen_in_windows(things: list[Box], plan: WindowPlan, least: float = 1.0, jitter=None) -> list[WindowSighting]:
    """What a perfect detector sees in each window: every thing's part in it, of at least ``least`` pixels a side."""
    found = []
    for number, window in enumerate(plan):
        frame = window.box
        borders = (frame.x0, frame.y0, frame.x1, frame.y1)
        for place, (x0, y0, x1, y1) in enumerate(things):
            box = max(x0, frame.x0), max(y0, frame.y0), min(x1, frame.x1), min(y1, frame.y1)
            if box[2] - box[0] < least or box[3] - box[1] < least:
                continue
            if jitter is not None:
                moved = np.add(box, jitter.uniform(-1, 1, 4))
                box = tuple(np.clip(moved, borders[:2] * 2, borders[2:] * 2).tolist())
            cut = cut_sides(box, borders, plan.seams(window), 2.0)
            found.append(WindowSighting(Sighting(box, 0.9 - place / 1000, "tank", "optical"), number, cut))
    return found


def joined(things: list[Box], plan: WindowPlan, **how) -> list[Box]:
    return sorted(one.box for one in join_at_seams(seen_in_windows(things, plan, **how), margin=2.0))


PLAN = WindowPlan.over(PixelWindow(0, 0, 500, 500), 200, 0.25)  # windows at 0, 150, 300


@pytest.mark.parametrize(
    "thing",
    [
        (10.0, 10.0, 40.0, 40.0),  # inside of one window
        (140.0, 20.0, 190.0, 60.0),  # whole in one, cut in the next
        (160.0, 160.0, 195.0, 195.0),  # whole in four
        (100.0, 20.0, 260.0, 40.0),  # larger than the overlap, cut in both
        (100.0, 100.0, 260.0, 260.0),  # over a corner of four windows
        (5.0, 5.0, 495.0, 25.0),  # longer than a window
        (20.0, 20.0, 480.0, 480.0),  # larger than a window
        (0.0, 480.0, 30.0, 500.0),  # cut off by the area, not by a window
    ],
)
def test_one_thing_is_one_box(thing: Box) -> None:
    assert joined([thing], PLAN) == [pytest.approx(thing)]


def test_things_side_by_side_at_a_seam_stay_two() -> None:
    moored = [(100.0, 20.0, 260.0, 40.0), (102.0, 42.0, 262.0, 62.0), (90.0, 64.0, 250.0, 84.0)]
    assert joined(moored, PLAN) == sorted(moored)


def test_boxes_that_overlap_along_a_seam_find_their_own_other_half() -> None:
    crossing = [(100.0, 20.0, 260.0, 60.0), (100.0, 45.0, 270.0, 90.0)]
    assert joined(crossing, PLAN) == sorted(crossing)


def test_a_part_without_its_other_half_is_not_lost() -> None:
    found = [one for one in seen_in_windows([(100.0, 20.0, 260.0, 40.0)], PLAN) if one.window == 0]
    assert [one.box for one in join_at_seams(found, margin=2.0)] == [(100.0, 20.0, 200.0, 40.0)]


def test_parts_of_other_names_are_not_united() -> None:
    found = seen_in_windows([(100.0, 20.0, 260.0, 40.0)], PLAN)
    found[0] = found[0]._replace(sighting=found[0].sighting._replace(label="ship"))
    assert len(join_at_seams(found, margin=2.0)) == 2


def test_the_better_score_stays() -> None:
    found = seen_in_windows([(160.0, 20.0, 190.0, 40.0)], PLAN)
    found[1] = found[1]._replace(sighting=found[1].sighting._replace(score=0.99))
    (one,) = join_at_seams(found, margin=2.0)
    assert one.score == 0.99


def test_nothing_is_nothing() -> None:
    assert join_at_seams([], margin=2.0) == []


def apart(things: list[Box]) -> list[Box]:
    """Those of ``things`` that touch no earlier one: a list of which everybody would say how many there are."""
    kept: list[Box] = []
    for x0, y0, x1, y1 in things:
        if all(x0 > c + 6 or x1 < a - 6 or y0 > d + 6 or y1 < b - 6 for a, b, c, d in kept):
            kept.append((x0, y0, x1, y1))
    return kept


@st.composite
def scattered(draw: st.DrawFn) -> list[Box]:
    things = []
    for _ in range(draw(st.integers(1, 15))):
        x, y = draw(st.integers(0, 480)), draw(st.integers(0, 480))
        width, height = draw(st.integers(6, 120)), draw(st.integers(6, 120))
        things.append((float(x), float(y), float(min(500, x + width)), float(min(500, y + height))))
    return apart(things)


@settings(max_examples=15)
@given(scattered(), st.integers(0, 1000))
def test_things_apart_are_found_once_each(things: list[Box], seed: int) -> None:
    found = joined(things, PLAN, jitter=np.random.default_rng(seed))
    assert len(found) == len(things)
    for thing in things:
        assert min(max(abs(a - b) for a, b in zip(thing, one, strict=True)) for one in found) < 3
