"""What a network said to every expression of a set, as counts of pixels: the input of calibration and of evaluation.

Masks are not kept. A pixel's margin, the foreground's logit less the background's, goes into one of :data:`BINS` bins,
apart for pixels that are meant and that are not. So the overlap with the truth at any threshold is known afterwards,
and what a threshold or a calibration is worth needs no second run of the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.metrics import Overlap
from engine.segmentation.data.referring_set import ReferringSet

SCORED_FILE = "scored.npz"
"""What a run's network said to its test set, beside the report."""

REACH, PER_UNIT = 10, 10
"""Bins are 1 / ``PER_UNIT`` wide and go from ``-REACH`` to ``REACH``; what lies outside is in the first or last."""

BINS = 2 * REACH * PER_UNIT

EDGES: NDArray[np.float64] = np.arange(-REACH * PER_UNIT, REACH * PER_UNIT + 1) / PER_UNIT
"""Margins between bins, [BINS + 1]. Cut ``k`` draws every pixel of the bins from ``k`` up: of a margin ≥ EDGES[k]."""

CENTRES: NDArray[np.float64] = (EDGES[:-1] + EDGES[1:]) / 2
"""The margin that the pixels of a bin are taken to have, [BINS]: wrong by 0.05 at most, but in the outer bins."""

ARGMAX = REACH * PER_UNIT
"""The cut at a margin of 0, where foreground and background are as likely: the mask of the paper's evaluation."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Counts of pixels for the Q expressions that a network was asked.

    ``expression`` int64 [Q] indexes ``ReferringSet.expressions``. ``foreground`` int64 [Q, BINS] counts the pixels that
    are meant by margin, ``background`` those that are not; pixels without data are in neither. ``seconds`` is what it
    took, encoding included.
    """

    expression: NDArray[np.int64]
    foreground: NDArray[np.int64]
    background: NDArray[np.int64]
    seconds: float = 0.0

    @property
    def truth_px(self) -> NDArray[np.int64]:
        """Pixels that each expression names, [Q]."""
        return np.asarray(self.foreground.sum(1))

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of the pixels with data that each expression names, [Q]: what Fig. 7 of the paper counts."""
        return np.asarray(self.truth_px / np.maximum(self.truth_px + self.background.sum(1), 1))

    def drawn(self, cut: int = ARGMAX) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pixels drawn for each expression at ``cut``, [Q] each: those that are meant, and those that are not."""
        return np.asarray(self.foreground[:, cut:].sum(1)), np.asarray(self.background[:, cut:].sum(1))

    def overlaps(self, cut: int = ARGMAX) -> list[Overlap]:
        """What each expression contributes to the scores where masks are drawn at ``cut``."""
        hit, wrong = self.drawn(cut)
        pairs = zip(hit.tolist(), (self.truth_px + wrong).tolist(), strict=True)
        return [Overlap(float(intersection), float(union)) for intersection, union in pairs]

    def mean_iou_by_cut(self) -> NDArray[np.float64]:
        """mIoU (section V-A) at every cut, [BINS + 1]; the last draws nothing."""
        hit, wrong = (_from_above(counts) for counts in (self.foreground, self.background))  # [Q, BINS + 1] each
        union = self.truth_px[:, None] + wrong
        iou = np.divide(hit, union, out=np.zeros(union.shape), where=union > 0)
        return np.asarray(iou.mean(0))

    def save(self, path: Path) -> None:
        """Keep it in the file ``path`` (``.npz``), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with part.open("wb") as stream:
            np.savez_compressed(stream, **{field.name: getattr(self, field.name) for field in fields(self)})
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Scored:
        """What :meth:`save` kept."""
        with np.load(path, allow_pickle=False) as kept:
            arrays = {field.name: kept[field.name] for field in fields(cls) if field.name != "seconds"}
            return cls(**arrays, seconds=float(kept["seconds"]))


def _from_above(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels [Q, BINS + 1] of the bins from each on."""
    sums = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    return np.pad(sums, ((0, 0), (0, 1)))


def asked_of(areas: ReferringSet, sensors: str) -> NDArray[np.int64]:
    """Indices of the expressions that a network reading ``sensors`` ("optical", "sar", "both") is asked, [Q].

    An expression about one sensor's picture is asked of a network that reads it, one about both of any; and only where
    the area has a sensor that the network reads. Raises UsageError where none is left.
    """
    reads = np.array([sensors in ("optical", "both"), sensors in ("sar", "both")])
    seen = (np.asarray(areas.has) & reads).any(1)
    asked = [
        number
        for number, one in enumerate(areas.expressions)
        if seen[one.area] and (sensors == "both" or one.sensor in (sensors, "both"))
    ]
    if not asked:
        raise UsageError(f"{areas.about} has no expression for a network that reads {sensors}: nothing to score.")
    return np.array(asked, np.int64)


def data_in(areas: ReferringSet, area: int, sensors: str) -> NDArray[np.bool_]:
    """Where a network reading ``sensors`` has data of an area, bool [S, S]: the pixels that are scored."""
    found = np.zeros((areas.size, areas.size), bool)
    for number, (name, valid) in enumerate((("optical", areas.optical_valid), ("sar", areas.sar_valid))):
        if sensors in (name, "both") and areas.has[area, number]:
            found |= True if valid is None else np.asarray(valid[area])
    return found


def scored_masks(areas: ReferringSet, sensors: str, masks: Iterable[NDArray[np.bool_]]) -> Scored:
    """``masks`` bool [S, S] given to the Q expressions that a network reading ``sensors`` is asked, in their order, by
    whatever gives masks. They are judged at :data:`ARGMAX`; all other cuts say the same, or nothing."""
    asked = asked_of(areas, sensors)
    counts = np.zeros((2, len(asked), BINS), np.int64)
    for row, (index, mask) in enumerate(zip(asked, masks, strict=True)):
        expression = areas.expressions[index]
        truth, seen = areas.mask(expression.mask), data_in(areas, expression.area, sensors)
        for meant, drawn in product((False, True), repeat=2):
            counts[int(meant), row, ARGMAX * drawn] = np.count_nonzero(seen & (truth == meant) & (mask == drawn))
    return Scored(asked, counts[1], counts[0])
