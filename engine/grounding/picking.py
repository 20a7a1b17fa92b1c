"""From what the network says of every cell to boxes: clipped, thinned out, the best first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import nms

from engine.grounding.network import GroundingOutput

LEAST_CONFIDENCE = 1e-4
"""Below this a box is none, even where the best one is asked for (the paper's evaluation)."""

ALL_IOU = 0.5
"""Of two boxes that overlap by more than this the better one stays, where all things are asked for (*our reading*: at
the .9 of the paper's evaluation one thing would be shown several times)."""


class Picked(NamedTuple):
    """n boxes of one picture, the best first: ``boxes`` [n, 4] in input pixels, ``scores`` [n] 0..1, ``cells`` int64
    [n] they come from, and ``texts`` int64 [n], the text slot that names each best."""

    boxes: Tensor
    scores: Tensor
    cells: Tensor
    texts: Tensor

    def where(self, wanted: Tensor) -> Picked:
        """Those that ``wanted`` names: bool [n], or places int64 [m] in the order in which they are to be."""
        return Picked(*(part[wanted] for part in self))


def candidates(output: GroundingOutput, row: int, within: tuple[float, float, float, float]) -> Picked:
    """Every cell's box of picture ``row``, clipped to ``within`` (x0, y0, x1, y1 in input pixels), in no order.

    A box counts for the text that it fits best. Boxes that lie outside, cells without data, and scores below
    :data:`LEAST_CONFIDENCE` are left out.
    """
    best, texts = output.scores[row].max(-1)  # [A]
    scores = best.sigmoid()
    x0, y0, x1, y1 = within
    low, high = output.boxes.new_tensor((x0, y0)), output.boxes.new_tensor((x1, y1))
    corners = output.boxes[row].reshape(-1, 2, 2).clamp(low, high)  # [A, 2, 2]
    there = (corners[:, 1] > corners[:, 0]).all(-1) & output.cell_mask[row] & (scores >= LEAST_CONFIDENCE)
    cells = there.nonzero().squeeze(-1)  # [n]
    return Picked(corners.flatten(1)[cells], scores[cells], cells, texts[cells])


def pick(found: Picked, *, most: int | None) -> Picked:
    """The best ``most`` of ``found`` without the worse of any two that overlap by more than :data:`ALL_IOU`
    (non-maximum suppression, whatever their texts).

    The best of all is never suppressed. Where it alone is asked for it is taken at once: the paper's suppression before
    that changes nothing, and to compare thousands of boxes takes longer than the network's heads.
    """
    if most == 1:
        best = found.scores.argmax().unsqueeze(0) if len(found.scores) else found.cells
        return Picked(*(part[best] for part in found))
    kept = nms(found.boxes, found.scores, ALL_IOU)[:most]
    return Picked(*(part[kept] for part in found))


def joined(parts: list[Picked], offsets: list[int]) -> Picked:
    """The boxes of several runs over one picture as one, of each cell the best; ``offsets`` is what each run's text
    slots are counted from."""
    texts = [part.texts + offset for part, offset in zip(parts, offsets, strict=True)]
    boxes, scores, cells = (torch.cat(each) for each in zip(*(part[:3] for part in parts), strict=True))
    everything = Picked(boxes, scores, cells, torch.cat(texts))
    best_first = everything.where(scores.argsort(descending=True, stable=True))
    _, firsts = np.unique(best_first.cells.cpu().numpy(), return_index=True)
    return best_first.where(torch.from_numpy(firsts).to(cells.device))
