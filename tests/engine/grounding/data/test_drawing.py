"""Every picture in turn, whoever draws; shares of the data lie inside each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from engine.errors import UsageError
from engine.grounding.data.drawing import MOSAIC_PARTNERS, BatchSettings, TrainingOrder, only_share
from engine.training.visiting import share_of
from tests.engine.grounding.known_set import known_set


def visits(order, steps):
    return [item for step in range(steps) for item in order.items(step)]


@pytest.mark.parametrize("pictures", [1, 4, 7])
def test_every_picture_comes_once_before_one_comes_twice(pictures):
    order = TrainingOrder(known_set(10), BatchSettings(pictures=pictures), seed=3)
    seen = [item.picture for item in visits(order, -(-70 // pictures))]
    rounds = [seen[first : first + 10] for first in range(0, 70, 10)]
    assert len(rounds) == 7
    assert all(sorted(one) == list(range(10)) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 3  # each in an order of its own


def test_a_step_is_a_function_of_its_number():
    first, second = (TrainingOrder(known_set(10), BatchSettings(pictures=4), seed=3) for _ in range(2))
    later = [second.items(step) for step in (5, 2, 5)]
    assert later == [first.items(step) for step in (5, 2, 5)]
    assert first.items(5) != TrainingOrder(known_set(10), BatchSettings(pictures=4), seed=4).items(5)


def test_every_visit_has_a_seed_of_its_own_and_partners_of_its_sensor():
    pictures = known_set(10)
    items = visits(TrainingOrder(pictures, BatchSettings(pictures=4), seed=3), 20)
    assert len({item.seed for item in items}) == len(items)
    for item in items:
        assert len(item.partners) == MOSAIC_PARTNERS
        assert {pictures.sensors[mate] for mate in item.partners} == {pictures.sensors[item.picture]}
    assert len({item.partners for item in items}) > 10


def test_balance_shows_both_sensors_equally_often():
    pictures = replace(known_set(8), sensors=("optical", "optical", "optical", "sar") * 2)
    seen = [item.picture for item in visits(TrainingOrder(pictures, BatchSettings(4, balance="sensor"), 3), 12)]
    sensors = Counter(pictures.sensors[picture] for picture in seen)
    assert sensors == {"optical": 24, "sar": 24}
    counts = Counter(seen)
    assert {counts[picture] for picture in range(8)} == {4, 12}  # six optical pictures, two SAR ones, each in turn
    plain = Counter(item.picture for item in visits(TrainingOrder(pictures, BatchSettings(4), 3), 12))
    assert set(plain.values()) == {6}


def test_balance_of_one_sensor_is_that_sensor():
    pictures = replace(known_set(4), sensors=("sar",) * 4)
    order = TrainingOrder(pictures, BatchSettings(4, balance="sensor"), 0)
    assert sorted(item.picture for item in order.items(0)) == [0, 1, 2, 3]


def test_a_smaller_share_lies_inside_a_larger_one_whatever_the_seed():
    names = tuple(f"picture {number}" for number in range(200))
    small, medium, whole = (set(share_of(names, share).tolist()) for share in (0.3, 0.6, 1.0))
    assert small < medium < whole == set(range(200))
    assert (len(small), len(medium)) == (60, 120)
    pictures = known_set(40)
    trained = [
        {item.picture for item in visits(TrainingOrder(pictures, BatchSettings(4, share=0.3), seed), 9)}
        for seed in (0, 1)
    ]
    assert trained[0] == trained[1] == set(share_of(pictures.names, 0.3).tolist())


def test_pictures_without_expressions_are_not_visited():
    pictures = known_set(4)
    some = tuple(one for one in pictures.expressions if one.picture != 2)
    order = TrainingOrder(replace(pictures, expressions=some), BatchSettings(3), seed=0)
    assert {item.picture for item in visits(order, 5)} == {0, 1, 3}
    assert len(order) == 3
    with pytest.raises(UsageError, match="no picture has an expression"):
        TrainingOrder(replace(pictures, expressions=()), BatchSettings(3), seed=0)


@pytest.mark.parametrize("wrong", [{"pictures": 0}, {"share": 0.0}, {"share": 1.5}, {"mosaic_until": -0.1}])
def test_numbers_without_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        BatchSettings(**wrong)


def test_of_the_pictures_outside_a_share_nothing_is_read():
    pictures = known_set(10)
    chosen = set(share_of(pictures.names, 0.3).tolist())
    left = only_share(pictures, 0.3)
    assert {one.picture for one in left.expressions} == chosen
    assert len(left.expressions) == 6 * len(chosen)
    assert left.things == pictures.things
    assert only_share(pictures, 1.0) == pictures
