"""Where words meet cells: pixel-word attention and the language gate of LAVT (Yang et al. 2022), after each stage.

Shapes: B areas, H x W cells, M = H·W, C channels, N words, E the width of a word's vector. Cells without data, and
words that are not there, change nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.nn.blocks import masked_softmax
from engine.segmentation.network import Words
from engine.segmentation.swin import only_data

NORM_EPS = 1e-5


def masked_instance_norm(x: Tensor, mask: Tensor) -> Tensor:
    """InstanceNorm of ``x`` [B, M, C] over the cells ``mask`` bool [B, M]; 0 elsewhere, and where only one is real."""
    weight = mask.unsqueeze(-1).float()  # [B, M, 1]
    count = weight.sum(1, keepdim=True).clamp_min(1.0)  # [B, 1, 1]
    mean = (x.float() * weight).sum(1, keepdim=True) / count  # [B, 1, C]
    centred = (x.float() - mean) * weight
    variance = centred.square().sum(1, keepdim=True) / count  # [B, 1, C]
    return (centred * torch.rsqrt(variance + NORM_EPS)).to(x.dtype)


class PixelWordAttention(nn.Module):
    """PWAM: every cell gathers the words that speak of it, and is multiplied with them. One head.

    Q = IN(W_q V), K = W_k L, values W_v L; G = IN(W_o softmax(QKᵀ / √C) values); r = GELU(W_m (GELU(W_i V) ⊙ G)).
    Every W is a 1x1 convolution, that is a linear map per cell, with a bias (of W_q, W_v and W_o InstanceNorm leaves
    nothing; LAVT has and counts them).
    """

    def __init__(self, width: int, text_width: int) -> None:
        super().__init__()
        self.scale = 1.0 / math.sqrt(width)
        self.image = nn.Sequential(nn.Linear(width, width), nn.GELU())
        self.to_query = nn.Linear(width, width)
        self.to_key = nn.Linear(text_width, width)
        self.to_value = nn.Linear(text_width, width)
        self.project = nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(width, width), nn.GELU())

    def forward(self, cells: Tensor, cell_mask: Tensor, words: Words) -> tuple[Tensor, Tensor]:
        """``cells`` [B, H, W, C] with data where ``cell_mask`` bool [B, H, W].

        Returns r [B, H, W, C], 0 without data, and each word's share of each cell's attention [B, N, H, W], 0 for words
        that are not there.
        """
        B, H, W, _ = cells.shape
        V, real = cells.flatten(1, 2), cell_mask.flatten(1)  # [B, M, C], [B, M]
        there = words.mask.unsqueeze(-1)  # [B, N, 1]
        query = masked_instance_norm(self.to_query(V), real)  # [B, M, C]
        key = self.to_key(words.vectors)  # [B, N, C]
        values = self.to_value(words.vectors).masked_fill(~there, 0.0)  # [B, N, C]
        attention = masked_softmax(query @ key.transpose(1, 2) * self.scale, words.mask.unsqueeze(1))  # [B, M, N]
        gathered = masked_instance_norm(self.project(attention @ values), real)  # [B, M, C]
        r = self.mix(self.image(V) * gathered).view_as(cells)  # [B, H, W, C]
        shown = (attention * words.mask.unsqueeze(1)).transpose(1, 2)  # [B, N, M]
        return only_data(r, cell_mask), shown.reshape(B, -1, H, W)


class LanguageGate(nn.Sequential):
    """How much of r goes on to the next stage, per cell and channel: tanh(W_2 ReLU(W_1 r)), without biases."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, width, bias=False), nn.Tanh())
