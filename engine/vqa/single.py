"""One expert-shaped head instead of three: Table V's OPT, SAR, Add, Concat and Transformer, and Table IV's Exp1.

Neither CFAR nor AMEF: both sensors' patches become one picture, which one expert (eq. 7) reads. Exp1 and Table V's
Add are the same network; *our reading* of their different figures is that Exp1 tunes CLIP and Table V keeps it frozen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.nn.blocks import Attention, Mlp
from engine.vqa.amef import Expert
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection

LAYERS = 2
"""Layers of the Transformer fusion (*our reading*: as many as an expert's decoder has in the paper)."""


class SingleExpert(VqaNetwork):
    """``config.fusion`` says how the patches are joined; a network of one sensor has only that sensor's.

    ``add`` adds the patches of one place (section V-C: "pixel-level summation"); ``concat`` puts SAR's patches behind
    the optical ones, so that the expert reads 2M of them ("direct connection"); ``transformer`` lets the sensors read
    each other (:class:`CrossSensorFusion`), then adds them.
    """

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        """``vision`` and ``text_tower`` as for :class:`VqaNetwork`."""
        super().__init__(vision, text_tower, config.sensors)
        self.text = text_projection(config)
        self.concat = config.fusion == "concat"
        self.exchange = CrossSensorFusion(config) if config.fusion == "transformer" else None
        self.expert = Expert(config)

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        patches, mask = self._joined(seen(view, self.sensors))
        return plain_output(self.expert(self.text(question), question_mask, patches, mask))

    def _joined(self, view: ViewFeatures) -> tuple[Tensor, Tensor]:
        """The patches the expert reads [B, M, D], and their mask [B, M]; 2M of them where they are joined."""
        if self.concat:
            return torch.cat([view.optical, view.sar], 1), torch.cat([view.optical_mask, view.sar_mask], 1)  # 2M
        if self.exchange is not None:
            view = self.exchange(view)
        return added(view)


class CrossSensorFusion(nn.Module):
    """Table V's Transformer: two layers of cross-attention between the sensors' patches.

    *Our reading*, the paper says no more than "cross-attention". In each layer the optical patches query the SAR
    patches and the SAR patches query the optical ones, both as they were before the layer, with weights of their own.
    The results are added place by place, so that this differs from Add by the exchange alone.
    """

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.optical_reads = nn.ModuleList([CrossLayer(config) for _ in range(LAYERS)])
        self.sar_reads = nn.ModuleList([CrossLayer(config) for _ in range(LAYERS)])

    def forward(self, view: ViewFeatures) -> ViewFeatures:
        """Patches [B, M, D] of both sensors that know of each other; masks as they were."""
        optical, sar = view.optical, view.sar
        for optical_reads, sar_reads in zip(self.optical_reads, self.sar_reads, strict=True):
            optical, sar = optical_reads(optical, sar, view.sar_mask), sar_reads(sar, optical, view.optical_mask)
        return view._replace(optical=optical, sar=sar)


class CrossLayer(nn.Module):
    """One sensor's patches read the other's: pre-norm cross-attention and MLP, each with a residual."""

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        self.norm_own = nn.LayerNorm(config.width)
        self.norm_other = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.norm_mlp = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, config.mlp_ratio)

    def forward(self, own: Tensor, other: Tensor, other_mask: Tensor) -> Tensor:
        """``own`` [B, M, D] queries ``other`` [B, M, D] where it has data, ``other_mask`` [B, M] -> [B, M, D]."""
        found = self.attention(self.norm_own(own), self.norm_other(other), other_mask)
        nothing_there = ~other_mask.any(1)[:, None, None]  # [B, 1, 1]: no key at all, so nothing was found
        x = own + found.masked_fill(nothing_there, 0.0)
        return x + self.mlp(self.norm_mlp(x))  # type: ignore[no-any-return]
