"""Early fusion of optical and SAR after the first stage: our extension, off for the paper's tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SensorGate(nn.Module):
    """A share t for every cell: fused = t·optical + (1 - t)·SAR.

    t = sigmoid(MLP(LN(optical) ‖ LN(SAR))) where both have data. Where one has, that one counts alone, as it is: the
    network is then exactly that of this sensor, and weights of a network for one sensor can be taken over. One t for
    all channels, so that the map shown is all that the gate does.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.optical_norm = nn.LayerNorm(width)
        self.sar_norm = nn.LayerNorm(width)
        self.share = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, optical: Tensor, sar: Tensor, optical_mask: Tensor, sar_mask: Tensor) -> tuple[Tensor, Tensor]:
        """``optical`` and ``sar`` [B, H, W, C] with data where their masks, bool [B, H, W], are True, else 0.

        Returns the fused cells [B, H, W, C] and t [B, H, W]; both are 0 where neither sensor has data.
        """
        compared = torch.cat([self.optical_norm(optical), self.sar_norm(sar)], -1)  # [B, H, W, 2 C]
        learned = torch.sigmoid(self.share(compared).float()).squeeze(-1)  # [B, H, W]
        trust = torch.where(optical_mask & sar_mask, learned, optical_mask.to(learned.dtype))
        share = trust.unsqueeze(-1)  # [B, H, W, 1]
        return share * optical + (1.0 - share) * sar, trust
