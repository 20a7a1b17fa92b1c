"""Augmentation as a whole: what is drawn follows from the generator, and no sentence is ever lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.segmentation.augment import (
    AugmentSettings,
    augment,
    clouded,
    levels_varied,
    scaled,
    shifted,
    with_a_sensor_dropped,
)
from engine.segmentation.data.visits import AreaVisit, visit_of
from engine.text.directions import agrees
from tests.engine.segmentation.known_set import known_set
from tests.engine.segmentation.visits import SIZE, made

STILL = AugmentSettings(
    flip_horizontal=0, flip_vertical=0, turn=0, scale=0, translate=0, crop=0, shift_px=0, cloud=0, drop_optical=0,
    drop_sar=0, hue=0, saturation=0, value=0, sar_gain=0, sar_offset=0, sar_looks=0,
)  # fmt: skip
EVERYTHING = AugmentSettings(cloud=0.5, drop_optical=0.4, drop_sar=0.4, shift_px=3)
AREA = made(
    ("the ship in the upper left corner", [(20, 20, 50, 44)], "ship"),
    ("the ships", [(20, 20, 50, 44), (80, 90, 110, 110)], "ship"),
)


def same(one: AreaVisit, other: AreaVisit) -> bool:
    names = ("optical", "sar", "optical_valid", "sar_valid", "masks")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names) and one.said == other.said


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_a_view_follows_from_its_draws_and_keeps_its_sentences(seed):
    view = augment(AREA, EVERYTHING, rng(seed))
    assert same(view, augment(AREA, EVERYTHING, rng(seed)))
    assert view.optical.dtype == view.sar.dtype == np.uint8
    assert view.optical.shape == (3, SIZE, SIZE)
    assert view.sar.shape == (SIZE, SIZE)
    assert view.masks.shape == (2, SIZE, SIZE)
    assert not view.optical[:, ~view.optical_valid].any()
    assert not view.sar[~view.sar_valid].any()
    assert view.valid.any()
    assert [one.category for one in view.said] == ["ship", "ship"]
    for text, mask in zip(view.texts, view.masks, strict=True):
        rows, columns = np.nonzero(mask)
        frame = view.frame()
        box = columns.min() - frame[0], rows.min() - frame[1], columns.max() + 1 - frame[0], rows.max() + 1 - frame[1]
        assert agrees(text, box, frame[2] - frame[0], frame[3] - frame[1], slack=0.1)


def test_the_visit_itself_is_left_as_it_is():
    before = made(*[(one.text, [(20, 20, 50, 44)], "ship") for one in AREA.said])
    after = replace(before, optical=before.optical.copy(), sar=before.sar.copy(), masks=before.masks.copy())
    for seed in range(20):
        augment(before, EVERYTHING, rng(seed))
    assert same(before, after)


def test_every_kind_of_view_comes():
    views = [augment(AREA, EVERYTHING, rng(seed)) for seed in range(100)]
    corners = {view.texts[0] for view in views}
    assert corners == {f"the ship in the {side} corner" for side in
                       ("upper left", "upper right", "lower left", "lower right")}  # fmt: skip
    assert 15 < sum(not view.optical_valid.any() for view in views) < 90
    assert 5 < sum(not view.sar_valid.any() for view in views) < 90
    assert any(one.hidden_share for view in views for one in view.said)
    padded = sum(bool((~view.valid).mean() > 0.1) for view in views)
    assert 20 < padded < 100


def test_nothing_is_done_where_nothing_is_asked_for():
    assert same(augment(AREA, STILL, rng(0)), AREA)


class TestScale:
    def test_a_cut_view_is_full_and_a_whole_one_loses_nothing(self):
        area = made(("the ships", [(40, 40, 80, 80)], "ship"))
        for seed in range(30):
            cut = scaled(area, replace(STILL, scale=0.4, translate=0.2, crop=1.0), rng(seed))
            assert cut.valid.all()
            assert cut.masks.sum() >= area.masks.sum()
            whole = scaled(area, replace(STILL, scale=0.4, translate=0.2, crop=0.0), rng(seed))
            left, top, right, bottom = whole.frame()
            assert whole.masks.sum() == pytest.approx(
                area.masks.sum() * (right - left) * (bottom - top) / SIZE**2, rel=0.1
            )
            assert right - left > 0.6 * SIZE - 2

    def test_a_sentence_about_a_place_is_seen_whole_or_as_it_was(self):
        area = made(("the ship on the left", [(20, 20, 50, 44)], "ship"))
        assert scaled(area, replace(STILL, scale=0.4, crop=1.0), rng(0)) is area


class TestClouds:
    def test_they_hide_the_ground_from_the_optical_picture_alone(self):
        area = made(("the ships", [(0, 0, SIZE, SIZE)], "ship"))
        shares = []
        for seed in range(12):
            seen = clouded(area, rng(seed))
            np.testing.assert_array_equal(seen.sar, area.sar)
            np.testing.assert_array_equal(seen.masks, area.masks)
            shares.append(seen.said[0].hidden_share)
            assert (seen.optical != area.optical).any()
        assert 0 <= min(shares) < 0.5 < max(shares) <= 1

    def test_what_only_the_optical_picture_shows_stays_in_view(self):
        area = made(("the white ship", [(30, 30, 100, 100)], "ship"), sensor="optical")
        seen = [clouded(area, rng(seed)) for seed in range(12)]
        assert all(one.said[0].hidden_share <= 0.5 for one in seen)
        assert any(one is area for one in seen)
        assert any(one is not area for one in seen)

    @pytest.mark.parametrize("has", ["optical", "sar"])
    def test_one_picture_alone_gets_none(self, has):
        area = made(("the ships", [(30, 30, 100, 100)], "ship"), has=has)
        assert clouded(area, rng(0)) is area


class TestDroppedSensors:
    @pytest.mark.parametrize(
        ("sensor", "hidden", "optical_goes", "sar_goes"),
        [
            ("both", 0.0, True, True),
            ("both", 0.8, True, False),
            ("optical", 0.0, False, True),
            ("sar", 0.0, True, False),
        ],
    )
    def test_what_shows_the_thing_stays(self, sensor, hidden, optical_goes, sar_goes):
        area = made(("the ship", [(30, 30, 60, 60)], "ship"), sensor=sensor, hidden_share=hidden)
        no_optical = with_a_sensor_dropped(area, replace(STILL, drop_optical=1.0), rng(0))
        assert no_optical.optical_valid.any() == no_optical.optical.any() == (not optical_goes)
        assert no_optical.sar_valid.all()
        no_sar = with_a_sensor_dropped(area, replace(STILL, drop_sar=1.0), rng(0))
        assert no_sar.sar_valid.any() == no_sar.sar.any() == (not sar_goes)
        assert no_sar.optical_valid.all()

    @pytest.mark.parametrize("has", ["optical", "sar"])
    def test_the_last_picture_is_never_dropped(self, has):
        area = made(("the ship", [(30, 30, 60, 60)], "ship"), has=has)
        for settings_ in (replace(STILL, drop_optical=1.0), replace(STILL, drop_sar=1.0)):
            assert with_a_sensor_dropped(area, settings_, rng(0)) is area

    def test_they_are_dropped_as_often_as_asked(self):
        area = made(("the ship", [(30, 30, 60, 60)], "ship"))
        often = replace(STILL, drop_optical=0.3, drop_sar=0.1)
        views = [with_a_sensor_dropped(area, often, rng(seed)) for seed in range(1000)]
        assert sum(not view.optical_valid.any() for view in views) == pytest.approx(300, abs=45)
        assert sum(not view.sar_valid.any() for view in views) == pytest.approx(100, abs=30)


def test_sar_moves_against_the_optical_picture_and_masks_stay():
    area = made(("the ship", [(30, 30, 60, 60)], "ship"))
    offsets = set()
    for seed in range(60):
        seen = shifted(area, replace(STILL, shift_px=2), rng(seed))
        rows, columns = np.nonzero(seen.sar == 200)
        offsets.add((int(columns.min()) - 30, int(rows.min()) - 30))
        np.testing.assert_array_equal(seen.optical, area.optical)
        np.testing.assert_array_equal(seen.masks, area.masks)
        assert (seen.sar > 0).sum() == seen.sar_valid.sum()
    assert len(offsets) > 15
    assert {abs(offset) for pair in offsets for offset in pair} == {0, 1, 2}
    alone = made(("the ship", [(30, 30, 60, 60)], "ship"), has="sar")
    assert all(shifted(alone, replace(STILL, shift_px=2), rng(seed)) is alone for seed in range(5))


def test_levels_vary_where_there_is_data():
    area = made(("the ship", [(30, 30, 60, 60)], "ship"))
    area.sar_valid[:, 100:] = area.optical_valid[:, 100:] = False
    seen = levels_varied(area, AugmentSettings(), rng(0))
    assert not seen.optical[:, :, 100:].any()
    assert not seen.sar[:, 100:].any()
    assert (seen.optical[:, :, :100] != area.optical[:, :, :100]).mean() > 0.5
    assert seen.sar[:, :100].std() > 5


@pytest.mark.parametrize(
    "wrong",
    [{"crop": 2}, {"scale": 1.0}, {"least_share": -0.1}, {"shift_px": -1}, {"drop_sar": 0.6, "drop_optical": 0.6}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError, match=r"augment\."):
        AugmentSettings(**wrong)


def test_a_visit_is_what_the_set_has():
    training = known_set(4)
    visit = visit_of(training, 1, (3, 2))
    assert visit.said == (training.expressions[3], training.expressions[2])
    np.testing.assert_array_equal(visit.masks[0], training.mask(training.expressions[3].mask))
    np.testing.assert_array_equal(visit.optical, training.optical[1])
    assert [visit.optical_valid.any(), visit.sar_valid.any()] == training.has[1].tolist()
