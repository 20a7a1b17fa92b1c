"""All boxes shown: hits and average precision by hand, against COCO's evaluation, and intervals of box scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import (
    Operating,
    Overlap,
    OverlapTally,
    at_threshold,
    average_precision,
    best_threshold,
    hits,
    overlap_intervals,
)

UNIT = (0, 0, 10, 10)


def test_a_second_box_on_the_same_thing_is_wrong():
    assert hits([UNIT, UNIT], [UNIT]).tolist() == [True, False]
    assert hits([UNIT, UNIT], [UNIT, (1, 0, 11, 10)]).tolist() == [True, True]  # the second takes what is left


def test_each_box_takes_what_it_overlaps_most():
    """Were the first box given the first truth (IoU 0.54), the second (IoU 0.25 with the other) would miss."""
    assert hits([(0, 0, 10, 10), (-4, 0, 6, 10)], [(-3, 0, 7, 10), (1, 0, 11, 10)]).tolist() == [True, True]


def test_half_is_enough_and_less_is_not():
    assert hits([(0, 0, 10, 5)], [UNIT]).tolist() == [True]
    assert hits([(0, 0, 10, 4.9)], [UNIT]).tolist() == [False]
    assert hits(np.zeros((0, 4)), [UNIT]).tolist() == []
    assert hits([UNIT], np.zeros((0, 4))).tolist() == [False]


def test_average_precision_by_hand():
    """Right, wrong, right of 4 things: precision 1 up to recall 1/4, 2/3 up to 2/4, then nothing."""
    assert average_precision([0.9, 0.8, 0.7], [1, 0, 1], 4) == pytest.approx(1 / 4 + 1 / 4 * 2 / 3)
    assert average_precision([0.7, 0.9, 0.8], [1, 1, 0], 4) == pytest.approx(1 / 4 + 1 / 4 * 2 / 3)  # in any order
    assert average_precision([], [], 3) == 0
    assert average_precision([0.5], [0], 0) == 0


def test_boxes_of_equal_score_have_no_order():
    assert average_precision([0.5, 0.5], [1, 0], 1) == average_precision([0.5, 0.5], [0, 1], 1) == 0.5


def test_it_agrees_with_coco_s_evaluation():
    """COCO samples precision at 101 recalls, so that it may differ by a hundredth."""
    from torchmetrics.detection import MeanAveragePrecision

    rng = np.random.default_rng(3)
    referee = MeanAveragePrecision(iou_thresholds=[0.5], backend="pycocotools")
    scores, right, truths = [], [], 0
    for _ in range(40):
        things = rng.uniform(0, 80, (rng.integers(1, 5), 2))
        things = np.concatenate([things, things + rng.uniform(5, 20, things.shape)], 1)
        stray = rng.uniform(0, 40, (2, 4)) + np.array([0, 0, 50, 50])
        found = np.concatenate([things + rng.normal(0, 1.5, things.shape), stray])
        sure = rng.random(len(found))
        order = np.argsort(-sure)
        scores.append(sure[order])
        right.append(hits(found[order], things))
        truths += len(things)
        boxes, wanted = (torch.from_numpy(one).float() for one in (found, things))
        labels = [torch.zeros(len(one), dtype=torch.long) for one in (boxes, wanted)]
        referee.update(
            [{"boxes": boxes, "scores": torch.from_numpy(sure).float(), "labels": labels[0]}],
            [{"boxes": wanted, "labels": labels[1]}],
        )
    ours = average_precision(np.concatenate(scores), np.concatenate(right), truths)
    assert ours == pytest.approx(float(referee.compute()["map"]), abs=0.01)
    assert 0.3 < ours < 0.9


def test_the_best_threshold_by_hand():
    """F1 after 1, 2, 3, 4 boxes of 2 things: 2/3, 1, 4/5, 2/3."""
    scores, hit = [0.9, 0.6, 0.4, 0.1], [1, 1, 0, 0]
    assert best_threshold(scores, hit, 2) == Operating(0.6, 1.0, 1.0)
    assert at_threshold(scores, hit, 2, 0.3) == Operating(0.3, 2 / 3, 1.0)
    assert at_threshold(scores, hit, 2, 0.95).f1 == 0
    assert best_threshold([], [], 2) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(0, 10))
def test_no_threshold_is_better_than_the_best(boxes, missed):
    scores, hit = [score for score, _ in boxes], [right for _, right in boxes]
    truths = sum(hit) + missed
    best = best_threshold(scores, hit, truths)
    assert best == at_threshold(scores, hit, truths, best.score)
    assert best.f1 >= max(at_threshold(scores, hit, truths, score).f1 for score in scores)
    assert 0 <= average_precision(scores, hit, truths) <= 1


def test_intervals_of_boxes_hold_the_scores_and_narrow_with_more_scenes():
    rng = np.random.default_rng(0)
    iou = rng.random(400)
    overlaps = [Overlap(one * 100, 100) for one in iou]
    tally = OverlapTally.of(overlaps)
    alone = overlap_intervals(range(400), overlaps)
    for name, score in (
        ("Pr@0.5", tally.precision(0.5)),
        ("meanIoU", tally.mean_iou),
        ("cumIoU", tally.cumulative_iou),
    ):
        low, high = alone[name]
        assert low < score < high
    # 1.96 standard errors of a mean either way.
    width = 2 * 1.96 * iou.std() / 20
    assert alone["meanIoU"][1] - alone["meanIoU"][0] == pytest.approx(width, rel=0.1)
    together = overlap_intervals([number // 40 for number in range(400)], sorted(overlaps, key=lambda one: one.iou))
    assert together["meanIoU"][1] - together["meanIoU"][0] > 3 * width  # ten scenes, each alike within
    assert overlap_intervals([], [])["cumIoU"] == [0, 0]
