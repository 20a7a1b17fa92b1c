"""The training loss of OptiSAR-Net++ (section III-C, "Training Objective", and III-D, eqs. 8–9).

    L = box · (1 − CIoU) + dfl · DFL + cls · BCE + region · L_region + balance · L_balance

on the cells that :mod:`engine.grounding.assigner` gave to things. The paper names the parts; weights are its release's.

*Our reading*: every part is normalised within its picture and then averaged over pictures. (The release divides by the
batch's sum of target scores.) So the loss of a batch is the mean of those of its rows, as ``engine.training`` needs to
train alike on one process or several, and a picture with sixty things does not drown the one with a single ship:

- box and DFL: the mean over the picture's things, each a mean over its cells weighted by alignment. (Weighted by target
  score, an absolute IoU, a thing of a few pixels has no say beside a large one: its first boxes hardly overlap it.)
- BCE: the sum over cells with data and real texts, over the sum of their target scores, but at least 1;
- region: the weighted mean over cells with data, then over scales. Foreground (weight 2, background 1) are cells whose
  centre lies in the box of a thing that a text names, by the assigner's own test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.grounding.assigner import NO_THING, Assignment, assign, centre_inside, intersection_over_union
from engine.grounding.network import GroundingOutput, Targets

SMALLEST = 1e-7  # in place of 0 in a denominator


@dataclass(frozen=True, slots=True)
class LossWeights:
    """The weights of the parts, the assigner's numbers, and the region head's weight of foreground."""

    box: float = 7.5
    cls: float = 0.5
    dfl: float = 1.5
    region: float = 1.0
    balance: float = 1.5  # on top of the 0.001 within PL-MoE's load-balance loss
    foreground: float = 2.0  # background has 1
    top_k: int = 5
    alpha: float = 0.5
    beta: float = 6.0


def grounding_loss(output: GroundingOutput, targets: Targets, weights: LossWeights) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss, a scalar, and its parts before they are weighted: ``box cls dfl region balance``.

    A mean over the B pictures, in float32 whatever the autocast. Masked things, texts and cells change nothing; without
    any thing, and for boxes of no area or outside the picture, all of it stays finite, gradients too.
    """
    with torch.autocast(output.boxes.device.type, enabled=False):
        found = assign(output, targets, top_k=weights.top_k, alpha=weights.alpha, beta=weights.beta)
        of_box, of_sides = box_losses(output, targets, found)  # [B] each
        parts = {
            "box": of_box.mean(),
            "cls": text_loss(output, targets, found).mean(),
            "dfl": of_sides.mean(),
            "region": region_loss(output, targets, weights.foreground).mean(),
            "balance": output.balance.float().mean(),
        }
        total = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
    return total, parts


def box_losses(output: GroundingOutput, targets: Targets, found: Assignment) -> tuple[Tensor, Tensor]:
    """1 − CIoU and DFL of each picture [B]: each thing's cells by alignment, then things alike; 0 without any."""
    picture, cell = (found.thing != NO_THING).nonzero(as_tuple=True)  # [P] each: only these cells are looked at
    thing = found.thing[picture, cell]  # [P]
    truth = targets.boxes[picture, thing].float()  # [P, 4]
    overlap = complete_iou(output.boxes[picture, cell].float(), truth)  # [P]
    centre = output.centres[cell].float()  # [P, 2]
    distances = torch.cat([centre - truth[:, :2], truth[:, 2:] - centre], dim=-1)  # [P, 4], in pixels
    sides = output.sides[picture, cell].float()  # [P, 4, bins]
    of_sides = distribution_focal_loss(sides, distances / output.strides[cell].unsqueeze(-1)).mean(-1)  # [P]
    share = share_of_picture(found.share[picture, cell], picture, thing, targets.box_mask)
    none = share.new_zeros(len(found.weight))
    return none.index_add(0, picture, share * (1 - overlap)), none.index_add(0, picture, share * of_sides)


def share_of_picture(share: Tensor, picture: Tensor, thing: Tensor, box_mask: Tensor) -> Tensor:
    """Weights [P] of cells that add to 1 over each picture, and over each of its things to the same.

    Cell p has ``share`` of thing ``thing`` in picture ``picture`` (all [P]); ``box_mask`` is [B, K].
    """
    B, K = box_mask.shape
    row = picture * K + thing  # [P]
    of_thing = share.new_zeros(B * K).index_add(0, row, share)  # [B K]
    things = (of_thing.view(B, K) > 0).sum(-1)  # [B]
    return share / of_thing[row] / things[picture]


