"""What is asked of one scene, and the pixels that it names: the truth of a rendered referring set.

An optical expression under cloud keeps its mask where the pair is exact: the ground is there, and the SAR picture may
show it. Where there is no SAR picture of the place, what weather hides is not asked for, nor what no longer names the
same among what can be seen (``engine.scenes.asked``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scenes import Sample
from engine.scenes.asked import drawn_referrals, hidden_things, still_names
from engine.scenes.truths.referring import Referral, referral_mask
from engine.segmentation.data.referring_set import Expression
from engine.text import Wording

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AreaTruth:
    """One scene's. ``masks`` are bool [view, view]; expressions are of area 0 and index them. ``unseen`` counts the
    expressions that were left out because weather hides what they name."""

    masks: tuple[Mask, ...]
    expressions: tuple[Expression, ...]
    unseen: int


def area_truth(sample: Sample, wording: Wording, *, draws: int = 1, exam: bool = False) -> AreaTruth:
    """The truth of ``sample``, with the SAR picture's expressions where the pair is exact.

    ``draws`` is how often expressions are drawn. ``exam`` asks what a frozen exam asks: every one, hidden or not.
    """
    exact = sample.pair == "exact"
    drawn = drawn_referrals(sample, wording, draws, "mask")
    asked = [one for one in drawn if exact or one.sensor == "optical"]
    hidden = frozenset() if exact or exam else hidden_things(sample)
    seen = [one for one in asked if not hidden or still_names(sample.facts, hidden, one)]
    masks: dict[tuple[str, tuple[int, ...]], Mask] = {}
    for one in seen:
        if (one.category, one.members) not in masks:
            masks[one.category, one.members] = referral_mask(sample.facts, one)
    place = {key: row for row, key in enumerate(masks)}
    return AreaTruth(
        masks=tuple(masks.values()),
        expressions=tuple(
            _expression(sample, one, place[one.category, one.members], masks[one.category, one.members]) for one in seen
        ),
        unseen=len(asked) - len(seen),
    )


def _expression(sample: Sample, referral: Referral, row: int, mask: Mask) -> Expression:
    return Expression(
        area=0,
        mask=row,
        text=referral.text,
        category=referral.category,
        sensor=referral.sensor,
        how=referral.how,
        distractors=referral.distractors,
        parts=len(referral.members),
        hidden_share=round(float(sample.hidden[mask].mean()), 3),
    )
