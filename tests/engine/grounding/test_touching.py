"""Comparisons of many boxes with many: the same as with a matrix of all pairs, in parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, nms

from engine.grounding import touching as module
from engine.grounding.reconcile import Sighting
from engine.grounding.seams import SAME_IOU, WindowSighting, join_at_seams
from engine.grounding.touching import areas, grown, ious, shared_areas, touching
from engine.grounding.windows import Sides

RNG = np.random.default_rng(3)


def some_boxes(count: int, side: float = 100.0) -> np.ndarray:
    corners = RNG.uniform(0, side, (count, 2))
    return np.concatenate([corners, corners + RNG.uniform(1, 20, (count, 2))], 1)


def test_pairs_that_touch_are_those_of_the_matrix(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 7)
    boxes, others = some_boxes(40), some_boxes(30)
    larger = grown(others, 2.0)
    apart = (boxes[:, None, :2] > larger[None, :, 2:]) | (boxes[:, None, 2:] < larger[None, :, :2])
    pairs = np.concatenate([np.stack(part, 1) for part in touching(boxes, others, 2.0)])
    assert set(map(tuple, pairs.tolist())) == set(map(tuple, np.argwhere(~apart.any(-1)).tolist()))
    assert (np.diff(pairs[:, 0]) >= 0).all()


def test_nothing_touches_nothing():
    nothing = np.zeros((0, 4))
    assert list(touching(nothing, some_boxes(3))) == []
    assert all(len(ours) == 0 for ours, _ in touching(some_boxes(3), nothing))


def test_ious_are_torchvision_s():
    boxes, others = some_boxes(200), some_boxes(200)
    wanted = box_iou(torch.from_numpy(boxes), torch.from_numpy(others)).diagonal().numpy()
    np.testing.assert_allclose(ious(boxes, others), wanted, atol=1e-12)
    assert (ious(boxes, others) > 0).any()


def test_boxes_of_no_area_share_nothing():
    point = np.array([[3.0, 3.0, 3.0, 3.0], [5.0, 5.0, 2.0, 8.0]])
    assert areas(point).tolist() == [0, 0]
    assert shared_areas(point, np.array([[0.0, 0.0, 9.0, 9.0]] * 2)).tolist() == [0, 0]
    assert ious(point, point).tolist() == [0, 0]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_boxes_that_no_seam_cuts_are_thinned_out_as_torchvision_does(count):
    boxes, scores = some_boxes(count), RNG.permutation(count) / max(count, 1)
    found = [
        WindowSighting(Sighting(tuple(box), float(score), "tank", "sar"), 0, Sides(*[False] * 4))
        for box, score in zip(boxes.tolist(), scores, strict=True)
    ]
    kept = nms(torch.from_numpy(boxes), torch.from_numpy(scores), SAME_IOU)
    assert [one.box for one in join_at_seams(found, margin=2.0)] == [tuple(boxes[place]) for place in kept.tolist()]
    assert count < 300 or len(kept) < count
