"""Blocks that several rivals share. Masks are True where real.

HRVQA and TRAR both build on the encoder-decoder of MCAN (Deep Modular Co-Attention Networks for Visual Question
Answering, CVPR 2019): layers of self-attention read the question; then layers of self-attention, attention to the
question and MLP read the picture; both are pooled by attention. The two differ in how patches attend to each other,
which a subclass of :class:`SelfAttention` says.

Shapes: B questions, N question tokens, M patches, K keys, D width, h heads.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.blocks import Attention, Mlp, masked_softmax, merge_heads, split_heads
from engine.vqa.config import TgfnetConfig

SHORTEST = 1e-4  # what shorter vectors are divided by


class SelfAttention(nn.Module):
    """Multi-head self-attention; how values are gathered by the logits QKᵀ / √(D / h) a subclass says."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = 1.0 / math.sqrt(width / heads)
        self.to_query = nn.Linear(width, width)
        self.to_key = nn.Linear(width, width)
        self.to_value = nn.Linear(width, width)
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [B, M, D] with real positions ``mask`` [B, M] -> [B, M, D]."""
        q = split_heads(self.to_query(x), self.heads) * self.scale  # [B, h, M, d]
        k = split_heads(self.to_key(x), self.heads)  # [B, h, M, d]
        v = split_heads(self.to_value(x), self.heads)  # [B, h, M, d]
        gathered = self.gather(v, q @ k.transpose(-2, -1), x, mask)  # [B, h, M, d]
        return self.project(merge_heads(gathered))  # type: ignore[no-any-return]

    def gather(self, values: Tensor, logits: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Means of ``values`` [B, h, M, d] over ``mask`` [B, M], one for each patch -> [B, h, M, d].

        ``logits`` [B, h, M, M] have a row for each patch that looks, ``x`` [B, M, D] is what comes into the layer.
        """
        raise NotImplementedError


class GuidedLayer(nn.Module):
    """Pre-norm layer of MCAN's decoder: ``self_attention`` among patches, attention to the question, MLP."""

    def __init__(self, self_attention: SelfAttention, config: TgfnetConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.self_attention = self_attention
        self.norm2 = nn.LayerNorm(config.width)
        self.guide = Attention(config.width, config.heads)
        self.norm3 = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.mlp_ratio)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, patches: Tensor, mask: Tensor, question: Tensor, question_mask: Tensor) -> Tensor:
        """``patches`` [B, M, D] read ``question`` [B, N, D] -> [B, M, D]."""
        patches = patches + self.dropout(self.self_attention(self.norm1(patches), mask))
        patches = patches + self.dropout(self.guide(self.norm2(patches), question, question_mask))
        return patches + self.dropout(self.mlp(self.norm3(patches)))  # type: ignore[no-any-return]


class AttentivePool(nn.Module):
    """A mean of tokens weighted by what each says for itself: softmax over tokens of FC(ReLU(FC(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # A last bias would add the same to every score, which a softmax does not see.
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1, bias=False))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [B, N, D] with real positions ``mask`` [B, N] -> [B, D]."""
        weight = masked_softmax(self.score(x).squeeze(-1), mask)  # [B, N]
        return torch.einsum("bn,bnd->bd", weight, x)


class QuestionGru(nn.Module):
    """A one-way GRU over the words. It never looks ahead, so padding behind the last word cannot change a state."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width, batch_first=True)

    def forward(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``words`` [B, N, D], the real ones of ``mask`` [B, N] first -> states [B, N, D] and the last real one [B, D].

        States of padding mean nothing.
        """
        states, _ = self.gru(words)  # [B, N, D]
        last = mask.sum(1).clamp_min(1) - 1  # [B]
        return states, states[torch.arange(len(last), device=last.device), last]


def unit(x: Tensor) -> Tensor:
    """``x`` [..., D] at length 1; zeros stay zeros, also in float16, which does not know torch's own 1e-12."""
    return F.normalize(x, dim=-1, eps=SHORTEST)


def answer_head(width: int, config: TgfnetConfig) -> nn.Sequential:
    """[B, width] -> logits [B, C]: FC, ReLU, dropout, FC, as TGFNet's experts end (eq. 7)."""
    return nn.Sequential(
        nn.Linear(width, 2 * config.width),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(2 * config.width, config.answers),
    )
