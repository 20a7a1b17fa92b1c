"""What an answer in pixels of the 256-pixel view is on the ground, and when a scale is worth a word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.jobs.remarks import on_the_ground, scale_remarks, tile_scale_remarks
from engine.records import AreaUsed, Grid, PixelWindow
from engine.text import AREA_ANSWERS, LENGTH_ANSWERS


@pytest.mark.parametrize(
    ("answer", "gsd_m", "said"),
    [
        # 512 pixels of 10 m become 256 of 20 m: a bin of 50 to 75 of them is 1,000 to 1,500 m.
        ("50-75", 10.0, "1,000 to 1,500 m on the ground"),
        ("0-25", 0.5, "0 to 25 m on the ground"),
        ("more than 250", 10.0, "more than 5,000 m on the ground"),
        # 400 m² a pixel.
        ("1000-2000 square pixels", 10.0, "40 to 80 ha on the ground"),
        ("more than 32000 square pixels", 10.0, "more than 1,280 ha on the ground"),
        ("yes", 10.0, None),
        ("10", 10.0, None),
        ("50-75", None, None),
    ],
)
def test_bins_become_metres_and_hectares(answer, gsd_m, said):
    assert on_the_ground(answer, 512, gsd_m) == said


@pytest.mark.parametrize("answer", [*LENGTH_ANSWERS, *AREA_ANSWERS])
def test_every_bin_has_its_sentence(answer):
    assert on_the_ground(answer, 512, 3.3)


@pytest.mark.parametrize(
    ("native", "at_model", "words"),
    [
        (10.0, 10.0, []),
        (10.0, 19.9, []),
        (2.0, 9.0, ["9.0 m per pixel at the model, where the image has 2 m", "grid of tiles"]),
        (10.0, 900.0, ["900.0 m per pixel at the model, outside its range (5 to 20 m)", "grid of tiles"]),
        (0.5, 1.0, ["1.0 m per pixel at the model, outside its range", "larger area"]),
        (None, None, ["scale is unknown"]),
    ],
)
def test_the_scale_is_told_and_a_grid_of_tiles_offered(native, at_model, words):
    grid = Grid(1000, 1000, (1, 0, 0, 0, -1, 0), None, native)
    area = AreaUsed(PixelWindow(0, 0, 1000, 1000), grid, at_model, (5.0, 20.0), 1.0, 1.0)
    (said,) = scale_remarks(area) or [""]
    assert bool(said) == bool(words)
    assert all(word in said for word in words)


def test_a_range_that_the_card_does_not_know_is_no_range_that_was_left():
    grid = Grid(1000, 1000, (1, 0, 0, 0, -1, 0), "EPSG:32631", 2.0)
    area = AreaUsed(PixelWindow(0, 0, 1000, 1000), grid, 3.0, (0.0, 0.0), 1.0, 1.0)
    assert not area.tiles_show_more
    for said in (scale_remarks(area), tile_scale_remarks(area)):
        assert said == ["The model's card does not say which scales it was trained for."]
    coarse = replace(area, model_gsd_m=9.0)
    assert coarse.tiles_show_more
    assert "small things are lost" in scale_remarks(coarse)[1]


def test_tiles_outside_the_range_are_told_so():
    grid = Grid(1000, 1000, (1, 0, 0, 0, -1, 0), "EPSG:32631", 50.0)
    area = AreaUsed(PixelWindow(0, 0, 1000, 1000), grid, 50.0, (5.0, 20.0), 1.0, 1.0)
    assert "outside its range" in tile_scale_remarks(area)[0]
