"""Rivals built small, and fed with the tiny batch of the other networks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from engine.nn.vision import ConvTransformer
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import VqaNetwork, VqaOutput
from engine.vqa.rivals.bimodal import BiModal
from engine.vqa.rivals.feth import Feth
from engine.vqa.rivals.hrvqa import Hrvqa
from engine.vqa.rivals.main import Main
from engine.vqa.rivals.rsvqa import Rsvqa
from engine.vqa.rivals.trar import Trar
from tests.engine.vqa.tiny import CONFIG

RIVALS = {"rsvqa": Rsvqa, "main": Main, "bimodal": BiModal, "hrvqa": Hrvqa, "trar": Trar, "feth": Feth}


def rival_config(name: str, **changes: object) -> TgfnetConfig:
    return replace(CONFIG, network=name, fusion="add", **changes)  # type: ignore[arg-type]


def vision_of(config: TgfnetConfig) -> ConvTransformer:
    return ConvTransformer(
        image_size=config.image_size,
        width=config.width,
        channels=config.stem_channels,
        blocks=config.stem_blocks,
        layers=config.vision_layers,
        heads=config.heads,
        mlp_ratio=config.mlp_ratio,
    )


def rival(name: str, **changes: object) -> VqaNetwork:
    config = rival_config(name, **changes)
    return RIVALS[name](config, vision_of(config))  # type: ignore[no-any-return]


def output_of(model: VqaNetwork, batch: dict[str, Tensor]) -> VqaOutput:
    view = model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])
    return model(view, batch["tokens"], batch["token_mask"])  # type: ignore[no-any-return]


def some_mask() -> Tensor:
    """[2, 16]: one picture with data everywhere, one with holes, which leave most of a row and a corner empty."""
    mask = torch.ones(2, 16, dtype=torch.bool)
    mask[1, [0, 4, 5, 7, 15]] = False
    return mask
