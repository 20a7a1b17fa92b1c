"""What OptiSAR-Net++ says of every cell: a box, a score for each text, and in training where in the picture it is.

Section III-C (the contrastive head) and the region-aware auxiliary head of section III-D. Shapes: B pictures, T texts,
H x W cells of one scale, A cells of all scales, E the width of an embedding. The sizes of the branches are *our
reading*: the paper names none, they are those of the YOLO11 shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.csp import ConvNormAct, batch_norm

FIRST_LOGIT_SCALE = -1.0
THINGS_EXPECTED = 5  # in a picture: so many cells per text slot are right at the start, as detectors have it
REGION_HIDDEN = 256
SWIGLU_RATIO = 4


class ScaleAnswer(NamedTuple):
    """One scale's cells: ``scores`` [B, HW, T], ``sides`` [B, HW, 4, bins], ``regions`` [B, G², H, W] or None."""

    scores: Tensor
    sides: Tensor
    regions: Tensor | None


class TextAdapter(nn.Module):
    """What is trained of the text: t + SwiGLU(t), L2-normalised. It starts as the frozen embedding itself.

    *Our reading*: the hidden width is four times E, half of it gate and half of it value.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = SWIGLU_RATIO * width
        self.gate_and_value = nn.Linear(width, hidden)
        self.project = nn.Linear(hidden // 2, width)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, texts: Tensor) -> Tensor:
        """``texts`` [B, T, E], L2-normalised -> the same, adapted."""
        gate, value = self.gate_and_value(texts).chunk(2, -1)  # [B, T, 2E] each
        return F.normalize(texts + self.project(F.silu(gate) * value), dim=-1)


class BoxBranch(nn.Sequential):
    """[B, C, H, W] -> logits [B, 4·bins, H, W] over the distances from a cell's centre to its box's four sides."""

    def __init__(self, channels: int, width: int, bins: int) -> None:
        super().__init__(
            ConvNormAct(channels, width, 3), ConvNormAct(width, width, 3), nn.Conv2d(width, 4 * bins, kernel_size=1)
        )


class ClassBranch(nn.Sequential):
    """[B, C, H, W] -> features [B, width, H, W]: a depthwise 3x3 and a 1x1 convolution, twice."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            ConvNormAct(channels, channels, 3, groups=channels),
            ConvNormAct(channels, width),
            ConvNormAct(width, width, 3, groups=width),
            ConvNormAct(width, width),
        )


class ContrastiveHead(nn.Module):
    """Logits of cells for texts: <BN(visual), text> · exp(logit_scale) + bias (the BatchNorm-based head of eq. 4).

    The bias starts where :data:`THINGS_EXPECTED` cells of the picture are spread over the texts, log(5 / n / cells).
    *Our reading*: cells = (S / stride)² with S the side that the network is trained at, the paper's 640.
    """

    def __init__(self, width: int, *, texts: int, cells: float) -> None:
        """``width`` is E, ``texts`` the number n of text slots, ``cells`` that of the scale at the trained size."""
        super().__init__()
        self.norm = batch_norm(width)
        self.logit_scale = nn.Parameter(torch.tensor(FIRST_LOGIT_SCALE))
        self.bias = nn.Parameter(torch.tensor(math.log(THINGS_EXPECTED / texts / cells)))

    def forward(self, visual: Tensor, texts: Tensor) -> Tensor:
        """``visual`` [B, E, H, W], ``texts`` [B, T, E] (L2-normalised) -> [B, HW, T], float32 also under autocast."""
        with torch.autocast(visual.device.type, enabled=False):
            cells: Tensor = self.norm(visual.float()).flatten(2)  # [B, E, HW]
            alike = cells.transpose(1, 2) @ texts.float().transpose(1, 2)  # [B, HW, T]
            return alike * torch.exp(self.logit_scale) + self.bias


class RegionHead(nn.Sequential):
    """Training only: class features [B, C, H, W] -> logits [B, G², H, W], which field of a G x G grid a cell is in."""

    def __init__(self, channels: int, grid: int) -> None:
        super().__init__(
            nn.Conv2d(channels, REGION_HIDDEN, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(REGION_HIDDEN, grid * grid, kernel_size=1),
        )


class ScaleHead(nn.Module):
    """All branches of one scale."""

    def __init__(
        self,
        channels: int,
        *,
        box_width: int,
        bins: int,
        class_width: int,
        embed_width: int,
        texts: int,
        cells: float,
        grid: int | None,
    ) -> None:
        """``texts`` and ``cells`` as for :class:`ContrastiveHead`; ``grid`` None: without the region head."""
        super().__init__()
        self.bins = bins
        self.box = BoxBranch(channels, box_width, bins)
        self.classify = ClassBranch(channels, class_width)
        self.embed = nn.Conv2d(class_width, embed_width, kernel_size=1)
        self.contrast = ContrastiveHead(embed_width, texts=texts, cells=cells)
        self.region = None if grid is None else RegionHead(class_width, grid)

    def forward(self, x: Tensor, texts: Tensor) -> ScaleAnswer:
        """``x`` [B, C, H, W] against ``texts`` [B, T, E]; regions in training only."""
        sides = self.box(x).flatten(2).transpose(1, 2)  # [B, HW, 4·bins]
        features = self.classify(x)
        scores = self.contrast(self.embed(features), texts)  # [B, HW, T]
        regions = self.region(features) if self.region is not None and self.training else None
        return ScaleAnswer(scores, sides.unflatten(2, (4, self.bins)), regions)


def cell_centres(sizes: Sequence[tuple[int, int]], strides: Sequence[int], like: Tensor) -> tuple[Tensor, Tensor]:
    """Of scales of ``sizes`` (rows, columns): centres [A, 2] (x, y in input pixels) and strides [A], both float32.

    The centre of the first cell is half a stride from the picture's corner. They lie where ``like`` does.
    """
    centres, steps = [], []
    for (rows, columns), stride in zip(sizes, strides, strict=True):
        y = (torch.arange(rows, device=like.device, dtype=torch.float32) + 0.5) * stride
        x = (torch.arange(columns, device=like.device, dtype=torch.float32) + 0.5) * stride
        grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")  # [H, W] each
        centres.append(torch.stack([grid_x, grid_y], -1).flatten(0, 1))  # [HW, 2]
        steps.append(torch.full((rows * columns,), float(stride), device=like.device))
    return torch.cat(centres), torch.cat(steps)


def decode_boxes(sides: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """``sides`` [B, A, 4, bins] -> boxes [B, A, 4] (x0, y0, x1, y1 in input pixels), not cut at the picture's edge.

    A distance is the mean of the distribution over 0 … bins - 1 strides that its logits stand for (DFL). Float32.
    """
    with torch.autocast(sides.device.type, enabled=False):
        steps = torch.arange(sides.shape[-1], device=sides.device, dtype=torch.float32)
        distances = (sides.float().softmax(-1) @ steps) * strides[:, None]  # [B, A, 4]
        return torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], -1)
