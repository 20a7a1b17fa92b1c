"""TGDF-SSA: text-guided dual-gate fusion with spatial shuffle attention (section III-D, eqs. 5 to 7).

Shapes: B pictures, T texts, C channels, h heads, H x W cells, E the width of a text. Masks are True where real.
*Our reading* throughout, as the paper leaves eq. 7 and all sizes open:

- V' = V·(1 + g_w·(2A - 1)) + g_f·φ(V⊙A), φ a 1x1 convolution with BatchNorm, both gates g scalars from 0: the gating
  starts as identity, and both gates have a gradient from the first step on.
- The block is a CSP stage: a 1x1 convolution in, half of whose channels go through the repeats of SSA and gating, and
  a 1x1 convolution out over all that came about.
- It is added to what comes in, by a norm that starts at 1e-2 like PL-MoE's layer scale. So it starts within a hundredth
  of identity, as near as leaves both gates a gradient, and a network without it can be given one.
- It stands behind the neck. So the neck holds no text and is kept with the view.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.nn.blocks import split_heads
from engine.nn.csp import ConvNormAct

FIRST_SHARE = 1e-2
SHUFFLE = 2
DROPOUT = 0.01


class ShuffleAttention(nn.Module):
    """SSA: channels in groups, each in two halves; one is gated by its maximum over the picture, one by its mean.

    A gate is sigmoid(w·statistic + b), with w from 0 and b from 1 for each channel of a half, shared by all groups.
    Cells without data have no part in the statistics. The channels are shuffled afterwards, so that what follows sees
    both halves mixed. Dropout .01 (*our reading*: of the gated features).
    """

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        half = width // (2 * groups)
        self.weight = nn.Parameter(torch.zeros(2, half))  # of the maximum, of the mean
        self.bias = nn.Parameter(torch.ones(2, half))
        self.dropout = nn.Dropout(DROPOUT)
        self.shuffle = nn.ChannelShuffle(SHUFFLE)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [B, C, H, W] with data where ``mask`` [B, 1, H, W] -> [B, C, H, W]."""
        B, _, H, W = x.shape
        halves = x.view(B, self.groups, 2, -1, H, W)  # [B, G, 2, C / 2G, H, W]
        here = mask[:, None]  # [B, 1, 1, H, W]
        statistics = torch.stack([masked_max(halves[:, :, 0], here), masked_average(halves[:, :, 1], here)], 2)
        gate = torch.sigmoid(self.weight * statistics + self.bias)  # [B, G, 2, C / 2G]
        gated = (halves * gate[..., None, None]).flatten(1, 3)  # [B, C, H, W]
        return self.shuffle(self.dropout(gated))  # type: ignore[no-any-return]


