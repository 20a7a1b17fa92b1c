"""The backbone: a CSP network of the shape of YOLO11, with PL-MoE as its deepest stage (section III-B, Fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.grounding.config import STRIDES, GroundingConfig
from engine.grounding.plmoe import PatchExperts
from engine.nn.csp import ConvNormAct, CspStage, PositionAttentionStage, Sppf, cells_with_data

EARLY_RATIO = 0.25
"""Width of a half in the stages at strides 4 and 8, where maps are large; one half elsewhere."""


class Backbone(nn.Module):
    """Convolutions with stride 2 and CSP stages in turn; at stride 32 PL-MoE, pooled pyramid and position attention.

    Without experts (``config.experts`` = 0, the baseline of Table V) a CSP stage stands in PL-MoE's place.
    """

    def __init__(self, config: GroundingConfig) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = config.conv_widths  # by stride
        s4, s8, s16, s32 = config.stage_widths
        self.to_stride4 = nn.Sequential(
            ConvNormAct(3, c2, 3, 2), ConvNormAct(c2, c4, 3, 2), _stage(config, c4, s4, EARLY_RATIO)
        )
        self.to_stride8 = nn.Sequential(ConvNormAct(s4, c8, 3, 2), _stage(config, c8, s8, EARLY_RATIO))
        self.to_stride16 = nn.Sequential(ConvNormAct(s8, c16, 3, 2), _stage(config, c16, s16))
        self.to_stride32 = ConvNormAct(s16, c32, 3, 2)
        self.deepest = PatchExperts(c32, s32, config) if config.experts else _stage(config, c32, s32)
        self.pyramid = Sppf(s32, s32)
        self.attention = PositionAttentionStage(s32, config.bottlenecks)

    def forward(self, picture: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
        """``picture`` [B, 3, H, W], normalised by the card, with data in ``valid`` bool [B, H, W]; H and W are
        multiples of 32. What a picture holds elsewhere is not looked at.

        Returns P3, P4 and P5 [B, C, H / stride, W / stride], the experts' shares [B, E, rows, columns] in each patch of
        P5 (None without experts) and the load-balance loss [B] (zeros without experts, and in evaluation).
        """
        picture = picture.masked_fill(~valid.unsqueeze(1), 0.0)
        p3 = self.to_stride8(self.to_stride4(picture))  # [B, s8, H / 8, W / 8]
        p4 = self.to_stride16(p3)  # [B, s16, H / 16, W / 16]
        cell_mask = cells_with_data(valid, STRIDES[-1])  # [B, H / 32, W / 32]
        deepest, routes, balance = self._deepest(self.to_stride32(p4), cell_mask)
        p5 = self.attention(self.pyramid(deepest), cell_mask)  # [B, s32, H / 32, W / 32]
        return p3, p4, p5, routes, balance

    def _deepest(self, x: Tensor, cell_mask: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """The map after PL-MoE, or after the CSP stage in its place; the shares and the balance loss."""
        if isinstance(self.deepest, PatchExperts):
            return self.deepest(x, cell_mask)  # type: ignore[no-any-return]
        return self.deepest(x), None, torch.zeros(len(x), device=x.device)


def _stage(config: GroundingConfig, inputs: int, outputs: int, ratio: float = 0.5) -> CspStage:
    """A CSP stage with ``config``'s blocks."""
    return CspStage(inputs, outputs, config.bottlenecks, inside=config.csp_inside, ratio=ratio)
