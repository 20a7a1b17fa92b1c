"""Visits for tests: made by hand, and from scenes' truth, unrendered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from engine.scenes.truths.referring import Referral, refer, referral_mask
from engine.segmentation.data.referring_set import Expression
from engine.segmentation.data.visits import AreaVisit
from tests.engine.grounding.visits import facts_of

SIZE = 128
Boxes = Sequence[tuple[int, int, int, int]]


def made(
    *said: tuple[str, Boxes, str], size: int = SIZE, has: str = "both", sensor: str = "both", **more: object
) -> AreaVisit:
    """An area with sentences (text, boxes that their mask consists of, class), bright where a mask is."""
    masks = np.zeros((len(said), size, size), bool)
    for mask, (_, boxes, _) in zip(masks, said, strict=True):
        for left, top, right, bottom in boxes:
            mask[top:bottom, left:right] = True
    levels = np.where(masks.any(0), np.uint8(200), np.uint8(60))
    there = np.ones((size, size), bool)
    optical_valid, sar_valid = there & (has != "sar"), there & (has != "optical")
    expressions = [
        Expression(0, row, text, category, sensor, parts=len(boxes), **more)  # type: ignore[arg-type]
        for row, (text, boxes, category) in enumerate(said)
    ]
    optical = np.repeat(levels[None], 3, axis=0) * optical_valid
    return AreaVisit(optical, levels * sar_valid, optical_valid, sar_valid, tuple(expressions), masks)


@cache
def scene_referrals(seed: int) -> tuple[Referral, ...]:
    """The expressions with masks of the optical picture of a scene."""
    drawn = (one for draw in range(2) for one in refer(facts_of(seed), seed, "train", draw=draw))
    return tuple(one for one in drawn if one.task == "mask" and one.sensor == "optical")


def scene_visit(seed: int, number: int) -> AreaVisit:
    """One expression of a scene, its picture blank."""
    facts, referral = facts_of(seed), scene_referrals(seed)[number]
    size = facts.scene.size
    blank, there = np.full((size, size), 60, np.uint8), np.ones((size, size), bool)
    said = Expression(0, number, referral.text, referral.category, "optical", referral.how, referral.distractors)
    mask = referral_mask(facts, referral)
    return AreaVisit(np.repeat(blank[None], 3, axis=0), blank, there, there, (said,), mask[None])
