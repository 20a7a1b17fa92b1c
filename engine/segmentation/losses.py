"""The training loss of LGCE: weighted cross-entropy over pixels, with Dice beside it where small objects are to count.

The paper trains LAVT and LGCE alike and names no loss; the baseline's is the cross-entropy of two classes with weights
0.9 for background and 1.1 for foreground. Dice is our own option: cross-entropy sums over pixels, so that an object of
fifty pixels has hardly a say beside its background, where Dice is a share of the object itself.

*Our reading*: both are normalised within their sample and then averaged over samples, so that the loss of a batch is
the mean of those of its rows, as ``engine.training`` needs to train alike on one process or several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.segmentation.network import SegmentationOutput

SMALLEST = 1e-7  # in place of 0 in a denominator

SMOOTHING = 1.0
"""Pixels that are added to Dice's intersection (twice) and sum, so that it is a number where nothing is meant."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the two classes in cross-entropy, and of Dice beside it; cross-entropy itself has 1."""

    background: float = 0.9
    foreground: float = 1.1
    dice: float = 0.0


class MaskTarget(NamedTuple):
    """The pixels that are meant, ``mask`` bool [B, H, W], and those with data, which alone count, ``valid`` alike."""

    mask: Tensor
    valid: Tensor


def segmentation_loss(
    output: SegmentationOutput, target: MaskTarget, weights: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss, a scalar, and its parts before they are weighted: ``cross_entropy dice``.

    A mean over the B samples, in float32 whatever the autocast. Pixels without data change nothing; a sample that has
    no data, or no foreground, leaves all finite, gradients too.
    """
    with torch.autocast(output.logits.device.type, enabled=False):
        logits = output.logits.float()
        parts = {
            "cross_entropy": cross_entropy(logits, target, weights).mean(),
            "dice": dice_loss(logits, target).mean(),
        }
        total = parts["cross_entropy"] + weights.dice * parts["dice"]
    return total, parts


def cross_entropy(logits: Tensor, target: MaskTarget, weights: LossWeights) -> Tensor:
    """``logits`` [B, 2, H, W] -> the weighted mean over each sample's pixels with data [B], 0 without any.

    For one sample this is ``torch.nn.functional.cross_entropy`` with class weights: Σ w·CE / Σ w.
    """
    classes = logits.new_tensor([weights.background, weights.foreground])
    each = F.cross_entropy(logits, target.mask.long(), reduction="none")  # [B, H, W]
    weight = classes[target.mask.long()] * target.valid  # [B, H, W]
    return (weight * each).sum((1, 2)) / weight.sum((1, 2)).clamp(min=SMALLEST)


def dice_loss(logits: Tensor, target: MaskTarget) -> Tensor:
    """One minus the soft Dice coefficient of the foreground's probability p with the mask t, [B].

    1 − (2 Σ p·t + s) / (Σ p + Σ t + s) over pixels with data, with s = :data:`SMOOTHING`: V-Net's loss (Milletari et
    al., 2016, section 3) with plain sums for its sums of squares. 0 without data.
    """
    likely = logits.softmax(1)[:, 1] * target.valid  # [B, H, W]
    meant = (target.mask & target.valid).to(likely.dtype)  # [B, H, W]
    shared = (likely * meant).sum((1, 2))  # [B]
    return 1 - (2 * shared + SMOOTHING) / (likely.sum((1, 2)) + meant.sum((1, 2)) + SMOOTHING)
