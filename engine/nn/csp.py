"""Convolutional blocks of detectors: cross-stage partial stages, pooled pyramid, position attention. Maps [B, C, H, W].

The ideas are CSPNet's (Wang et al. 2020: part of the channels passes a stage by), SPP's (He et al. 2015, in its form of
repeated small pools) and multi-head attention over positions; the sizes are the published shape of YOLO11. Written from
those descriptions; no code of a detector framework is used.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.blocks import masked_softmax

BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 0.03
"""The convention of this family of detectors, in place of torch's 1e-5 and 0.1: a slow average suits noisy batches."""

HEAD_WIDTH = 64
"""Channels of one head of :class:`PositionAttention`; a narrower map has one head."""


def batch_norm(width: int) -> nn.BatchNorm2d:
    """BatchNorm over maps, with the convention's constants."""
    return nn.BatchNorm2d(width, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)


class ConvNormAct(nn.Module):
    """Convolution without bias, BatchNorm, SiLU. An odd ``kernel`` keeps H and W at ``stride`` 1, halves them at 2."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, act: bool = True
    ) -> None:
        """``groups`` equal to the widths makes the convolution depthwise; without ``act`` the norm is the end."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = batch_norm(outputs)
        self.act = nn.SiLU() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H / stride, W / stride], rounded up."""
        return self.act(self.norm(self.conv(x)))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """Two 3x3 convolutions with a residual, ``ratio`` times as wide between them."""

    def __init__(self, width: int, ratio: float = 0.5) -> None:
        super().__init__()
        hidden = round(width * ratio)
        self.convs = nn.Sequential(ConvNormAct(width, hidden, 3), ConvNormAct(hidden, width, 3))

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] -> the same shape."""
        return x + self.convs(x)  # type: ignore[no-any-return]


class CspBlock(nn.Module):
    """Two 1x1 branches of half the width, one of them through two bottlenecks; both joined by a 1x1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.deep = nn.Sequential(ConvNormAct(width, half), Bottleneck(half, 1.0), Bottleneck(half, 1.0))
        self.short = ConvNormAct(width, half)
        self.join = ConvNormAct(2 * half, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width, H, W] -> the same shape."""
        return self.join(torch.cat([self.deep(x), self.short(x)], 1))  # type: ignore[no-any-return]


class CspStage(nn.Module):
    """1x1 to two halves, ``blocks`` blocks each fed by the one before, all of them concatenated, 1x1 out.

    A half is ``ratio`` times ``outputs`` wide. The blocks are bottlenecks, or ``inside`` CSP blocks themselves.
    """

    def __init__(self, inputs: int, outputs: int, blocks: int = 1, *, inside: bool = False, ratio: float = 0.5) -> None:
        super().__init__()
        half = round(outputs * ratio)
        self.split = ConvNormAct(inputs, 2 * half)
        self.blocks = nn.ModuleList(CspBlock(half) if inside else Bottleneck(half) for _ in range(blocks))
        self.join = ConvNormAct((2 + blocks) * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W]."""
        parts = list(self.split(x).chunk(2, 1))  # 2 x [B, half, H, W]
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.join(torch.cat(parts, 1))  # type: ignore[no-any-return]


class Sppf(nn.Module):
    """Spatial pyramid pooling: the map beside its maxima over 5, 9 and 13 cells, as three 5x5 pools in a row."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 5) -> None:
        super().__init__()
        half = inputs // 2
        self.reduce = ConvNormAct(inputs, half)
        self.pool = nn.MaxPool2d(kernel, stride=1, padding=kernel // 2)
        self.join = ConvNormAct(4 * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W]."""
        pooled = [self.reduce(x)]
        for _ in range(3):
            pooled.append(self.pool(pooled[-1]))
        return self.join(torch.cat(pooled, 1))  # type: ignore[no-any-return]


def attention_heads(width: int) -> int:
    """Heads of :class:`PositionAttention` over a map of ``width`` channels."""
    return max(1, width // HEAD_WIDTH)


class PositionAttention(nn.Module):
    """Multi-head attention among all cells; a depthwise 3x3 of the values tells where a cell lies.

    Heads are :data:`HEAD_WIDTH` wide, queries and keys half of that. Cells without data are nobody's keys.
    """

    def __init__(self, width: int) -> None:
        """``width`` has to divide into its :func:`attention_heads`."""
        super().__init__()
        self.heads = attention_heads(width)
        self.key_width = width // self.heads // 2
        self.to_query_key_value = ConvNormAct(width, 2 * self.heads * self.key_width + width, act=False)
        self.position = ConvNormAct(width, width, 3, groups=width, act=False)
        self.project = ConvNormAct(width, width, act=False)

    def forward(self, x: Tensor, cell_mask: Tensor | None = None) -> Tensor:
        """``x`` [B, C, H, W] with data in the cells ``cell_mask`` bool [B, H, W] (None: in all) -> [B, C, H, W]."""
        B, C, H, W = x.shape
        keys = self.heads * self.key_width
        q, k, v = self.to_query_key_value(x).flatten(2).split([keys, keys, C], 1)  # [B, h d_k, N], twice, [B, C, N]
        q, k, values = (part.unflatten(1, (self.heads, -1)) for part in (q, k, v))  # [B, h, d, N]
        logits = q.transpose(-1, -2) @ k / math.sqrt(self.key_width)  # [B, h, N, N]
        mask = None if cell_mask is None else cell_mask.flatten(1)[:, None, None, :]  # [B, 1, 1, N]
        attention = masked_softmax(logits, mask)
        seen = (values @ attention.transpose(-1, -2)).reshape(B, C, H, W)  # [B, h, d_v, N] -> [B, C, H, W]
        return self.project(seen + self.position(v.reshape(B, C, H, W)))  # type: ignore[no-any-return]


class PositionAttentionBlock(nn.Module):
    """Position attention and a feed-forward part of twice the width, each with a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = PositionAttention(width)
        self.feed_forward = nn.Sequential(ConvNormAct(width, 2 * width), ConvNormAct(2 * width, width, act=False))

    def forward(self, x: Tensor, cell_mask: Tensor | None = None) -> Tensor:
        """``x`` [B, width, H, W], ``cell_mask`` bool [B, H, W] -> the shape of ``x``."""
        x = x + self.attention(x, cell_mask)
        return x + self.feed_forward(x)  # type: ignore[no-any-return]


class PositionAttentionStage(nn.Module):
    """1x1 to two halves, one of them through ``blocks`` attention blocks; both joined by a 1x1. The width stays."""

    def __init__(self, width: int, blocks: int = 1) -> None:
        super().__init__()
        half = width // 2
        self.split = ConvNormAct(width, 2 * half)
        self.blocks = nn.ModuleList(PositionAttentionBlock(half) for _ in range(blocks))
        self.join = ConvNormAct(2 * half, width)

    def forward(self, x: Tensor, cell_mask: Tensor | None = None) -> Tensor:
        """``x`` [B, width, H, W], ``cell_mask`` bool [B, H, W] (None: data everywhere) -> the shape of ``x``."""
        passed, seen = self.split(x).chunk(2, 1)  # 2 x [B, half, H, W]
        for block in self.blocks:
            seen = block(seen, cell_mask)
        return self.join(torch.cat([passed, seen], 1))  # type: ignore[no-any-return]


def cells_with_data(valid: Tensor, stride: int) -> Tensor:
    """Which cells of ``stride`` pixels have any valid pixel: bool [B, H, W] -> bool [B, H / stride, W / stride]."""
    return F.max_pool2d(valid.float().unsqueeze(1), stride).squeeze(1) > 0
