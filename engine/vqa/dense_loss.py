"""The dense part of the training loss: each patch token has to tell what lies in its patch (see ``patch_truth``)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.vqa.network import ViewFeatures
from engine.vqa.patch_truth import CHANNELS, COUNT_STEP, COVERED

MOST_LOG_COUNT = 4.0  # keeps the exponential of an untrained head in bounds


class PatchHead(nn.Module):
    """Reads the truth of each patch off its token, for as long as a network is trained; no part of the model."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = nn.Linear(width, CHANNELS)

    def forward(self, view: ViewFeatures, truth: Tensor, same_place: Tensor) -> Tensor:
        """The mean of both sensors' losses, a scalar.

        ``truth`` uint8 [V, M, CHANNELS] is that of the optical picture's place; where the SAR picture is of another
        one, ``same_place`` bool [V] is False and nothing is asked of it.
        """
        sar_mask = view.sar_mask & same_place.unsqueeze(1)  # [V, M]
        return 0.5 * (
            self.patch_loss(view.optical, view.optical_mask, truth) + self.patch_loss(view.sar, sar_mask, truth)
        )

    def patch_loss(self, tokens: Tensor, mask: Tensor, truth: Tensor) -> Tensor:
        """``tokens`` [V, M, D], ``mask`` [V, M], ``truth`` uint8 [V, M, CHANNELS] -> a scalar.

        Cross-entropy of the shares and Poisson likelihood of the counts, summed over channels. The mean is over all
        V x M patches, of which those that are masked count 0, so that the loss of a batch is the mean of those of its
        equal parts.
        """
        read = self.read(tokens).float()  # [V, M, CHANNELS]
        known = truth.to(read.dtype)
        shares, counts = known[..., : len(COVERED)] / 255, known[..., len(COVERED) :] / COUNT_STEP
        of_shares = F.binary_cross_entropy_with_logits(read[..., : len(COVERED)], shares, reduction="none").sum(-1)
        log_counts = read[..., len(COVERED) :].clamp(max=MOST_LOG_COUNT)
        of_counts = F.poisson_nll_loss(log_counts, counts, reduction="none").sum(-1)
        each = of_shares + of_counts  # [V, M]
        return (each * mask.to(each.dtype)).mean()
