"""What lies in each patch, counted by hand, and the loss that teaches it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from engine.scenes import make_sample
from engine.scenes.scene import OBJECTS, Disc, Item, Polygon
from engine.vqa.dense_loss import PatchHead
from engine.vqa.network import ViewFeatures
from engine.vqa.patch_truth import CHANNELS, COUNT_STEP, COVERED, patch_truth


def test_patch_truth_by_hand():
    scene = make_sample(1, size=64).scene
    square = Polygon(((0, 0), (1, 0), (1, 1)))
    scene = replace(
        scene,
        items=(Item("grassland", square), Item("lake", square), Item("ship", Disc((20.0, 20.0), 2.0))),
    )
    item_map = np.zeros((64, 64), np.int32)
    item_map[:16, :16] = 1  # the lake fills the first patch of 4 x 4
    item_map[16:24, 16:24] = 2  # the ship lies in the sixth, on a quarter of it
    truth = patch_truth(scene, item_map, 4)
    water, lake, grass, ship = (COVERED.index(name) for name in ("water", "lake", "grassland", "ship"))
    assert truth[0, [water, lake, grass]].tolist() == [255, 255, 0]
    assert truth[5, [ship, grass]].tolist() == [round(255 / 4), round(255 * 3 / 4)]
    counts = truth[:, len(COVERED) :] / COUNT_STEP
    assert counts[5, OBJECTS.index("ship")] == 1
    assert counts.sum() == 1


def head() -> PatchHead:
    found = PatchHead(CHANNELS)
    found.read = nn.Identity()
    return found


def test_dense_loss_is_least_at_the_truth_and_blind_to_masked_patches():
    truth = torch.zeros(1, 4, CHANNELS, dtype=torch.uint8)
    truth[..., 0], truth[..., -1] = 255, 32  # all water; two of the last object in each patch
    logits = torch.full((1, 4, CHANNELS), -9.0)
    logits[..., 0], logits[..., -1] = 9.0, float(np.log(2.0))
    mask = torch.tensor([[True, True, True, False]])
    right = head().patch_loss(logits, mask, truth)
    assert right < head().patch_loss(-logits, mask, truth)
    loud = logits.clone()
    loud[:, 3] = 100.0
    torch.testing.assert_close(head().patch_loss(loud, mask, truth), right)


def test_dense_loss_is_a_mean_over_all_patches_of_which_masked_ones_count_nothing():
    truth = torch.zeros(2, 4, CHANNELS, dtype=torch.uint8)
    tokens = torch.randn(2, 4, CHANNELS, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, False, False, False], [True, True, True, True]])
    each = [head().patch_loss(tokens[v : v + 1, m : m + 1], mask[:1, :1], truth[:1, :1]) for v, m in
            ((0, 0), (1, 0), (1, 1), (1, 2), (1, 3))]  # fmt: skip
    torch.testing.assert_close(head().patch_loss(tokens, mask, truth), sum(each) / 8)


def test_a_sar_picture_of_another_place_is_not_taught():
    truth = torch.zeros(2, 4, CHANNELS, dtype=torch.uint8)
    mask = torch.ones(2, 4, dtype=torch.bool)
    optical, sar = torch.randn(2, 2, 4, CHANNELS, generator=torch.Generator().manual_seed(0))
    view = ViewFeatures(optical, mask, sar, mask)
    loud = view._replace(sar=torch.stack([sar[0], sar[1] + 50]))
    elsewhere = torch.tensor([True, False])
    torch.testing.assert_close(head()(loud, truth, elsewhere), head()(view, truth, elsewhere))
    assert head()(loud, truth, ~elsewhere) > head()(view, truth, ~elsewhere)
