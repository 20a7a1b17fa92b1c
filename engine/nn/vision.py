"""The small image encoder of the ``compact`` preset: a convolutional stem and a few Transformer layers.

It stands where the paper preset has CLIP ViT-B/16: image in, one token per 16 x 16 pixel patch out. It is trained
from scratch, so convolutions do the early work (they learn from thousands of pictures, not millions). Statistics
are taken per picture or per token, never over the batch, so a batch of one gives what a row of a larger one gives.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.nn.blocks import EncoderLayer

PATCH_PX = 16  # 4 (first convolution) x 2 x 2 (the two reductions below)


class ResidualConv(nn.Module):
    """x + conv(ReLU(GN(conv(ReLU(GN x))))) at one resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(channels // 16, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(channels // 16, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        y = self.conv1(torch.relu(self.norm1(x)))
        return x + self.conv2(torch.relu(self.norm2(y)))  # type: ignore[no-any-return]


def grid_positions(side: int, width: int) -> Tensor:
    """[1, side², width]: sines and cosines of the row in one half of the channels, of the column in the other.

    Wavelengths run from the whole side down to two patches, so that neighbours and opposite corners both differ.
    ``width`` has to be a multiple of 4.
    """
    waves = width // 4
    place = (torch.arange(side) + 0.5) / side  # [side]
    turns = 0.5 * side ** torch.linspace(0, 1, waves)  # half a wave over the side .. one over two patches
    angle = 2 * torch.pi * place[:, None] * turns  # [side, waves]
    one_way = torch.cat([angle.sin(), angle.cos()], 1)  # [side, width / 2]
    rows = one_way[:, None].expand(side, side, -1)
    columns = one_way[None].expand(side, side, -1)
    return torch.cat([rows, columns], -1).reshape(1, side * side, width)


class ConvTransformer(nn.Module):
    """Picture [B, 3, S, S] -> patch tokens [B, (S / 16)², width], normalised by a last LayerNorm.

    ``channels`` are the widths at strides 4 and 8; ``layers`` Transformer layers follow at stride 16. Positions are
    a learned table, as the answers speak of corners and edges; it starts as :func:`grid_positions`, at the scale of
    the features, because one that started near zero was drowned by them and never learned.
    """

    def __init__(
        self,
        image_size: int,
        width: int,
        channels: tuple[int, int],
        blocks: tuple[int, int, int],
        layers: int,
        heads: int,
        mlp_ratio: float,
    ) -> None:
        super().__init__()
        fine, middle = channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, fine, 7, stride=4, padding=3),
            *[ResidualConv(fine) for _ in range(blocks[0])],
            nn.Conv2d(fine, middle, 2, stride=2),
            *[ResidualConv(middle) for _ in range(blocks[1])],
            nn.Conv2d(middle, width, 2, stride=2),
            *[ResidualConv(width) for _ in range(blocks[2])],
        )
        self.positions = nn.Parameter(grid_positions(image_size // PATCH_PX, width))
        self.layers = nn.ModuleList([EncoderLayer(width, heads, mlp_ratio) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, picture: Tensor, patch_mask: Tensor) -> Tensor:
        """``picture`` [B, 3, S, S], 0 where invalid; ``patch_mask`` [B, M] True where a patch has data -> [B, M, D]."""
        tokens = self.stem(picture.contiguous(memory_format=torch.channels_last)).flatten(2).transpose(1, 2)
        tokens = tokens + self.positions  # [B, M, D]
        for layer in self.layers:
            tokens = layer(tokens, patch_mask)
        return self.norm(tokens)  # type: ignore[no-any-return]
