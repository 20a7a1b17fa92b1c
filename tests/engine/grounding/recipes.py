"""Recipes small enough for tests: a few scenes or a fabricated folder, widths and steps next to nothing."""

from __future__ import annotations

FEW_STEPS = (
    "train.steps=2", "train.threads=1", "train.log_every=1", "train.tensorboard=false", "train.precision=float32",
    "batch.pictures=2", "data.workers=1",
)  # fmt: skip
FEW_SCENES = ("data.train_scenes=6", "data.validation_scenes=3", "data.test_scenes=3", "data.view_px=96")
SMALL = (
    "model.image_size=64", "model.conv_widths=[8, 8, 16, 16, 32]", "model.stage_widths=[16, 16, 32, 32]",
    "model.neck_widths=[16, 32, 32]", "model.rank=2", "model.fusion_width=16", "model.fusion_heads=2",
    "model.shuffle_groups=2", "model.box_bins=4", "slots.texts=6",
)  # fmt: skip
"""A network in which all of OptiSAR-Net++'s blocks are there."""

TINY_CHANGES = (*FEW_STEPS, *FEW_SCENES, *SMALL)

TINY_WORDS = [word for change in TINY_CHANGES for word in ("--set", change)]
