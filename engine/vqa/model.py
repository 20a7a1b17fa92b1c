"""TGFNet: Text-guided Coarse-to-Fine Fusion Network for optical-SAR visual question answering (section III-A).

A picture of each sensor becomes patch tokens once (:meth:`Tgfnet.encode`); every question then reads them through
CFAR and AMEF (:meth:`Tgfnet.forward`). What differs from the paper in the compact preset: a small image encoder
trained from scratch in place of CLIP's, and a frozen MiniLM in place of CLIP's text tower.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.vqa.amef import AdaptiveFusion, Expert, RegionalFusion
from engine.vqa.cfar import Refined, Refinement


class ViewFeatures(NamedTuple):
    """Both pictures as tokens: F_o and F_s [B, M, D] and the masks [B, M] of patches that have data."""

    optical: Tensor
    optical_mask: Tensor
    sar: Tensor
    sar_mask: Tensor

    def rows(self, index: Tensor) -> ViewFeatures:
        """The views ``index`` [Q] of a batch, so that several questions can be asked of each."""
        return ViewFeatures(*(part[index] for part in self))


class TgfnetOutput(NamedTuple):
    """``logits`` [B, C]; ``expert_logits`` [B, 3, C], ``weights`` [B, 3] and ``present`` [B, 3] in the order of
    ``amef.EXPERTS``; the reasons: each sensor's :class:`Refined` and ``trust`` [B, M] (1 all optical, 0 all SAR)."""

    logits: Tensor
    expert_logits: Tensor
    weights: Tensor
    present: Tensor
    optical: Refined
    sar: Refined
    trust: Tensor


class TextProjection(nn.Module):
    """Frozen text features [B, N, text width] -> F_q [B, N, D]."""

    def __init__(self, text_width: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(text_width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.norm(self.project(tokens))  # type: ignore[no-any-return]


class Tgfnet(nn.Module):
    """The network, assembled from parts made by ``engine.vqa.build``."""

    def __init__(
        self,
        vision: nn.Module,
        text: TextProjection,
        refine_optical: Refinement,
        refine_sar: Refinement,
        fuse: RegionalFusion,
        experts: tuple[Expert, Expert, Expert],
        adapt: AdaptiveFusion,
    ) -> None:
        super().__init__()
        self.vision = vision
        self.text = text
        self.refine_optical = refine_optical
        self.refine_sar = refine_sar
        self.fuse = fuse
        self.expert_optical, self.expert_sar, self.expert_fusion = experts
        self.adapt = adapt

    def encode(self, optical: Tensor, optical_mask: Tensor, sar: Tensor, sar_mask: Tensor) -> ViewFeatures:
        """``optical`` and ``sar`` [B, 3, S, S] (SAR repeated to three channels), masks [B, M] -> tokens.

        One image encoder serves both sensors, so both go through it as one batch.
        """
        B = optical.shape[0]
        tokens = self.vision(torch.cat([optical, sar]), torch.cat([optical_mask, sar_mask]))
        return ViewFeatures(tokens[:B], optical_mask, tokens[B:], sar_mask)

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> TgfnetOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        F_q = self.text(question)
        optical = self.refine_optical(F_q, question_mask, view.optical, view.optical_mask)
        sar = self.refine_sar(F_q, question_mask, view.sar, view.sar_mask)
        F_os, trust = self.fuse(F_q, question_mask, optical.patches, view.optical_mask, sar.patches, view.sar_mask)
        either = view.optical_mask | view.sar_mask
        predictions = torch.stack(
            [
                self.expert_optical(F_q, question_mask, optical.patches, view.optical_mask),
                self.expert_sar(F_q, question_mask, sar.patches, view.sar_mask),
                self.expert_fusion(F_q, question_mask, F_os, either),
            ],
            1,
        )  # [B, 3, C]
        present = torch.stack([mask.any(1) for mask in (view.optical_mask, view.sar_mask, either)], 1)  # [B, 3]
        fused = self.adapt(predictions, present)
        return TgfnetOutput(fused.logits, predictions, fused.weights, present, optical, sar, trust)
