"""What is asked of a rendered scene: its expressions, further draws of them, and what weather leaves to be seen.

Expressions (``engine.scenes.truths.referring``) name things of the *scene*. What cloud, fog or darkness hides is not in
the optical picture; an expression still names its things there where it does so among what can be seen ("the largest
ship" does not when a larger one lies under a cloud).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import chain

from engine.scenes.sample import Sample
from engine.scenes.truths.facts import Facts
from engine.scenes.truths.referring import Referral, Task, refer
from engine.scenes.truths.selection import Selection, Selector
from engine.text import Wording, parse

HIDDEN_SHARE = 0.5
"""A thing of which weather hides more than this share of its pixels is not in the optical picture."""


def drawn_referrals(sample: Sample, wording: Wording, draws: int, task: Task) -> list[Referral]:
    """The expressions of one task of all draws, no things named twice in the same way.

    ``draws`` is how often they are drawn: 1 are those of the sample. Further draws name things of the SAR picture
    whatever the pair is; where it is not exact, these do not hold.
    """
    further = (refer(sample.facts, sample.seed, wording, draw=draw) for draw in range(1, draws))
    found: dict[tuple[object, ...], Referral] = {}
    for referral in chain(sample.referrals, *further):
        if referral.task == task:
            found.setdefault((referral.sensor, referral.members, referral.how), referral)
    return list(found.values())


def hidden_things(sample: Sample) -> frozenset[int]:
    """Ids of the things, land cover too, of which weather hides most of what the scene shows."""
    if not sample.hidden.any():
        return frozenset()
    return frozenset(
        thing.id
        for thing in sample.facts.things
        if float(sample.hidden[sample.facts.mask(thing)].mean()) > HIDDEN_SHARE
    )


def still_names(facts: Facts, hidden: Collection[int], referral: Referral) -> bool:
    """Whether the expression names its things where the ``hidden`` ones, which it may mean or lean on, are not."""
    things = tuple(replace(thing, name="hidden") if thing.id in hidden else thing for thing in facts.things)
    selection = Selector(replace(facts, things=things)).select(parse(referral.text))
    return selection == Selection(referral.members, True)
