"""Which views and questions a step gets: evenly, purely, and nothing that cannot be answered."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import UsageError
from engine.vqa.augment import AugmentSettings
from engine.vqa.data.drawing import BatchSettings, TrainingOrder
from engine.vqa.data.question_set import ABOUT_THE_WEATHER, AskedQuestion
from tests.engine.vqa.data.sets import TYPES, noise_set

WHOLE = AugmentSettings(drop_sensor=0)


def order_of(questions, batch, seed=1, usable=None):
    everything = np.ones(len(questions.questions), bool)
    return TrainingOrder(questions, batch, seed, everything if usable is None else usable)


def drawn(order, steps):
    return [item for step in range(steps) for item in order.items(step)]


def test_every_view_comes_once_in_a_round_and_every_question_as_often():
    """5 views in batches of 4, 2 of 6 questions at a time: after 3 rounds each question was asked once."""
    order = order_of(noise_set(views=5, questions=6), BatchSettings(views=5, questions=2, augment=WHOLE))
    for first in range(0, 6, 3):
        items = drawn(order, 6)[5 * first : 5 * (first + 3)]
        assert Counter(item.view for item in items) == dict.fromkeys(range(5), 3)
        assert Counter(int(q) for item in items for q in item.questions) == dict.fromkeys(range(30), 1)
    rounds = [[item.view for item in order.items(step)] for step in range(6)]
    assert len({tuple(each) for each in rounds}) > 1  # in another order each time
    across = drawn(order_of(noise_set(views=5), BatchSettings(views=4, questions=2, augment=WHOLE)), 5)
    assert Counter(item.view for item in across) == dict.fromkeys(range(5), 4)


def test_views_and_not_questions_come_equally_often():
    """A view with two questions and one with six, both asked as often: each of the two, three times as often."""
    questions = noise_set(views=2, questions=6)
    few = replace(questions, questions=tuple(q for i, q in enumerate(questions.questions) if i < 2 or q.scene))
    items = drawn(order_of(few, BatchSettings(views=2, questions=2, augment=WHOLE)), 3)
    asked = Counter(int(q) for item in items for q in item.questions)
    assert [asked[q] for q in range(8)] == [3, 3, 1, 1, 1, 1, 1, 1]


def test_a_step_follows_from_seed_and_number_alone():
    questions = noise_set(views=5, questions=7, variants=("cloud",), types=TYPES)
    batch = BatchSettings(views=3, questions=2, variant_share=0.5, balance="answer")

    def said(seed, steps):
        order = order_of(questions, batch, seed)
        return {step: repr(order.items(step)) for step in steps}

    assert said(1, range(9)) == said(1, range(8, -1, -1))
    assert said(1, range(9)) != said(2, range(9))


def test_what_a_missing_sensor_would_have_to_show_is_not_asked():
    questions = noise_set(views=4, questions=10, types=TYPES)
    order = order_of(questions, BatchSettings(views=4, questions=2, augment=AugmentSettings(drop_sensor=1)))
    seen = {missing: set() for missing in ("optical", "sar")}
    for item in drawn(order, 30):
        (missing,) = item.missing
        seen[missing] |= {questions.questions[q].type for q in item.questions}
    assert seen["optical"] == {"presence", "number"}
    assert seen["sar"] == {"presence", "number", "fog-dark"}


def test_a_view_of_which_nothing_would_be_left_to_ask_is_shown_whole():
    questions = noise_set(types=("match",))
    order = order_of(questions, BatchSettings(views=4, questions=2, augment=AugmentSettings(drop_sensor=1)))
    assert all(item.missing == () for item in drawn(order, 5))


def test_the_only_sensor_of_a_view_is_never_taken_away():
    one = np.zeros((4, 64, 64), bool)
    order = order_of(noise_set(sar_valid=one), BatchSettings(views=4, augment=AugmentSettings(drop_sensor=1)))
    assert all(item.missing == () for item in drawn(order, 5))


def test_variants_are_drawn_as_often_as_asked_and_never_with_a_question_on_the_weather():
    exists = np.ones((4, 3), bool)
    exists[2, 1:] = False  # this view is adverse already
    questions = noise_set(questions=10, types=TYPES, variants=("cloud", "fog"), exists=exists)
    order = order_of(questions, BatchSettings(views=4, questions=2, variant_share=0.5, augment=WHOLE))
    items = drawn(order, 200)
    share = np.mean([item.variant > 0 for item in items if item.view != 2])
    assert share == pytest.approx(0.5, abs=0.06)
    assert {item.variant for item in items} == {0, 1, 2}
    assert all(item.variant == 0 for item in items if item.view == 2)
    types = {questions.questions[q].type for item in items if item.variant for q in item.questions}
    assert not types & set(ABOUT_THE_WEATHER)
    assert all(item.weather is None for item in items)


def test_a_set_without_variants_has_weather_put_on_what_is_clear():
    questions = noise_set(questions=10, types=TYPES, weather=("clear", "", "cloud", "dark"))
    order = order_of(questions, BatchSettings(views=4, questions=2, variant_share=1.0, augment=WHOLE))
    items = drawn(order, 30)
    assert {item.weather for item in items if item.view < 2} == {"cloud", "fog", "dark"}
    assert all(item.weather is None for item in items if item.view >= 2)
    types = {questions.questions[q].type for item in items if item.weather for q in item.questions}
    assert not types & set(ABOUT_THE_WEATHER)


@pytest.mark.parametrize("balance", ["type", "answer"])
def test_balance_weighs_by_the_root_of_how_rare_a_group_is(balance):
    """16 of one kind and 1 of another in every view: weights 1/√64 and 1/√4 make the rare one 4 times as likely."""
    questions = noise_set(views=4, questions=17)
    rare = [AskedQuestion(q.scene, q.text, "no", "number") for q in questions.questions[::17]]
    common = [AskedQuestion(q.scene, q.text, "yes", "presence") for i, q in enumerate(questions.questions) if i % 17]
    questions = replace(questions, questions=(*rare, *common))
    order = order_of(questions, BatchSettings(views=4, questions=1, balance=balance, augment=WHOLE))
    counts = Counter(questions.questions[item.questions[0]].type for item in drawn(order, 300))
    assert counts["number"] / counts.total() == pytest.approx(4 / (4 + 16), abs=0.04)


def test_a_view_with_few_questions_repeats_them():
    order = order_of(noise_set(views=2, questions=2), BatchSettings(views=2, questions=5, augment=WHOLE))
    assert all(len(item.questions) == 5 for item in drawn(order, 3))


def test_questions_that_may_not_be_asked_are_not():
    questions = noise_set(views=2, questions=4)
    usable = np.array([True, False, True, False, False, False, False, False])
    items = drawn(order_of(questions, BatchSettings(views=3, questions=2, augment=WHOLE), usable=usable), 4)
    assert {int(q) for item in items for q in item.questions} == {0, 2}
    with pytest.raises(UsageError, match="nothing to train on"):
        order_of(questions, BatchSettings(), usable=np.zeros(8, bool))
