"""Which expressions of an evaluation a report shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["best", "worst", "random"]

KINDS = {"best": "The best", "worst": "The worst: the surest of those that miss most", "random": "Drawn at random"}
"""Kinds of examples, in the order of the page, with their headings."""


def picked(
    ious: NDArray[np.float64], sure: NDArray[np.floating], pictures: Sequence[int], each: int
) -> Iterator[tuple[Kind, int]]:
    """``each`` rows answered best, worst and drawn at random, with their kind; no picture comes twice.

    ``ious`` [Q] are the rows' overlaps, ``sure`` [Q] how sure the network was, ``pictures`` [Q] what they are of. The
    worst have the least IoU, the surest first: what misleads most. The same input gives the same rows.
    """
    orders: dict[Kind, list[int]] = {
        "best": np.lexsort((-sure, -ious)).tolist(),
        "worst": np.lexsort((-sure, ious)).tolist(),
        "random": np.random.default_rng(0).permutation(len(ious)).tolist(),
    }
    seen: set[int] = set()
    for kind, order in orders.items():
        taken = 0
        for row in order:
            if taken < each and pictures[row] not in seen:
                seen.add(pictures[row])
                taken += 1
                yield kind, row
