from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.classification import BinaryCalibrationError, BinaryJaccardIndex

from engine.errors import UsageError
from engine.metrics import (
    THRESHOLDS,
    AnswerTally,
    Overlap,
    OverlapTally,
    Subsets,
    box_overlap,
    expected_calibration_error,
    mask_overlap,
    reliability,
    size_group,
)

SIDE = 24


@st.composite
def boxes(draw):
    left, top = draw(st.integers(0, SIDE - 2)), draw(st.integers(0, SIDE - 2))
    return (left, top, draw(st.integers(left + 1, SIDE)), draw(st.integers(top + 1, SIDE)))


def painted(box):
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if box is not None:
        left, top, right, bottom = box
        mask[top:bottom, left:right] = 1
    return mask


def test_boxes_by_hand():
    # 4 x 2 and 2 x 4 share 2 x 2: 4 of 12 square pixels.
    assert box_overlap((0, 0, 4, 2), (0, 0, 2, 4)) == Overlap(4, 12)
    assert box_overlap((0, 0, 1, 1), (1, 0, 2, 1)) == Overlap(0, 2)
    assert box_overlap(None, (0, 0, 3, 2)) == Overlap(0, 6)


def test_scores_by_hand():
    # IoU 1, 1/3, exactly 0.5, and a missing box of area 6.
    tally = OverlapTally.of([Overlap(10, 10), Overlap(4, 12), Overlap(2, 4), box_overlap(None, (0, 0, 3, 2))])
    assert tally.mean_iou == pytest.approx((1 + 1 / 3 + 0.5) / 4)
    assert tally.cumulative_iou == pytest.approx(16 / 32)
    assert tally.precision(0.5) == 0.5
    assert tally.precision(0.51) == 0.25
    scores = tally.grounding_scores()
    assert list(scores) == ["Pr@0.5", "Pr@0.6", "Pr@0.7", "Pr@0.8", "Pr@0.9", "meanIoU", "cumIoU", "samples"]
    assert tally.segmentation_scores()["oIoU"] == scores["cumIoU"]


def test_nothing_scores_nothing():
    empty = OverlapTally()
    assert (empty.mean_iou, empty.cumulative_iou, empty.precision(0.5)) == (0, 0, 0)
    assert mask_overlap(np.zeros((2, 2)), np.zeros((2, 2))).iou == 0


@given(st.lists(st.tuples(st.one_of(st.none(), boxes()), boxes()), min_size=1, max_size=8))
@settings(max_examples=60)
def test_boxes_agree_with_torchmetrics_on_their_pixels(pairs):
    """A whole-pixel box is its mask, so the per-sample and the pooled Jaccard index are the referee."""
    tally = OverlapTally.of(box_overlap(given_box, truth) for given_box, truth in pairs)
    predicted = torch.from_numpy(np.stack([painted(box) for box, _ in pairs]))
    truth = torch.from_numpy(np.stack([painted(box) for _, box in pairs]))
    each = [float(BinaryJaccardIndex()(p, t)) for p, t in zip(predicted, truth, strict=True)]
    assert tally.mean_iou == pytest.approx(np.mean(each), abs=1e-6)
    assert tally.cumulative_iou == pytest.approx(float(BinaryJaccardIndex()(predicted, truth)), abs=1e-6)
    masks = OverlapTally.of(
        mask_overlap(None if box is None else p.numpy(), t.numpy())
        for (box, _), p, t in zip(pairs, predicted, truth, strict=True)
    )
    assert masks == tally


@given(boxes(), boxes(), st.floats(0.1, 9))
def test_iou_is_symmetric_bounded_and_without_unit(one, other, scale):
    there, back = box_overlap(one, other), box_overlap(other, one)
    assert there == back
    assert 0 <= there.iou <= 1
    scaled = box_overlap([v * scale for v in one], [v * scale for v in other])
    assert scaled.iou == pytest.approx(there.iou, abs=1e-9)
    assert box_overlap(one, one).iou == 1


def test_only_valid_pixels_count():
    truth, given_mask = painted((0, 0, 4, 4)), painted((0, 0, 4, 8))
    valid = painted((0, 0, 4, 4)).astype(bool)
    assert mask_overlap(given_mask, truth, valid).iou == 1
    assert mask_overlap(given_mask, truth).iou == 0.5


@pytest.mark.parametrize("box", [(3, 0, 1, 1), (0, 5, 1, 1), (0, 0, float("nan"), 1)])
def test_what_is_no_box_is_refused(box):
    with pytest.raises(UsageError, match="is no box"):
        box_overlap(box, (0, 0, 1, 1))


def test_masks_of_two_sizes_are_refused():
    with pytest.raises(UsageError, match="cannot be compared"):
        mask_overlap(np.zeros((3, 3)), np.zeros((3, 4)))


def test_subsets_hold_the_same_samples():
    subsets = Subsets(OverlapTally)
    subsets.add(Overlap(1, 1), sensor="optical", weather="clear", size=size_group(10, 256**2))
    subsets.add(Overlap(0, 1), sensor="sar", weather="clear", size=size_group(9000, 256**2))
    scores = subsets.scores(lambda tally: tally.mean_iou)
    assert scores == {
        "all": 0.5,
        "sensor": {"optical": 1.0, "sar": 0.0},
        "weather": {"clear": 0.5},
        "size": {"large": 0.0, "tiny": 1.0},
    }
    answers = Subsets(AnswerTally)
    answers.add("presence", True, weather="cloud")
    assert answers.by["weather"]["cloud"].per_group == {"presence": 1.0}


def test_sizes_meet_without_gaps():
    assert [size_group(share * 1000, 1000) for share in (0.0005, 0.001, 0.002, 0.01, 0.05, 0.06, 1.0)] == [
        "tiny", "tiny", "small", "small", "medium", "large", "large",
    ]  # fmt: skip


def test_excluded_types_leave_the_comparison():
    tally = AnswerTally.of([("quality", True), ("match", True), ("fog-dark", True), ("area", False), ("shape", True)])
    scores = tally.scores()
    assert scores["OA"] == 0.8
    assert scores["comparable"] == {"OA": 0.5, "AA": 0.5, "excluded": ["fog-dark", "match", "quality"]}
    assert scores["asked"]["area"] == 1


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=1, max_size=50), st.integers(1, 15))
@settings(max_examples=60)
def test_calibration_agrees_with_torchmetrics(outcomes, bins):
    """Confidences on a bin's border are moved off it: torchmetrics closes bins on the other side."""
    edges = np.arange(bins + 1) / bins
    sure = np.array([c + 1e-4 if np.any(np.abs(edges - c) < 1e-5) else c for c, _ in outcomes])
    right = np.array([r for _, r in outcomes])
    metric = BinaryCalibrationError(n_bins=bins, norm="l1")
    referee = float(metric(torch.from_numpy(sure).float(), torch.from_numpy(right).int()))
    assert expected_calibration_error(sure, right, bins) == pytest.approx(referee, abs=1e-5)
    table = reliability(sure, right, bins)
    assert sum(row.samples for row in table) == len(outcomes)
    weighed = sum(row.samples * abs(row.accuracy - row.confidence) for row in table) / len(outcomes)
    assert weighed == pytest.approx(expected_calibration_error(sure, right, bins))
    assert all(row.low < row.confidence <= row.high for row in table)


def test_thresholds_are_the_papers():
    assert THRESHOLDS == (0.5, 0.6, 0.7, 0.8, 0.9)
