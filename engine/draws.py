"""Random numbers for the truth, built only from a bit generator's raw integers.

NumPy promises that ``PCG64`` seeded through ``SeedSequence`` gives the same raw 64-bit integers everywhere and for
ever, but not that ``Generator.normal`` and its kin do. So everything that decides *what is in a scene* is made here
from the raw integers by whole-number arithmetic and one exact conversion to a float; the pixels, which may differ
by a grey level between machines, use NumPy's distributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draws:
    """A reproducible stream. ``stream`` names independent ones under one seed (layout, questions, pixels)."""

    def __init__(self, seed: int, stream: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence((seed, stream)))

    def below(self, n: int) -> int:
        """A whole number in ``[0, n)``; the bias of the remainder is under n / 2**64."""
        return int(self._bits.random_raw()) % n

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def unit(self) -> float:
        """A multiple of 2**-53 in ``[0, 1)``."""
        return (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """A number in ``[low, high)``."""
        return low + (high - low) * self.unit()

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def choice(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of ``options`` with probability in proportion to ``weights`` (non-negative, not all zero)."""
        mark = self.unit() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            mark -= weight
            if mark < 0:
                return option
        return options[-1]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """``count`` different options, or all of them in random order where there are fewer."""
        rest = list(options)
        return [rest.pop(self.below(len(rest))) for _ in range(min(count, len(rest)))]


def quarter(value: float) -> float:
    """Round to a quarter of a pixel: a last-bit difference in a sine then changes no coordinate."""
    return round(value * 4) / 4
