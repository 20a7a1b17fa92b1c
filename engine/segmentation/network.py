"""What goes in and out of LGCE, as named tensors: B areas, N words, H x W input pixels."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class PairInput(NamedTuple):
    """Both pictures of B areas, normalised, 0 where they have no data; H and W are multiples of 32.

    ``optical`` [B, 3, H, W] and ``sar`` [B, 3, H, W] (one band, repeated) with data where ``optical_valid`` and
    ``sar_valid`` bool [B, H, W]. A sensor that is not there has no valid pixel.
    """

    optical: Tensor
    sar: Tensor
    optical_valid: Tensor
    sar_valid: Tensor


class Words(NamedTuple):
    """Vectors of each expression's tokens [B, N, E], and which there are, bool [B, N]."""

    vectors: Tensor
    mask: Tensor


class FirstStage(NamedTuple):
    """What the first Swin stage, and the fusion of sensors after it, make of areas: all that no word goes into, so that
    it is kept for a second expression.

    ``cells`` [B, H / 4, W / 4, C1]; ``valid`` bool [B, H / 4, W / 4] says which cells have data of a sensor that the
    network reads. ``trust`` [B, H / 4, W / 4] is the share that optical has in the fused cells, 0 all SAR .. 1 all
    optical (0 where neither has data); None where the network reads one sensor.
    """

    cells: Tensor
    valid: Tensor
    trust: Tensor | None

    def rows(self, index: Tensor) -> FirstStage:
        """The areas ``index`` int64 [Q] of a batch."""
        return FirstStage(*(None if part is None else part[index] for part in self))  # type: ignore[arg-type]


class SegmentationOutput(NamedTuple):
    """The network's answer, float32.

    ``logits`` [B, 2, H, W] are of background and foreground for every input pixel, as the decoder's at stride 4 grow to
    (bilinear). ``attention`` has for each stage how much of each cell's attention each word has (PWAM's softmax),
    [B, N, H / stride, W / stride], 0 for words that are not there. ``gates`` has for each stage but the last how far
    the words change what goes on to the next stage, [B, H / stride, W / stride]: the mean of |gate| over channels,
    0..1. ``trust`` is the first stage's.
    """

    logits: Tensor
    attention: tuple[Tensor, ...]
    gates: tuple[Tensor, ...]
    trust: Tensor | None
