from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, recall_score

from engine.metrics import OTHER, AnswerTally, confusion, expected_calibration_error, score_intervals


def test_oa_and_aa_by_hand():
    tally = AnswerTally.of([("number", True), ("number", False), ("number", False), ("presence", True)])
    assert tally.overall == 0.5
    assert tally.per_group == {"number": 1 / 3, "presence": 1.0}
    assert tally.average == pytest.approx(2 / 3)


def test_nothing_asked_is_zero():
    assert AnswerTally().overall == 0.0
    assert AnswerTally().average == 0.0
    assert expected_calibration_error([], []) == 0.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=60))
def test_agrees_with_scikit_learn(outcomes):
    tally = AnswerTally.of(outcomes)
    groups = [group for group, _ in outcomes]
    given_group = [group if right else "wrong" for group, right in outcomes]
    assert tally.overall == pytest.approx(accuracy_score(groups, given_group))
    present = sorted(set(groups))
    assert tally.average == pytest.approx(recall_score(groups, given_group, labels=present, average="macro"))


def test_ece_by_hand():
    # Two bins of two: (0, .5] has confidence .4 and accuracy .5; (.5, 1] has confidence .9 and accuracy .5.
    confidence = [0.3, 0.5, 0.8, 1.0]
    correct = [True, False, True, False]
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx(0.5 * 0.1 + 0.5 * 0.4)


def test_perfect_calibration_has_no_error():
    confidence = np.repeat([0.25, 0.75], 400)
    correct = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.0, abs=1e-12)


def test_intervals_by_hand():
    """Two scenes, one all right and one all wrong: a draw has OA 0, 1/2 or 1, so that the interval is all of it."""
    found = score_intervals([0, 0, 1, 1], ["a", "b", "a", "b"], [True, True, False, False])
    assert found == {"OA": [0.0, 1.0], "AA": [0.0, 1.0]}
    assert score_intervals([0, 0, 1], ["a", "b", "a"], [True] * 3) == {"OA": [1.0, 1.0], "AA": [1.0, 1.0]}
    assert score_intervals([], [], []) == {"OA": [0.0, 0.0], "AA": [0.0, 0.0]}


def test_intervals_are_as_wide_as_the_binomial_s_and_repeat():
    """One question to a scene: the standard error of a share. Ten alike questions to a scene: no narrower for that."""
    right = np.random.default_rng(0).random(900) < 0.7
    low, high = score_intervals(np.arange(900), ["a"] * 900, right)["OA"]
    wide = 2 * 1.96 * np.sqrt(0.7 * 0.3 / 900)
    assert high - low == pytest.approx(wide, rel=0.12)
    assert low < right.mean() < high
    again = score_intervals(np.repeat(np.arange(90), 10), ["a"] * 900, np.repeat(right[:90], 10))["OA"]
    assert again[1] - again[0] > 2.5 * wide
    assert score_intervals(np.arange(900), ["a"] * 900, right)["OA"] == [low, high]
    assert score_intervals(np.arange(900), ["a"] * 900, right, seed=1)["OA"] != [low, high]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.booleans()), min_size=1, max_size=40))
def test_a_bootstrap_agrees_with_drawing_the_scenes_one_by_one(outcomes):
    scenes, groups, right = zip(*outcomes, strict=True)
    found = score_intervals(scenes, groups, right, draws=20, level=1.0)
    present = sorted(set(scenes))
    times = np.random.default_rng(0).multinomial(len(present), np.full(len(present), 1 / len(present)), 20)
    tallies = [
        AnswerTally.of(
            (group, ok)
            for scene, group, ok in outcomes
            for _ in range(int(draw[present.index(scene)]))
        )
        for draw in times
    ]  # fmt: skip
    overall, average = [t.overall for t in tallies], [t.average for t in tallies]
    assert found["OA"] == pytest.approx([min(overall), max(overall)])
    assert found["AA"] == pytest.approx([min(average), max(average)])


def test_confusion_by_hand():
    truth = ["yes", "yes", "no", "3", "4", "yes"]
    given_answers = ["yes", "no", "no", "yes", "4", "never asked"]
    found = confusion(truth, given_answers, most=2)
    assert found["answers"] == ["yes", "3", OTHER]
    assert found["counts"] == [[1, 0, 2], [1, 0, 0], [0, 0, 2]]
    assert confusion(["no"], ["no"]) == {"answers": ["no"], "counts": [[1]]}
    assert confusion([], []) == {"answers": [], "counts": []}
