"""HRVQA: A Visual Question Answering Benchmark for High-Resolution Aerial Images (Li, Vosselman, Yang; ISPRS Journal
of Photogrammetry and Remote Sensing 2024). Its network is called GFTransformer.

*What our paper says* (section V-B): joint features of picture and question gain by a gated attention mechanism and a
mutual fusion module.

*What is known of the original*: MCAN's encoder-decoder (see ``blocks``) with six layers, over grid features of the
picture and an LSTM's of the words. Gated attention is the self-attention among places: per head a learned gate
blends attention by content with attention by relative position (the offset in columns and rows and its square).
Mutual fusion pools both sides by attention and maps each; an MLP with a softmax over channels makes of their sum the
weights by which both are multiplied, before they are added, normalised and classified.

*Our reading*: the config's number of layers; pre-norm; offsets in sides of the picture; channel weights of mean 1,
for the LayerNorm behind them would otherwise meet numbers as small as its own epsilon; softmax and cross-entropy at
the end where the original has a sigmoid for each answer, as all networks here share the loss.

*What cannot be the same here*: the features. No LSTM reads the words, as the shared text features know their order.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.nn.blocks import EncoderLayer, masked_softmax
from engine.vqa.amef import WEAKEST_SCORE
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection
from engine.vqa.rivals.blocks import AttentivePool, GuidedLayer, SelfAttention


class GatedAttention(SelfAttention):
    """(1 - σ(g)) softmax(QKᵀ / √(D / h)) V + σ(g) softmax(w · offset) V, with a gate g and a vector w for each head."""

    offsets: Tensor

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__(config.width, config.heads)
        # A bias would add the same to every logit, which a softmax does not see.
        self.by_offset = nn.Linear(3, config.heads, bias=False)
        self.gate = nn.Parameter(torch.ones(config.heads))  # σ(1) = 0.73 to position at first, as in the original
        self.register_buffer("offsets", relative_offsets(config.grid), persistent=False)

    def gather(self, values: Tensor, logits: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`SelfAttention.gather`."""
        by_content = masked_softmax(logits, mask[:, None, None, :]).to(values.dtype) @ values  # [B, h, M, d]
        with torch.autocast(values.device.type, enabled=False):  # sums of e^logit need the range of float32
            by_position = self.gather_by_position(values.float(), mask)  # [B, h, M, d]
        share = self.gate.sigmoid()[:, None, None]  # [h, 1, 1]
        return (1 - share) * by_content + share * by_position

    def gather_by_position(self, values: Tensor, mask: Tensor) -> Tensor:
        """``values`` [B, h, M, d] by softmax(w · offset) over ``mask`` [B, M] -> [B, h, M, d].

        The logits are the same for all pictures; only what has data differs. So the softmax is a ratio of two sums of
        e^logit over what has data, and no map [B, h, M, M] is made.
        """
        logits = self.by_offset(self.offsets).permute(2, 0, 1)  # [h, M, M]
        weight = (logits - logits.detach().amax(-1, keepdim=True)).clamp_min(WEAKEST_SCORE).exp()
        there = mask.to(values.dtype)  # [B, M]
        total = torch.einsum("hnm,bm->bhn", weight, there).clamp_min(math.exp(WEAKEST_SCORE)).unsqueeze(-1)
        return torch.einsum("hnm,bhmd->bhnd", weight, values * there[:, None, :, None]) / total


class MutualFusion(nn.Module):
    """Pools both sides, and lets their sum weigh the channels of each: patches, words -> [B, D]."""

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        width = config.width
        self.pool_patches, self.pool_words = AttentivePool(width), AttentivePool(width)
        self.map_patches, self.map_words = nn.Linear(width, width), nn.Linear(width, width)
        self.weigh = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, patches: Tensor, patch_mask: Tensor, words: Tensor, word_mask: Tensor) -> Tensor:
        """``patches`` [B, M, D], ``words`` [B, N, D] and their masks -> [B, D]."""
        picture = self.map_patches(self.pool_patches(patches, patch_mask))  # [B, D]
        question = self.map_words(self.pool_words(words, word_mask))  # [B, D]
        weight = self.weigh(picture + question).softmax(-1) * picture.shape[-1]  # [B, D], of mean 1
        return weight * picture + weight * question  # type: ignore[no-any-return]


class Hrvqa(VqaNetwork):
    """GFTransformer: the question is read first, then the picture with gated attention; both are fused."""

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        super().__init__(vision, text_tower, config.sensors)
        width, depth = config.width, range(config.decoder_layers)
        self.text = text_projection(config)
        self.read = nn.ModuleList([EncoderLayer(width, config.heads, config.mlp_ratio) for _ in depth])
        self.look = nn.ModuleList([GuidedLayer(GatedAttention(config), config) for _ in depth])
        self.fuse = MutualFusion(config)
        self.norm = nn.LayerNorm(width)
        self.classify = nn.Linear(width, config.answers)

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        patches, patch_mask = added(seen(view, self.sensors))  # [B, M, D], [B, M]
        words = self.text(question)  # [B, N, D]
        for layer in self.read:
            words = layer(words, question_mask)
        for layer in self.look:
            patches = layer(patches, patch_mask, words, question_mask)
        fused = self.fuse(patches, patch_mask, words, question_mask)  # [B, D]
        return plain_output(self.classify(self.norm(fused)))


def relative_offsets(grid: int) -> Tensor:
    """[M, M, 3]: from each patch to each, the offset in columns and in rows, and the square of its length.

    Columns and rows are in sides of the picture, so between -1 and 1.
    """
    place = torch.arange(grid) / grid  # [side]
    rows, columns = place.repeat_interleave(grid), place.repeat(grid)  # [M]
    across, down = columns - columns[:, None], rows - rows[:, None]  # [M, M]: row i holds the offsets from patch i
    return torch.stack([across, down, across**2 + down**2], -1)
