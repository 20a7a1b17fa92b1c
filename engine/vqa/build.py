"""Assembly: turns a :class:`TgfnetConfig` into a network. Every number comes from the config, none from here."""

from __future__ import annotations

from engine.nn.vision import ConvTransformer
from engine.vqa.amef import AdaptiveFusion, Expert, RegionalFusion
from engine.vqa.cfar import Refinement
from engine.vqa.config import TgfnetConfig
from engine.vqa.model import Tgfnet
from engine.vqa.network import TextProjection


def build_network(config: TgfnetConfig) -> Tgfnet:
    """A TGFNet with fresh weights, in training mode, on the CPU."""
    vision = ConvTransformer(
        image_size=config.image_size,
        width=config.width,
        channels=config.stem_channels,
        blocks=config.stem_blocks,
        layers=config.vision_layers,
        heads=config.heads,
        mlp_ratio=config.mlp_ratio,
    )
    return Tgfnet(
        vision=vision,
        text=TextProjection(config.text_width, config.width),
        refine_optical=Refinement(config),
        refine_sar=Refinement(config),
        fuse=RegionalFusion(config),
        experts=(Expert(config), Expert(config), Expert(config)),
        adapt=AdaptiveFusion(config),
    )
