"""Augmentation as a whole: what is drawn follows from the generator, and a view is never left without a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.grounding.augment import AugmentSettings, augment, colour, radiometry
from engine.grounding.visit import PictureVisit, Visits
from tests.engine.grounding.visits import SIZE, made, set_of

STILL = AugmentSettings(mosaic=0, scale=0, translate=0, flip_horizontal=0, hue=0, saturation=0, value=0)
EVERYTHING = AugmentSettings(mosaic=0.5, flip_vertical=0.5, turn=0.5)
SHIPS = made(
    [("ship", (20, 20, 50, 44)), ("ship", (80, 90, 110, 110)), ("bridge", (60, 10, 74, 50))],
    [
        ("the ship in the upper left corner", (0,), "ship"),
        ("the largest ship", (0,), "ship"),
        ("the bridge", (2,), "bridge"),
        ("ships", (0, 1), "ship"),
    ],
)
OTHERS = [
    made([("airplane", (30, 30, 60, 60))], [("the airplane on the left", (0,), "airplane")]),
    made([("storage tank", (90, 90, 100, 100))], [("storage tanks", (0,), "storage tank")]),
    made([("ship", (4, 4, 24, 24))], [("the ship", (0,), "ship")]),
]


def same(one: PictureVisit, other: PictureVisit) -> bool:
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("pixels", "valid", "boxes"))
    return arrays and one.expressions == other.expressions and one.categories == other.categories


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_a_view_follows_from_its_draws_and_keeps_to_the_square(seed):
    view = augment(SHIPS, OTHERS, EVERYTHING, np.random.default_rng(seed))
    assert same(view, augment(SHIPS, OTHERS, EVERYTHING, np.random.default_rng(seed)))
    assert view.expressions
    assert view.pixels.dtype == np.uint8
    assert view.pixels.shape == (3, SIZE, SIZE)
    assert not view.pixels[:, ~view.valid].any()
    assert len(view.categories) == len(view.boxes)
    assert (view.boxes >= 0).all()
    assert (view.boxes <= SIZE).all()
    assert ((view.boxes[:, 2:] - view.boxes[:, :2]) >= EVERYTHING.least_px - 1e-3).all()
    for said in view.expressions:
        assert said.things
        assert {view.categories[thing] for thing in said.things} == {said.category}


def test_the_visit_itself_is_left_as_it_is():
    before = replace(SHIPS, pixels=SHIPS.pixels.copy(), valid=SHIPS.valid.copy(), boxes=SHIPS.boxes.copy())
    for seed in range(20):
        augment(SHIPS, OTHERS, EVERYTHING, np.random.default_rng(seed))
    assert same(before, SHIPS)


def test_every_kind_of_view_comes():
    """Over 200 draws: whole and cut ones, mosaics, flips; mosaics only where there are partners."""
    views = [augment(SHIPS, OTHERS, AugmentSettings(mosaic=0.5), np.random.default_rng(seed)) for seed in range(200)]
    said = [{one.text for one in view.expressions} for view in views]
    assert 40 < sum("airplane" in view.categories or "storage tank" in view.categories for view in views) < 140
    assert any("the ship in the upper right corner" in texts for texts in said)
    assert any("the largest ship" not in texts and "the bridge" in texts for texts in said)
    alone = [augment(SHIPS, [], AugmentSettings(), np.random.default_rng(seed)) for seed in range(100)]
    assert all(set(view.categories) <= {"ship", "bridge"} for view in alone)
    assert sum(any(one.text == "the largest ship" for one in view.expressions) for view in alone) > 40


def test_nothing_is_done_where_nothing_is_asked_for():
    assert augment(SHIPS, OTHERS, STILL, np.random.default_rng(0)) is SHIPS


def test_a_change_that_takes_every_sentence_is_not_made():
    doubtful = replace(SHIPS, expressions=(replace(SHIPS.expressions[0], text="the ship that left the harbor"),))
    flips = replace(STILL, flip_horizontal=1, mosaic=1)
    for seed in range(10):
        assert augment(doubtful, [doubtful] * 3, flips, np.random.default_rng(seed)) is doubtful


def test_colours_of_optical_pictures_vary_and_their_masks_stay():
    rng = np.random.default_rng(0)
    visit = replace(SHIPS, pixels=rng.integers(0, 256, SHIPS.pixels.shape, dtype=np.uint8))
    visit.valid[:, 100:] = False
    seen = colour(visit, AugmentSettings(), np.random.default_rng(1))
    assert (seen.pixels != visit.pixels).mean() > 0.5
    assert not seen.pixels[:, :, 100:].any()
    visit.valid[:, 100:] = True
    grey = made([("ship", (4, 4, 60, 60))])
    changed = colour(grey, AugmentSettings(value=0), np.random.default_rng(2))
    np.testing.assert_allclose(changed.pixels, grey.pixels, atol=2)  # grey has neither hue nor saturation


def test_value_is_multiplied():
    visit = made([("ship", (4, 4, 60, 60))])
    ratios = [
        colour(visit, AugmentSettings(hue=0, saturation=0), np.random.default_rng(seed)).pixels[0, 30, 30] / 60
        for seed in range(200)
    ]
    assert 0.58 < min(ratios) < 0.65
    assert 1.35 < max(ratios) < 1.42


def test_sar_varies_in_level_and_speckle_alike_in_all_channels():
    flat = replace(made([], sensor="sar"), pixels=np.full((3, SIZE, SIZE), 120, np.uint8))
    seen = radiometry(flat, AugmentSettings(), np.random.default_rng(0))
    assert (seen.pixels[0] == seen.pixels[1]).all()
    assert (seen.pixels[0] == seen.pixels[2]).all()
    # 16 looks or more: at most 4.34 dB / sqrt(16) = 1.1 dB, 11 of 255 grey levels for 25 dB.
    spreads = [radiometry(flat, AugmentSettings(), np.random.default_rng(seed)).pixels.std() for seed in range(40)]
    assert 3 < min(spreads) < 5
    assert 8 < max(spreads) < 13
    clean = AugmentSettings(sar_gain=0, sar_offset=0, sar_looks=0)
    assert same(radiometry(flat, clean, np.random.default_rng(0)), flat)


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"mosaic": 2}, {"scale": 1.0}, {"least_share": -0.1}):
        with pytest.raises(UsageError, match=r"augment\."):
            AugmentSettings(**wrong)


def test_visits_are_the_pictures_of_a_set():
    visits = Visits(set_of([SHIPS, OTHERS[0]]))
    assert len(visits) == 2
    assert same(visits[0], SHIPS)
    assert same(visits[1], OTHERS[0])
    assert visits[1].categories_known
