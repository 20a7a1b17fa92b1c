"""Numbers paired by seed, and what they say of a claim in words that follow from them alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class BySeed:
    """One figure for each seed; a claim says that it is above 0. Not empty."""

    values: Mapping[int, float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values.values())

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (n - 1), NaN of a single one."""
        return statistics.stdev(self.values.values()) if len(self.values) > 1 else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Student's interval of the mean at :data:`LEVEL`, NaN of a single seed; with three it is wide, and should be.

        It is about other seeds on the same test set, not about other scenes.
        """
        return student_interval(list(self.values.values()))

    @property
    def verdict(self) -> str:
        """Whether the claim holds: in all seeds, in the mean only, or not."""
        above = [value > 0 for value in self.values.values()]
        n = len(above)
        every = "both seeds" if n == 2 else f"all {n} seeds"
        if n == 1:
            return f"{'holds' if above[0] else 'does not hold'} in the one seed there is; no spread is known"
        if all(above):
            return f"holds in {every}" + ("" if self.mean > self.spread else ", by less than the spread")
        if self.mean > 0:
            size = "and within the spread" if self.mean <= self.spread else "though by more than the spread"
            return f"holds in the mean, in {sum(above)} of {n} seeds, {size}"
        if all(value < 0 for value in self.values.values()):
            return f"does not hold: the opposite in {every}"
        return f"does not hold: in the mean not above 0, above it in {sum(above)} of {n} seeds"


def student_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the mean of all such ``values`` lies at :data:`LEVEL` by Student's t; NaN of fewer than two."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    mean, half = statistics.fmean(values), stats.t.ppf((1 + LEVEL) / 2, n - 1) * statistics.stdev(values) / n**0.5
    return float(mean - half), float(mean + half)


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> BySeed | None:
    """``one`` less ``other`` at the seeds that both have; None where they share none."""
    shared = sorted(one.keys() & other.keys())
    return BySeed({seed: one[seed] - other[seed] for seed in shared}) if shared else None


def strength(correlation: float) -> str:
    """A correlation in Cohen's words (0.1 weak, 0.3 medium, 0.5 strong)."""
    steps = ((0.1, "next to none"), (0.3, "weak"), (0.5, "medium"))
    return next((word for below, word in steps if abs(correlation) < below), "strong")
