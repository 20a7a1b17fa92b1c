"""Direction words: found, turned, swapped, checked. The sentences are made up here, in the style of RSVG captions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draws import Draws
from engine.text.directions import (
    INVERSE,
    MOVES,
    Box,
    Direction,
    Move,
    Uncertain,
    agrees,
    agrees_relative,
    contradict,
    find_directions,
    move_box,
    moved_way,
    rewrite,
    swap,
)

# What is found: "text frame" per direction, "-" for a sentence that is left alone, "?" for one that is refused.
TRICKY: tuple[tuple[str, str], ...] = (
    ("the ship on the left of the image", "on the left of absolute"),
    ("a ship on the left of the pier", "on the left of relative"),
    ("The gray storage tank is at the upper right corner", "upper right absolute"),
    ("a tennis court in the top-left corner", "top-left absolute"),
    ("the left upper airplane", "left upper absolute"),
    ("the swimming pool in the lower left-hand corner of the photo", "lower left-hand absolute"),
    ("a bridge in the bottom part of the picture", "bottom absolute"),
    ("the baseball field in the centre of the scene", "centre absolute"),
    ("the harbor in the middle", "middle absolute"),
    ("a centrally placed tank", "-"),
    ("the central tennis court", "central absolute"),
    ("the tank in the top center of the image", "top center absolute"),
    ("an airplane to the left of the terminal building", "to the left of relative"),
    ("an airplane left of the terminal building", "left relative"),
    ("a vehicle on the left side of the road", "left relative"),
    ("a vehicle in the upper part of the parking lot", "upper relative"),
    ("the pool below the tennis court", "below relative"),
    ("the pool above the tennis court on the right", "above relative|right absolute"),
    ("the house above and to the left of the pool", "above relative|to the left of relative"),
    ("the leftmost ship", "leftmost absolute"),
    ("the left-most of the ships at the pier", "left-most absolute"),
    ("the second vehicle from the right", "right absolute"),
    ("the right of the two bridges", "right absolute"),
    ("the lower one of the three tanks", "lower absolute"),
    ("the uppermost storage tank", "uppermost absolute"),
    ("the northernmost ship", "northernmost absolute"),
    ("the baseball diamond in the north-east", "north-east absolute"),
    ("a ship southwest of the island", "southwest relative"),
    ("an airplane north west of the hangar", "north west relative"),
    ("the western tennis court", "western absolute"),
    ("a ship at the 2 o'clock position of the tank", "2 o'clock relative"),
    ("the tank in the ten o'clock direction", "ten o'clock absolute"),
    ("the picture was taken at 10 o'clock and shows a ship", "?"),
    ("a road running from north to south", "north course|south course"),
    ("tanks lined up from left to right", "left course|right course"),
    ("a north-south runway", "north course|south course"),
    ("three horizontally arranged ships", "horizontally course"),
    ("vertical tanks beside the hall", "-"),
    ("the car right next to the truck", "-"),
    ("The car is right beside the road", "-"),
    ("a vehicle on the right next to the pool", "right absolute"),
    ("a right-angled building", "-"),
    ("the building right behind the upper right tank", "upper right absolute"),
    ("the ship left the harbor", "?"),
    ("a ship which has left its berth", "?"),
    ("a field left over between two roads", "-"),
    ("a parcel left unploughed beside the river", "-"),
    ("a flat-topped building", "-"),
    ("the red-top hall", "-"),
    ("a storage tank with a white top", "-"),
    ("the storage tank on top of the hill", "?"),
    ("the vehicle at the top of the bridge", "?"),
    ("the tank at the top of the image", "top absolute"),
    ("a top-down view of a ground track field", "-"),
    ("a rooftop pool", "-"),
    ("a long bridge over the river", "-"),
    ("a vehicle over the river", "?"),
    ("the vehicle under the bridge", "?"),
    ("a river flowing under the road", "-"),
    ("the ground track field over the tennis court", "over relative"),
    ("the car beneath the trees", "?"),
    ("a car up the road", "?"),
    ("a truck further down the street", "?"),
    ("a built-up area of houses", "-"),
    ("a harbor made up of four piers", "-"),
    ("a bridge under construction", "-"),
    ("over 20 ships at the pier", "-"),
    ("an airplane facing north", "?"),
    ("an airplane with its nose to the left", "?"),
    ("a ship heading towards the upper left", "?"),
    ("a road that turns right", "?"),
    ("a car in the left lane", "?"),
    ("the left wing of the airplane", "?"),
    ("the starboard side of the ship", "?"),
    ("a house on North Street", "?"),
    ("a car on the west street", "?"),
    ("the South Bridge", "?"),
    ("the lower building", "?"),
    ("a hall lower than its neighbour", "?"),
    ("the car in the second row", "?"),
    ("the shopping center beside the road", "-"),
    ("an eastbound train", "-"),
    ("the smallest white tank beside the pier", "-"),
    ("the tank in the NW corner", "?"),
    ("the ship's left is a pier", "?"),
    ("a tank with a car to its left", "left relative"),
    ("the golf course left of centre", "left absolute"),
    ("the lower left tennis court of the two", "lower left absolute"),
    ("the third tank in the top row", "?"),
    ("the second largest tank on the left", "left absolute"),
    ("the left third of the image", "left absolute"),
    ("a top-of-the-range car", "-"),
    ("the chimney on the upper left side of the power station", "upper left relative"),
    ("The vehicle on the right side of the pool on the upper left", "right relative|upper left absolute"),
    ("a bridge crossing the river from the northwest to the southeast", "northwest course|southeast course"),
    ("vehicles on both sides of the road", "-"),
    ("", "-"),
)


def verdict(sentence: str) -> str:
    found = find_directions(sentence)
    if any(isinstance(one, Uncertain) for one in found):
        return "?"
    return "|".join(f"{one.text} {one.frame}" for one in found if isinstance(one, Direction)) or "-"


@pytest.mark.parametrize(("sentence", "expected"), TRICKY)
def test_tricky_sentences(sentence: str, expected: str) -> None:
    assert verdict(sentence) == expected
    for one in find_directions(sentence):
        assert 0 <= one.start < one.end <= len(sentence)
        if isinstance(one, Direction):
            assert sentence[one.start : one.end] == one.text


@pytest.mark.parametrize("sentence", [sentence for sentence, expected in TRICKY if expected == "?"])
@pytest.mark.parametrize("move", MOVES)
def test_a_doubt_is_refused_whole_and_says_why(sentence: str, move: Move) -> None:
    result = rewrite(sentence, move)
    assert isinstance(result, Uncertain)
    assert result.reason.endswith(".")
    assert sentence[result.start : result.end] in result.reason


@pytest.mark.parametrize(
    ("sentence", "move", "expected"),
    [
        ("the ship on the left of the image", "flip-horizontal", "the ship on the right of the image"),
        ("the ship on the left of the image", "flip-vertical", "the ship on the left of the image"),
        ("A tank Top-Left of the pier", "turn-180", "A tank Bottom-Right of the pier"),
        ("the left upper ship", "flip-horizontal", "the right upper ship"),
        ("the left upper ship", "turn-90", "the right upper ship"),
        ("THE UPPER RIGHT CORNER", "flip-vertical", "THE LOWER RIGHT CORNER"),
        ("a car to the left of the hall", "turn-90", "a car above the hall"),
        ("a car above the hall", "turn-90", "a car to the right of the hall"),
        ("To the left of the hall is a car", "turn-270", "Below the hall is a car"),
        ("the car on the left", "turn-90", "the car on the top"),
        ("the northwestern tank", "turn-90", "the northeastern tank"),
        ("the North-West corner", "flip-horizontal", "the North-East corner"),
        ("the southernmost ship", "turn-90", "the westernmost ship"),
        # Two o'clock is 60 degrees from up; upside down it is four o'clock.
        ("a tank at the 2 o'clock position of a pier", "flip-vertical", "a tank at the 4 o'clock position of a pier"),
        ("the tank in the twelve o'clock direction", "turn-90", "the tank in the three o'clock direction"),
        ("three ships arranged vertically", "turn-270", "three ships arranged horizontally"),
        ("three ships arranged vertically", "turn-180", "three ships arranged vertically"),
        ("ships in the center-left of the picture", "flip-horizontal", "ships in the center-right of the picture"),
        ("the centre of the picture", "turn-90", "the centre of the picture"),
        ("the hall over the pool", "flip-vertical", "the hall under the pool"),
        ("an east-west runway", "flip-horizontal", "a west-east runway"),
        ("A lower tank", "flip-vertical", "An upper tank"),
        ("a road from the left to the right", "flip-horizontal", "a road from the right to the left"),
    ],
)
def test_rewriting_by_hand(sentence: str, move: Move, expected: str) -> None:
    assert rewrite(sentence, move) == expected


@pytest.mark.parametrize(
    "sentence", ["the hall over the pool", "the uppermost ship", "the left hand side", "upper center"]
)
def test_what_has_no_wording_after_a_quarter_turn_is_refused(sentence: str) -> None:
    assert isinstance(rewrite(sentence, "turn-90"), Uncertain)
    assert isinstance(rewrite(sentence, "flip-vertical"), str)


WORDS = (
    "left", "right", "top", "bottom", "upper", "lower", "upper left", "top-right", "lower right-hand", "left bottom",
    "leftmost", "north", "south-west", "Northeast", "northern", "middle", "center", "Central", "top center", "LEFT",
)  # fmt: skip
FORMS = (
    "the {} ship",
    "A white tank in the {} corner of the image",
    "the car on the {} side",
    "the pool at the {} part of the harbor",
    "a bridge, {} of the lake",
    "The {} one of the two halls",
    "the {} tank to the right of a car",
    "the road from the {} to the pier above the {} tank",
)


@st.composite
def sentences(draw: st.DrawFn) -> str:
    """A sentence of the table, or one of the forms with drawn words."""
    if draw(st.booleans()):
        return draw(st.sampled_from([sentence for sentence, _ in TRICKY]))
    form = draw(st.sampled_from(FORMS))
    return form.format(*(draw(st.sampled_from(WORDS)) for _ in range(form.count("{}"))))


@given(sentences(), st.sampled_from(MOVES))
@settings(max_examples=300)
def test_going_there_and_back_is_the_identity(sentence: str, move: Move) -> None:
    there = rewrite(sentence, move)
    if isinstance(there, str):
        assert rewrite(there, INVERSE[move]) == sentence


@given(sentences())
@settings(max_examples=200)
def test_four_quarter_turns_are_the_identity(sentence: str) -> None:
    text: str | Uncertain = sentence
    for _ in range(4):
        text = rewrite(text, "turn-90")
        if isinstance(text, Uncertain):
            return
    assert text == sentence


@given(sentences())
@settings(max_examples=200)
def test_half_a_turn_is_both_flips(sentence: str) -> None:
    half, flipped = rewrite(sentence, "turn-180"), rewrite(sentence, "flip-horizontal")
    assert isinstance(half, Uncertain) == isinstance(flipped, Uncertain)
    if isinstance(flipped, str):
        assert rewrite(flipped, "flip-vertical") == half


@given(st.text(max_size=60), st.sampled_from(MOVES))
@settings(max_examples=200)
def test_any_text_is_left_alone_or_turned_there_and_back(text: str, move: Move) -> None:
    there = rewrite(text, move)
    if not find_directions(text):
        assert there == text
    if isinstance(there, str):
        assert rewrite(there, INVERSE[move]) == text


@given(sentences(), st.sampled_from(MOVES))
@settings(max_examples=200)
def test_every_direction_found_afterwards_points_where_the_move_takes_it(sentence: str, move: Move) -> None:
    there = rewrite(sentence, move)
    if isinstance(there, str):
        before = [one for one in find_directions(sentence) if isinstance(one, Direction)]
        after = [one for one in find_directions(there) if isinstance(one, Direction)]
        assert [one.way for one in after] == [moved_way(one.way, move) for one in before]
        assert [(one.frame, one.most) for one in after] == [(one.frame, one.most) for one in before]


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(0, 300)), draw(st.integers(0, 180))
    return left, top, left + draw(st.integers(1, 400 - left)), top + draw(st.integers(1, 200 - top))


@given(sentences(), boxes(), st.sampled_from(MOVES))
@settings(max_examples=400)
def test_a_rewritten_sentence_agrees_with_the_moved_box(sentence: str, box: Box, move: Move) -> None:
    there = rewrite(sentence, move)
    if isinstance(there, str):
        size = (400, 200) if move in ("flip-horizontal", "flip-vertical", "turn-180") else (200, 400)
        assert agrees(there, move_box(box, 400, 200, move), *size) == agrees(sentence, box, 400, 200)


@given(sentences(), boxes(), boxes(), st.sampled_from(MOVES))
@settings(max_examples=300)
def test_a_rewritten_relative_sentence_agrees_with_the_moved_reference(
    sentence: str, box: Box, reference: Box, move: Move
) -> None:
    there = rewrite(sentence, move)
    if isinstance(there, Uncertain):
        return
    moved, moved_reference = (move_box(one, 400, 200, move) for one in (box, reference))
    for before, after in zip(find_directions(sentence), find_directions(there), strict=True):
        if isinstance(before, Direction) and isinstance(after, Direction) and before.frame == "relative":
            assert agrees_relative(after.way, moved, moved_reference) == agrees_relative(before.way, box, reference)


@given(sentences(), st.integers(0, 50), boxes())
@settings(max_examples=300)
def test_a_swap_always_contradicts(sentence: str, seed: int, box: Box) -> None:
    swapped = swap(sentence, Draws(seed, 1))
    if isinstance(swapped, Uncertain):
        return
    pairs = zip(find_directions(sentence), find_directions(swapped), strict=True)
    changed = [(a, b) for a, b in pairs if isinstance(a, Direction) and isinstance(b, Direction) and a.text != b.text]
    assert len(changed) == 1
    before, after = changed[0]
    assert contradict(before.way, after.way)
    assert before.frame == after.frame
    if before.frame == "absolute" and not before.most:
        assert not all(agrees(text, box, 400, 200, slack=-0.001) for text in (sentence, swapped))
    pier = (90, 90, 110, 110)
    if before.frame == "relative":
        assert not (agrees_relative(before.way, box, pier) and agrees_relative(after.way, box, pier))


def test_a_swap_needs_something_to_swap() -> None:
    for sentence in (
        "the white ship",
        "the ship in the middle",
        "the second leftmost ship",
        "the second ship from the left",
        "ships on the left and on the right",
        "a road from north to south",
    ):
        assert isinstance(swap(sentence, Draws(1, 1)), Uncertain)
    assert swap("the ship on the left", Draws(1, 1)) == "the ship on the right"
    assert swap("the largest ship in the top center", Draws(1, 1)) == "the largest ship in the bottom center"


def test_agreement_by_hand() -> None:
    upper_left = (0.0, 0.0, 20.0, 20.0)
    assert agrees("the ship in the upper left corner", upper_left, 100, 100)
    assert not agrees("the ship in the upper right corner", upper_left, 100, 100)
    assert agrees("the ship", upper_left, 100, 100)
    assert agrees("the rightmost ship", upper_left, 100, 100)  # it compares; it may be left all the same
    assert not agrees("the ship in the middle of the image", upper_left, 100, 100)
    assert agrees("the ship in the middle of the image", (40.0, 40.0, 62.0, 58.0), 100, 100)
    assert agrees("the ship on the left", (43.0, 0.0, 63.0, 10.0), 100, 100)  # 3 of 100 beyond the middle: slack
    assert not agrees("the ship on the left", (46.0, 0.0, 66.0, 10.0), 100, 100)
    tank = (40.0, 40.0, 60.0, 60.0)
    assert agrees_relative((-1, None), upper_left, tank)
    assert agrees_relative((-1, -1), upper_left, tank)
    assert not agrees_relative((1, None), upper_left, tank)
    assert not agrees_relative((-1, None), (45.0, 0.0, 50.0, 10.0), tank)  # nearly straight above
    assert agrees_relative((0, 0), (45.0, 45.0, 50.0, 50.0), tank)


def test_boxes_move_by_hand() -> None:
    box = (10.0, 20.0, 30.0, 25.0)
    assert move_box(box, 100, 50, "flip-horizontal") == (70.0, 20.0, 90.0, 25.0)
    assert move_box(box, 100, 50, "flip-vertical") == (10.0, 25.0, 30.0, 30.0)
    assert move_box(box, 100, 50, "turn-90") == (25.0, 10.0, 30.0, 30.0)
    assert move_box(box, 100, 50, "turn-270") == (20.0, 70.0, 25.0, 90.0)
