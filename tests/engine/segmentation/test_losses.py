"""The loss against torch's own and against sums written out, and that what has no data says nothing."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from engine.segmentation.losses import (
    SMOOTHING,
    LossWeights,
    MaskTarget,
    cross_entropy,
    dice_loss,
    segmentation_loss,
)
from engine.segmentation.network import SegmentationOutput

BOTH = LossWeights(dice=0.5)


def drawn(seed: int = 0, count: int = 3, side: int = 8) -> tuple[torch.Tensor, MaskTarget]:
    """Logits, a third of the pixels meant, and a fifth of them without data."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, 2, side, side, generator=generator)
    mask = torch.rand(count, side, side, generator=generator) < 0.3
    return logits, MaskTarget(mask, torch.rand(count, side, side, generator=generator) < 0.8)


def loss(logits: torch.Tensor, target: MaskTarget, weights: LossWeights = BOTH) -> torch.Tensor:
    return segmentation_loss(SegmentationOutput(logits, (), (), None), target, weights)[0]


def test_cross_entropy_is_torchs_own_of_each_sample():
    logits, target = drawn()
    classes = target.mask.long().masked_fill(~target.valid, -100)  # torch's number for what does not count
    weight = torch.tensor([0.9, 1.1])
    wanted = [F.cross_entropy(logits[row : row + 1], classes[row : row + 1], weight) for row in range(3)]
    torch.testing.assert_close(cross_entropy(logits, target, LossWeights()), torch.stack(wanted))
    torch.testing.assert_close(loss(logits, target, LossWeights()), torch.stack(wanted).mean())


def test_both_parts_pixel_by_pixel():
    logits, target = drawn(seed=1)
    total = 0.0
    for row in range(3):
        of_weights = of_losses = shared = likely = meant = 0.0
        for y in range(8):
            for x in range(8):
                if not target.valid[row, y, x]:
                    continue
                back, fore = logits[row, :, y, x].tolist()
                p, t = 1 / (1 + math.exp(back - fore)), bool(target.mask[row, y, x])
                of_weights += 1.1 if t else 0.9
                of_losses += -1.1 * math.log(p) if t else -0.9 * math.log(1 - p)
                shared, likely, meant = shared + p * t, likely + p, meant + t
        dice = 1 - (2 * shared + SMOOTHING) / (likely + meant + SMOOTHING)
        total += (of_losses / of_weights + 0.5 * dice) / 3
    assert loss(logits, target).item() == pytest.approx(total, rel=1e-5)


def test_dice_by_hand():
    """Of four pixels the first two are meant, and p is 1, 1/2, 1/2, 0."""
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, 1] = torch.tensor([[100.0, 0.0], [0.0, -100.0]])
    mask = torch.tensor([[[True, True], [False, False]]])
    target = MaskTarget(mask, torch.ones_like(mask))
    assert dice_loss(logits, target).item() == pytest.approx(1 - (2 * 1.5 + 1) / (2 + 2 + 1))


def test_a_perfect_and_an_opposite_answer():
    _, target = drawn()
    certain = 100 * (2 * target.mask.float() - 1)  # [B, H, W]
    right = torch.stack([-certain, certain], 1)
    assert loss(right, target).item() == pytest.approx(0, abs=1e-6)
    wrong, parts = segmentation_loss(SegmentationOutput(-right, (), (), None), target, BOTH)
    assert parts["cross_entropy"].item() == pytest.approx(200)
    assert 0.9 < parts["dice"].item() < 1
    assert wrong.item() == pytest.approx(200 + 0.5 * parts["dice"].item())


def test_dice_is_a_share_of_the_object_however_small_it_is():
    """To miss an object costs little in cross-entropy where it is small, and all of Dice."""
    parts = {}
    for side in (4, 32):
        mask = torch.zeros(1, 64, 64, dtype=torch.bool)
        mask[0, :side, :side] = True
        nothing = torch.stack([torch.full((1, 64, 64), 6.0), torch.zeros(1, 64, 64)], 1)
        target = MaskTarget(mask, torch.ones_like(mask))
        _, parts[side] = segmentation_loss(SegmentationOutput(nothing, (), (), None), target, BOTH)
    assert parts[32]["cross_entropy"] > 40 * parts[4]["cross_entropy"]
    assert parts[4]["dice"] > 0.85
    assert parts[32]["dice"] > 0.85


def test_it_is_the_mean_of_its_rows():
    logits, target = drawn(count=4)
    rows = [loss(logits[row : row + 1], MaskTarget(*(part[row : row + 1] for part in target))) for row in range(4)]
    torch.testing.assert_close(loss(logits, target), torch.stack(rows).mean())


def test_what_has_no_data_changes_nothing():
    logits, target = drawn(seed=2)
    other = torch.where(target.valid.unsqueeze(1), logits, torch.randn_like(logits)).requires_grad_()
    said = MaskTarget(target.mask ^ ~target.valid, target.valid)
    found = loss(other, said)
    torch.testing.assert_close(found, loss(logits, target))
    found.backward()
    assert other.grad is not None
    assert not other.grad[(~target.valid).unsqueeze(1).expand_as(other)].any()
    assert other.grad[target.valid.unsqueeze(1).expand_as(other)].all()


@pytest.mark.parametrize("empty", ["no data", "nothing meant", "all meant"])
def test_it_stays_finite(empty):
    logits, target = drawn(count=2)
    logits = (40 * logits).requires_grad_()
    if empty == "no data":
        target = target._replace(valid=torch.zeros_like(target.valid))
    else:
        target = target._replace(mask=torch.full_like(target.mask, empty == "all meant"))
    found = loss(logits, target)
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(logits.grad).all()
    assert (found == 0) == (empty == "no data")


def test_autocast_does_not_reach_it():
    logits, target = drawn()
    with torch.autocast("cpu", torch.bfloat16):
        found, parts = segmentation_loss(SegmentationOutput(logits.bfloat16(), (), (), None), target, BOTH)
    assert {found.dtype, *(part.dtype for part in parts.values())} == {torch.float32}
    torch.testing.assert_close(found, loss(logits.bfloat16().float(), target))
