"""Recipes small enough for tests: a few scenes or a fabricated folder, widths and steps next to nothing."""

from __future__ import annotations

from pathlib import Path

import open_clip
from safetensors.torch import save_file

from engine.nn.clip import clip_architecture
from engine.training.trainer import load_recipe
from engine.vqa.recipe import VqaRecipe
from tests.engine.nn.tiny_clip import TINY, tiny_clip_file

FEW_STEPS = (
    "train.steps=2", "train.threads=1", "train.log_every=1", "train.tensorboard=false",
    "batch.views=2", "batch.questions=2", "data.workers=1",
)  # fmt: skip
FEW_SCENES = (
    "data.train_scenes=4", "data.validation_scenes=2", "data.test_scenes=2", "data.questions_per_type=1",
    "data.view_px=64",
)  # fmt: skip
SMALL = (
    "model.image_size=32", "model.width=16", "model.heads=4", "model.stem_channels=[16, 16]",
    "model.stem_blocks=[1, 1, 1]", "model.region_side=1", "model.kept_regions=2", "model.neighbours=2",
)  # fmt: skip
"""A network on four patches; TGFNet's own blocks are all there."""

TINY_CHANGES = (*FEW_STEPS, *FEW_SCENES, *SMALL)


def tiny_recipe(name: str = "tgfnet_compact_scenes", *changes: str, data: str | None = None) -> VqaRecipe:
    return load_recipe(name, [*TINY_CHANGES, *changes], data)


def tiny_clip_changes(folder: Path) -> tuple[str, ...]:
    """What makes a paper recipe run on a CLIP of random weights, which is written into ``folder``."""
    model, weights = tiny_clip_file(folder), folder / "tiny.safetensors"
    shape = clip_architecture(model)
    whole = open_clip.CLIP(
        embed_dim=shape.embed_dim, quick_gelu=True, vision_cfg=TINY["vision_cfg"], text_cfg=TINY["text_cfg"]
    )
    save_file({name: value.clone() for name, value in whole.state_dict().items()}, weights)
    return (
        f'model.clip_model="{model}"', f'model.clip_weights="{weights}"', "model.image_size=32", "model.patch=8",
        "model.width=32", "model.text_width=32", "model.heads=4", "model.kept_regions=2", "model.neighbours=3",
    )  # fmt: skip
