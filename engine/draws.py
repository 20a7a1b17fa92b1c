"""Random numbers for the truth, built only from a bit generator's raw integers.

NumPy promises that ``PCG64`` seeded through ``SeedSequence`` gives the same raw 64-bit integers everywhere and for
ever, but not that ``Generator.normal`` and its kin do. So everything that decides *what is in a scene* is made here
from the raw integers by whole-number arithmetic and one exact conversion to a float; the pixels, which may differ
by a grey level between machines, use NumPy's distributions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

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


class SteadyGenerator(np.random.Generator):
    """A generator whose ``random`` and ``standard_normal`` are made of raw integers too.

    For fields of noise that belong to the truth: where a cloud hides the ground decides which picture shows a thing.
    Its normal numbers are the sum of four 16-bit ones (Irwin and Hall), which a smoothed field does not tell from
    Gauss's. Other methods are NumPy's own and carry no such promise.
    """

    def __init__(self, seed: int, stream: int) -> None:
        super().__init__(np.random.PCG64(np.random.SeedSequence((seed, stream))))

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Multiples of 2**-32 in ``[0, 1)``; ``out`` is not supported."""
        values = (self._raw(size) >> np.uint64(32)).astype(np.float64) * 2.0**-32
        return float(values) if size is None else values.astype(dtype)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Mean 0, variance 1; ``out`` is not supported."""
        raw = self._raw(size)
        parts = sum(((raw >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64) for shift in (0, 16, 32, 48))
        # Four times a uniform of 2**16 steps: mean 2 * (2**16 - 1), variance 4 * 2**32 / 12.
        values = (parts - 2 * 65535) / (65536 * math.sqrt(1 / 3))
        return float(values) if size is None else np.asarray(values, dtype)

    def _raw(self, size: Any) -> Any:
        count = None if size is None else int(np.prod(size))
        return np.asarray(self.bit_generator.random_raw(count), np.uint64).reshape(() if size is None else size)


def quarter(value: float) -> float:
    """Round to a quarter of a pixel: a last-bit difference in a sine then changes no coordinate."""
    return round(value * 4) / 4
