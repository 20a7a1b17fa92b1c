"""The same thing in both pictures is one thing, two things stay two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.grounding.reconcile import Sighting, reconcile


def seen(x0: float, y0: float, x1: float, y1: float, score: float = 0.5, sensor: str = "optical") -> Sighting:
    return Sighting((x0, y0, x1, y1), score, sensor, sensor)


def in_sar(*box: float, score: float = 0.5) -> Sighting:
    return seen(*box, score=score, sensor="sar")


def test_overlapping_boxes_are_one_with_the_better_ones_box_score_and_name():
    ours, theirs = seen(0, 0, 10, 10, 0.6), in_sar(2, 0, 12, 10, score=0.8)  # IoU 8 / 12
    assert reconcile([ours], [theirs], tolerance=0) == [Sighting((2, 0, 12, 10), 0.8, "sar", "both")]
    assert reconcile([ours._replace(score=0.9)], [theirs], tolerance=0)[0][:3] == ((0, 0, 10, 10), 0.9, "optical")


def test_things_side_by_side_stay_two_the_best_first():
    found = reconcile([seen(0, 0, 10, 10, 0.3)], [in_sar(11, 0, 21, 10, score=0.4)], tolerance=4)
    assert [one.sensor for one in found] == ["sar", "optical"]


def test_tiny_things_may_lie_apart_by_the_tolerance():
    """Layover: a tank of 3 px is 5 px nearer to the radar in SAR; the boxes do not even touch."""
    tank, moved = seen(20, 20, 23, 23), in_sar(15, 20, 18, 23)
    assert len(reconcile([tank], [moved], tolerance=4)) == 1
    assert len(reconcile([tank], [moved], tolerance=3)) == 2


def test_each_box_is_used_once_and_the_closest_pair_first():
    one, other = seen(0, 0, 4, 4), seen(6, 0, 10, 4)
    found = reconcile([one, other], [in_sar(5, 0, 9, 4, score=0.9)], tolerance=4)
    assert [(each.sensor, each.box[0]) for each in found] == [("both", 5), ("optical", 0)]


def test_nothing_and_one_sensor():
    assert reconcile([], [], tolerance=4) == []
    assert reconcile([], [in_sar(0, 0, 1, 1)], tolerance=4) == [in_sar(0, 0, 1, 1)]


boxes = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30), st.floats(0, 1))


def sightings(sensor: str) -> st.SearchStrategy[list[Sighting]]:
    return st.lists(boxes.map(lambda b: seen(b[0], b[1], b[0] + b[2], b[1] + b[3], b[4], sensor)), max_size=8)


@given(sightings("optical"), sightings("sar"), st.floats(0, 10))
def test_nothing_is_lost_and_nothing_invented(optical, sar, tolerance):
    found = reconcile(optical, sar, tolerance=tolerance)
    twice = sum(one.sensor == "both" for one in found)
    assert len(found) + twice == len(optical) + len(sar)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert {one.box for one in found} <= {one.box for one in (*optical, *sar)}
    assert len(reconcile(sar, optical, tolerance=tolerance)) == len(found), "the sensors may change places"
