"""Turned copies: every sentence that is kept is true of the moved box, judged here by other means than there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.building.augmenting import MOVES, Copy, Refused, augment, turn_picture, turn_row
from engine.datasets.building.pictures import Picture
from engine.datasets.dataset import BoxRow, Origin
from engine.draws import Draws
from engine.text.directions import Move

SIZE = 100
Box = tuple[float, float, float, float]


def row(expression: str, box: Box, category: str = "ship") -> BoxRow:
    return BoxRow("a.png", "train", expression, box, category, "optical", Origin(Path("train.json")))


def picture(*rows: BoxRow, label: str = "rsvgd/a.png") -> Picture:
    return Picture("rsvgd", label, Path("a.png"), "optical", SIZE, SIZE, label.encode(), rows)


def moved_by_hand(box: Box, move: Move) -> Box:
    left, top, right, bottom = box
    if move != "flip-vertical":
        left, right = SIZE - right, SIZE - left
    if move != "flip-horizontal":
        top, bottom = SIZE - bottom, SIZE - top
    return left, top, right, bottom


def middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


BOXES = st.builds(
    lambda x, y, w, h: (float(x), float(y), float(x + w), float(y + h)),
    st.integers(0, 80), st.integers(0, 80), st.integers(4, 20), st.integers(4, 20),
)  # fmt: skip
SIDES = st.sampled_from(("left", "right", "top", "bottom", "top left", "top right", "bottom left", "bottom right"))


@settings(max_examples=150)
@given(BOXES, SIDES, st.sampled_from(MOVES))
def test_a_place_that_is_kept_is_true_of_the_moved_box(box: Box, side: str, move: Move) -> None:
    """Each side word that the turned sentence has is held against the moved centre; true sentences are all kept."""
    x, y = middle(box)
    true = {"left": x < 50, "right": x > 50, "top": y < 50, "bottom": y > 50}
    only = row(f"The ship on the {side} of the image", box)
    turned = turn_row(only, picture(only), move)
    if all(true[word] for word in side.split()):
        assert not isinstance(turned, Refused)
    if isinstance(turned, Refused):
        return
    assert turned.box_xyxy_px == moved_by_hand(box, move)
    x, y = middle(turned.box_xyxy_px)
    slack = 5
    there = {"left": x <= 50 + slack, "right": x >= 50 - slack, "top": y <= 50 + slack, "bottom": y >= 50 - slack}
    said = [word for word in ("left", "right", "top", "bottom") if word in turned.expression]
    assert len(said) == len(side.split())
    assert all(there[word] for word in said)


@settings(max_examples=150)
@given(BOXES, BOXES, st.sampled_from(("to the left of", "to the right of", "above", "below")), st.sampled_from(MOVES))
def test_a_relation_that_is_kept_is_true_of_the_moved_boxes(box: Box, tank: Box, words: str, move: Move) -> None:
    """The angle between the two centres, by hand: within 60 degrees of what is said, before and after."""
    things = row(f"The ship {words} the tank", box), row("The storage tank", tank, "storage tank")
    turned = turn_row(things[0], picture(*things), move)
    if isinstance(turned, Refused):
        return
    x, y = (a - b for a, b in zip(middle(turned.box_xyxy_px), middle(moved_by_hand(tank, move)), strict=True))
    along, across = {
        "to the left of": (-x, y),
        "to the right of": (x, y),
        "above": (-y, x),
        "below": (y, x),
    }[next(said for said in ("to the left of", "to the right of", "above", "below") if said in turned.expression)]
    assert along > 0
    assert abs(across) <= along * 3**0.5 + 1e-6


@pytest.mark.parametrize(
    ("sentence", "others", "kind"),
    [
        ("The ship on the right of the image", [], "the box is not where the sentence says"),
        ("The ship to the left of the road", [], "the thing that a relative direction is seen from is not known"),
        ("The ship left of the tank", [(60, 10, 70, 20), (60, 30, 70, 40)],
         "the thing that a relative direction is seen from is not known"),
        ("The ship to the right of the tank", [(60, 10, 70, 20)],
         "the box does not lie so from the thing that the sentence names"),
        ("The ship facing north", [], "not certain"),
        ("The ship left the harbor", [], "not certain"),
    ],
)  # fmt: skip
def test_what_cannot_be_sure_is_refused_and_named(sentence: str, others: list[Box], kind: str) -> None:
    tanks = [row(f"tank {number}", box, "storage tank") for number, box in enumerate(others)]
    first = row(sentence, (10, 10, 20, 20))
    copy, refused = turn_picture(picture(first, *tanks), "flip-horizontal")
    assert [(one.sentence, one.kind) for one in refused] == [(sentence, kind)]
    assert len(copy.rows) == len(tanks)


def test_the_one_of_several_that_the_sentence_is_true_of_is_meant() -> None:
    tanks = [row("tank", box, "storage tank") for box in ((60, 10, 70, 20), (10, 60, 20, 70))]
    first = row("The ship above the tank", (10, 10, 20, 20))
    turned = turn_row(first, picture(first, *tanks), "turn-180")
    assert not isinstance(turned, Refused)
    assert turned.expression == "The ship below the tank"


def test_superlatives_are_held_against_their_class() -> None:
    first, second = row("The leftmost ship", (10, 10, 20, 20)), row("The ship", (60, 10, 70, 20))
    tank = row("A tank", (1, 1, 5, 5), "storage tank")
    turned = turn_row(first, picture(first, second, tank), "flip-horizontal")
    assert not isinstance(turned, Refused)
    assert turned.expression == "The rightmost ship"
    wrong = row("The leftmost ship", (60, 10, 70, 20))
    refused = turn_row(wrong, picture(wrong, row("The ship", (10, 10, 20, 20))), "flip-horizontal")
    assert isinstance(refused, Refused)
    assert refused.kind == "another thing of its class lies further out"


def test_the_second_of_an_order_is_not_taken_for_the_first() -> None:
    first = row("The leftmost ship", (10, 10, 20, 20))
    for sentence, expected in (
        ("The second ship from the left", "The second ship from the right"),
        ("The second leftmost ship", "The second rightmost ship"),
    ):
        counted = row(sentence, (60, 10, 70, 20))
        turned = turn_row(counted, picture(counted, first), "flip-horizontal")
        assert not isinstance(turned, Refused)
        assert turned.expression == expected


def test_copies_are_made_for_rare_classes_only_and_each_move_once() -> None:
    common = [picture(row("A ship", (1, 1, 9, 9)), row("One ship", (20, 1, 29, 9)), label=str(n)) for n in range(30)]
    rare = picture(row("A bridge", (1, 1, 9, 9), "bridge"), label="bridge")
    made = list(augment([*common, rare], Draws(0, 0)))
    assert [(one.picture.label, one.move) for one in made if isinstance(one, Copy)] == [
        ("bridge", move) for move in MOVES
    ]
    assert len(made) == 3


def test_a_picture_without_a_sentence_of_the_rare_class_left_is_not_copied() -> None:
    common = [picture(row("A ship", (1, 1, 9, 9)), label=str(number)) for number in range(20)]
    rare = picture(row("A bridge facing north", (1, 1, 9, 9), "bridge"), row("A ship", (20, 1, 29, 9)), label="bridge")
    assert {type(one) for one in augment([*common, rare], Draws(0, 0))} == {Refused}
