"""LAVT's decoder: from the deepest map up, with each stage's own beside it, to two classes. Maps are [B, C, H, W]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 2
"""Background, then foreground."""


class DecoderStep(nn.Sequential):
    """Two 3x3 convolutions without bias, each with BatchNorm and ReLU, over [the deeper map at this size, this one]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class Decoder(nn.Module):
    """Three steps, each twice as fine as the one before, and a 1x1 convolution.

    Maps grow bilinearly, by the centres of cells and not of corners (*our reading*): a cell then comes to lie where it
    was seen, in a window of any size.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        """``widths`` of the four stages, ``width`` inside."""
        super().__init__()
        c1, c2, c3, c4 = widths
        self.steps = nn.ModuleList(
            [DecoderStep(c4 + c3, width), DecoderStep(width + c2, width), DecoderStep(width + c1, width)]
        )
        self.classify = nn.Conv2d(width, CLASSES, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The four stages' maps, first stage first -> logits [B, 2, H / 4, W / 4] at the first stage's size."""
        *skips, x = maps
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            x = step(torch.cat([grown(x, skip.shape[-2:]), skip], 1))  # [B, width, H of skip, W of skip]
        return self.classify(x)  # type: ignore[no-any-return]


def grown(x: Tensor, size: Sequence[int]) -> Tensor:
    """``x`` [B, C, h, w] at ``size`` (rows, columns), bilinear."""
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)
