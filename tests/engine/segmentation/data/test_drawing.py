"""Every expression in turn, whoever draws; shares of the data lie inside each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from engine.errors import UsageError
from engine.segmentation.data.drawing import BatchSettings, TrainingOrder, only_share
from engine.training.visiting import share_of
from tests.engine.segmentation.known_set import known_set


def visits(order, steps):
    return [item for step in range(steps) for item in order.items(step)]


@pytest.mark.parametrize("areas", [1, 4, 7])
def test_with_one_expression_a_visit_each_comes_once_before_one_comes_twice(areas):
    training = known_set(6)  # two expressions each
    order = TrainingOrder(training, BatchSettings(areas), seed=3)
    assert len(order) == 12
    asked = [row for item in visits(order, -(-60 // areas)) for row in item.expressions]
    rounds = [asked[first : first + 12] for first in range(0, 60, 12)]
    assert all(sorted(one) == list(range(12)) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 3  # each in an order of its own


@pytest.mark.parametrize("expressions", [2, 3])
def test_with_several_a_visit_has_those_of_one_area_and_a_round_has_all(expressions):
    whole = known_set(6)
    training = replace(whole, expressions=(*whole.expressions, *whole.expressions[:6]))  # of three areas there are 4
    order = TrainingOrder(training, BatchSettings(4, expressions), seed=3)
    per_round = 3 * 2 + 3 if expressions == 2 else 3 * 2 + 3 * 1
    assert len(order) == per_round
    for round_ in (0, 1, 2):
        items = visits(order, 12)[round_ * per_round : (round_ + 1) * per_round]
        assert {row for item in items for row in item.expressions} == set(range(len(training.expressions)))
        for item in items:
            assert len(item.expressions) == expressions
            assert {training.expressions[row].area for row in item.expressions} == {item.area}
            own = [row for row, one in enumerate(training.expressions) if one.area == item.area]
            assert len(set(item.expressions)) == min(expressions, len(own))  # none twice where there are enough


def test_who_shares_a_visit_changes_from_round_to_round():
    whole = known_set(2)
    training = replace(whole, expressions=whole.expressions[:2] * 3)  # six of one area
    items = visits(TrainingOrder(training, BatchSettings(1, 2), seed=0), 60)
    assert len({frozenset(item.expressions) for item in items}) > 10  # of fifteen pairs


def test_a_step_is_a_function_of_its_number():
    first, second = (TrainingOrder(known_set(6), BatchSettings(4, 2), seed=3) for _ in range(2))
    later = [second.items(step) for step in (5, 2, 5)]
    assert later == [first.items(step) for step in (5, 2, 5)]
    assert first.items(5) != TrainingOrder(known_set(6), BatchSettings(4, 2), seed=4).items(5)
    seeds = [item.seed for item in visits(first, 20)]
    assert len(set(seeds)) == len(seeds)


def test_balance_asks_for_both_sensors_equally_often():
    whole = known_set(8)
    expressions = tuple(
        replace(one, sensor="sar" if number == 3 else "optical") for number, one in enumerate(whole.expressions)
    )
    training = replace(whole, expressions=expressions)
    asked = visits(TrainingOrder(training, BatchSettings(4, balance="sensor"), 3), 15)
    sensors = Counter(training.expressions[row].sensor for item in asked for row in item.expressions)
    assert sensors == {"optical": 30, "sar": 30}
    plain = visits(TrainingOrder(training, BatchSettings(4), 3), 16)
    assert Counter(training.expressions[row].sensor for item in plain for row in item.expressions)["sar"] == 4


def test_of_a_balanced_area_no_visit_mixes_sensors():
    whole = known_set(4)
    expressions = tuple(
        replace(one, sensor=("sar", "optical")[number % 2]) for number, one in enumerate(whole.expressions)
    )
    training = replace(whole, expressions=expressions * 2)
    for item in visits(TrainingOrder(training, BatchSettings(2, 2, balance="sensor"), 3), 8):
        assert len({training.expressions[row].sensor for row in item.expressions}) == 1


def test_expressions_without_foreground_are_not_asked_and_areas_without_expressions_not_visited():
    whole = known_set(4)
    expressions = tuple(replace(one, parts=0) if one.area == 2 else one for one in whole.expressions)
    order = TrainingOrder(replace(whole, expressions=expressions), BatchSettings(3), seed=0)
    assert {item.area for item in visits(order, 6)} == {0, 1, 3}
    with pytest.raises(UsageError, match="no area has an expression"):
        TrainingOrder(replace(whole, expressions=()), BatchSettings(3), seed=0)


def test_a_share_is_by_name_and_of_the_rest_nothing_is_read():
    training = known_set(40)
    chosen = set(share_of(training.names, 0.3).tolist())
    trained = [
        {item.area for item in visits(TrainingOrder(training, BatchSettings(4, share=0.3), seed), 6)} for seed in (0, 1)
    ]
    assert trained[0] == trained[1] == chosen
    left = only_share(training, 0.3)
    assert {one.area for one in left.expressions} == chosen
    assert left.names == training.names
    assert only_share(training, 1.0) == training


@pytest.mark.parametrize("wrong", [{"areas": 0}, {"expressions": 0}, {"share": 0.0}, {"share": 1.5}])
def test_numbers_without_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        BatchSettings(**wrong)
