"""Words alone must not give the answer away: the guess per type, over many scenes, from truth without pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable

import pytest

from engine.scenes import Question
from engine.draws import Draws
from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_items
from engine.scenes.sample import draw_condition
from engine.scenes.truth import Asker, read_truth
from engine.text import ANSWERS, NOUNS, QUESTION_TYPES, TEMPLATES, Wording, normalise

SCENES = 1000


def questions_of(seeds: range, wording: Wording) -> list[Question]:
    made: list[Question] = []
    for seed in seeds:
        scene = make_scene(seed)
        truth = read_truth(scene, paint_items(scene.items, scene.size))
        made += Asker(seed, truth, draw_condition(seed).weather, wording).ask(1)
    return made


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return questions_of(range(SCENES), "train")


def guess(questions: list[Question], key: Callable[[Question], Hashable]) -> float:
    """Accuracy of giving the most frequent answer of each ``key``, fitted on one half of the questions for the other.

    Fitted and scored on the same questions, a key that occurs once would always be guessed right.
    """
    right = 0
    for fitted, scored in ((0, 1), (1, 0)):
        answers: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for question in questions[fitted::2]:
            answers[key(question)][question.answer] += 1
        best = {one: counter.most_common(1)[0][0] for one, counter in answers.items()}
        right += sum(best.get(key(question)) == question.answer for question in questions[scored::2])
    return right / len(questions)


def subjects(question: Question) -> Hashable:
    """Template and the nouns in the text, in order: all that the words of a question say about its answer."""
    text = f" {normalise(question.text)} "
    forms = {form: name for name, noun in NOUNS.items() for form in (noun.any, noun.many, noun.the, noun.mass)}
    found = []
    for form in sorted(forms, key=len, reverse=True):
        needle = f" {normalise(form)} "
        while needle in text:
            found.append((text.index(needle), forms[form]))
            text = text.replace(needle, " " + "#" * (len(needle) - 2) + " ", 1)
    state = [word for word in ("cloudy", "dark", "clear") if question.template == "weather-check" and word in text]
    return (question.template, *(name for _, name in sorted(found)), *state)


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_guess_per_type_is_bounded(kind: str, questions: list[Question]) -> None:
    of_type = [q for q in questions if q.type == kind]
    assert len(of_type) > 0.8 * SCENES
    assert guess(of_type, lambda q: q.template) < 0.6
    assert guess(of_type, subjects) < 0.6


def test_guess_overall_is_bounded(questions: list[Question]) -> None:
    assert guess(questions, subjects) < 0.45


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_answers_are_spread(kind: str, questions: list[Question]) -> None:
    shares = Counter(q.answer for q in questions if q.type == kind)
    total = sum(shares.values())
    assert set(shares) <= set(ANSWERS)
    assert sum(count > 0.05 * total for count in shares.values()) >= 2
    if kind == "presence":
        assert shares["yes"] / total == pytest.approx(0.5, abs=0.04)
    if kind == "number":
        assert max(shares.values()) / total < 0.3
    if kind == "location":
        assert len(shares) == 9
        assert min(shares.values()) / total > 0.06


def test_presence_of_one_class_is_not_told_by_its_name(questions: list[Question]) -> None:
    by_class: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for question in questions:
        if question.type == "presence":
            by_class[subjects(question)][question.answer] += 1
    assert len(by_class) == 14
    for name, counter in by_class.items():
        assert max(counter.values()) / sum(counter.values()) < 0.7, (name, counter)


def test_held_out_wordings_stay_out_of_training(questions: list[Question]) -> None:
    held_out = questions_of(range(150), "held-out")
    assert not {normalise(q.text) for q in held_out} & {normalise(q.text) for q in questions}
    assert {q.template for q in held_out} == set(TEMPLATES)


def test_wording_changes_no_answer() -> None:
    train, held_out = questions_of(range(40), "train"), questions_of(range(40), "held-out")
    assert [(q.answer, q.template) for q in train] == [(q.answer, q.template) for q in held_out]


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
