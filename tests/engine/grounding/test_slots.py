"""The texts of a picture: what names its things, and negatives that are certainly false of all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draws import Draws
from engine.errors import UsageError
from engine.grounding.augment import AugmentSettings, augment
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.slots import SlotDrawer, SlotSettings, mask_directions
from engine.grounding.visit import PictureVisit
from engine.scenes.truths.selection import Selector
from engine.text import find_directions, normalise, parse
from tests.engine.grounding.visits import facts_of, listed, made, scene_visit, set_of

SHIP, TANK = (10, 10, 30, 30), (90, 90, 110, 110)
ONLY_DIRECTIONS = SlotSettings(adversarial=1, kinds=("direction",), random=(0, 0), frequent=0)


@pytest.fixture(scope="module")
def scenes() -> ExpressionSet:
    """The optical pictures of 24 scenes, unrendered; every class with boxes is known."""
    visits = [scene_visit(seed) for seed in range(24)]
    closed = sorted({name for visit in visits for name in visit.categories})
    return set_of([visit for visit in visits if visit.expressions], closed=closed)


def swapped(visit: PictureVisit, **changes) -> list[tuple[str, list[int]]]:
    """The swapped directions of ``visit`` over many draws, with what they name."""
    drawer = SlotDrawer(set_of([visit], known=visit.categories_known), replace(ONLY_DIRECTIONS, **changes))
    found = {}
    for seed in range(30):
        slots = drawer.draw(drawer.visits[0], np.random.default_rng(seed))
        for text, kind, names in zip(slots.texts, slots.kinds, slots.names.T, strict=True):
            if kind == "direction":
                found[text] = np.flatnonzero(names).tolist()
    return sorted(found.items())


class TestDraw:
    @given(st.integers(0, 10_000))
    @settings(max_examples=20)
    def test_what_holds_of_every_draw(self, scenes, seed):
        rng = np.random.default_rng(seed)
        drawer = SlotDrawer(scenes, SlotSettings())
        picture, *partners = rng.integers(len(scenes), size=4)
        visit = augment(
            drawer.visits[picture],
            [drawer.visits[one] for one in partners],
            AugmentSettings(),
            np.random.default_rng(seed),
        )
        slots = drawer.draw(visit, np.random.default_rng([seed, 1]))
        again = drawer.draw(visit, np.random.default_rng([seed, 1]))
        assert slots.texts == again.texts
        assert np.array_equal(slots.names, again.names)
        assert len(slots.texts) == len(slots.kinds) <= 20
        assert slots.names.shape == (len(visit.boxes), len(slots.texts))
        assert len({normalise(text) for text in slots.texts}) == len(slots.texts)
        said = {normalise(one.text): one for one in visit.expressions}
        for text, kind, names in zip(slots.texts, slots.kinds, slots.names.T, strict=True):
            if kind == "positive":
                assert set(said[normalise(text)].things) <= set(np.flatnonzero(names))
            else:
                assert normalise(text) not in said
                assert kind == "direction" or not names.any()

    def test_negatives_are_false_in_scenes(self, scenes):
        """The scene's own selector is asked what each negative means: nothing, or what its slot names."""
        drawer = SlotDrawer(scenes, SlotSettings(adversarial=1, random=(5, 10)))
        kinds = dict.fromkeys(("direction", "sensor", "class", "random", "frequent"), 0)
        seeds = [seed for seed in range(24) if scene_visit(seed).expressions]
        for picture, seed in enumerate(seeds):
            selector, things = Selector(facts_of(seed)), listed(facts_of(seed))
            slots = drawer.draw(drawer.visits[picture], np.random.default_rng(seed))
            for text, kind, names in zip(slots.texts, slots.kinds, slots.names.T, strict=True):
                if kind == "positive":
                    continue
                kinds[kind] += 1
                if parse(text).sensor == "sar":
                    continue
                selection = selector.select(parse(text))
                members = [thing for thing in selection.members if parse(text).category]
                assert members == [things[row].id for row in np.flatnonzero(names)], text
        assert min(kinds.values()) > 1, kinds

    def test_the_numbers_are_those_of_the_settings(self, scenes):
        drawer = SlotDrawer(scenes, SlotSettings(random=(0, 4)))
        kinds = [
            kind
            for picture in range(len(scenes))
            for seed in range(4)
            for kind in drawer.draw(drawer.visits[picture], np.random.default_rng([picture, seed])).kinds
        ]
        positives = kinds.count("positive")
        assert positives == 4 * len(scenes.expressions)
        adversarial = sum(kinds.count(kind) for kind in ("direction", "sensor", "class"))
        assert 0.4 * positives < adversarial < 0.55 * positives
        assert 1.2 * 4 * len(scenes) < kinds.count("random") < 2.8 * 4 * len(scenes)
        assert len(kinds) == 20 * 4 * len(scenes)  # the frequent ones fill the rest

    def test_too_many_positives_leave_room_for_negatives(self):
        texts = [(f"the {number} ship", (0,), "ship") for number in ("first", "second", "red", "blue", "white", "grey")]
        visit = made([("ship", SHIP)], texts)
        drawer = SlotDrawer(set_of([visit]), SlotSettings(texts=6, kinds=("class",)))
        seen = set()
        for seed in range(20):
            slots = drawer.draw(drawer.visits[0], np.random.default_rng(seed))
            assert slots.kinds.count("positive") == 4
            assert slots.kinds.count("class") == 2
            seen |= set(slots.texts)
        assert {text for text, _, _ in texts} <= seen

    def test_a_text_said_twice_names_both(self):
        visit = made([("ship", SHIP), ("ship", TANK)], [("the ship", (0,), "ship"), ("The  ship", (1,), "ship")])
        drawer = SlotDrawer(set_of([visit]), SlotSettings())
        slots = drawer.draw(drawer.visits[0], np.random.default_rng(0))
        assert slots.kinds.count("positive") == 1
        assert slots.names[:, 0].tolist() == [True, True]

    def test_a_picture_without_things_gets_negatives_alone(self, scenes):
        drawer = SlotDrawer(scenes, SlotSettings())
        slots = drawer.draw(made([]), np.random.default_rng(0))
        assert slots.names.shape == (0, 20)
        assert set(slots.kinds) <= {"random", "frequent"}


