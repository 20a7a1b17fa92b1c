"""Networks' outputs and truths made up at random, for what is computed from them."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.grounding.network import GroundingOutput, Targets

BINS = 16
GRIDS = (4, 2, 2)


def cells(size: int) -> tuple[Tensor, Tensor]:
    """Centres [A, 2] and strides [A] of a square picture of ``size`` pixels."""
    centres, strides = [], []
    for stride in (8, 16, 32):
        along = (torch.arange(size // stride) + 0.5) * stride
        y, x = torch.meshgrid(along, along, indexing="ij")
        centres.append(torch.stack([x, y], -1).flatten(0, 1))
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def random_output(pictures: int, texts: int, size: int = 64, *, seed: int = 0) -> GroundingOutput:
    """All cells with data; leaves ``scores``, ``sides`` and ``regions`` take gradients, boxes follow from sides."""
    drawn = torch.Generator().manual_seed(seed)
    centres, strides = cells(size)
    scores = (2 * torch.randn(pictures, len(centres), texts, generator=drawn) - 1).requires_grad_()
    sides = (2 * torch.randn(pictures, len(centres), 4, BINS, generator=drawn)).requires_grad_()
    regions = tuple(
        torch.randn(pictures, grid**2, size // stride, size // stride, generator=drawn).requires_grad_()
        for grid, stride in zip(GRIDS, (8, 16, 32), strict=True)
    )
    distances = (sides.softmax(-1) @ torch.arange(BINS, dtype=torch.float32)) * strides.view(1, -1, 1)
    boxes = torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], -1)
    mask = torch.ones(pictures, len(centres), dtype=torch.bool)
    balance = torch.rand(pictures, generator=drawn)
    return GroundingOutput(scores, sides, boxes, centres, strides, regions, (), mask, balance)


def detached(output: GroundingOutput) -> GroundingOutput:
    """The same numbers without gradients, to be looked at one by one."""
    regions = tuple(region.detach() for region in output.regions)
    return output._replace(
        scores=output.scores.detach(), sides=output.sides.detach(), boxes=output.boxes.detach(), regions=regions
    )


def random_targets(pictures: int, things: int, texts: int, size: int = 64, *, seed: int = 0) -> Targets:
    """Things of all sizes from a pixel up; each is named by about a third of the texts, some by none."""
    drawn = torch.Generator().manual_seed(1000 + seed)
    middles = size * torch.rand(pictures, things, 2, generator=drawn)
    halves = size * torch.rand(pictures, things, 2, generator=drawn) ** 3 / 2 + 0.5
    boxes = torch.cat([middles - halves, middles + halves], -1)
    names = torch.rand(pictures, things, texts, generator=drawn) < 0.3
    box_mask = torch.rand(pictures, things, generator=drawn) < 0.9
    text_mask = torch.rand(pictures, texts, generator=drawn) < 0.9
    return Targets(boxes, box_mask, names, text_mask)
