"""What goes in and out of OptiSAR-Net++, as named tensors. B pictures, T text slots, A cells of all scales together.

Cells are counted scale by scale, P3 before P4 before P5, each row by row; A = Σ (H / stride)(W / stride).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class BackboneFeatures(NamedTuple):
    """What backbone and neck make of a picture: all that is kept of a view, as no text has gone in yet.

    ``p3``, ``p4`` and ``p5`` are the neck's maps [B, C, H / stride, W / stride]. ``cell_mask`` bool [B, A] says which
    cells have data: those with any valid pixel. ``routes`` [B, E, rows, columns] is each expert's share in each patch
    of PL-MoE (0 where it was not chosen), None without experts. ``balance`` [B] is the load-balance loss of each
    picture, zeros without experts and in evaluation.
    """

    p3: Tensor
    p4: Tensor
    p5: Tensor
    cell_mask: Tensor
    routes: Tensor | None
    balance: Tensor

    @property
    def maps(self) -> tuple[Tensor, Tensor, Tensor]:
        """P3, P4 and P5."""
        return self.p3, self.p4, self.p5

    def rows(self, index: Tensor) -> BackboneFeatures:
        """The views ``index`` int64 [Q] of a batch, so that several expressions can be asked of each by itself."""
        return BackboneFeatures(*(None if part is None else part[index] for part in self))  # type: ignore[arg-type]


class GroundingOutput(NamedTuple):
    """The network's answer.

    ``scores`` [B, A, T] are logits of every cell for every text (the lowest number of the type where the cell has no
    data or the slot no text), ``sides`` [B, A, 4, bins] the logits over distances (left, top, right, bottom, in cells),
    ``boxes`` [B, A, 4] the decoded boxes (x0, y0, x1, y1 in input pixels). ``centres`` [A, 2] are the cells' centres
    (x, y in input pixels), ``strides`` [A]. ``regions`` has logits [B, G², H, W] per scale in training, else it is
    empty. ``gates`` says how far the texts open TGDF's gates [B, H, W] (0..1) per scale, empty without fusion.
    ``cell_mask`` and ``balance`` are the backbone's. ``scores``, ``sides`` and ``boxes`` are always float32.
    """

    scores: Tensor
    sides: Tensor
    boxes: Tensor
    centres: Tensor
    strides: Tensor
    regions: tuple[Tensor, ...]
    gates: tuple[Tensor, ...]
    cell_mask: Tensor
    balance: Tensor


class Targets(NamedTuple):
    """What is true of B pictures with up to K things each.

    ``boxes`` [B, K, 4] in input pixels, ``box_mask`` bool [B, K] says which there are. ``names`` bool [B, K, T] says
    which texts name which thing: a text may name several, a thing may be named by several. ``text_mask`` bool [B, T].
    """

    boxes: Tensor
    box_mask: Tensor
    names: Tensor
    text_mask: Tensor
