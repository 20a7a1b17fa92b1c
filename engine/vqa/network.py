"""What every network of this room is: pictures become tokens once, and any number of questions read them.

TGFNet, its ablations and the rivals of Table III share the image encoder, the text features, the training loop and
this interface; they differ in what happens between tokens and answer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.vqa.config import CLIP, Sensors, TgfnetConfig

EXPERTS = ("optical", "sar", "fusion")
"""TGFNet's three answerers, in the order of every tensor with one row per expert."""

TERM_WEIGHT = 0.5
"""All four lambdas of eq. 10."""


class ViewFeatures(NamedTuple):
    """Both pictures as tokens: F_o and F_s [B, M, D] and the masks [B, M] of patches that have data."""

    optical: Tensor
    optical_mask: Tensor
    sar: Tensor
    sar_mask: Tensor

    def rows(self, index: Tensor) -> ViewFeatures:
        """The views ``index`` [Q] of a batch, so that several questions can be asked of each."""
        return ViewFeatures(*(part[index] for part in self))


class Refined(NamedTuple):
    """One sensor after CFAR: ``patches`` [B, M, D]; to show: ``scores`` and ``kept`` [B, T], ``attention`` [B, M]."""

    patches: Tensor
    scores: Tensor
    kept: Tensor
    attention: Tensor


class VqaOutput(NamedTuple):
    """What a network says to B questions: ``logits`` [B, C], and as far as it has them its experts and reasons.

    ``expert_logits`` [B, E, C], ``weights`` and ``present`` [B, E] are in the order of :data:`EXPERTS`; E is 0 for a
    network without experts. ``optical`` and ``sar`` are what CFAR found, ``trust`` [B, M] is RQAF's share of optical
    weight (1 all optical, 0 all SAR); None where the network has no such block.
    """

    logits: Tensor
    expert_logits: Tensor
    weights: Tensor
    present: Tensor
    optical: Refined | None = None
    sar: Refined | None = None
    trust: Tensor | None = None


def seen(view: ViewFeatures, sensors: Sensors) -> ViewFeatures:
    """``view`` as a network that looks at ``sensors`` gets it: the mask of a sensor it does not look at is off."""
    if sensors == "optical":
        return view._replace(sar_mask=torch.zeros_like(view.sar_mask))
    if sensors == "sar":
        return view._replace(optical_mask=torch.zeros_like(view.optical_mask))
    return view


def added(view: ViewFeatures) -> tuple[Tensor, Tensor]:
    """Both sensors as one picture by addition (section V-A): patches [B, M, D] and the mask [B, M] of either.

    Where one sensor has no data the patch is the other's (*our reading*; the paper's pictures all have both).
    """
    optical = view.optical.masked_fill(~view.optical_mask.unsqueeze(-1), 0.0)
    sar = view.sar.masked_fill(~view.sar_mask.unsqueeze(-1), 0.0)
    return optical + sar, view.optical_mask | view.sar_mask


class TextProjection(nn.Module):
    """Text features [B, N, text width] -> F_q [B, N, D]: a linear map and a LayerNorm."""

    def __init__(self, text_width: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(text_width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.norm(self.project(tokens))  # type: ignore[no-any-return]


def text_projection(config: TgfnetConfig) -> nn.Module:
    """What makes F_q [B, N, D] of the text features.

    *Our reading*: CLIP's text features are F_q as they come where their width is D, for section III-A speaks of one
    feature space for text and pictures. Others are projected.
    """
    if config.text_encoder == CLIP and config.text_width == config.width:
        return nn.Identity()
    return TextProjection(config.text_width, config.width)


def plain_output(logits: Tensor) -> VqaOutput:
    """The output of a network without experts: ``logits`` [B, C]."""
    B, C = logits.shape
    none = logits.new_zeros(B, 0)
    return VqaOutput(logits, logits.new_zeros(B, 0, C), none, none.bool())


class VqaNetwork(nn.Module):
    """Base of all networks: the shared encoder and the loss. A subclass writes ``forward``.

    ``vision`` takes pictures [B, 3, S, S] and patch masks [B, M] to tokens [B, M, D], for both sensors alike.
    ``text_tower`` takes token numbers and their mask [B, N] to text features [B, N, text width] where the text encoder
    is part of what is trained; it is None where text features come ready from a frozen encoder.
    """

    text_tower: nn.Module | None

    def __init__(self, vision: nn.Module, text_tower: nn.Module | None = None, sensors: Sensors = "both") -> None:
        """``sensors`` is what the network looks at (``config.sensors``)."""
        super().__init__()
        self.vision = vision
        self.text_tower = text_tower
        self.sensors = sensors

    def encode(self, optical: Tensor, optical_mask: Tensor, sar: Tensor, sar_mask: Tensor) -> ViewFeatures:
        """``optical`` and ``sar`` [B, 3, S, S] (SAR repeated to three channels), masks [B, M] -> tokens.

        One image encoder serves both sensors (section V-A), so both go through it as one batch. A sensor that the
        network does not look at is not encoded: its tokens are zeros and its mask is off.
        """
        if self.sensors == "optical":
            tokens = self.vision(optical, optical_mask)  # [B, M, D]
            return ViewFeatures(tokens, optical_mask, torch.zeros_like(tokens), torch.zeros_like(sar_mask))
        if self.sensors == "sar":
            tokens = self.vision(sar, sar_mask)  # [B, M, D]
            return ViewFeatures(torch.zeros_like(tokens), torch.zeros_like(optical_mask), tokens, sar_mask)
        tokens = self.vision(torch.cat([optical, sar]), torch.cat([optical_mask, sar_mask]))  # [2B, M, D]
        of_optical, of_sar = tokens.chunk(2)  # [B, M, D] each
        return ViewFeatures(of_optical, optical_mask, of_sar, sar_mask)

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        raise NotImplementedError

    def loss(
        self, output: VqaOutput, answer: Tensor, *, label_smoothing: float = 0.0, progress: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``answer`` [B] int64 -> the scalar loss and its parts, each a mean over all B questions.

        ``progress`` is how much of the training is done, 0..1, for networks with a curriculum. An expert whose sensor
        is absent is not asked: its question counts 0. Dividing by B and not by the number asked makes the loss of a
        batch the mean of the losses of its equal parts, so that processes and accumulated parts add up exactly.
        """
        final = F.cross_entropy(output.logits, answer, label_smoothing=label_smoothing)
        if output.expert_logits.shape[1] == 0:
            return final, {"final": final}
        parts: dict[str, Tensor] = {}
        for e, name in enumerate(EXPERTS):
            each = F.cross_entropy(
                output.expert_logits[:, e], answer, reduction="none", label_smoothing=label_smoothing
            )
            parts[name] = (each * output.present[:, e].to(each.dtype)).mean()
        parts["final"] = final
        return TERM_WEIGHT * torch.stack(list(parts.values())).sum(), parts
