"""What makes a box useless."""

from __future__ import annotations

import math

import pytest

from engine.datasets.boxes import box_fault, xyxy


def test_left_top_width_height():
    assert xyxy((2, 3, 10, 0.5)) == (2, 3, 12, 3.5)


@pytest.mark.parametrize("box", [(0, 0, 48, 32), (0.25, 0, 1, 1), (-0.0005, 0, 48.0005, 32)])
def test_boxes_that_can_be_used(box):
    assert box_fault(box, 48, 32) is None


def test_an_unknown_size_is_not_checked():
    assert box_fault((0, 0, 9999, 9999), None, None) is None
    assert box_fault((0, 0, 9999, 33), None, 32) == "The box 0, 0, 9999, 33 leaves the image."


@pytest.mark.parametrize(
    ("box", "what"),
    [
        ((5, 5, 5, 9), "The box 5, 5, 5, 9 has no area."),
        ((5, 9, 8, 5), "The box 5, 9, 8, 5 has no area."),
        ((5, 5, math.nan, 9), "The box 5, 5, nan, 9 has no area."),
        ((0, 0, 49, 9), "The box 0, 0, 49, 9 leaves the image of 48 x 32 pixels."),
        ((0, 0, 9, 32.5), "The box 0, 0, 9, 32.5 leaves the image of 48 x 32 pixels."),
        ((-1, 0, 9, 9), "The box -1, 0, 9, 9 leaves the image of 48 x 32 pixels."),
        ((0, -1, 9, 9), "The box 0, -1, 9, 9 leaves the image of 48 x 32 pixels."),
    ],
)
def test_boxes_that_cannot(box, what):
    assert box_fault(box, 48, 32) == what
