"""How often geometry of boxes decides an expression rightly: synthetic scenes, whose truth is known, box by box.

    python -m tests.benchmarks.deciding [--scenes 300] [--first-seed 0]

For every expression of a scene that names one box, the true boxes of its class and likeness stand for what windows
found. *Right* is decided, clear and true; *close* is shown with the remark that it is too close to call (in brackets
how often the first box was the right one); *refused* is not decided, by its words or by what was found; *wrong* is
decided, called clear, and false.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace

from engine.errors import InputRefused
from engine.grounding.deciding import SIZES, Frame, decide, searches
from engine.grounding.reconcile import Sighting
from engine.records import Box
from engine.scenes import make_truth
from engine.scenes.radar.radar_view import radar_view
from engine.scenes.sample import Truth
from engine.scenes.truths.referring import Referral, can_be_boxed
from engine.scenes.truths.selection import Selector
from engine.text import Parsed, parse

OUTCOMES = ("right", "close", "refused", "wrong")


class Found:
    """What a perfect detector finds in one scene's picture of one sensor."""

    def __init__(self, truth: Truth, sensor: str) -> None:
        self.facts = truth.facts
        self.sensor = sensor
        self.shown = radar_view(truth.facts) if sensor == "sar" else truth.facts
        self.selector = Selector(self.shown)

    def of(self, parsed: Parsed) -> list[tuple[int, Sighting]]:
        """Things of the class and likeness of ``parsed``, by id."""
        likeness = tuple(a for a in parsed.attributes if a not in SIZES)
        members = []
        for thing in self.selector.named(parsed.category):
            alone = replace(parsed, attributes=likeness, position=None, superlative=None, relation=None)
            kept = self.selector._with_attributes(alone)
            if kept is not None and thing in kept and can_be_boxed(self.facts, thing, self.sensor):
                members.append((thing.id, Sighting(tuple(map(float, thing.box)), 0.9, thing.name, self.sensor)))
        return members


def outcome(found: Found, referral: Referral, size: int) -> tuple[str, bool]:
    """One of :data:`OUTCOMES`, and whether the first box shown is the right one."""
    parsed = parse(referral.text)
    try:
        searches(referral.text, parsed)
    except InputRefused:
        return "refused", False
    things = found.of(parsed)
    references = found.of(parsed.relation.reference) if parsed.relation else []
    frame = Frame(Box(0, 0, size, size), 1.0, size)
    decision = decide(parsed, [one for _, one in things], [one for _, one in references], frame)
    if not decision.chosen:
        return "refused", False
    right = things[decision.chosen[0]][0] == referral.members[0]
    return ("close" if not decision.clear else "right" if right else "wrong"), right


def count(first_seed: int, scenes: int) -> dict[str, Counter[str]]:
    """Outcomes by kind of expression, over ``scenes`` scenes."""
    table: dict[str, Counter[str]] = {}
    for seed in range(first_seed, first_seed + scenes):
        truth = make_truth(seed, questions_per_type=0)
        by_sensor: dict[str, Found] = {}
        for referral in truth.referrals:
            if referral.task != "box" or not searched_apart(referral.text):
                continue
            found = by_sensor.setdefault(referral.sensor, Found(truth, referral.sensor))
            what, right = outcome(found, referral, truth.scene.size)
            kind = referral.template
            row = table.setdefault(kind, Counter())
            row[what] += 1
            row["close, first is right"] += what == "close" and right
    return table


def searched_apart(text: str) -> bool:
    """Whether something has to be decided after the search."""
    try:
        return searches(text, parse(text)).decides
    except InputRefused:
        return True


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scenes", type=int, default=300)
    options.add_argument("--first-seed", type=int, default=0)
    asked = options.parse_args()
    table = count(asked.first_seed, asked.scenes)
    print(f"{'kind':<40} {'n':>5} " + " ".join(f"{name:>8}" for name in OUTCOMES) + "   close, first is right")
    total: Counter[str] = Counter()
    for kind, row in sorted(table.items(), key=lambda item: -sum(item[1][o] for o in OUTCOMES)):
        total += row
        _line(kind, row)
    _line("all", total)


def _line(kind: str, row: Counter[str]) -> None:
    n = sum(row[name] for name in OUTCOMES)
    shares = " ".join(f"{100 * row[name] / n:7.1f}%" for name in OUTCOMES)
    print(f"{kind:<40} {n:>5} {shares}   {row['close, first is right']} of {row['close']}")


if __name__ == "__main__":
    main()
