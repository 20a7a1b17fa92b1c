"""What an answer in pixels of the 256-pixel view is on the ground."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.jobs.compose import _on_the_ground
from engine.records import PixelWindow
from engine.text import AREA_ANSWERS, LENGTH_ANSWERS


def view(gsd_m, width=512, height=300):
    return SimpleNamespace(
        pixels=SimpleNamespace(grid=SimpleNamespace(gsd_m=gsd_m), window=PixelWindow(0, 0, width, height))
    )


@pytest.mark.parametrize(
    ("answer", "gsd_m", "said"),
    [
        # 512 pixels of 10 m become 256 of 20 m: a bin of 50 to 75 of them is 1,000 to 1,500 m.
        ("50-75", 10.0, ["1,000 to 1,500 m on the ground."]),
        ("0-25", 0.5, ["0 to 25 m on the ground."]),
        ("more than 250", 10.0, ["More than 5,000 m on the ground."]),
        # 400 m² a pixel.
        ("1000-2000 square pixels", 10.0, ["40 to 80 ha on the ground."]),
        ("more than 32000 square pixels", 10.0, ["More than 1,280 ha on the ground."]),
        ("yes", 10.0, []),
        ("10", 10.0, []),
        ("50-75", None, []),
    ],
)
def test_bins_become_metres_and_hectares(answer, gsd_m, said):
    assert _on_the_ground(answer, view(gsd_m)) == said


@pytest.mark.parametrize("answer", [*LENGTH_ANSWERS, *AREA_ANSWERS])
def test_every_bin_has_its_sentence(answer):
    assert len(_on_the_ground(answer, view(3.3))) == 1
