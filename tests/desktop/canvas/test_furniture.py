"""Rounded scale bars and what a pane says of its image."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsqa_desktop.canvas.furniture import BAR_MOST, describe, scale_bar
from tests.desktop.canvas.fakes import opened


@pytest.mark.parametrize(
    ("scale", "gsd_m", "text", "length_px"),
    [
        (1.0, 10.0, "1 km", 100.0),
        (0.384, 10.0, "2 km", 76.8),
        (8.0, 10.0, "100 m", 80.0),
        (64.0, 0.3, "50 cm", 64 / 0.3 * 0.5),
        (0.01, 10.0, "100 km", 100.0),
        (1.0, None, "100 px", 100.0),
        (0.02, None, "5,000 px", 100.0),
    ],
)
def test_by_hand(scale: float, gsd_m: float | None, text: str, length_px: float) -> None:
    bar = scale_bar(scale, gsd_m)
    assert bar.text == text
    assert bar.length_px == pytest.approx(length_px)


@given(st.floats(1e-4, 64), st.floats(0.01, 1e5))
def test_a_bar_fits_and_is_never_tiny(scale: float, gsd_m: float) -> None:
    assert BAR_MOST / 2.5 - 1e-6 <= scale_bar(scale, gsd_m).length_px <= BAR_MOST * (1 + 1e-6)


def test_what_is_known_is_said_and_no_more() -> None:
    sar = opened("sar.tif").info
    assert describe(sar, "sar") == "2020-11-04 · VH · 10 m"
    unplaced = replace(opened("optical.tif", gsd_m=None).info, acquired=None)
    assert describe(unplaced, "optical") == ""
    fine = opened("optical.tif", gsd_m=0.31).info
    assert describe(fine, "optical") == "2020-11-04 · 0.31 m"
