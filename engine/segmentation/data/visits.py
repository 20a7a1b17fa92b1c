"""One visit of an area in training: its pictures, some of its expressions and their masks, before any augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.nn.preprocess import frame_of
from engine.segmentation.data.referring_set import Expression, ReferringSet
from engine.text.directions import Box


@dataclass(frozen=True, slots=True, eq=False)
class AreaVisit:
    """A square area of S pixels a side with K of its expressions, :attr:`said`, and what each names.

    ``optical`` uint8 [3, S, S] and ``sar`` uint8 [S, S], 0 where ``optical_valid`` and ``sar_valid`` bool [S, S] are
    False; a sensor that is not there has no valid pixel. ``masks`` bool [K, S, S], in the order of ``said``, whose
    rows of area and mask are those of the set still.
    """

    optical: NDArray[np.uint8]
    sar: NDArray[np.uint8]
    optical_valid: NDArray[np.bool_]
    sar_valid: NDArray[np.bool_]
    said: tuple[Expression, ...]
    masks: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """S."""
        return int(self.optical.shape[-1])

    @property
    def texts(self) -> tuple[str, ...]:
        """The K sentences."""
        return tuple(one.text for one in self.said)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Where any sensor has data, [S, S]."""
        return np.asarray(self.optical_valid | self.sar_valid)

    def frame(self) -> Box:
        """The rectangle that has data, in pixels: to it "the left of the image" refers. All where nothing has data."""
        return frame_of(self.valid)


def visit_of(training: ReferringSet, area: int, expressions: Sequence[int]) -> AreaVisit:
    """The visit of row ``area`` with the ``expressions`` (rows of the set's); pixels are the set's own, not to be
    written to."""
    said = tuple(training.expressions[row] for row in expressions)
    masks = [training.mask(one.mask) for one in said]
    return AreaVisit(
        optical=training.optical[area],
        sar=training.sar[area],
        optical_valid=_valid(training.optical_valid, training, area, 0),
        sar_valid=_valid(training.sar_valid, training, area, 1),
        said=said,
        masks=np.stack(masks) if masks else np.zeros((0, training.size, training.size), np.bool_),
    )


def _valid(stored: NDArray[np.bool_] | None, training: ReferringSet, area: int, sensor: int) -> NDArray[np.bool_]:
    if stored is None:
        return np.full((training.size, training.size), training.has[area, sensor])
    return np.asarray(stored[area])
