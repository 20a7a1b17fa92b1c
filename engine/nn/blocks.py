"""Transformer blocks shared by the networks. Masks are boolean and True where there is something real.

Everything here is written so that masked positions change nothing: not the values, not the gradients. A query with
no real key at all gets a uniform (finite) attention, whose result the caller has to leave unused.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def masked_softmax(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the last dimension; ``mask`` (broadcastable, True = real) keeps masked entries at exactly 0.

    A row without any real entry comes out uniform, so that no NaN is ever made.
    """
    if mask is None:
        return logits.softmax(-1)
    return logits.masked_fill(~mask, torch.finfo(logits.dtype).min).softmax(-1)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``x`` [B, N, D] over its real positions ``mask`` [B, N] -> [B, D]; zeros where none is real."""
    weight = mask.to(x.dtype)
    total = (x * weight.unsqueeze(-1)).sum(1)
    return total / weight.sum(1, keepdim=True).clamp_min(1.0)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, N, D] -> [B, heads, N, D / heads]."""
    B, N, D = x.shape
    return x.view(B, N, heads, D // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[B, heads, N, D / heads] -> [B, N, D]."""
    B, H, N, d = x.shape
    return x.transpose(1, 2).reshape(B, N, H * d)


class Mlp(nn.Sequential):
    """Linear, GELU, linear: the feed-forward part of every block, ``ratio`` times as wide inside."""

    def __init__(self, width: int, ratio: float) -> None:
        hidden = round(width * ratio)
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Attention(nn.Module):
    """Multi-head attention, softmax(QKᵀ / √(D / heads) + bias) V, with separate W_Q, W_K, W_V and output maps."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = 1.0 / math.sqrt(width / heads)
        self.to_query = nn.Linear(width, width)
        self.to_key = nn.Linear(width, width)
        self.to_value = nn.Linear(width, width)
        self.project = nn.Linear(width, width)

    def forward(self, query: Tensor, memory: Tensor, memory_mask: Tensor | None, bias: Tensor | None = None) -> Tensor:
        """``query`` [B, N, D] looks at ``memory`` [B, K, D] where ``memory_mask`` [B, K]; -> [B, N, D].

        ``bias`` [B, K] is added to every query's logits (a log-gate multiplies that key's attention by the gate).
        """
        q = split_heads(self.to_query(query), self.heads) * self.scale  # [B, h, N, d]
        k = split_heads(self.to_key(memory), self.heads)  # [B, h, K, d]
        v = split_heads(self.to_value(memory), self.heads)  # [B, h, K, d]
        logits = q @ k.transpose(-1, -2)  # [B, h, N, K]
        if bias is not None:
            logits = logits + bias[:, None, None, :]
        mask = None if memory_mask is None else memory_mask[:, None, None, :]
        attention = masked_softmax(logits, mask)
        return self.project(merge_heads(attention @ v))  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """Pre-norm Transformer encoder layer: self-attention and MLP, each with a residual."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, mlp_ratio)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``x`` [B, N, D] with real positions ``mask`` [B, N] -> [B, N, D]."""
        normed = self.norm1(x)
        x = x + self.attention(normed, normed, mask)
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """Pre-norm Transformer decoder layer: self-attention among queries, attention to memory, MLP; each with dropout."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.mlp = Mlp(width, mlp_ratio)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """``x`` [B, N, D] (real: ``mask`` [B, N]) reads ``memory`` [B, K, D] (real: ``memory_mask``) -> [B, N, D]."""
        normed = self.norm1(x)
        x = x + self.dropout(self.self_attention(normed, normed, mask))
        x = x + self.dropout(self.cross_attention(self.norm2(x), memory, memory_mask))
        return x + self.dropout(self.mlp(self.norm3(x)))  # type: ignore[no-any-return]
