"""LGCE, language-guided cross-scale enhancement: stages 3 and 4 exchange what the sentence asks for (section IV-C).

Shapes: B areas, C3 and C4 channels, M3 and M4 cells, N words, E the width of a word's vector. *Our reading* where the
paper is silent:

- The stages come in as the decoder would get them, after their LayerNorm. They have no position embedding: what Swin
  makes of windows holds places, and any size runs.
- A layer of eq. 2 is eq. 1's: pre-norm attention and MLP. Counts and widths of layers are the configuration's.
- Eq. 4 (``fusion = "sequence"``) is z' = (f(L) ‖ V) + MSA(LN(f(L) ‖ V)), whose visual tokens eq. 5 hands to the
  decoder. Attention is over all tokens, as printed; the residual, printed as f(L) alone, has the shape of one token and
  is over the whole sequence here, as in eq. 1. With ``"class_token"`` that token alone is changed, so that V' = V and
  eqs. 4 and 5 are without effect: it is here to show that, not to be trained.
- Both new maps replace those of their stage in the decoder.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.nn.blocks import Attention, EncoderLayer, masked_mean
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.network import Words


class Guide(nn.Module):
    """What guides the enhancement: the mean of an expression's words, or in its place a learned token (Table III)."""

    def __init__(self, text_width: int, *, from_words: bool) -> None:
        super().__init__()
        self.token = None if from_words else nn.Parameter(torch.randn(text_width))

    def forward(self, words: Words) -> Tensor:
        """[B, E]; zeros where an expression has no word."""
        if self.token is None:
            return masked_mean(words.vectors, words.mask)
        return self.token.expand(len(words.vectors), -1)  # [B, E]


class GuidedScale(nn.Module):
    """Eqs. 2 and 3 at one scale: the guide before the cells, through Transformer layers, and apart again."""

    def __init__(self, width: int, text_width: int, *, blocks: int, heads: int, mlp: float) -> None:
        super().__init__()
        self.project = nn.Linear(text_width, width)  # f_h or f_l
        self.layers = nn.ModuleList(EncoderLayer(width, heads, mlp) for _ in range(blocks))

    def forward(self, V: Tensor, real: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """``V`` [B, M, C], cells with data ``real`` bool [B, M], ``guide`` [B, E] -> L [B, 1, C] and V [B, M, C]."""
        z = torch.cat([self.project(guide).unsqueeze(1), V], 1)  # [B, 1 + M, C]
        mask = with_token(real)
        for layer in self.layers:
            z = layer(z, mask)
        return z[:, :1], z[:, 1:]


class CrossScaleFusion(nn.Module):
    """Eqs. 4 and 5 at one scale: the other scale's token in front of the cells, through one attention."""

    def __init__(self, width: int, other_width: int, heads: int, *, token_alone: bool) -> None:
        super().__init__()
        self.token_alone = token_alone
        self.align = nn.Linear(other_width, width)  # f_l' at the third stage, f_h' at the fourth
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)

    def forward(self, V: Tensor, real: Tensor, other: Tensor) -> Tensor:
        """``V`` [B, M, C] with data in ``real`` bool [B, M], ``other`` [B, 1, C of the other scale] -> V' [B, M, C]."""
        z = torch.cat([self.align(other), V], 1)  # [B, 1 + M, C]
        normed = self.norm(z)
        changed = z + self.attention(normed, normed, with_token(real))  # [B, 1 + M, C]
        return V if self.token_alone else changed[:, 1:]


class CrossScaleEnhancement(nn.Module):
    """The whole module of Fig. 5; without cross-scale fusion eqs. 2 and 3 alone."""

    def __init__(self, config: SegmentationConfig) -> None:
        super().__init__()
        _, _, high, low = config.widths
        high_heads, low_heads = config.enhancement_heads
        text, mlp = config.text_width, config.enhancement_mlp
        self.guide = Guide(text, from_words=config.guidance)
        self.high = GuidedScale(high, text, blocks=config.high_blocks, heads=high_heads, mlp=mlp)
        self.low = GuidedScale(low, text, blocks=config.low_blocks, heads=low_heads, mlp=mlp)
        token_alone = config.fusion == "class_token"
        self.fuse_high = (
            CrossScaleFusion(high, low, high_heads, token_alone=token_alone) if config.cross_scale else None
        )
        self.fuse_low = CrossScaleFusion(low, high, low_heads, token_alone=token_alone) if config.cross_scale else None

    def forward(
        self, third: Tensor, fourth: Tensor, masks: tuple[Tensor, Tensor], words: Words
    ) -> tuple[Tensor, Tensor]:
        """Maps of stages 3 and 4, [B, H, W, C], with data in the cells of ``masks``, bool [B, H, W] -> new ones."""
        guide = self.guide(words)  # [B, E]
        high_real, low_real = (mask.flatten(1) for mask in masks)  # [B, M3], [B, M4]
        L_high, V_high = self.high(third.flatten(1, 2), high_real, guide)  # [B, 1, C3], [B, M3, C3]
        L_low, V_low = self.low(fourth.flatten(1, 2), low_real, guide)  # [B, 1, C4], [B, M4, C4]
        if self.fuse_high is not None and self.fuse_low is not None:
            V_high = self.fuse_high(V_high, high_real, L_low)
            V_low = self.fuse_low(V_low, low_real, L_high)
        return V_high.view_as(third), V_low.view_as(fourth)


def with_token(real: Tensor) -> Tensor:
    """``real`` bool [B, M] with a token before it that always is, [B, 1 + M]."""
    return torch.nn.functional.pad(real, (1, 0), value=True)
