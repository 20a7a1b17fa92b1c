"""Swin Transformer's stages (Liu et al. 2021) from timm, cut where words come in. Cells are [B, H, W, C].

timm merges patches where a stage begins, so that what a stage returns is what PWAM reads and the next stage goes on
from. Windows and masks follow the size of the input; a stage with fewer cells along a side than a window, at the
configured size of the image, has one window of all of them, and does not shift it.

Cells without data are 0 when a stage begins. So what a picture holds there is without any effect. That there are such
cells is not: inside of a stage they are keys like others, as timm's own padding is.
"""

from __future__ import annotations

from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from engine.nn.csp import cells_with_data
from engine.segmentation.config import STRIDES, SegmentationConfig


def build_swin(config: SegmentationConfig) -> SwinTransformer:
    """timm's Swin Transformer of ``config`` without a classifier, with fresh weights; the input may have any size."""
    return SwinTransformer(
        img_size=config.image_size,
        patch_size=STRIDES[0],
        num_classes=0,
        embed_dim=config.first_width,
        depths=config.depths,
        num_heads=config.heads,
        window_size=config.window,
        drop_path_rate=config.drop_path,
        strict_img_size=False,
    )


class SensorStage(nn.Module):
    """Patch embedding and first stage: one sensor's picture to cells of 4 px."""

    def __init__(self, patch_embed: nn.Module, stage: nn.Module) -> None:
        """Both of a Swin Transformer."""
        super().__init__()
        self.patch_embed = patch_embed
        self.stage = stage

    def forward(self, picture: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """``picture`` [B, 3, H, W] with data where ``valid`` bool [B, H, W].

        Returns cells [B, H / 4, W / 4, C1], 0 without data, and which have data, bool [B, H / 4, W / 4].
        """
        picture = picture.masked_fill(~valid.unsqueeze(1), 0.0)
        cell_mask = cells_with_data(valid, STRIDES[0])  # [B, H / 4, W / 4]
        cells = only_data(self.patch_embed(picture), cell_mask)  # [B, H / 4, W / 4, C1]
        return only_data(self.stage(cells), cell_mask), cell_mask


def only_data(cells: Tensor, cell_mask: Tensor) -> Tensor:
    """``cells`` [B, H, W, C], 0 outside of ``cell_mask`` bool [B, H, W]."""
    return cells.masked_fill(~cell_mask.unsqueeze(-1), 0.0)
