"""Which cells have to find which thing: task-aligned assignment (TOOD, Feng et al., ICCV 2021, section 3.2).

A cell stands for a thing where it both names and boxes it well:

    t = s^alpha · u^beta     s: the cell's score for the thing's text, u: IoU of the cell's box with the thing's

Of the cells whose centre lies in a thing's box, the k with the largest t are its own. A cell wanted by several things
goes to the one that its box overlaps best. The target score of a cell is its t, scaled so that the best cell of a
thing has the best IoU that any of the thing's cells has. The paper names no assigner; k, alpha and beta are those of
its release. *Our reading*, as grounding differs from detection:

- a thing may be named by several texts ("the largest tank", "storage tanks"): its s is the score of the best of them,
  and the target score holds for all of them;
- a thing that no text of the batch names takes part in nothing. A box is only ever read where some text scores its
  cell, so that nobody would read what the cell learnt; t has no s there, thus no scale for a weight; and a text that
  does not name the thing has to stay a negative on its cells;
- a thing narrower or lower than a cell is widened to one cell for the question whether a centre lies inside. Things of
  3 px lie between the centres of cells of 8 px and would have no cell at all; so each has one at least at every scale,
  and u decides which of them are any good.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.grounding.network import GroundingOutput, Targets

NO_THING = -1
LEAST_IOU = 1e-9  # in place of 0, whose logarithm would make numbers that cannot be compared


class Assignment(NamedTuple):
    """``thing`` int64 [B, A] is the row of each cell's thing, -1 for none; ``weight`` float32 [B, A] its target score.

    The weight is 0 where there is no thing, and where no cell of a thing overlaps it. ``share`` float32 [B, A] is the
    cell's t over that of the thing's best cell: 1 for that one, whatever its IoU, and 0 where there is no thing.
    """

    thing: Tensor
    weight: Tensor
    share: Tensor


def assign(
    output: GroundingOutput, targets: Targets, *, top_k: int = 5, alpha: float = 0.5, beta: float = 6.0
) -> Assignment:
    """The cells of B pictures' things; no gradient passes, whatever the autocast it is float32.

    Memory is a few tensors [B, K, A]. Cells without data, masked things and masked texts are as if they were not there.
    """
    B, A, _ = output.boxes.shape
    K = targets.boxes.shape[1]
    if not K:
        nothing = output.cell_mask.new_zeros(B, A)
        return Assignment(nothing.long() + NO_THING, nothing.float(), nothing.float())
    with torch.no_grad(), torch.autocast(output.boxes.device.type, enabled=False):
        real = targets.box_mask.unsqueeze(-1)
        boxes = targets.boxes.float().masked_fill(~real, 0.0)  # [B, K, 4]
        names = targets.names & real & targets.text_mask.unsqueeze(1)  # [B, K, T]
        named = names.any(-1, keepdim=True)  # [B, K, 1]
        candidates = centre_inside(boxes, output.centres, output.strides) & named & output.cell_mask.unsqueeze(1)
        overlap = intersection_over_union(boxes.unsqueeze(2), output.boxes.float().unsqueeze(1))  # [B, K, A]
        # As logarithms: the IoU of a 3 px thing with a first guess of 100 px, to the sixth power, is below float32.
        alignment = alpha * best_log_score(output.scores, names) + beta * overlap.clamp(min=LEAST_IOU).log()
        wanted = _best_cells(alignment.masked_fill(~candidates, -torch.inf), top_k)
        return _settle(wanted, alignment, overlap)


def centre_inside(boxes: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Whether a cell's centre lies in a box, widened to one cell where it is smaller.

    ``boxes`` [B, K, 4], ``centres`` [A, 2] and ``strides`` [A], all in input pixels -> bool [B, K, A]. A centre on the
    edge is inside, so that a point between four cells belongs to all of them.
    """
    middle = (boxes[..., :2] + boxes[..., 2:]).unsqueeze(2) / 2  # [B, K, 1, 2]
    half = (boxes[..., 2:] - boxes[..., :2]).unsqueeze(2) / 2  # [B, K, 1, 2]
    reach = torch.maximum(half, strides.unsqueeze(-1) / 2)  # [B, K, A, 2]
    return ((centres - middle).abs() <= reach).all(-1)


def intersection_over_union(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU of boxes [..., 4] (x0, y0, x1, y1) with ``others`` [..., 4], broadcast -> [...]; 0 where both are empty."""
    low = torch.maximum(boxes[..., :2], others[..., :2])
    high = torch.minimum(boxes[..., 2:], others[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = _area(boxes) + _area(others) - shared
    return shared / union.clamp(min=torch.finfo(union.dtype).tiny)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def best_log_score(scores: Tensor, names: Tensor) -> Tensor:
    """Logarithm of each cell's score for each thing: that of the best of the texts that name it.

    ``scores`` logits [B, A, T], ``names`` bool [B, K, T] -> [B, K, A], the lowest float32 where no text names a thing.
    One text after the other, as all at once would be T times the memory.
    """
    B, A, T = scores.shape
    lowest = torch.finfo(torch.float32).min
    best = scores.new_full((B, names.shape[1], A), lowest, dtype=torch.float32)
    for text in range(T):
        one = F.logsigmoid(scores[:, :, text].float()).unsqueeze(1)  # [B, 1, A]
        best = torch.where(names[:, :, text].unsqueeze(-1), torch.maximum(best, one), best)
    return best


def _best_cells(alignment: Tensor, top_k: int) -> Tensor:
    """The ``top_k`` best cells of each thing, of those that are above minus infinity: bool [B, K, A]."""
    best = alignment.topk(min(top_k, alignment.shape[-1]), dim=-1)
    return torch.zeros_like(alignment, dtype=torch.bool).scatter_(-1, best.indices, best.values > -torch.inf)


def _settle(wanted: Tensor, alignment: Tensor, overlap: Tensor) -> Assignment:
    """Each cell to one thing, and the target scores; all [B, K, A]."""
    best_overlap, thing = overlap.masked_fill(~wanted, -1.0).max(dim=1)  # [B, A]
    taken = best_overlap >= 0
    own = wanted & (thing.unsqueeze(1) == torch.arange(wanted.shape[1], device=thing.device).view(1, -1, 1))
    best_alignment = alignment.masked_fill(~own, -torch.inf).amax(-1)  # [B, K]
    best_iou = overlap.masked_fill(~own, 0.0).amax(-1)  # [B, K]
    mine = alignment.gather(1, thing.unsqueeze(1)).squeeze(1)  # [B, A]
    share = (mine - best_alignment.gather(1, thing)).exp()  # of the thing's best; 1 for that one
    share = torch.where(taken, share, 0.0)
    return Assignment(torch.where(taken, thing, NO_THING), share * best_iou.gather(1, thing), share)
