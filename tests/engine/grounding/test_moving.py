"""Pictures that move with their sentences: what still names its thing stays, what may not is dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.grounding.moving import Least, flip_or_turn, mosaic, scale_and_shift
from engine.grounding.visit import PictureVisit
from engine.scenes.truths.selection import Selector
from engine.text import parse
from engine.text.directions import INVERSE, MOVES, Move
from engine.training.picture_changes import Placement
from tests.engine.grounding.visits import SIZE, cropped_facts, facts_of, grey, made, moved_facts, scene_visit

SEEDS = st.integers(0, 11)
WHOLE = (0, 0, SIZE, SIZE)


def texts(visit: PictureVisit) -> list[str]:
    return [said.text for said in visit.expressions]


def painted(visit: PictureVisit, thing: int) -> tuple[int, int, int, int]:
    """Where the pixels in the grey of ``thing`` are."""
    there = np.abs(visit.pixels[0].astype(int) - grey(thing)) <= 2
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


class TestFlipsAndTurns:
    @given(SEEDS, st.sampled_from(MOVES))
    @settings(max_examples=15)
    def test_there_and_back_is_the_same(self, seed: int, move: Move):
        visit = scene_visit(seed)
        there = flip_or_turn(visit, move)
        back = flip_or_turn(there, INVERSE[move])
        np.testing.assert_allclose(back.boxes, visit.boxes, atol=1e-4)
        assert len(back.expressions) == len(there.expressions)
        assert set(back.expressions) <= set(visit.expressions)
        if move.startswith("flip"):
            assert back.expressions == visit.expressions

    @given(SEEDS, st.sampled_from(MOVES))
    @settings(max_examples=20)
    def test_a_moved_sentence_means_the_same_thing_in_the_moved_scene(self, seed: int, move: Move):
        """The scene itself is moved and measured again, and the parsed sentence selects in it."""
        moved, facts = flip_or_turn(scene_visit(seed), move), moved_facts(facts_of(seed), move)
        selector = Selector(facts)
        for said in moved.expressions:
            selection = selector.select(parse(said.text))
            assert selection.clear, said.text
            (member,) = selection.members
            assert facts.things[member].name == said.category
            np.testing.assert_allclose(facts.things[member].box, moved.boxes[said.things[0]], atol=2)

    @pytest.mark.parametrize("move", MOVES)
    def test_pixels_and_masks_move_with_the_boxes(self, move):
        visit = made([("ship", (8, 10, 30, 26)), ("storage tank", (90, 70, 100, 110))])
        visit.valid[:, 100:] = False
        moved = flip_or_turn(visit, move)
        assert [painted(moved, thing) for thing in (0, 1)] == [tuple(box) for box in moved.boxes.tolist()]
        assert moved.valid.sum() == visit.valid.sum()
        assert moved.pixels.flags.c_contiguous

    def test_the_words_are_those_of_the_frame_with_data(self):
        """In a letterboxed picture, 64 to 128 across, a thing at 70 is on its left."""
        visit = made([("ship", (66, 60, 74, 68))], [("the ship on the left", (0,), "ship")])
        visit.valid[:, :64] = False
        moved = flip_or_turn(visit, "flip-horizontal")
        assert texts(moved) == ["the ship on the right"]
        assert moved.frame() == (0, 0, 64, 128)

    def test_what_cannot_be_turned_or_was_not_true_is_dropped_and_its_thing_stays(self):
        visit = made(
            [("ship", (10, 10, 30, 30))],
            [
                ("the ship that left the harbor", (0,), "ship"),
                ("the ship on the right", (0,), "ship"),
                ("the ship", (0,), "ship"),
            ],
        )
        moved = flip_or_turn(visit, "flip-vertical")
        assert texts(moved) == ["the ship"]
        assert moved.categories == ("ship",)


class TestScaleAndShift:
    @given(st.floats(0.5, 1.5), st.floats(-60, 60), st.floats(-60, 60), st.integers(0, 90), st.integers(0, 90))
    @settings(max_examples=25)
    def test_the_box_is_where_the_pixels_are_and_nothing_leaves_the_view(self, gain, dx, dy, x, y):
        visit = made([("ship", (x, y, x + 36, y + 30))])
        seen = scale_and_shift(visit, Placement(gain, dx, dy, WHOLE), Least(0.5, 5))
        assert not seen.pixels[:, ~seen.valid].any()
        for box in seen.boxes:
            assert 0 <= box.min() <= box.max() <= SIZE
            np.testing.assert_allclose(painted(seen, 0), box, atol=2)

    def test_what_is_cut_keeps_the_visible_part_and_too_little_is_no_thing(self):
        visit = made(
            [("ship", (0, 0, 40, 20)), ("storage tank", (0, 60, 12, 72))],
            [("the ship", (0,), "ship"), ("the tank", (1,), "storage tank")],
        )
        seen = scale_and_shift(visit, Placement(1, -10, 0, WHOLE), Least(0.5, 3))
        assert seen.boxes.tolist() == [[0, 0, 30, 20]]
        assert texts(seen) == ["the ship"]
        assert seen.unlisted == {"storage tank"}  # two columns of it are still there
        gone = scale_and_shift(visit, Placement(1, -50, 0, WHOLE), Least(0.5, 3))
        assert (gone.categories, gone.unlisted) == ((), frozenset())

    def test_where_nothing_leaves_every_sentence_stays(self):
        said = [
            ("the largest ship", (0,), "ship"),
            ("the second ship from the left", (1,), "ship"),
            ("the ship to the left of the tank", (0,), "ship"),
            ("the ship that left the harbor", (1,), "ship"),
        ]
        visit = made([("ship", (4, 4, 50, 40)), ("ship", (60, 30, 80, 50)), ("storage tank", (90, 4, 110, 24))], said)
        seen = scale_and_shift(visit, Placement(0.5, 30, 60, WHOLE), Least())
        assert texts(seen) == [text for text, _, _ in said]
        assert seen.frame() == (30, 60, 94, 124)

    def test_where_something_leaves_only_what_is_certain_stays(self):
        """Of the columns the first 48 leave: the ship at 50 is now far left, that at 96 still on the right."""
        things = [
            ("ship", (50, 50, 60, 60)),
            ("ship", (100, 90, 110, 100)),
            ("airplane", (70, 20, 80, 30)),
            ("airplane", (4, 20, 14, 30)),
            ("storage tank", (100, 4, 116, 20)),
        ]
        kept = [
            ("the white storage tank", (4,), "storage tank"),
            ("ships", (0, 1), "ship"),
            ("airplanes", (2, 3), "airplane"),
            ("the ship in the lower right corner", (1,), "ship"),
        ]
        dropped = [
            ("the largest ship", (0,), "ship"),
            ("the leftmost ship", (0,), "ship"),
            ("the ship beside the airplane", (0,), "ship"),
            ("the ship in the center of the image", (0,), "ship"),  # it is on the left now
            ("the small storage tank", (4,), "storage tank"),
            ("the airplane in the upper part of the image that is so strange", (2,), "airplane"),
            ("the airplane in the image", (3,), "airplane"),  # out of view
        ]
        seen = scale_and_shift(made(things, kept + dropped), Placement(1, -48, 0, WHOLE), Least())
        assert [(said.text, said.things) for said in seen.expressions] == [
            ("the white storage tank", (3,)),
            ("ships", (0, 1)),
            ("airplanes", (2,)),
            ("the ship in the lower right corner", (1,)),
        ]

    def test_a_place_goes_where_another_of_the_class_may_be_there_now(self):
        """Shifted to the left by 40, both ships are on the left, and of the unlisted nobody knows."""
        said = [("the ship on the left", (0,), "ship")]
        both = [("ship", (42, 60, 50, 68)), ("ship", (68, 60, 76, 68))]
        left = Placement(1, -40, 0, WHOLE)
        assert texts(scale_and_shift(made(both, said), left, Least())) == []
        assert texts(scale_and_shift(made(both[:1], said), left, Least())) == ["the ship on the left"]
        assert texts(scale_and_shift(made(both[:1], said, known=False), left, Least())) == []
        assert texts(scale_and_shift(made(both[:1], said, unlisted=["ship"]), left, Least())) == []

    @given(SEEDS, st.integers(120, 240), st.floats(0, 1), st.floats(0, 1))
    @settings(max_examples=25)
    def test_a_kept_sentence_means_the_same_thing_in_the_cut_scene(self, seed, side, across, down):
        """The scene itself is cut and measured again; where that is clear, it is the same thing."""
        x0, y0 = int(across * (256 - side)), int(down * (256 - side))
        gain = 256 / side
        seen = scale_and_shift(
            scene_visit(seed), Placement(gain, -x0 * gain, -y0 * gain, (0, 0, 256, 256)), Least(0.4, 3)
        )
        facts = cropped_facts(facts_of(seed), x0, y0, side)
        for said in seen.expressions:
            selection = Selector(facts).select(parse(said.text))
            if selection.clear:
                (member,) = selection.members
                assert facts.things[member].name == said.category
                assert _overlap(seen.boxes[said.things[0]] / gain, facts.things[member].box) > 0

    def test_a_class_that_the_words_do_not_know_is_read_as_one(self):
        visit = made(
            [("dam", (4, 4, 20, 20)), ("dam", (80, 80, 120, 90))],
            [("the Dam on the left", (0,), "dam"), ("the leftmost dam", (0,), "dam"), ("dams", (0, 1), "dam")],
        )
        seen = scale_and_shift(visit, Placement(1, 0, 20, WHOLE), Least())
        assert texts(seen) == ["the Dam on the left", "dams"]


QUARTERS = [
    Placement(0.5, x, y, (x, y, x + SIZE // 2, y + SIZE // 2))
    for x, y in ((0, 0), (SIZE // 2, 0), (0, SIZE // 2), (SIZE // 2, SIZE // 2))
]


class TestMosaic:
    def joined(self, *visits: PictureVisit) -> PictureVisit:
        blank = made([])
        return mosaic([*visits, *[blank] * (4 - len(visits))], QUARTERS, Least())

    def test_things_and_pixels_go_to_their_quarter(self):
        joined = self.joined(
            made([("ship", (8, 10, 40, 42))]), made([]), made([]), made([("bridge", (20, 20, 60, 100))])
        )
        assert joined.boxes.tolist() == [[4, 5, 20, 21], [74, 74, 94, 114]]
        assert joined.categories == ("ship", "bridge")
        assert joined.valid.all()

    def test_a_class_is_named_where_no_other_picture_has_it(self):
        ship = made(
            [("ship", (8, 10, 40, 42))], [("the ship in the image", (0,), "ship"), ("the red ship", (0,), "ship")]
        )
        assert texts(self.joined(ship, made([("bridge", (0, 0, 9, 90))]))) == ["the ship in the image", "the red ship"]
        assert texts(self.joined(ship, made([("ship", (0, 0, 9, 90))]))) == []
        assert texts(self.joined(ship, made([], known=False))) == []
        assert texts(self.joined(ship, made([], unlisted=["ship"]))) == []

    def test_a_plural_names_the_class_in_all_pictures(self):
        one = made([("ship", (8, 10, 40, 42))], [("ships", (0,), "ship")])
        two = made([("bridge", (8, 10, 40, 42)), ("ship", (80, 80, 90, 99))], [("Ships", (1,), "ship")])
        joined = self.joined(one, two)
        assert [(said.text, said.things) for said in joined.expressions] == [("ships", (0, 2)), ("Ships", (0, 2))]
        assert texts(self.joined(one, made([], unlisted=["ship"]))) == []

    def test_a_place_stays_where_it_is_certain(self):
        said = [("the ship in the upper left corner", (0,), "ship"), ("the leftmost ship", (0,), "ship")]
        ship = made([("ship", (8, 10, 40, 42))], said)
        assert texts(self.joined(ship)) == ["the ship in the upper left corner"]
        blank, far, near = made([]), made([("ship", (60, 60, 99, 99))]), made([("ship", (60, 0, 80, 9))])
        assert texts(self.joined(ship, blank, blank, far)) == ["the ship in the upper left corner"]
        assert texts(self.joined(ship, near)) == ["the ship in the upper left corner"]  # near is on the right
        assert texts(self.joined(blank, ship)) == []
        other = replace(near, expressions=())
        assert texts(mosaic([ship, other, blank, blank], [QUARTERS[0], QUARTERS[0], *QUARTERS[2:]], Least())) == []

    def test_sensors_are_not_mixed(self):
        with pytest.raises(UsageError, match="optical and SAR"):
            self.joined(made([]), made([], sensor="sar"))


def _overlap(one, other) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0)))
