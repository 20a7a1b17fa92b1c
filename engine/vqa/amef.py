"""AMEF, TGFNet's adaptive multi-expert fusion (section III-C): RQAF, the three experts and AF.

Shapes: B questions, N question tokens, M patches, D width, C answers. Masks are True where real.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.blocks import DecoderLayer, Mlp, masked_mean
from engine.vqa.config import TgfnetConfig

WEAKEST_SCORE = -60.0  # e^-60: below the resolution of float32 sums, yet never an exact 0 / 0


class RegionalFusion(nn.Module):
    """RQAF, eq. 6: at each location, a weighted mean over the R most alike patches of each sensor.

    W_i = Softmax over Set_i of Mean(F_q Set_iᵀ / √(D / heads)), per head, then LayerNorm and MLP. *Our reading*:
    alike means cosine similarity of the mapped patches within one sensor, R = 8, one map each for optical, SAR and
    question. A patch without data is nobody's neighbour, and where one sensor has no data only the other speaks.

    A member's score does not depend on the location that looks at it, so the softmax over a set is a ratio of sums of
    e^score over its members, and both sums are products with the 0/1 membership matrix: no patch is copied R times.
    """

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.neighbours = config.neighbours
        self.scale = 1.0 / math.sqrt(config.width / config.heads)
        self.map_optical = nn.Linear(config.width, config.width)
        self.map_sar = nn.Linear(config.width, config.width)
        self.map_question = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.mlp_ratio)

    def forward(
        self,
        question: Tensor,
        question_mask: Tensor,
        optical: Tensor,
        optical_mask: Tensor,
        sar: Tensor,
        sar_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Enhanced ``optical`` and ``sar`` [B, M, D] -> F_OS [B, M, D] and trust [B, M], optical's share of weight."""
        members = torch.cat([self.map_optical(optical), self.map_sar(sar)], 1)  # [B, 2M, D]
        query = masked_mean(self.map_question(question), question_mask)  # [B, D]
        # The sums run over numbers of very different size, which half precision would round to 0 / 0.
        with torch.autocast(optical.device.type, enabled=False):
            fused, trust = self._weighted_mean(query.float(), members.float(), optical_mask, sar_mask)
        return self.mlp(self.norm(fused)), trust

    def _weighted_mean(
        self, query: Tensor, members: Tensor, optical_mask: Tensor, sar_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``query`` [B, D], ``members`` [B, 2M, D] -> the mean over each location's set [B, M, D] and trust [B, M]."""
        B, M = optical_mask.shape
        with torch.no_grad():
            near_optical = nearest(members[:, :M], optical_mask, self.neighbours)  # [B, M, M]
            near_sar = nearest(members[:, M:], sar_mask, self.neighbours)  # [B, M, M]
            membership = torch.cat([near_optical, near_sar], 2)  # [B, M, 2M]
        values = members.view(B, 2 * M, self.heads, -1)  # [B, 2M, h, d]
        scores = (query.view(B, 1, self.heads, -1) * values).sum(-1) * self.scale  # [B, 2M, h]
        # A patch without data has no say in the maximum: far above the others it would drown them all.
        nobody = ~torch.cat([optical_mask, sar_mask], 1).unsqueeze(-1)  # [B, 2M, 1]
        scores = scores.masked_fill(nobody, torch.finfo(scores.dtype).min)
        scores = scores - scores.detach().amax(1, keepdim=True)
        weight = scores.clamp_min(WEAKEST_SCORE).exp()  # [B, 2M, h]
        weighted = (weight.unsqueeze(-1) * values).flatten(2)  # [B, 2M, D]
        # The softmax's denominator; below the least weight only where a set is empty.
        total = (membership @ weight).clamp_min(math.exp(WEAKEST_SCORE))  # [B, M, h]
        optical_total = near_optical @ weight[:, :M]  # [B, M, h]
        fused = (membership @ weighted).view(B, M, self.heads, -1) / total.unsqueeze(-1)  # [B, M, h, d]
        return fused.flatten(2), (optical_total / total).mean(-1)


def nearest(patches: Tensor, mask: Tensor, count: int) -> Tensor:
    """0/1 matrix [B, M, M]: row i marks the ``count`` valid patches most like patch i by cosine, itself included.

    Rows of patches without data are empty. ``patches`` [B, M, D], ``mask`` [B, M].
    """
    unit = F.normalize(patches, dim=-1)
    alike = (unit @ unit.transpose(1, 2)).masked_fill(~mask.unsqueeze(1), -2.0)  # below any cosine
    chosen = alike.topk(min(count, patches.shape[1]), dim=-1, sorted=False).indices  # [B, M, R]
    member = torch.zeros_like(alike).scatter_(2, chosen, 1.0)
    return member * mask.unsqueeze(1) * mask.unsqueeze(2)


class Expert(nn.Module):
    """Eq. 7: P = FC(ReLU(FC(GAP(Decoder(Q, K, V))))), question as query, patches as key and value.

    *Our reading*: a pre-norm decoder of two layers with 8 heads, and GAP over the real question tokens.
    """

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        width = config.width
        self.query = nn.Linear(width, width)
        self.layers = nn.ModuleList(
            [DecoderLayer(width, config.heads, config.mlp_ratio, config.dropout) for _ in range(config.decoder_layers)]
        )
        self.norm = nn.LayerNorm(width)
        self.classify = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(2 * width, config.answers)
        )

    def forward(self, question: Tensor, question_mask: Tensor, patches: Tensor, patch_mask: Tensor) -> Tensor:
        """``question`` [B, N, D], ``patches`` [B, M, D] -> logits [B, C]."""
        x = self.query(question)
        for layer in self.layers:
            x = layer(x, question_mask, patches, patch_mask)
        return self.classify(masked_mean(self.norm(x), question_mask))  # type: ignore[no-any-return]


class FusedPrediction(NamedTuple):
    """``logits`` [B, C] before the softmax of eq. 8; ``weights`` [B, 3] in (0, 1), 0 for an absent expert."""

    logits: Tensor
    weights: Tensor


class AdaptiveFusion(nn.Module):
    """AF, eq. 8: W_A = Sigmoid(FC(Concat(P_OE, P_SE, P_OS))), Pre = Softmax(W_A (P_OE, P_SE, P_OS)).

    An expert that is absent enters as zeros and gets weight 0.

    P are logits, and a softmax tells nobody by which constant they are raised: in training all logits of an expert
    drift together, FC multiplies that by 3C inputs, and the sigmoids end at 0 or 1 whatever is asked (measured on
    scenes: mean weights 6e-11, 2e-12 and 1.0). *Our reading* for ``adaptive_input = "probabilities"``: FC hears
    softmax(P), which does not know the constant and is bounded; what is weighed and summed is P in both forms.
    """

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.hears_probabilities = config.adaptive_input == "probabilities"
        self.weigh = nn.Linear(3 * config.answers, 3)

    def forward(self, predictions: Tensor, present: Tensor) -> FusedPrediction:
        """``predictions`` [B, 3, C] in the order of EXPERTS, ``present`` [B, 3] bool."""
        heard = predictions.softmax(-1) if self.hears_probabilities else predictions  # [B, 3, C]
        heard = heard * present.unsqueeze(-1)
        weights = self.weigh(heard.flatten(1)).sigmoid() * present  # [B, 3]
        return FusedPrediction((weights.unsqueeze(-1) * predictions).sum(1), weights)
