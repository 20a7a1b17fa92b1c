"""How often each thing is asked, so that the words of a question alone say little about its answer.

Airplanes are rare, so "Is there an airplane?" would nearly always be answered with no. A :class:`Balance` knows, per
**group** of questions that sound alike ("presence airplane"), how much more often one outcome occurs than the others,
and lets the frequent one be asked only as often as keeps it within reach of the rest. It is counted over many
descriptions; nothing is invented to make up for what is rare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.text.cases import CASES, Case
from engine.text.description import Description

FULL = 1000
"""Chances are whole numbers out of this many, so that they are the same on every machine."""

Outcomes = dict[str, Counter[str]]
"""Per group, how many descriptions had each outcome to ask about."""


@dataclass(frozen=True, slots=True)
class Balance:
    """``chances``: per group, the outcomes that are asked less than always, and how often out of ``FULL``.

    A group that is not there is never asked.
    """

    chances: Mapping[str, Mapping[str, int]]

    def chance(self, case: Case) -> int:
        """How often out of ``FULL`` the case is asked."""
        group = self.chances.get(case.group)
        return 0 if group is None else group.get(case.outcome, FULL)


def count_outcomes(descriptions: Iterable[Description]) -> Outcomes:
    """Every group and outcome of every description; one description counts once for each."""
    counted: Outcomes = {}
    for description in descriptions:
        for make in CASES.values():
            for group, outcome in {(case.group, case.outcome): None for case in make(description)}:
                counted.setdefault(group, Counter())[outcome] += 1
    return counted


def balance_of(counted: Outcomes, rare: int) -> Balance:
    """The balance under which no outcome of a group makes up more than half of it, or 36 % where there are several.

    A group with one outcome only is never asked: its words give the answer away. Nor is one of which
    fewer than ``rare`` outcomes were counted, as nobody knows whether it is balanced.
    """
    chances: dict[str, dict[str, int]] = {}
    for group in sorted(counted):
        outcomes = counted[group]
        if len(outcomes) > 1 and outcomes.total() >= rare:
            cap = _cap(list(outcomes.values()))
            chances[group] = {o: max(1, round(FULL * cap / n)) for o, n in sorted(outcomes.items()) if n > cap}
    return Balance(chances)


def _cap(counts: list[int]) -> float:
    """The largest cap at which no count, cut down to it, is more than its allowed share of what is left."""
    allowed = 0.5 if len(counts) == 2 else 0.36
    cap = float(max(counts))
    for _ in range(60):  # a contraction: each round shrinks the excess by at least a quarter
        cap = min(cap, allowed * sum(min(count, cap) for count in counts))
    return cap
