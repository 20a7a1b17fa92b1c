"""Rivals built small, and fed with the tiny batch of the other networks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import VqaNetwork, VqaOutput
from engine.vqa.rivals.blocks import SelfAttention
from tests.engine.vqa.tiny import CONFIG

RIVALS = ("rsvqa", "main", "bimodal", "hrvqa", "trar", "feth")


def rival_config(name: str, **changes: object) -> TgfnetConfig:
    return replace(CONFIG, network=name, fusion="add", **changes)  # type: ignore[arg-type]


def rival(name: str, **changes: object) -> VqaNetwork:
    return build_network(rival_config(name, **changes))


def output_of(model: VqaNetwork, batch: dict[str, Tensor]) -> VqaOutput:
    view = model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])
    return model(view, batch["tokens"], batch["token_mask"])  # type: ignore[no-any-return]


def some_mask() -> Tensor:
    """[2, 16]: one picture with data everywhere, one with holes, which leave most of a row and a corner empty."""
    mask = torch.ones(2, 16, dtype=torch.bool)
    mask[1, [0, 4, 5, 7, 15]] = False
    return mask


def attention_map(attend: SelfAttention, logits: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """[B, h, M, M]: what is gathered of values that tell the patches apart."""
    B, h, M, _ = logits.shape
    return attend.gather(torch.eye(M).expand(B, h, M, M), logits, x, mask)
