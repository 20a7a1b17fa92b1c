"""Assembly: turns a :class:`TgfnetConfig` into a network. Every number comes from the config, none from here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from torch import nn

from engine.errors import UsageError
from engine.nn.frozen import Frozen
from engine.nn.vision import ConvTransformer
from engine.vqa.config import CLIP, NetworkName, TgfnetConfig
from engine.vqa.network import VqaNetwork

if TYPE_CHECKING:
    from engine.nn.clip import ClipTowers

NETWORKS: dict[NetworkName, str] = {
    "tgfnet": "engine.vqa.model:Tgfnet",
    "single": "engine.vqa.single:SingleExpert",
    "rsvqa": "engine.vqa.rivals.rsvqa:Rsvqa",
    "main": "engine.vqa.rivals.main:Main",
    "bimodal": "engine.vqa.rivals.bimodal:BiModal",
    "hrvqa": "engine.vqa.rivals.hrvqa:Hrvqa",
    "trar": "engine.vqa.rivals.trar:Trar",
    "feth": "engine.vqa.rivals.feth:Feth",
}
"""``module:class`` of each network, imported when it is built. A class takes the config, the image encoder and the
text tower (None where text features come ready)."""


def build_network(config: TgfnetConfig, clip: ClipTowers | None = None) -> VqaNetwork:
    """The network of ``config`` with fresh weights, in training mode, on the CPU.

    ``clip`` are CLIP's towers where the config names CLIP. With ``config.clip_stored`` they are trained and their
    weights lie in the network's own file, so the architecture alone serves where ``clip`` is None. Without it they are
    frozen and not part of the network's weights (:class:`Frozen`). Raises UsageError where towers are missing, or
    where those given do not fit the config.
    """
    if config.uses_clip:
        clip = _towers(config, clip)
    vision = _image_encoder(config, clip)
    # A frozen text tower is no part of the network: its features come ready, and are kept per wording.
    text_tower = clip.text if clip is not None and config.clip_stored and config.text_encoder == CLIP else None
    module, name = NETWORKS[config.network].split(":")
    network: VqaNetwork = getattr(import_module(module), name)(config, vision, text_tower)
    return network


def _towers(config: TgfnetConfig, clip: ClipTowers | None) -> ClipTowers:
    if clip is None:
        if not config.clip_stored:
            raise UsageError(
                f"This network needs the towers of CLIP {config.clip_model}, which are not in its own weights.",
                remedy="Load them with engine.nn.clip.load_clip and pass them on.",
            )
        from engine.nn.clip import build_clip

        clip = build_clip(config.clip_model)
    if config.vision == CLIP and (clip.width, clip.patch) != (config.width, config.patch):
        raise UsageError(
            f"{config.clip_model} makes tokens {clip.width} wide of patches of {clip.patch} px; the configuration says "
            f"{config.width} and {config.patch} px.",
            remedy=f"Set model.width to {clip.width} and model.patch to {clip.patch}.",
        )
    if config.text_encoder == CLIP and clip.width != config.text_width:
        raise UsageError(
            f"{config.clip_model} makes text features {clip.width} wide; the configuration says {config.text_width}.",
            remedy=f"Set model.text_width to {clip.width}.",
        )
    if config.text_encoder == CLIP and config.max_tokens > clip.tokenizer.max_tokens:
        raise UsageError(
            f"{config.clip_model} reads {clip.tokenizer.max_tokens} tokens of a question, not {config.max_tokens}.",
            remedy=f"Set model.max_tokens to {clip.tokenizer.max_tokens} at most.",
        )
    return clip


def _image_encoder(config: TgfnetConfig, clip: ClipTowers | None) -> nn.Module:
    if config.vision == CLIP and clip is not None:
        return clip.vision if config.clip_stored else Frozen(clip.vision)
    return ConvTransformer(
        image_size=config.image_size,
        width=config.width,
        channels=config.stem_channels,
        blocks=config.stem_blocks,
        layers=config.vision_layers,
        heads=config.heads,
        mlp_ratio=config.mlp_ratio,
    )
