"""Swin-B's published weights, which LAVT starts from: ImageNet-22k at 384 px, windows of 12 (Liu et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from timm.models.swin_transformer import SwinTransformer, checkpoint_filter_fn
from torch import Tensor

from engine.errors import ModelDamaged
from engine.nn.published_weights import PublishedWeights

NAME = "swin_base_patch4_window12_384.ms_in22k"
SWIN = PublishedWeights(NAME, hub_id=f"timm/{NAME}", licence="MIT", variable="RSQA_SWIN")

CLASSIFIER = "head."


def load_swin(swin: SwinTransformer, path: Path) -> None:
    """Fill timm's ``swin``, which has no classifier, with the weights in ``path``, of timm's or of Swin's own release.

    Tables of relative positions are resized where ``swin`` has other windows. Raises ModelDamaged where the file cannot
    be read, or is of a Swin of other sizes.
    """
    stored = {name: value for name, value in SWIN.read(path).items() if not name.startswith(CLASSIFIER)}
    try:
        fitting = checkpoint_filter_fn(stored, swin)
    except AttributeError:  # timm looks up every block that the file has
        fitting = {}
    if _shapes(fitting) != _shapes(swin.state_dict()):
        raise ModelDamaged(
            f"{path} is no Swin Transformer of the configured sizes.",
            remedy="Fetch the file again, or set model.first_width and model.depths to its own.",
        )
    swin.load_state_dict(fitting)


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}
