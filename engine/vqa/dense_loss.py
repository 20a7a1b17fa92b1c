"""The dense part of the training loss: each patch token has to tell what lies in its patch (see ``patch_truth``)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.vqa.model import Tgfnet
from engine.vqa.patch_truth import CHANNELS, COUNT_STEP, COVERED

MOST_LOG_COUNT = 4.0  # keeps the exponential of an untrained head in bounds


class TrainedTgfnet(nn.Module):
    """A TGFNet with the head that reads the patches' truth off its tokens, for as long as it is trained."""

    def __init__(self, network: Tgfnet, width: int) -> None:
        super().__init__()
        self.network = network
        self.patch_head = nn.Linear(width, CHANNELS)

    def patch_loss(self, tokens: Tensor, mask: Tensor, truth: Tensor) -> Tensor:
        """``tokens`` [V, M, D], ``mask`` [V, M], ``truth`` uint8 [V, M, CHANNELS] -> a scalar.

        Cross-entropy of the shares and Poisson likelihood of the counts, summed over channels, mean over patches.
        """
        read = self.patch_head(tokens).float()
        known = truth.to(read.dtype)
        shares, counts = known[..., : len(COVERED)] / 255, known[..., len(COVERED) :] / COUNT_STEP
        of_shares = F.binary_cross_entropy_with_logits(read[..., : len(COVERED)], shares, reduction="none").sum(-1)
        log_counts = read[..., len(COVERED) :].clamp(max=MOST_LOG_COUNT)
        of_counts = F.poisson_nll_loss(log_counts, counts, reduction="none").sum(-1)
        weight = mask.to(read.dtype)
        loss: Tensor = ((of_shares + of_counts) * weight).sum() / weight.sum().clamp_min(1.0)
        return loss
