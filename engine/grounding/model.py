"""OptiSAR-Net++: text to boxes, on optical and on SAR pictures alike (section III, Fig. 2).

A picture of one sensor becomes three maps once (``encode``: backbone and neck). Every text then meets them in TGDF-SSA
and in the heads (:meth:`OptiSarNet.forward`), with the same adapted embeddings in both, in training and in use.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.errors import UsageError
from engine.grounding.backbone import Backbone
from engine.grounding.config import STRIDES, GroundingConfig
from engine.grounding.heads import ScaleAnswer, ScaleHead, TextAdapter, cell_centres, decode_boxes
from engine.grounding.neck import Neck
from engine.grounding.network import BackboneFeatures, GroundingOutput
from engine.grounding.tgdf import TextGuidedFusion
from engine.nn.csp import cells_with_data


class OptiSarNet(nn.Module):
    """The whole network, or with parts left out (Table V); a part that is left out is not built."""

    def __init__(self, config: GroundingConfig) -> None:
        super().__init__()
        self.backbone = Backbone(config)
        self.neck = Neck(config)
        self.adapt = TextAdapter(config.embed_width) if config.text_adapter else None
        self.fusions = nn.ModuleList(_fusion(config, width) for width in config.neck_widths if config.fusion)
        self.heads = nn.ModuleList(_head(config, scale) for scale in range(len(STRIDES)))

    def encode(self, picture: Tensor, valid: Tensor) -> BackboneFeatures:
        """All that no text goes into, so that a view is kept and a second expression runs TGDF and heads only.

        ``picture`` [B, 3, H, W] of one sensor each, normalised by the card, with data where ``valid`` bool [B, H, W].
        Raises UsageError where H or W is no multiple of 32.
        """
        if picture.shape[-2] % STRIDES[-1] or picture.shape[-1] % STRIDES[-1]:
            raise UsageError(
                f"A picture of {picture.shape[-1]} x {picture.shape[-2]} px does not divide into cells of "
                f"{STRIDES[-1]} px.",
                remedy="Letterbox it to the model's square first (engine.nn.preprocess).",
            )
        *maps, routes, balance = self.backbone(picture, valid)
        p3, p4, p5 = self.neck(*maps)
        cell_mask = torch.cat([cells_with_data(valid, stride).flatten(1) for stride in STRIDES], 1)  # [B, A]
        return BackboneFeatures(p3, p4, p5, cell_mask, routes, balance)

    def forward(self, view: BackboneFeatures, texts: Tensor, text_mask: Tensor) -> GroundingOutput:
        """``texts`` [B, T, E] are frozen embeddings, L2-normalised, real where ``text_mask`` bool [B, T].

        Other slots change nothing, whatever is in them; T may be any number from 1 up.
        """
        texts = texts.masked_fill(~text_mask.unsqueeze(-1), 0.0)
        texts = texts if self.adapt is None else self.adapt(texts)  # [B, T, E]
        maps, gates = self._fused(view, texts, text_mask)
        answers = [head(x, texts) for head, x in zip(self.heads, maps, strict=True)]
        return _joined(view, answers, gates, text_mask)

    def _fused(
        self, view: BackboneFeatures, texts: Tensor, text_mask: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The maps [B, C, H, W] with the texts in them, and TGDF's gates [B, H, W]; as they are without fusion."""
        if not self.fusions:
            return view.maps, ()
        masks = torch.split(view.cell_mask, [x.shape[-2] * x.shape[-1] for x in view.maps], 1)  # [B, HW] each
        fused = [
            fuse(x, mask.view(-1, 1, *x.shape[-2:]), texts, text_mask)
            for fuse, x, mask in zip(self.fusions, view.maps, masks, strict=True)
        ]
        return tuple(x for x, _ in fused), tuple(gate for _, gate in fused)


def _joined(
    view: BackboneFeatures, answers: list[ScaleAnswer], gates: tuple[Tensor, ...], text_mask: Tensor
) -> GroundingOutput:
    """The answers of all scales in one row of cells, with boxes; what is not there scores lowest."""
    scores = torch.cat([answer.scores for answer in answers], 1)  # [B, A, T]
    there = view.cell_mask.unsqueeze(2) & text_mask.unsqueeze(1)  # [B, A, T]
    sides = torch.cat([answer.sides for answer in answers], 1).float()  # [B, A, 4, bins]
    centres, strides = cell_centres([(x.shape[-2], x.shape[-1]) for x in view.maps], STRIDES, sides)
    return GroundingOutput(
        scores=scores.masked_fill(~there, torch.finfo(scores.dtype).min),
        sides=sides,
        boxes=decode_boxes(sides, centres, strides),
        centres=centres,
        strides=strides,
        regions=tuple(answer.regions for answer in answers if answer.regions is not None),
        gates=gates,
        cell_mask=view.cell_mask,
        balance=view.balance,
    )


def _fusion(config: GroundingConfig, width: int) -> TextGuidedFusion:
    return TextGuidedFusion(
        width,
        text_width=config.embed_width,
        embed_width=config.fusion_width,
        heads=config.fusion_heads,
        groups=config.shuffle_groups,
        repeats=config.fusion_repeats,
    )


def _head(config: GroundingConfig, scale: int) -> ScaleHead:
    return ScaleHead(
        config.neck_widths[scale],
        box_width=config.box_width,
        bins=config.box_bins,
        class_width=config.class_width,
        embed_width=config.embed_width,
        texts=config.texts,
        cells=(config.image_size / STRIDES[scale]) ** 2,
        grid=config.region_grids[scale] if config.region else None,
    )
