from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.errors import UsageError
from engine.training import TrainSettings

TEN = TrainSettings(steps=110, learning_rate=2.0, warmup_steps=10, final_rate_share=0.1)


@pytest.mark.parametrize("schedule", ["cosine", "constant", "polynomial"])
def test_warm_up_is_linear_and_ends_at_the_top(schedule):
    settings = replace(TEN, schedule=schedule)
    assert [settings.rate(step) for step in (0, 4, 9, 10)] == pytest.approx([0.2, 1.0, 2.0, 2.0])


def test_cosine_by_hand():
    assert TEN.rate(60) == pytest.approx(1.1)  # half-way between 2 and 0.2
    assert TEN.rate(35) == pytest.approx(0.2 + 1.8 * (0.5 + math.sqrt(0.5) / 2))  # a quarter
    assert TEN.rate(110) == TEN.rate(500) == pytest.approx(0.2)


def test_constant_by_hand():
    paper = replace(TEN, schedule="constant", warmup_steps=0)
    assert {paper.rate(step) for step in range(200)} == {2.0}


def test_polynomial_by_hand():
    lgce = replace(TEN, schedule="polynomial", power=0.9, warmup_steps=0, steps=100, final_rate_share=0.0)
    assert [lgce.rate(step) for step in (0, 50, 90, 100)] == pytest.approx([2.0, 2 * 0.5**0.9, 2 * 0.1**0.9, 0.0])
    assert replace(lgce, power=1.0, final_rate_share=0.5).rate(50) == pytest.approx(1.5)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"ema_decay": 1.0},
        {"warmup_beta": 1.0},
        {"accumulation": 0},
        {"validate_every": 0},
        {"patience": -1},
        {"seed": -1},
    ],
    ids=str,
)
def test_settings_without_sense_are_refused(change):
    with pytest.raises(UsageError):
        replace(TEN, **change)
