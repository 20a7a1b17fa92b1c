"""Which rows of a data set a training step visits: everything once in a round, in an order drawn for the round."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_ROUND = 1  # a stream of random numbers below a seed


class Rounds:
    """The places of ``streams``, arrays of rows, which take turns: a pure function of the seed.

    Each stream gives every row once in each of its *rounds* before any comes a second time.
    """

    def __init__(self, streams: Sequence[NDArray[np.int64]], seed: int) -> None:
        self._streams, self._seed = streams, seed
        self._round = lru_cache(maxsize=4)(self._drawn_round)  # to draw it for each visit would take as long as a step

    def at(self, place: int) -> tuple[int, int]:
        """The row that is visited at ``place`` of all visits ever made, and in which of its rounds, both from 0."""
        turn, stream = divmod(place, len(self._streams))
        number, at = divmod(turn, len(self._streams[stream]))
        return int(self._round(stream, number)[at]), number

    def _drawn_round(self, stream: int, number: int) -> NDArray[np.int64]:
        """All rows of a stream in the order of its round ``number``."""
        return np.random.default_rng([self._seed, _ROUND, stream, number]).permutation(self._streams[stream])


def share_of(names: Sequence[str], share: float) -> NDArray[np.int64]:
    """Rows of ``share`` of the pictures, at least one, in order: those whose names have the smallest digests.

    The smaller share of two is inside the larger one, whatever the seed.
    """
    digests = [hashlib.sha256(name.encode()).digest() for name in names]
    first = sorted(range(len(names)), key=digests.__getitem__)[: max(1, round(share * len(names)))]
    return np.array(sorted(first), np.int64)