class TestSwappedDirections:
    LEFT = ("the ship on the left of the image", (0,), "ship")

    def test_true_of_nothing(self):
        assert swapped(made([("ship", SHIP)], [self.LEFT])) == [("the ship on the right of the image", [])]

    def test_true_of_one_other_thing_it_names_that(self):
        visit = made([("ship", SHIP), ("ship", TANK)], [self.LEFT])
        assert swapped(visit) == [("the ship on the right of the image", [1])]

    def test_unless_it_is_said_of_it_already(self):
        visit = made(
            [("ship", SHIP), ("ship", TANK)], [self.LEFT, ("the ship on the right of the image", (1,), "ship")]
        )
        assert swapped(visit) == []

    @pytest.mark.parametrize(
        ("things", "text"),
        [
            ([SHIP, TANK, (90, 10, 100, 30)], "the ship on the left"),  # two others
            ([SHIP, (62, 10, 70, 30)], "the ship on the left"),  # another too close to the middle to call
            ([SHIP, TANK], "the white ship on the left"),  # the other may be white
            ([SHIP, TANK], "the largest ship on the left"),  # among those on the right it is the largest
            ([SHIP, TANK], "the leftmost ship"),  # something is the rightmost
            ([SHIP, TANK], "the second ship from the left"),
            ([SHIP], "the ship by the pier on the left"),  # which of them is on the left?
            ([SHIP], "the ship on the left that is so strange"),
            ([(58, 10, 68, 30)], "the ship on the left"),  # nearly in the middle: some would say on the right
        ],
    )
    def test_uncertain_ones_are_left_out(self, things, text):
        assert swapped(made([("ship", box) for box in things], [(text, (0,), "ship")])) == []

    def test_an_attribute_does_not_matter_where_nothing_else_lies_there(self):
        visit = made([("ship", SHIP), ("ship", (10, 80, 30, 99))], [("the white ship on the left", (0,), "ship")])
        assert swapped(visit) == [("the white ship on the right", [])]

    def test_where_not_everything_is_listed_none_is_certain(self):
        assert swapped(made([("ship", SHIP)], [self.LEFT], known=False)) == []
        assert swapped(made([("ship", SHIP)], [self.LEFT], unlisted=["ship"])) == []
        trusted = swapped(made([("ship", SHIP)], [self.LEFT], known=False), trust_lists=True)
        assert trusted == [("the ship on the right of the image", [])]

    def test_relations_are_judged_by_their_references(self):
        said = [("the ship to the left of the bridge", (0,), "ship")]
        bridge = ("bridge", (60, 10, 70, 30))
        right = "the ship to the right of the bridge"
        found = dict(swapped(made([("ship", SHIP), bridge], said)))
        assert found[right] == []
        assert dict(swapped(made([("ship", SHIP), bridge, ("ship", (100, 12, 110, 28))], said)))[right] == [2]
        near = ("ship", (80, 34, 88, 44))  # 47 degrees off: some would call it right of the bridge
        assert right not in dict(swapped(made([("ship", SHIP), bridge, near], said)))

    def test_of_an_unlisted_reference_only_the_thing_meant_is_sure(self):
        said = [("the ship to the left of the pier", (0,), "ship")]
        assert [names for _, names in swapped(made([("ship", SHIP)], said))] != []
        assert swapped(made([("ship", SHIP), ("ship", TANK)], said)) == []


