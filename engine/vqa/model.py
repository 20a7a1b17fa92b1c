"""TGFNet: Text-guided Coarse-to-Fine Fusion Network for optical-SAR visual question answering (section III-A).

A picture of each sensor becomes patch tokens once (:meth:`Tgfnet.encode`); every question then reads them through
CFAR and AMEF (:meth:`Tgfnet.forward`). What differs from the paper in the compact preset: a small image encoder
trained from scratch in place of CLIP's, and a frozen MiniLM in place of CLIP's text tower.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.vqa.amef import AdaptiveFusion, Expert, RegionalFusion
from engine.vqa.cfar import Refinement
from engine.vqa.network import TextProjection, ViewFeatures, VqaNetwork, VqaOutput


class Tgfnet(VqaNetwork):
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
        super().__init__(vision)
        self.text = text
        self.refine_optical = refine_optical
        self.refine_sar = refine_sar
        self.fuse = fuse
        self.expert_optical, self.expert_sar, self.expert_fusion = experts
        self.adapt = adapt

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
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
        has_optical, has_sar = view.optical_mask.any(1), view.sar_mask.any(1)  # [B]
        # With one sensor absent there is nothing to fuse: the remaining sensor's expert answers alone.
        present = torch.stack([has_optical, has_sar, has_optical & has_sar], 1)  # [B, 3]
        fused = self.adapt(predictions, present)
        return VqaOutput(fused.logits, predictions, fused.weights, present, optical, sar, trust)