def complete_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """CIoU of boxes [..., 4] (x0, y0, x1, y1) with ``others`` [..., 4], broadcast -> [...], at most 1.

    Zheng et al. (AAAI 2020): IoU − ρ² / c² − a·v, where ρ is the distance of the middles, c the diagonal of the box
    around both, v = 4/π² · (the difference of atan(width / height))², and a = v / (1 − IoU + v) passes no gradient.
    torchvision's ``complete_box_iou_loss`` is 1 minus this on proper boxes; on those without area it is not a number.
    """
    overlap = intersection_over_union(boxes, others)
    middles = (boxes[..., :2] + boxes[..., 2:] - others[..., :2] - others[..., 2:]) / 2
    around = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    apart = middles.square().sum(-1) / around.square().sum(-1).clamp(min=SMALLEST)
    shape = 4 / math.pi**2 * (_slant(boxes) - _slant(others)).square()
    with torch.no_grad():
        share = shape / (1 - overlap + shape).clamp(min=SMALLEST)
    return overlap - apart - share * shape


def _slant(boxes: Tensor) -> Tensor:
    """atan(width / height) of boxes [..., 4], with a gradient even where both are 0."""
    width, height = (boxes[..., 2:] - boxes[..., :2]).unbind(-1)
    return torch.atan2(width, height.clamp(min=SMALLEST))


def distribution_focal_loss(sides: Tensor, distances: Tensor) -> Tensor:
    """Cross-entropy of ``sides`` [..., bins] with the two whole numbers next to ``distances`` [...] in cells -> [...].

    DFL (Li et al., NeurIPS 2020, eq. 6): the nearer number weighs more, so that the expectation can be the distance.
    A distance outside 0 … bins − 1 counts as the nearest that the bins can say.
    """
    last = sides.shape[-1] - 1
    distances = distances.clamp(0, last)
    low = distances.floor().clamp(max=max(last - 1, 0)).long()
    high = (low + 1).clamp(max=last)
    above = distances - low  # how far beyond the lower of the two, 0..1
    log_shares = sides.log_softmax(-1)
    of_low, of_high = (log_shares.gather(-1, bin_.unsqueeze(-1)).squeeze(-1) for bin_ in (low, high))
    return -(1 - above) * of_low - above * of_high


def text_loss(output: GroundingOutput, targets: Targets, found: Assignment) -> Tensor:
    """Binary cross-entropy of each picture [B]: every cell with data, every real text, soft target scores."""
    seen = output.cell_mask.unsqueeze(-1) & targets.text_mask.unsqueeze(1)  # [B, A, T]
    wanted = target_scores(targets, found) * seen  # [B, A, T]
    logits = output.scores.float().masked_fill(~seen, 0.0)
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * seen
    return each.sum((1, 2)) / wanted.sum((1, 2)).clamp(min=1)


def target_scores(targets: Targets, found: Assignment) -> Tensor:
    """What every cell should score for every text, [B, A, T]: its weight for each text that names its thing."""
    if not targets.names.shape[1]:
        return found.weight.unsqueeze(-1).expand(-1, -1, targets.names.shape[2])
    rows = found.thing.clamp(min=0).unsqueeze(-1).expand(-1, -1, targets.names.shape[2])  # [B, A, T]
    return targets.names.gather(1, rows) * found.weight.unsqueeze(-1)


def region_loss(output: GroundingOutput, targets: Targets, foreground: float) -> Tensor:
    """Eq. 9 of each picture [B]: every cell with data tells in which square of the grid its centre lies (eq. 8)."""
    if not output.regions:
        return output.balance.new_zeros(len(output.balance), dtype=torch.float32)
    inside = _named_cells(output, targets)  # [B, A]
    weight = torch.where(inside, foreground, 1.0) * output.cell_mask
    sizes = [logits.shape[-2] * logits.shape[-1] for logits in output.regions]
    scales = []
    for logits, part in zip(output.regions, torch.split(weight, sizes, dim=1), strict=True):  # [B, G², H, W], [B, H·W]
        labels = grid_labels(logits.shape, logits.device).expand(len(logits), -1)  # [B, H·W]
        each = F.cross_entropy(logits.float().flatten(2), labels, reduction="none")  # [B, H·W]
        scales.append((each * part).sum(-1) / part.sum(-1).clamp(min=1))
    return torch.stack(scales).mean(0)


def _named_cells(output: GroundingOutput, targets: Targets) -> Tensor:
    """Cells whose centre lies in the box of a thing that a real text names, bool [B, A]."""
    named = (targets.names & targets.text_mask.unsqueeze(1)).any(-1) & targets.box_mask  # [B, K]
    inside = centre_inside(targets.boxes.float(), output.centres, output.strides)  # [B, K, A]
    return (inside & named.unsqueeze(-1)).any(1)


def grid_labels(shape: torch.Size, device: torch.device) -> Tensor:
    """The square of a G × G grid in which each cell's centre lies, row by row: int64 [H·W] for [B, G², H, W]."""
    _, squares, height, width = shape
    grid = math.isqrt(squares)
    rows = (2 * torch.arange(height, device=device) + 1) * grid // (2 * height)  # centre (r + ½) / H, times G
    columns = (2 * torch.arange(width, device=device) + 1) * grid // (2 * width)
    return (rows.unsqueeze(1) * grid + columns).flatten()
