"""OA and AA of visual question answering, as the OSVQA paper defines them (section V)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

BOTH_SENSOR_TYPES: tuple[str, ...] = ("fog-dark", "match", "quality")
"""Question types that need both images; the paper leaves them out where methods with one image are compared."""


@dataclass(slots=True)
class AnswerTally:
    """Counts of asked and correctly answered questions per group (a question type, a weather …)."""

    asked: Counter[str] = field(default_factory=Counter)
    correct: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, outcomes: Iterable[tuple[str, bool]]) -> AnswerTally:
        """Count ``(group, is correct)`` outcomes."""
        tally = cls()
        for group, correct in outcomes:
            tally.add(group, correct)
        return tally

    def add(self, group: str, correct: bool) -> None:
        self.asked[group] += 1
        self.correct[group] += correct

    def without(self, groups: Collection[str]) -> AnswerTally:
        """The same counts less those of ``groups``, such as :data:`BOTH_SENSOR_TYPES` for the paper's tables."""
        kept = [group for group in self.asked if group not in groups]
        return AnswerTally(
            Counter({group: self.asked[group] for group in kept}),
            Counter({group: self.correct[group] for group in kept}),
        )

    def scores(self) -> dict[str, Any]:
        """OA, AA, accuracy and number per group, and OA and AA over the types that one image can answer, as JSON."""
        compared = self.without(BOTH_SENSOR_TYPES)
        return {
            "OA": self.overall,
            "AA": self.average,
            "per_type": self.per_group,
            "asked": dict(sorted(self.asked.items())),
            "comparable": {"OA": compared.overall, "AA": compared.average, "excluded": list(BOTH_SENSOR_TYPES)},
        }

    @property
    def overall(self) -> float:
        """OA: correct / all, 0 where nothing was asked."""
        total = self.asked.total()
        return self.correct.total() / total if total else 0.0

    @property
    def per_group(self) -> dict[str, float]:
        """Accuracy of each group, sorted by its name."""
        return {group: self.correct[group] / count for group, count in sorted(self.asked.items())}

    @property
    def average(self) -> float:
        """AA: the mean over groups of per-group accuracy, 0 where nothing was asked."""
        shares = self.per_group.values()
        return sum(shares) / len(shares) if shares else 0.0
