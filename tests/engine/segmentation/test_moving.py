"""Areas that move with their sentences: the mask of the rewritten sentence is the moved mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.scenes.truths.facts import SEEN_PATCH_PX
from engine.scenes.truths.referring import referral_mask
from engine.scenes.truths.selection import Selector
from engine.segmentation.data.mask_bits import resized
from engine.segmentation.moving import box_of, flip_or_turn, scale_and_shift
from engine.text import parse
from engine.text.directions import INVERSE, MOVES, Move, agrees, find_directions, move_box
from engine.training.picture_changes import Placement, moved_array
from tests.engine.grounding.visits import cropped_facts, facts_of, moved_facts
from tests.engine.segmentation.visits import SIZE, made, scene_referrals, scene_visit

SEEDS = st.integers(0, 11)
WHOLE = (0, 0, SIZE, SIZE)
LEAST = {"least_share": 0.4, "least_px": 16}


def drawn(data: st.DataObject, seed: int) -> int:
    return data.draw(st.integers(0, len(scene_referrals(seed)) - 1))


def without_scraps(mask: np.ndarray, least_px: float) -> np.ndarray:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return mask & (sizes >= least_px)[labels]


def whole_classes(seed: int) -> list[int]:
    """The expressions that are not undone by the border of a view."""
    numbers = [n for n, one in enumerate(scene_referrals(seed)) if one.how in ("category", "attribute")]
    assume(numbers)
    return numbers


def alike(mask: np.ndarray, other: np.ndarray) -> bool:
    """Whether two masks differ along their edges only: polygons of a moved map are filled anew."""
    return not ndimage.binary_erosion(mask != other, np.ones((3, 3))).any()


class TestFlipsAndTurns:
    @given(SEEDS, st.sampled_from(MOVES), st.data())
    @settings(max_examples=25)
    def test_the_moved_mask_is_the_mask_of_the_rewritten_sentence(self, seed: int, move: Move, data: st.DataObject):
        """The scene itself is moved and measured again, and the rewritten sentence is looked up in it."""
        number = drawn(data, seed)
        before = scene_visit(seed, number)
        moved = flip_or_turn(before, move)
        if moved is before:  # it has a direction for which there is no word after the move
            assert find_directions(before.texts[0])
            return
        facts = moved_facts(facts_of(seed), move)
        selection = Selector(facts).select(parse(moved.texts[0]))
        assert selection.clear, moved.texts[0]
        referral = replace(scene_referrals(seed)[number], members=selection.members)
        assert alike(referral_mask(facts, referral), moved.masks[0])

    @given(SEEDS, st.sampled_from(MOVES), st.data())
    @settings(max_examples=30)
    def test_directions_agree_with_the_moved_mask(self, seed: int, move: Move, data: st.DataObject):
        before = scene_visit(seed, drawn(data, seed))
        moved = flip_or_turn(before, move)
        size = moved.size
        assert agrees(before.texts[0], box_of(before.masks[0]), size, size)
        assert agrees(moved.texts[0], box_of(moved.masks[0]), size, size)
        if moved is not before:
            assert box_of(moved.masks[0]) == move_box(box_of(before.masks[0]), size, size, move)

    @given(SEEDS, st.sampled_from(MOVES), st.data())
    @settings(max_examples=20)
    def test_there_and_back_is_the_same(self, seed: int, move: Move, data: st.DataObject):
        before = scene_visit(seed, drawn(data, seed))
        there = flip_or_turn(before, move)
        back = before if there is before else flip_or_turn(there, INVERSE[move])
        assert back.texts == before.texts
        np.testing.assert_array_equal(back.masks, before.masks)

    @pytest.mark.parametrize("move", MOVES)
    def test_pictures_validity_and_masks_move_as_one(self, move):
        area = made(("the ship in the upper left corner", [(8, 10, 30, 26)], "ship"))
        area.sar_valid[:, 100:] = False
        area = replace(area, sar=area.sar * area.sar_valid)
        moved = flip_or_turn(area, move)
        assert moved.texts != area.texts
        np.testing.assert_array_equal(moved.masks[0], moved.optical[0] == 200)
        np.testing.assert_array_equal(moved.sar_valid, moved_array(area.sar_valid, move))
        np.testing.assert_array_equal(moved.sar > 0, moved.sar_valid)
        assert moved.optical.flags.c_contiguous

    def test_the_words_are_those_of_the_frame_with_data(self):
        """In a letterboxed picture, 64 to 128 across, a thing at 70 is on its left."""
        area = made(("the ship on the left", [(66, 60, 74, 68)], "ship"))
        area.optical_valid[:, :64] = area.sar_valid[:, :64] = False
        moved = flip_or_turn(area, "flip-horizontal")
        assert moved.texts == ("the ship on the right",)
        assert moved.frame() == (0, 0, 64, 128)

    @pytest.mark.parametrize("text", ["the ship that left the harbor", "the ship on the right"])
    def test_nothing_moves_where_one_sentence_cannot_or_was_not_true(self, text):
        area = made(("the ship", [(10, 10, 30, 30)], "ship"), (text, [(10, 10, 30, 30)], "ship"))
        assert flip_or_turn(area, "flip-vertical") is area


class TestScaleAndShift:
    @given(st.floats(0.5, 1.5), st.floats(-60, 60), st.floats(-60, 60), st.integers(0, 80), st.integers(0, 80))
    @settings(max_examples=30)
    def test_the_mask_is_where_the_pixels_are(self, gain, dx, dy, x, y):
        area = made(("the ships", [(x, y, x + 40, y + 30)], "ship"))
        seen = scale_and_shift(area, Placement(gain, dx, dy, WHOLE), **LEAST)
        assert not seen.optical[:, ~seen.optical_valid].any()
        assert not seen.sar[~seen.sar_valid].any()
        inside = seen.optical_valid
        np.testing.assert_array_equal(seen.masks[0][inside], (seen.optical[0] >= 130)[inside])
        np.testing.assert_array_equal(seen.optical[0], seen.sar)

    def test_where_nothing_leaves_every_sentence_stays(self):
        box = [(4, 4, 50, 40)]
        said = ["the largest ship", "the ship left of the tank", "the ship in the top left corner", "the blurred ship"]
        area = made(*((text, box, "ship") for text in said))
        seen = scale_and_shift(area, Placement(0.5, 30, 60, WHOLE), **LEAST)
        assert seen.texts == tuple(said)
        assert seen.frame() == (30, 60, 94, 124)
        assert [box_of(mask) for mask in seen.masks] == [(32, 62, 55, 80)] * 4

    @pytest.mark.parametrize(
        ("text", "goes"),
        [
            ("the ships", True),
            ("all white ships in the image", True),
            ("SAR ships", True),
            ("the large ships", False),
            ("the largest ship", False),
            ("the ship on the left", False),
            ("the ships beside the pier", False),
            ("the blurred ships", False),  # a word that nobody knows
        ],
    )
    def test_where_something_leaves_only_what_names_all_there_is_stays(self, text, goes):
        area = made((text, [(40, 40, 80, 80)], "ship"))
        seen = scale_and_shift(area, Placement(1.5, -20, -20, WHOLE), **LEAST)
        assert (seen is not area) == goes
        if goes:
            assert seen.texts == (text,)
            assert box_of(seen.masks[0]) == (40, 40, 100, 100)

    def test_a_mask_that_hardly_anything_is_left_of_stays_as_it_is(self):
        half = Placement(1, -48, 0, WHOLE)
        area = made(("the ships", [(40, 40, 60, 60)], "ship"))  # 12 of 20 columns are left
        assert scale_and_shift(area, half, **LEAST).masks.sum() == 240
        assert scale_and_shift(area, half, least_share=0.7, least_px=16) is area
        tiny = made(("the ships", [(60, 60, 64, 64)], "ship"))
        shrunk = Placement(0.5, 0, 0, WHOLE)
        assert scale_and_shift(tiny, shrunk, least_share=0.4, least_px=16) is tiny
        assert scale_and_shift(tiny, shrunk, least_share=0.4, least_px=4).masks.sum() == 4

    @given(SEEDS, st.integers(160, 240), st.floats(0, 1), st.floats(0, 1), st.data())
    @settings(max_examples=25)
    def test_a_kept_sentence_names_the_same_pixels_in_the_cut_scene(self, seed, side, across, down, data):
        """The scene itself is cut and measured again; where that is clear, the mask is the same."""
        number = data.draw(st.sampled_from(whole_classes(seed)))
        x0, y0 = int(across * (256 - side)), int(down * (256 - side))
        gain, before = 256 / side, scene_visit(seed, number)
        seen = scale_and_shift(before, Placement(gain, -x0 * gain, -y0 * gain, (0, 0, 256, 256)), **LEAST)
        if seen is before:
            return
        facts = cropped_facts(facts_of(seed), x0, y0, side)
        selection = Selector(facts).select(parse(seen.texts[0]))
        if selection.clear:
            referral = replace(scene_referrals(seed)[number], members=selection.members)
            again = resized(referral_mask(facts, referral), 256)
            scrap = 1.2 * SEEN_PATCH_PX * gain**2  # what the border leaves of a patch may be too little for one
            assert alike(without_scraps(again, scrap), without_scraps(seen.masks[0], scrap))