class TestOtherNegatives:
    def draws(self, visit: PictureVisit, others=(), closed=None, **changes) -> set[tuple[str, str]]:
        every = [visit, *others]
        names = closed or sorted({name for one in every for name in one.categories})
        chosen = SlotSettings(**{"adversarial": 3, "random": (4, 4), "frequent": 9} | changes)
        drawer = SlotDrawer(set_of(every, known=visit.categories_known, closed=names), chosen)
        found: set[tuple[str, str]] = set()
        for seed in range(20):
            slots = drawer.draw(drawer.visits[0], np.random.default_rng(seed))
            found |= {pair for pair in zip(slots.kinds, slots.texts, strict=True) if pair[0] != "positive"}
        return found

    def test_a_sentence_of_the_other_sensor_is_false_whatever_is_there(self):
        visit = made([("ship", SHIP)], [("the ship in the optical image", (0,), "ship")], known=False)
        assert self.draws(visit, frequent=0, random=(0, 0)) == {("sensor", "the ship in the SAR image")}
        wrong = replace(visit, sensor="sar")  # it says optical and is not: the swap would be true
        assert self.draws(wrong, frequent=0, random=(0, 0)) == set()

    def test_a_class_is_swapped_for_one_that_is_certainly_not_there(self):
        visit = made([("ship", SHIP)], [("the ship", (0,), "ship")], unlisted=["bridge"])
        closed = ("ship", "bridge", "airplane")
        found = self.draws(visit, closed=closed, frequent=0, random=(0, 0))
        assert found == {("class", "the airplane")}

    def test_texts_of_other_pictures_are_used_where_their_class_is_not_there(self):
        visit = made([("ship", SHIP)], [("the ship", (0,), "ship")])
        others = [
            made([("bridge", TANK)], [("the bridge on the right", (0,), "bridge")]),
            made(
                [("ship", TANK)],
                [("the red ship", (0,), "ship"), ("ships in the SAR image", (0,), "ship")],
                sensor="sar",
            ),
        ]
        found = self.draws(visit, others, adversarial=0)
        assert {text for _, text in found} == {"the bridge on the right", "ships in the SAR image"}
        assert {text for _, text in self.draws(replace(visit, categories_known=False), others, adversarial=0)} == {
            "ships in the SAR image"
        }

    def test_lists_that_are_only_trusted_say_nothing_of_what_goes_with_the_listed(self):
        visit = made([("ship", SHIP)], [("the ship", (0,), "ship")], known=False)
        others = [made([(name, TANK)], [(f"the {name}", (0,), name)]) for name in ("harbor", "tennis court")]
        found = self.draws(visit, others, adversarial=0, trust_lists=True)
        assert {text for _, text in found} == {"the tennis court"}

    def test_the_most_frequent_captions_fill_what_is_left(self):
        common = made([("bridge", TANK)], [("the bridge", (0,), "bridge")])
        rare = made([("airplane", TANK)], [("the airplane", (0,), "airplane")])
        visit = made([("ship", SHIP)], [("the ship", (0,), "ship")])
        found = self.draws(visit, [common, common, rare], adversarial=0, random=(0, 0), frequent=1)
        assert found == {("frequent", "the bridge")}


class TestMaskedDirections:
    def test_a_share_is_replaced_by_the_class_and_a_larger_share_holds_it(self, scenes):
        def masked(share: float) -> set[int]:
            pairs = zip(mask_directions(scenes, share).expressions, scenes.expressions, strict=True)
            return {number for number, (after, before) in enumerate(pairs) if after.text != before.text}

        tenth, third = masked(0.1), masked(0.3)
        assert masked(0) == set()
        assert tenth < third
        assert 0.2 < len(third) / len(scenes.expressions) < 0.4
        everything = mask_directions(scenes, 1)
        for after, before in zip(everything.expressions, scenes.expressions, strict=True):
            assert after.text == before.category
            assert after.things == before.things
            assert not find_directions(after.text)

    def test_the_drawer_masks_and_classes_in_the_plural_stay(self):
        visit = made([("ship", SHIP)], [("the ship on the left", (0,), "ship"), ("ships", (0,), "ship")])
        pictures = set_of([visit])
        taught = replace(
            pictures, expressions=(pictures.expressions[0], replace(pictures.expressions[1], scored=False))
        )
        drawer = SlotDrawer(taught, SlotSettings(mask_directions=1))
        assert [said.text for said in drawer.visits[0].expressions] == ["ship", "ships"]


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"texts": 0}, {"random": (4, 2)}, {"adversarial": -1}, {"mask_directions": 1.5}):
        with pytest.raises(UsageError):
            SlotSettings(**wrong)


def test_draws_of_negatives_do_not_depend_on_the_order_of_sets():
    """Frozen sets of names differ in order between processes; what is drawn must not."""
    visit = made([("ship", SHIP)], [("the ship", (0,), "ship")])
    drawer = SlotDrawer(set_of([visit]), SlotSettings())
    said = drawer.visits[0].expressions[0]
    first = drawer._contrary(said, "class", drawer.visits[0], Draws(1, 0))
    drawer._closed = frozenset(sorted(drawer._closed, reverse=True))
    assert drawer._contrary(said, "class", drawer.visits[0], Draws(1, 0)) == first
