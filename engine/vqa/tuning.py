"""A recipe's network, ready to be trained: built, started from other weights, its encoders free, frozen or low-rank."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine.catalog import file_sha256
from engine.catalog.card import PretrainedPart
from engine.errors import UsageError
from engine.nn.weights import load_part, load_weights
from engine.training.run import start_of, start_part
from engine.vqa.build import build_network
from engine.vqa.config import CLIP, CLIP_MODEL_FILE, TgfnetConfig
from engine.vqa.network import VqaNetwork
from engine.vqa.recipe import VqaRecipe

if TYPE_CHECKING:
    from engine.nn.clip import ClipTowers


def clip_towers(config: TgfnetConfig) -> ClipTowers | None:
    """CLIP's pretrained towers, None for a network without CLIP. Raises ModelNotFound, saying what to fetch."""
    if not config.uses_clip:
        return None
    from engine.nn.clip import load_clip

    return load_clip(config.clip_model, config.clip_weights)


def fetch_clip(config: TgfnetConfig) -> None:
    """Bring CLIP's weights from the hub into its cache, where the network has CLIP and they are nowhere here.

    Raises ModelNotFound where the hub does not answer.
    """
    if config.uses_clip:
        from engine.nn.clip_sources import find_clip_weights

        find_clip_weights(config.clip_model, config.clip_weights, fetch=True)


def clip_weights_name(config: TgfnetConfig) -> str:
    """What a card calls CLIP's weights: their tag, or the bare name of a file, as a path means nothing elsewhere."""
    path = Path(config.clip_weights).expanduser()
    return path.stem if config.clip_weights and path.exists() else config.clip_weights


def named_clip(config: TgfnetConfig) -> TgfnetConfig:
    """``config`` with names for CLIP's files, for a card. An architecture that is a file lies beside the weights."""
    own = CLIP_MODEL_FILE if _is_file(config.clip_model) else config.clip_model
    return replace(config, clip_model=own, clip_weights=clip_weights_name(config))


def copy_architecture(config: TgfnetConfig, folder: Path) -> dict[str, str]:
    """Put an architecture of CLIP that is a file into the model's ``folder``; the file with its hash, for the card."""
    if not _is_file(config.clip_model):
        return {}
    copied = shutil.copyfile(Path(config.clip_model).expanduser(), folder / CLIP_MODEL_FILE)
    return {CLIP_MODEL_FILE: file_sha256(copied)}


def _is_file(clip_model: str) -> bool:
    return clip_model.endswith(".json")


def tuned_network(
    recipe: VqaRecipe, config: TgfnetConfig, answers: tuple[str, ...], clip: ClipTowers | None
) -> VqaNetwork:
    """The network of ``config`` as the recipe starts to train it; fresh weights come from the recipe's seed.

    What does not require a gradient stays as it is. Raises UsageError or ModelNotFound where it cannot start so.
    """
    torch.manual_seed(recipe.train.seed)
    network = build_network(config, clip)
    if recipe.recipe.start:
        _start_from(network, recipe, answers)
    if recipe.tune.backbone == "frozen":
        network.vision.requires_grad_(requires_grad=False)
    elif recipe.tune.backbone == "lora":
        _add_lora(network, recipe)
    return network


def whole_network(network: VqaNetwork, recipe: VqaRecipe) -> VqaNetwork:
    """The network as it is stored: low-rank parts are merged into the weights that they changed."""
    if recipe.tune.backbone == "lora":
        from engine.nn.lora import merge_lora

        network.vision = merge_lora(network.vision)
        if network.text_tower is not None:
            network.text_tower = merge_lora(network.text_tower)
    return network


def pretrained_parts(recipe: VqaRecipe, clip: ClipTowers | None) -> tuple[PretrainedPart, ...]:
    """What others, or an earlier run, have trained of this model, for its card."""
    parts: list[PretrainedPart] = []
    if recipe.model.text_encoder != CLIP:
        from engine.nn import text

        parts.append(
            PretrainedPart(text.NAME, "text encoder, frozen", text.REVISION, text.LICENCE, dict(text.FILES_SHA256))
        )
    if clip is not None and clip.file is not None:
        role = {"full": "tuned", "lora": "tuned by low-rank parts", "frozen": "frozen, not in this model's file"}
        named = named_clip(recipe.model)
        name = f"CLIP {named.clip_model}, {named.clip_weights}"
        files = {clip.file.path.name: clip.file.sha256}
        role_of = f"image and text encoder, {role[recipe.tune.backbone]}"
        parts.append(PretrainedPart(name, role_of, clip.file.revision, clip.file.licence, files))
    if recipe.recipe.start:
        parts.append(start_part(recipe.recipe))
    return tuple(parts)


def _start_from(network: VqaNetwork, recipe: VqaRecipe, answers: tuple[str, ...]) -> None:
    """Fill the network, or its image encoder, from the model that the recipe names."""
    card, weights = start_of(recipe.recipe)
    if recipe.recipe.start_parts == "all":
        if card.answers != answers:
            raise UsageError(
                f"The run cannot start from all of {card.name}: its answers are others than those of the data.",
                remedy='Set recipe.start_parts to "vision".',
            )
        load_weights(network, weights)
    elif not load_part(network.vision, weights, "vision"):
        raise UsageError(
            f"The image encoder of {card.name} is of other sizes than the recipe's.",
            remedy="Give [model] the sizes of that model's card, or start from another.",
        )


def _add_lora(network: VqaNetwork, recipe: VqaRecipe) -> None:
    from engine.nn.lora import add_lora

    network.vision = add_lora(network.vision, recipe.tune.rank, recipe.tune.alpha)
    if network.text_tower is not None:
        network.text_tower = add_lora(network.text_tower, recipe.tune.rank, recipe.tune.alpha)
