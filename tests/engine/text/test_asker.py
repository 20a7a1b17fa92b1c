"""The asker on descriptions written by hand: what follows from a record is asked, what is unknown is not."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.draws import Draws
from engine.text import (
    ANSWERS,
    QUESTION_TYPES,
    Asker,
    Balance,
    Deduction,
    Description,
    Question,
    Relation,
    Subject,
    balance_of,
    count_outcomes,
)
from engine.text.cases import CASES

FULL = Description(
    match=True,
    weather="foggy",
    urban=False,
    theme="farmland",
    themes=(("farmland", True), ("airport", False)),
    main_cover="farmland",
    main_object="ship",
    subjects=(
        Subject("ship", present=True, cells=(("top", True), ("left", False)), count=5, distribution="scattered",
                quality="SAR image"),
        Subject("bridge", present=True, count=2, length_px=40.0),
        Subject("airplane", present=False, count=0),
        Subject("farmland", present=True, area_px=30000.0),
        Subject("water", present=True, area_px=6000.0),
        Subject("largest lake", location="top left", area_px=1500.0, shape="round"),
        Subject("river", length_px=260.0, shape="curved"),
    ),
    relations=(
        Relation("largest lake", "bridge", "left", 80.0),
        Relation("ship", "ship", None, 30.0),
    ),
    deduce=(Deduction("swim", "yes"), Deduction("", "no", "Is it safe to sail here?")),
)  # fmt: skip


def asked(description: Description, seed: int = 1, per_type: int = 100) -> list[Question]:
    return list(Asker(Draws(seed, 1), description, "train").ask(per_type))


def answers(kind: str, description: Description = FULL) -> list[tuple[str, tuple[str, ...], str]]:
    return sorted((case.template, case.slots, case.answer) for case in CASES[kind](description))


def test_all_types_are_asked_and_every_answer_is_of_the_vocabulary() -> None:
    questions = asked(FULL)
    assert {question.type for question in questions} == set(QUESTION_TYPES)
    assert {question.answer for question in questions} <= set(ANSWERS)
    assert len({(q.type, q.template, q.text) for q in questions}) == len(questions)


def test_nothing_is_asked_about_the_unknown() -> None:
    assert asked(Description()) == []
    assert {q.type for q in asked(Description(match=False, weather="dark"))} == {"match", "fog-dark"}
    assert asked(Description(subjects=(Subject("ship"),), relations=(Relation("lake", "ship"),))) == []


def test_answers_by_hand() -> None:
    assert answers("number") == [
        ("number", ("airplane",), "0"), ("number", ("bridge",), "2"), ("number", ("ship",), "5")
    ]  # fmt: skip
    assert answers("presence")[0] == ("presence", ("airplane",), "no")
    assert ("presence-in", ("ship", "left"), "no") in answers("presence")
    assert answers("location") == [
        ("location", ("largest lake",), "top left"),
        ("location-relative", ("largest lake", "bridge"), "left"),
        ("relation-check", ("largest lake", "bridge", "left"), "yes"),
        ("relation-check", ("largest lake", "bridge", "right"), "no"),
    ]
    assert answers("area") == [
        ("area", ("farmland",), "16000-32000 square pixels"),
        ("area", ("water",), "4000-8000 square pixels"),
        ("area-of", ("largest lake",), "1000-2000 square pixels"),
    ]
    assert answers("length") == [("length", ("bridge",), "25-50"), ("length", ("river",), "more than 250")]
    assert answers("distance") == [
        ("distance", ("largest lake", "bridge"), "75-100"), ("distance-between", ("ship",), "25-50")
    ]  # fmt: skip
    assert answers("quality") == [("quality", ("ship",), "SAR image"), ("quality-check", ("ship",), "no")]
    assert answers("urban") == [
        ("urban", (), "rural"), ("urban-check", ("rural",), "yes"), ("urban-check", ("urban",), "no")
    ]  # fmt: skip


def test_comparisons_agree_whichever_is_named_first() -> None:
    found = {(template, slots): answer for template, slots, answer in answers("compare")}
    assert found["compare-count", ("ship", "bridge")] == "yes"
    assert found["compare-count", ("bridge", "ship")] == "no"
    assert found["compare-count-word", ("bridge", "ship")] == "less"
    assert found["compare-area-word", ("farmland", "water")] == "larger"
    assert found["compare-which", ("water", "farmland")] == "farmland"
    assert ("compare-length", ("bridge", "river")) not in found  # that is obvious
    assert not any("airplane" in slots for _, slots in found)  # none of them: presence asks that


@pytest.mark.parametrize(
    ("one", "other", "word"), [(4, 4, "equal"), (4, 3, "more"), (5, 4, None), (12, 16, "less"), (12, 14, None)]
)
def test_numbers_too_near_to_each_other_are_not_compared(one: int, other: int, word: str | None) -> None:
    subjects = (Subject("ship", count=one), Subject("vehicle", count=other))
    found = [answer for template, slots, answer in answers("compare", Description(subjects=subjects))
             if template == "compare-count-word" and slots == ("ship", "vehicle")]  # fmt: skip
    assert found == ([word] if word else [])


def test_lengths_are_compared_where_they_are_of_one_order() -> None:
    subjects = (Subject("bridge", length_px=40.0), Subject("ship", length_px=20.0), Subject("pier", length_px=21.0))
    found = {slots: answer for _, slots, answer in answers("compare", Description(subjects=subjects))}
    assert found == {
        ("bridge", "ship"): "yes", ("ship", "bridge"): "no", ("bridge", "pier"): "yes", ("pier", "bridge"): "no"
    }  # fmt: skip


def test_a_kind_is_not_compared_with_its_class() -> None:
    subjects = (Subject("ship", count=5), Subject("boat", count=2), Subject("cargo ship", count=3))
    pairs = {frozenset(slots) for _, slots, _ in answers("compare", Description(subjects=subjects))}
    assert pairs == {frozenset(("boat", "cargo ship"))}


def test_a_hand_written_deduction_is_asked_as_it_stands() -> None:
    assert Question("Is it safe to sail here?", "no", "deduce", "") in asked(FULL)


def test_wordings_and_seeds_decide_words_and_choice() -> None:
    train = Asker(Draws(7, 1), FULL, "train").ask(2)
    held_out = Asker(Draws(7, 1), FULL, "held-out").ask(2)
    assert [(q.answer, q.template) for q in train] == [(q.answer, q.template) for q in held_out]
    assert not {q.text for q in train if q.template} & {q.text for q in held_out if q.template}
    assert train == Asker(Draws(7, 1), FULL, "train").ask(2)
    assert train != Asker(Draws(8, 1), FULL, "train").ask(2)


@given(st.integers(0, 5), st.integers(0, 2**20))
@settings(max_examples=40)
def test_no_more_than_wanted_per_type(per_type: int, seed: int) -> None:
    counts = Counter(question.type for question in asked(FULL, seed, per_type))
    assert all(count <= per_type for count in counts.values())


# ---- balance


def world(draws: Draws) -> Description:
    """Ships are rare, forests common, and by night all things are hidden."""
    ships = draws.choice((1, 2, 3)) if draws.chance(0.15) else 0
    sensor = "SAR image" if draws.chance(0.25) else "both"
    forests = draws.chance(0.9)
    names = ("bridge", "building", "airplane", "storage tank", "harbor")
    return Description(
        match=not draws.chance(0.1),
        subjects=(
            Subject("ship", present=ships > 0, count=ships),
            Subject("forest", present=forests),
            *(Subject(name, quality=sensor) for name in names),
        ),
    )


def test_balance_takes_the_answer_out_of_the_words() -> None:
    descriptions = [world(Draws(seed, 9)) for seed in range(3000)]
    balance = balance_of(count_outcomes(descriptions), rare=20)
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for seed, description in enumerate(descriptions):
        for question in Asker(Draws(seed, 10), description, "train", balance).ask(1):
            heard[question.template][question.answer] += 1
    assert set(heard) == {"presence", "number", "match", "quality", "quality-check"}
    for template, counter in heard.items():
        assert max(counter.values()) / counter.total() < 0.6, (template, counter)
        assert counter.total() > 150, (template, counter)


def test_what_gives_itself_away_or_was_never_counted_is_not_asked() -> None:
    always = [Description(match=True, urban=seed % 2 == 0) for seed in range(100)]
    balance = balance_of(count_outcomes(always), rare=20)
    assert "match" not in balance.chances
    assert balance.chances["urban"] == {}
    asker = Asker(Draws(1, 1), FULL, "train", Balance({"match": {"yes": 0}, "urban": {}}))
    assert {question.template for question in asker.ask(3)} == {"urban", "urban-check"}


def test_a_balance_is_counted_once_per_description() -> None:
    counted = count_outcomes([FULL, FULL])
    assert counted["number ship"] == Counter({"5": 2})
    assert counted["relation-check"] == Counter({"yes": 2, "no": 2})


@pytest.mark.parametrize(("counts", "shares"), [({"yes": 90, "no": 10}, (10, 10)), ({"yes": 50, "no": 50}, (50, 50))])
def test_the_frequent_outcome_is_asked_as_often_as_the_other(counts: dict[str, int], shares: tuple[int, int]) -> None:
    chances = balance_of({"a": Counter(counts)}, rare=1).chances["a"]
    kept = tuple(round(count * chances.get(outcome, 1000) / 1000) for outcome, count in counts.items())
    assert kept == shares
