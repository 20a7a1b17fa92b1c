"""TRAR: Routing the Attention Spans in Transformer for Visual Question Answering (Zhou, Ren, Zhu, Sun, Liu, Ding, Xu,
Ji; ICCV 2021).

*What our paper says* (section V-B): a dynamic routing scheme and a path controller choose the attention span in the
layers of a visual Transformer, which then models both global and local dependencies.

*What is known of the original*: MCAN's encoder-decoder (see ``blocks``) with six layers. Each layer that reads the
picture has self-attention over several spans with shared weights: order 0 is global, order k a window around each
place. A path controller pools what comes into the layer, by attention, and an MLP with half the width inside gives
one weight for each span, by a softmax (soft routing) or a Gumbel softmax (hard routing). Orders are 0, 1, 2, 3.

*Our reading*: soft routing; order k is the window of (2k + 1) x (2k + 1) patches; each span has its own softmax and
the attention is their sum by the path weights; the config's number of layers; pre-norm; softmax and cross-entropy
at the end, as all networks here share the loss.

*What cannot be the same here*: the features. No LSTM reads the words, as the shared text features know their order.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.nn.blocks import EncoderLayer
from engine.vqa.amef import WEAKEST_SCORE
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection
from engine.vqa.rivals.blocks import AttentivePool, GuidedLayer, SelfAttention

ORDERS = (0, 1, 2, 3)  # of the spans, as in the original: 0 is global, k reaches k patches to each side


class PathController(nn.Module):
    """What comes into a layer [B, M, D] -> how much each span counts [B, orders]; rows sum to 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = AttentivePool(width)
        self.mlp = nn.Sequential(nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, len(ORDERS)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.mlp(self.pool(x, mask)).softmax(-1)  # type: ignore[no-any-return]


class RoutedAttention(SelfAttention):
    """Σ_k path_k softmax(QKᵀ / √(D / h) within span k) V: one set of logits, several spans.

    All spans share e^logit; each divides it by its own sum. So span k adds path_k / sum_k to the factor by which each
    e^logit within it counts, and the maps of the spans are never made one by one.
    """

    spans: Tensor

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__(config.width, config.heads)
        self.control = PathController(config.width)
        self.register_buffer("spans", span_masks(config.grid), persistent=False)

    def gather(self, values: Tensor, logits: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`SelfAttention.gather`."""
        paths = self.control(x, mask)  # [B, orders]
        with torch.autocast(logits.device.type, enabled=False):  # sums of e^logit need the range of float32
            attention = self.routed(logits.float(), paths.float(), mask)  # [B, h, M, M]
        return attention.to(values.dtype) @ values

    def routed(self, logits: Tensor, paths: Tensor, mask: Tensor) -> Tensor:
        """``logits`` [B, h, M, M] and ``paths`` [B, orders] -> attention [B, h, M, M], rows sum to 1 over ``mask``."""
        there = mask[:, None, None, :]  # [B, 1, 1, M]
        logits = logits.masked_fill(~there, torch.finfo(logits.dtype).min)
        highest = logits.detach().amax(-1, keepdim=True)  # [B, h, M, 1]
        weight = (logits - highest).clamp_min(WEAKEST_SCORE).exp() * there  # [B, h, M, M]
        spans = self.spans.to(weight.dtype)  # [orders, M, M]
        sums = torch.einsum("bhnm,knm->bhnk", weight, spans).clamp_min(math.exp(WEAKEST_SCORE))
        return weight * torch.einsum("bhnk,knm->bhnm", paths[:, None, None, :] / sums, spans)


class Trar(VqaNetwork):
    """The question is read first, then the picture by layers that choose how far to look; both are pooled and added."""

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        super().__init__(vision, text_tower, config.sensors)
        width, depth = config.width, range(config.decoder_layers)
        self.text = text_projection(config)
        self.read = nn.ModuleList([EncoderLayer(width, config.heads, config.mlp_ratio) for _ in depth])
        self.look = nn.ModuleList([GuidedLayer(RoutedAttention(config), config) for _ in depth])
        self.pool_patches, self.pool_words = AttentivePool(width), AttentivePool(width)
        self.map_patches, self.map_words = nn.Linear(width, width), nn.Linear(width, width)
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
        of_picture = self.map_patches(self.pool_patches(patches, patch_mask))  # [B, D]
        of_question = self.map_words(self.pool_words(words, question_mask))  # [B, D]
        return plain_output(self.classify(self.norm(of_picture + of_question)))


def span_masks(grid: int) -> Tensor:
    """[orders, M, M], True where a patch (row) may look at another (column): everywhere, or within k patches."""
    place = torch.arange(grid)
    rows, columns = place.repeat_interleave(grid), place.repeat(grid)  # [M]
    apart = torch.maximum((rows - rows[:, None]).abs(), (columns - columns[:, None]).abs())  # [M, M]
    return torch.stack([torch.ones_like(apart, dtype=torch.bool) if k == 0 else apart <= k for k in ORDERS])
