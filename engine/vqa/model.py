"""TGFNet: Text-guided Coarse-to-Fine Fusion Network for optical-SAR visual question answering (section III-A).

A picture of each sensor becomes patch tokens once (``encode``); every question then reads them through CFAR and AMEF
(:meth:`Tgfnet.forward`). What differs from the paper in the compact preset: a small image encoder trained from scratch
in place of CLIP's, and a frozen MiniLM in place of CLIP's text tower.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.vqa.amef import AdaptiveFusion, Expert, RegionalFusion
from engine.vqa.cfar import Refinement
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import Refined, ViewFeatures, VqaNetwork, VqaOutput, added, text_projection


class Tgfnet(VqaNetwork):
    """The whole network (Table IV, Exp4), or with parts left out: Exp3 without RQAF, Exp2 without CFAR as well.

    *Our reading*: the sensors' experts read the enhanced patches F_OE and F_SE, as section III-A tells it; the text at
    eq. 7 says F_o and F_s. Without CFAR they read the encoder's. Without RQAF the fusion expert reads the sum of what
    the other two read. A part that is left out is not built.
    """

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        """``vision`` and ``text_tower`` as for :class:`VqaNetwork`."""
        super().__init__(vision, text_tower)
        self.text = text_projection(config)
        self.refine_optical = Refinement(config) if config.cfar else None
        self.refine_sar = Refinement(config) if config.cfar else None
        self.fuse = RegionalFusion(config) if config.fusion == "rqaf" else None
        self.expert_optical = Expert(config)
        self.expert_sar = Expert(config)
        self.expert_fusion = Expert(config)
        self.adapt = AdaptiveFusion(config)

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        F_q = self.text(question)  # [B, N, D]
        view, optical, sar = self._refined(view, F_q, question_mask)
        F_os, either, trust = self._fused(view, F_q, question_mask)
        predictions = torch.stack(
            [
                self.expert_optical(F_q, question_mask, view.optical, view.optical_mask),
                self.expert_sar(F_q, question_mask, view.sar, view.sar_mask),
                self.expert_fusion(F_q, question_mask, F_os, either),
            ],
            1,
        )  # [B, 3, C]
        has_optical, has_sar = view.optical_mask.any(1), view.sar_mask.any(1)  # [B]
        # With one sensor absent there is nothing to fuse: the remaining sensor's expert answers alone.
        present = torch.stack([has_optical, has_sar, has_optical & has_sar], 1)  # [B, 3]
        fused = self.adapt(predictions, present)
        return VqaOutput(fused.logits, predictions, fused.weights, present, optical, sar, trust)

    def _refined(
        self, view: ViewFeatures, F_q: Tensor, question_mask: Tensor
    ) -> tuple[ViewFeatures, Refined | None, Refined | None]:
        """``view`` with F_OE and F_SE in place of F_o and F_s, and what CFAR found; as it came without CFAR."""
        if self.refine_optical is None or self.refine_sar is None:
            return view, None, None
        optical = self.refine_optical(F_q, question_mask, view.optical, view.optical_mask)
        sar = self.refine_sar(F_q, question_mask, view.sar, view.sar_mask)
        return view._replace(optical=optical.patches, sar=sar.patches), optical, sar

    def _fused(self, view: ViewFeatures, F_q: Tensor, question_mask: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """F_OS [B, M, D], where either sensor has data [B, M], and RQAF's trust [B, M] or None."""
        if self.fuse is None:
            return *added(view), None
        F_os, trust = self.fuse(F_q, question_mask, *view)
        return F_os, view.optical_mask | view.sar_mask, trust
