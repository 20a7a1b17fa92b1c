"""Recipes small enough for tests: a few scenes or a fabricated folder, widths and steps next to nothing."""

from __future__ import annotations

FEW_STEPS = (
    "train.steps=2", "train.threads=1", "train.log_every=1", "train.tensorboard=false", "train.precision=float32",
    "batch.areas=2", "data.workers=1",
)  # fmt: skip
FEW_SCENES = ("data.train_scenes=6", "data.validation_scenes=3", "data.test_scenes=3", "data.view_px=96")
SMALL = (
    "model.image_size=64", "model.first_width=8", "model.depths=[1, 1, 1, 1]", "model.heads=[1, 1, 2, 2]",
    "model.window=4", "model.low_blocks=1", "model.enhancement_heads=[2, 2]", "model.decoder_width=16",
)  # fmt: skip
"""A network in which all of LGCE's blocks are there."""

TINY_CHANGES = (*FEW_STEPS, *FEW_SCENES, *SMALL)

TINY_WORDS = [word for change in TINY_CHANGES for word in ("--set", change)]
