"""Expressions taken apart: those of our templates come back whole, and strangers' are understood or confessed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draws import Draws
from engine.text.direction_words import Way
from engine.text.directions import contradict
from engine.text.expression_templates import LINKS, MOST, PATTERNS, WAYS_FROM, say
from engine.text.expression_words import NAMES
from engine.text.expressions import Parsed, Relation, Superlative, parse
from engine.text.negatives import OVERLAPPING, negatives
from engine.text.questions import Wording

STEPS = (-1, 0, 1)
CELLS: tuple[Way, ...] = tuple((x, y) for x in STEPS for y in STEPS)
SIDES: tuple[Way, ...] = ((-1, None), (1, None), (None, -1), (None, 1))


@st.composite
def things(draw: st.DrawFn, *, related: bool = True) -> Parsed:
    """Anything that templates can say."""
    name = draw(st.sampled_from(NAMES))
    said = draw(st.lists(st.sampled_from(("white", "grey", "dark", "large", "small")), unique=True, max_size=2))
    if name.category == "vehicle" and not name.kind and draw(st.booleans()):
        said.append(draw(st.sampled_from(("light-duty", "heavy-duty"))))
    if name.category == "road":
        said.append(draw(st.sampled_from(("wide", "narrow"))))
    plural = draw(st.booleans())
    most = (
        None
        if plural or draw(st.booleans())
        else Superlative(draw(st.sampled_from(sorted(MOST))), draw(st.integers(1, 3)))
    )
    thing = Parsed(name.category, tuple(sorted({*said, *filter(None, [name.kind])})), None, most, None, plural)
    if related:
        thing = replace(thing, position=draw(st.sampled_from((None, None, *CELLS, *SIDES))))
        thing = replace(thing, sensor=draw(st.sampled_from(("", "", "optical", "sar"))))
        if draw(st.booleans()):
            reference = draw(things(related=False))
            kind = draw(st.sampled_from(("direction", *LINKS)))
            way = draw(st.sampled_from(sorted(WAYS_FROM, key=str))) if kind == "direction" else None
            thing = replace(thing, relation=Relation(kind, reference, way))
    return thing


@given(things(), st.sampled_from(("train", "held-out")), st.integers(0, 10**6), st.sampled_from(("the", "a")))
@settings(max_examples=600)
def test_what_templates_say_is_read_as_it_was_meant(thing: Parsed, wording: Wording, seed: int, article: str) -> None:
    assert parse(say(thing, wording, Draws(seed, 1), article=article)) == thing


@given(things(), st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=300)
def test_held_out_expressions_are_never_heard_in_training(thing: Parsed, seed: int, other: int) -> None:
    assert say(thing, "train", Draws(seed, 1)) != say(thing, "held-out", Draws(other, 1))


def test_no_pattern_is_in_both_groups() -> None:
    for groups in (*PATTERNS.values(), *WAYS_FROM.values(), *LINKS.values()):
        assert not set(groups[0]) & set(groups[1])


def thing(category: str, *attributes: str, **parts: object) -> Parsed:
    return replace(Parsed(category, tuple(sorted(attributes))), **parts)  # type: ignore[arg-type]


STRANGERS: tuple[tuple[str, Parsed], ...] = (
    ("A plane", thing("airplane")),
    ("Aircraft on the left.", thing("airplane", position=(-1, None))),
    ("two oil tanks", thing("storage tank", plural=True, leftover=("two",), certain=False)),
    ("the big gray vessel in the harbour",
     thing("ship", "grey", "large", relation=Relation("in", thing("harbor")))),
    ("The baseball field at the bottom of the image is on the left of the tennis court",
     thing("baseball diamond", position=(None, 1), relation=Relation("direction", thing("tennis court"), (-1, None)))),
    ("a vehicle parked next to a white building",
     thing("vehicle", relation=Relation("beside", thing("building", "white")))),
    ("the T-junction above the lake", thing("T junction", relation=Relation("direction", thing("lake"), (None, -1)))),
    ("the second ship from the left", thing("ship", superlative=Superlative("leftmost", 2))),
    ("the leftmost of the ships in the SAR image",
     thing("ship", superlative=Superlative("leftmost"), plural=True, sensor="sar")),
    ("low vegetation surrounded by buildings",
     thing("grassland", relation=Relation("surrounded", thing("building", plural=True)))),
    ("light-weight vehicle in the parking area",
     thing("vehicle", "light-duty", relation=Relation("in", thing("parking lot")))),
    ("vehicles driving on the road", thing("vehicle", plural=True, relation=Relation("on", thing("road")))),
    ("the bridge over the river", thing("bridge", relation=Relation("over", thing("river")))),
    ("the ship below the north-western pier",
     thing("ship", relation=Relation("direction", thing("pier", position=(-1, -1)), (None, 1)))),
    ("the ship by the pier on the left",  # which of the two is on the left?
     thing("ship", relation=Relation("beside", thing("pier", position=(-1, None))), certain=False)),
    ("a funny red car", thing("vehicle", "car", "red", leftover=("funny",), certain=False)),
    ("the ship and the bridge", thing("ship", leftover=("bridge",), certain=False)),
    ("the ship that left the harbor", thing("ship", leftover=("left", "harbor"), certain=False)),
    ("the airplane facing north", thing("airplane", leftover=("facing", "north"), certain=False)),
    ("something on the left", thing("", position=(-1, None), leftover=("something",), certain=False)),
    ("", thing("", certain=False)),
)  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), STRANGERS)
def test_other_peoples_expressions(expression: str, expected: Parsed) -> None:
    assert parse(expression) == expected


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_any_text_can_be_parsed(text: str) -> None:
    parsed = parse(text)
    assert not parsed.certain or (parsed.category and not parsed.leftover)


@given(things(), st.sampled_from(("train", "held-out")), st.integers(0, 10**6))
@settings(max_examples=300)
def test_negatives_contradict(thing: Parsed, wording: Wording, seed: int) -> None:
    expression = say(thing, wording, Draws(seed, 1))
    for text in negatives(expression, Draws(seed, 2)):
        other = parse(text)
        assert other.certain
        if other.category != thing.category:
            assert not any({other.category, thing.category} <= group for group in OVERLAPPING)
            assert replace(other, category=thing.category, attributes=thing.attributes) == thing
        elif other.sensor != thing.sensor:
            assert {other.sensor, thing.sensor} == {"optical", "sar"}
            assert replace(other, sensor=thing.sensor) == thing
        else:
            assert any(contradict(a, b) for a, b in zip(ways(thing), ways(other), strict=True) if a and b)


def ways(thing: Parsed) -> list[Way | None]:
    """Every way that is said: of the place, the superlative, the relation, and the reference's superlative."""
    of = {"leftmost": (-1, None), "rightmost": (1, None), "topmost": (None, -1), "bottommost": (None, 1)}
    both = [thing, thing.relation.reference] if thing.relation else [thing]
    most = [one.superlative.kind if one.superlative else "" for one in both]
    return [thing.position, thing.relation.way if thing.relation else None, *(of.get(kind) for kind in most)]


def test_negatives_by_hand() -> None:
    assert negatives("the SAR tank on the left", Draws(1, 1))[:2] == (
        "the SAR tank on the right",
        "the optical tank on the left",
    )
    text = negatives("An airplane", Draws(4, 1))[-1]
    assert parse(text).category not in ("", "airplane")
    assert text.split()[0] == ("An" if text.split()[1][0] in "aeio" else "A")
    assert negatives("something", Draws(1, 1)) == ()
