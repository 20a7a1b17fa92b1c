"""CFAR, TGFNet's text-guided coarse-to-fine attention refinement (section III-B): KRR, MCA and IE.

No false-alarm detector: the paper's abbreviation collides with the radar term. One :class:`Refinement` serves one
sensor; the two have the same form and share no weights.

Shapes: B questions, N question tokens, M patches, T regions of P patches, D width. Masks are True where real.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.nn.blocks import Attention, Mlp, masked_mean, masked_softmax, merge_heads, split_heads
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import Refined


class KeyRegions(NamedTuple):
    """What the router keeps: ``patches`` [B, kP, D], their ``mask`` and ``log_gate`` [B, kP]; for display ``scores``
    and ``kept`` [B, T]."""

    patches: Tensor
    mask: Tensor
    log_gate: Tensor | None
    scores: Tensor
    kept: Tensor


class KeyRegionRouting(nn.Module):
    """KRR, eq. 1: S = Mean((W_T F_q)(W_I F_r)ᵀ / √D) over question tokens; the k best regions pass on their patches.

    *Our reading*: T = 49 regions of P = 2 x 2 patches, k = 12, regions pooled over their valid patches. A hard choice
    passes no gradient to W_T and W_I, so each kept region is also gated by its score: g = k softmax(S over the kept),
    of mean 1. The gate enters as log g on MCA's attention logits, behind every LayerNorm, which would erase it.
    ``router_gate = "none"`` is the literal form.
    """

    codebook: Tensor

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.kept = config.kept_regions
        self.gated = config.router_gate == "learnable"
        self.scale = 1.0 / math.sqrt(config.width)
        self.text_map = nn.Linear(config.width, config.width, bias=False)  # W_T
        self.image_map = nn.Linear(config.width, config.width, bias=False)  # W_I
        self.register_buffer("codebook", region_codebook(config.grid, config.region_side), persistent=False)

    def forward(self, question: Tensor, question_mask: Tensor, patches: Tensor, patch_mask: Tensor) -> KeyRegions:
        """``question`` [B, N, D], ``patches`` [B, M, D] and their masks -> the key regions."""
        by_region = patches[:, self.codebook]  # [B, T, P, D]
        region_mask = patch_mask[:, self.codebook]  # [B, T, P]
        B, T, P, D = by_region.shape
        pooled = masked_mean(by_region.flatten(0, 1), region_mask.flatten(0, 1)).view(B, T, D)
        # The mean over tokens of a product with each token is the product with the mean token.
        query = masked_mean(self.text_map(question), question_mask)  # [B, D]
        scores = torch.einsum("bd,btd->bt", query, self.image_map(pooled)) * self.scale  # [B, T]
        usable = region_mask.any(-1)  # [B, T]
        ranked = scores.detach().masked_fill(~usable, -torch.inf)
        chosen = ranked.topk(self.kept, dim=-1).indices  # [B, k]
        real = usable.gather(1, chosen)  # [B, k]
        kept_scores = scores.gather(1, chosen)
        log_gate = self._log_gate(kept_scores, real).repeat_interleave(P, dim=1) if self.gated else None
        index = self.codebook[chosen].flatten(1)  # [B, k, P] -> [B, kP]
        return KeyRegions(
            patches=patches.gather(1, index.unsqueeze(-1).expand(-1, -1, D)),
            mask=patch_mask.gather(1, index),
            log_gate=log_gate,
            scores=scores,
            kept=torch.zeros_like(usable).scatter(1, chosen, real),
        )

    @staticmethod
    def _log_gate(scores: Tensor, real: Tensor) -> Tensor:
        """log(k softmax(S)), [B, k] -> [B, k]: gates of mean 1 over the kept regions that have data."""
        masked = scores.masked_fill(~real, torch.finfo(scores.dtype).min)
        log_gate = masked.log_softmax(-1) + real.sum(-1, keepdim=True).clamp_min(1).log()
        return log_gate.masked_fill(~real, 0.0)


def region_codebook(grid: int, side: int) -> Tensor:
    """Patch indices of each region, [T, P] int64: regions and their patches in reading order."""
    index = torch.arange(grid * grid).view(grid // side, side, grid // side, side)
    return index.permute(0, 2, 1, 3).reshape(-1, side * side)


class CrossAttention(nn.Module):
    """MCA, eqs. 2-3: question tokens read the key regions; attention and MLP, both pre-norm with a residual."""

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.norm_question = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.norm_mlp = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.mlp_ratio)

    def forward(self, question: Tensor, regions: KeyRegions) -> Tensor:
        """``question`` [B, N, D] -> F_qo [B, N, D]. The patches come normalised from the image encoder."""
        query = self.norm_question(question)
        x = question + self.attention(query, regions.patches, regions.mask, regions.log_gate)
        return x + self.mlp(self.norm_mlp(x))  # type: ignore[no-any-return]


class ImageEnhancement(nn.Module):
    """IE, eqs. 4-5: SE = softmax(Mean(QKᵀ / √(D / heads))) * V per head, then residual, LayerNorm, MLP, residual.

    The mean runs over the real question tokens, the softmax over valid patches. *Our reading*: the weights are
    multiplied by M, so that their mean is 1 and the branch starts at the size of its residual; the output map could
    absorb that constant, so the set of functions is the paper's.
    """

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.scale = 1.0 / math.sqrt(config.width / config.heads)
        self.norm_question = nn.LayerNorm(config.width)
        self.to_query = nn.Linear(config.width, config.width)
        self.to_key = nn.Linear(config.width, config.width)
        self.to_value = nn.Linear(config.width, config.width)
        self.project = nn.Linear(config.width, config.width)
        self.norm_mlp = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.mlp_ratio)

    def forward(
        self, found: Tensor, question_mask: Tensor, patches: Tensor, patch_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``found`` (F_qo) [B, N, D], ``patches`` [B, M, D] -> enhanced patches [B, M, D] and attention [B, M]."""
        M = patches.shape[1]
        # Mean over tokens of QKᵀ is (mean Q) Kᵀ: the same number for N times less work.
        query = masked_mean(self.to_query(self.norm_question(found)), question_mask).unsqueeze(1)  # [B, 1, D]
        q = split_heads(query, self.heads) * self.scale  # [B, h, 1, d]
        k = split_heads(self.to_key(patches), self.heads)  # [B, h, M, d]
        v = split_heads(self.to_value(patches), self.heads)  # [B, h, M, d]
        similarity = (q @ k.transpose(-1, -2)).squeeze(2)  # [B, h, M]
        attention = masked_softmax(similarity, patch_mask.unsqueeze(1))  # [B, h, M]
        x = patches + self.project(merge_heads(v * (M * attention).unsqueeze(-1)))
        return x + self.mlp(self.norm_mlp(x)), attention.mean(1)


class Refinement(nn.Module):
    """CFAR for one sensor: route to key regions, read them with the question, enhance the whole picture."""

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.routing = KeyRegionRouting(config)
        self.cross_attention = CrossAttention(config)
        self.enhancement = ImageEnhancement(config)

    def forward(self, question: Tensor, question_mask: Tensor, patches: Tensor, patch_mask: Tensor) -> Refined:
        """``question`` F_q [B, N, D], ``patches`` F_o or F_s [B, M, D] -> F_OE or F_SE with its reasons."""
        regions = self.routing(question, question_mask, patches, patch_mask)
        found = self.cross_attention(question, regions)
        enhanced, attention = self.enhancement(found, question_mask, patches, patch_mask)
        return Refined(enhanced, regions.scores, regions.kept, attention)
