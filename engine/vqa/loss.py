"""TGFNet's loss, eqs. 9-10: 0.5 (CE optical + CE SAR + CE fusion + CE final)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.vqa.model import TgfnetOutput

TERM_WEIGHT = 0.5  # all four lambdas of eq. 10


def tgfnet_loss(output: TgfnetOutput, answer: Tensor, label_smoothing: float = 0.0) -> tuple[Tensor, dict[str, Tensor]]:
    """``answer`` [B] int64 -> the scalar loss and its four parts. Experts of an absent sensor are not asked."""
    parts: dict[str, Tensor] = {}
    for e, name in enumerate(("optical", "sar", "fusion")):
        each = F.cross_entropy(output.expert_logits[:, e], answer, reduction="none", label_smoothing=label_smoothing)
        asked = output.present[:, e].to(each.dtype)
        parts[name] = (each * asked).sum() / asked.sum().clamp_min(1.0)
    parts["final"] = F.cross_entropy(output.logits, answer, label_smoothing=label_smoothing)
    return TERM_WEIGHT * torch.stack(list(parts.values())).sum(), parts
