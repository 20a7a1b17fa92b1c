from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, recall_score

from engine.metrics import AnswerTally, expected_calibration_error


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