def masked_average(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``x`` [..., H, W] over the cells of ``mask`` (broadcastable); 0 where there is none."""
    total = x.masked_fill(~mask, 0.0).sum((-2, -1))
    return total / mask.sum((-2, -1)).clamp_min(1)


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Largest of ``x`` [..., H, W] among the cells of ``mask`` (broadcastable); 0 where there is none."""
    most = x.masked_fill(~mask, torch.finfo(x.dtype).min).amax((-2, -1))
    return most.masked_fill(~mask.any(-1).any(-1), 0.0)


class TextGuidedGate(nn.Module):
    """Eqs. 5 to 7: every cell is compared with the texts, and the best response per head opens two gates.

    The similarity of cell and text per head, its maximum over the real texts (eq. 5; 0 where a picture has no text),
    divided by a temperature from √(channels per head), plus a bias per head from 0, through a sigmoid: A (eq. 6; the
    optional factor before the sigmoid is left out, so that A stays between 0 and 1). Eq. 7 as the module has it.
    """

    def __init__(self, width: int, *, text_width: int, embed_width: int, heads: int) -> None:
        """``width`` of V (C), ``embed_width`` of the space in which cells and texts are compared."""
        super().__init__()
        self.heads = heads
        self.guide = nn.Sequential(
            nn.Linear(text_width, text_width),
            nn.LayerNorm(text_width),
            nn.GELU(),
            nn.Linear(text_width, embed_width),
            nn.LayerNorm(embed_width),
        )
        # Where V is as wide as the space of comparison, it is compared as it is.
        self.embed = nn.Identity() if width == embed_width else ConvNormAct(width, embed_width, act=False)
        self.log_temperature = nn.Parameter(torch.tensor(0.5 * math.log(embed_width / heads)))
        self.head_bias = nn.Parameter(torch.zeros(heads))
        self.mix = ConvNormAct(width, width, act=False)  # φ
        self.attention_gate = nn.Parameter(torch.zeros(()))  # g_w
        self.feature_gate = nn.Parameter(torch.zeros(()))  # g_f

    def forward(self, V: Tensor, texts: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """``V`` [B, C, H, W], ``texts`` [B, T, E] real where ``text_mask`` [B, T].

        Returns V' [B, C, H, W] and, to show, how far the attention gate is open [B, H, W], 0..1: A's mean over heads.
        Nothing ties a high A to "more": training may as well turn g_w negative, and then it is 1 - A (½ at g_w = 0).
        """
        A = self.response(V, texts, text_mask)  # [B, h, H, W]
        each = A.repeat_interleave(V.shape[1] // self.heads, 1)  # [B, C, H, W]
        gated = V * (1.0 + self.attention_gate * (2.0 * each - 1.0)) + self.feature_gate * self.mix(V * each)
        return gated, 0.5 + self.attention_gate.sign() * (A.mean(1) - 0.5)

    def response(self, V: Tensor, texts: Tensor, text_mask: Tensor) -> Tensor:
        """A [B, h, H, W] of eq. 6."""
        B, _, H, W = V.shape
        cells = self.embed(V).view(B, self.heads, -1, H * W)  # [B, h, d, HW]
        guide = split_heads(self.guide(texts), self.heads)  # [B, h, T, d]
        alike = guide @ cells  # [B, h, T, HW]
        nobody = ~text_mask[:, None, :, None]  # [B, 1, T, 1]
        best = alike.masked_fill(nobody, torch.finfo(alike.dtype).min).amax(2)  # [B, h, HW]
        best = best.masked_fill(~text_mask.any(1)[:, None, None], 0.0)
        logits = best / self.log_temperature.exp() + self.head_bias[:, None]
        return torch.sigmoid(logits).view(B, self.heads, H, W)


class TextGuidedFusion(nn.Module):
    """TGDF-SSA at one scale."""

    def __init__(self, width: int, *, text_width: int, embed_width: int, heads: int, groups: int, repeats: int) -> None:
        """``width`` of the features, ``groups`` of SSA; the others as for :class:`TextGuidedGate`."""
        super().__init__()
        inside = width // 2
        self.enter = ConvNormAct(width, 2 * inside)
        self.shuffles = nn.ModuleList([ShuffleAttention(inside, groups) for _ in range(repeats)])
        self.gates = nn.ModuleList(
            [
                TextGuidedGate(inside, text_width=text_width, embed_width=embed_width, heads=heads)
                for _ in range(repeats)
            ]
        )
        self.leave = ConvNormAct((2 + repeats) * inside, width, act=False)
        nn.init.constant_(self.leave.norm.weight, FIRST_SHARE)

    def forward(self, x: Tensor, mask: Tensor, texts: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` [B, C, H, W] with data where ``mask`` [B, 1, H, W], ``texts`` [B, T, E] real where ``text_mask``.

        Returns the fused features [B, C, H, W] and how far the gates are open [B, H, W], 0..1, the repeats' mean.
        """
        parts = list(self.enter(x).chunk(2, 1))  # [B, C / 2, H, W] each
        opened = []
        for shuffle, gate in zip(self.shuffles, self.gates, strict=True):
            V, open_by = gate(shuffle(parts[-1], mask), texts, text_mask)
            parts.append(V)
            opened.append(open_by)
        return x + self.leave(torch.cat(parts, 1)), torch.stack(opened).mean(0)
