"""The neck: a path aggregation network (PAN, Liu et al. 2018) over three scales. No text goes into it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.grounding.config import GroundingConfig
from engine.nn.csp import ConvNormAct, CspStage


class Neck(nn.Module):
    """First what coarse cells know goes down to fine ones, then what fine cells found goes up again.

    Every meeting of two scales is a concatenation and a CSP stage; optical and SAR pictures share all of it.
    """

    def __init__(self, config: GroundingConfig) -> None:
        super().__init__()
        _, p3, p4, p5 = config.stage_widths
        n3, n4, n5 = config.neck_widths
        self.down4 = CspStage(p5 + p4, n4, config.bottlenecks, inside=config.csp_inside)
        self.down3 = CspStage(n4 + p3, n3, config.bottlenecks, inside=config.csp_inside)
        self.halve3 = ConvNormAct(n3, n3, 3, 2)
        self.up4 = CspStage(n3 + n4, n4, config.bottlenecks, inside=config.csp_inside)
        self.halve4 = ConvNormAct(n4, n4, 3, 2)
        self.up5 = CspStage(n4 + p5, n5, config.bottlenecks, inside=config.csp_inside)

    def forward(self, p3: Tensor, p4: Tensor, p5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps [B, C, H / stride, W / stride] at strides 8, 16 and 32 -> the same of ``config.neck_widths``."""
        t4 = self.down4(torch.cat([doubled(p5), p4], 1))  # [B, n4, H / 16, W / 16]
        n3 = self.down3(torch.cat([doubled(t4), p3], 1))  # [B, n3, H / 8, W / 8]
        n4 = self.up4(torch.cat([self.halve3(n3), t4], 1))  # [B, n4, H / 16, W / 16]
        n5 = self.up5(torch.cat([self.halve4(n4), p5], 1))  # [B, n5, H / 32, W / 32]
        return n3, n4, n5


def doubled(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, 2 H, 2 W], each cell repeated."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
