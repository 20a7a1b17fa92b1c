"""Words alone must not give the answer away: the guess per type, over many scenes, from truth without pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable

import pytest

from engine.draws import Draws, SteadyGenerator
from engine.scenes import Question, make_truth
from engine.scenes.balance import BALANCE
from engine.text import ANSWERS, QUESTION_TYPES, TEMPLATES, Wording, normalise
from tests.engine.scenes.recount import meaning

FIRST_SEED = 800_000
FAST, ALL = 150, 1200
MOST_GUESSED = 0.6
SLACK_FAST = 0.1
"""A few hundred questions of a type leave the guess uncertain by this much; over all scenes the limit is strict."""


def questions_of(seeds: range, per_type: int, wording: Wording = "train") -> list[Question]:
    return [q for seed in seeds for q in make_truth(seed, wording=wording, questions_per_type=per_type).questions]


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return questions_of(range(FIRST_SEED, FIRST_SEED + FAST), 2)


def guess(questions: list[Question], key: Callable[[Question], Hashable]) -> float:
    """Accuracy of giving the most frequent answer of each ``key``, fitted on one half of the questions for the other.

    Fitted and scored on the same questions, a key that occurs once would always be guessed right.
    """
    right = 0
    half = len(questions) // 2
    for fitted, scored in ((questions[:half], questions[half:]), (questions[half:], questions[:half])):
        answers: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for question in fitted:
            answers[key(question)][question.answer] += 1
        best = {one: counter.most_common(1)[0][0] for one, counter in answers.items()}
        right += sum(best.get(key(question)) == question.answer for question in scored)
    return right / len(questions)


def subjects(question: Question) -> Hashable:
    """Template, nouns and tested word: all that the words of a question say about its answer."""
    return (question.template, *meaning(question))


def judge(questions: list[Question], kind: str, limit: float, least: int) -> None:
    """Both guesses below ``limit``, and two answers or more in over 5 % of the questions of a type."""
    of_type = [question for question in questions if question.type == kind]
    assert len(of_type) >= least
    assert guess(of_type, lambda question: question.template) < limit
    assert guess(of_type, subjects) < limit
    shares = Counter(question.answer for question in of_type)
    assert sum(count > 0.05 * len(of_type) for count in shares.values()) >= 2
    assert set(shares) <= set(ANSWERS)


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_the_guess_is_bounded(kind: str, questions: list[Question]) -> None:
    judge(questions, kind, MOST_GUESSED + SLACK_FAST, FAST // 10)


@pytest.mark.slow
def test_the_guess_is_bounded_over_many_scenes() -> None:
    many = questions_of(range(FIRST_SEED, FIRST_SEED + ALL), 1)
    for kind in QUESTION_TYPES:
        judge(many, kind, MOST_GUESSED, ALL // 10)
    assert guess(many, subjects) < 0.45
    assert {question.template for question in many} == set(TEMPLATES)
    assert len(set(many_answers := [question.answer for question in many])) > 0.9 * len(ANSWERS), Counter(many_answers)


def test_answers_of_yes_and_no_are_even(questions: list[Question]) -> None:
    """Semantically opposite answers have equivalent counts (TGFNet, section IV-C)."""
    shares = Counter(question.answer for question in questions)
    for one, other in (("yes", "no"), ("larger", "smaller"), ("more", "less")):
        assert 0.4 < shares[one] / (shares[one] + shares[other]) < 0.6, (one, shares)


def test_places_are_even(questions: list[Question]) -> None:
    shares = Counter(question.answer for question in questions if question.template == "location")
    assert len(shares) == 9
    assert max(shares.values()) / shares.total() < 0.25


def test_nothing_is_asked_that_was_not_counted(questions: list[Question]) -> None:
    assert len(BALANCE.chances) > 200
    assert all(0 < chance <= 1000 for outcomes in BALANCE.chances.values() for chance in outcomes.values())
    presence = {meaning(question)[0] for question in questions if question.template == "presence"}
    assert {f"presence {name}" for name in presence} <= set(BALANCE.chances)


def test_held_out_wordings_stay_out_of_training(questions: list[Question]) -> None:
    held_out = questions_of(range(FIRST_SEED, FIRST_SEED + 12), 2, "held-out")
    assert not {normalise(q.text) for q in held_out} & {normalise(q.text) for q in questions}
    same = questions_of(range(FIRST_SEED, FIRST_SEED + 12), 2)
    assert [(q.answer, q.template) for q in same] == [(q.answer, q.template) for q in held_out]


def test_draws_are_uniform_and_named_streams_differ() -> None:
    draws = Draws(1, 1)
    units = [draws.unit() for _ in range(4000)]
    assert sum(units) / len(units) == pytest.approx(0.5, abs=0.02)
    assert {draws.below(7) for _ in range(150)} == set(range(7))
    assert [Draws(1, 1).unit(), Draws(1, 2).unit()] != [Draws(1, 1).unit()] * 2
    picked = Counter(draws.weighted("abc", (1, 0, 3)) for _ in range(2000))
    assert picked["b"] == 0
    assert picked["c"] / picked["a"] == pytest.approx(3, rel=0.25)
    assert sorted(draws.sample([1, 2, 3], 5)) == [1, 2, 3]


def test_steady_noise_is_made_of_raw_integers() -> None:
    rng = SteadyGenerator(3, 1)
    normal, even = rng.standard_normal((200, 200)), rng.random(40_000)
    assert normal.mean() == pytest.approx(0, abs=0.02)
    assert normal.std() == pytest.approx(1, abs=0.02)
    assert even.min() >= 0
    assert even.max() < 1
    assert even.mean() == pytest.approx(0.5, abs=0.01)
    raw = Draws(3, 1)
    again = SteadyGenerator(3, 1)
    assert again.random() == (raw._bits.random_raw() >> 32) * 2.0**-32
    parts = raw._bits.random_raw()
    total = sum((parts >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
    assert again.standard_normal() == pytest.approx((total - 2 * 65535) / (65536 * (1 / 3) ** 0.5))
