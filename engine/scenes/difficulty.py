"""How hard an exam is, in figures: what is in it, how small it is, and what else it could be taken for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.metrics import size_group
from engine.scenes.exam import exam_referrals, truth_digest
from engine.scenes.sample import Truth
from engine.scenes.truths.referring import Referral, referral_mask

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class ReferralFacts:
    """One expression's figures: ``side_px`` is the square root of its area, ``share`` (0..1) its part of the view.

    The area is the box's, or the mask's.
    """

    task: str
    sensor: str
    category: str
    how: str
    distractors: int
    words: int
    side_px: float
    share: float


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What the table needs of one scene, small enough to be handed between processes.

    ``questions`` are (text, answer, type, template).
    """

    digest: str
    setting: str
    weather: str
    delivery: str
    pair: str
    gsd_m: float
    questions: tuple[tuple[str, str, str, str], ...]
    referrals: tuple[ReferralFacts, ...]


def scene_facts(truth: Truth) -> SceneFacts:
    """The figures of one exam scene."""
    condition = truth.condition
    return SceneFacts(
        truth_digest(truth),
        truth.scene.setting,
        condition.weather,
        condition.sar_unit,
        condition.pair,
        truth.scene.gsd_m,
        tuple((q.text, q.answer, q.type, q.template) for q in truth.questions),
        tuple(_referral_facts(truth, referral) for referral in exam_referrals(truth)),
    )


def _referral_facts(truth: Truth, referral: Referral) -> ReferralFacts:
    if referral.box_xyxy_px is not None:
        left, top, right, bottom = referral.box_xyxy_px
        area = float((right - left) * (bottom - top))
    else:
        area = float(referral_mask(truth.facts, referral).sum())
    words = len(referral.text.split())
    share = area / truth.scene.size**2
    return ReferralFacts(
        referral.task, referral.sensor, referral.category, referral.how, referral.distractors, words, area**0.5, share
    )


def difficulty(scenes: Sequence[SceneFacts]) -> dict[str, Any]:
    """The difficulty of an exam as JSON: ``scenes``, ``questions`` per type, ``boxes`` and ``masks``.

    ``by chance`` is what one scores who knows the class and picks one of its things blindly.
    """
    referrals = [referral for scene in scenes for referral in scene.referrals]
    return {
        "scenes": {
            "count": len(scenes),
            "setting": _counted(scene.setting for scene in scenes),
            "weather": _counted(scene.weather for scene in scenes),
            "delivery": _counted(scene.delivery for scene in scenes),
            "pair": _counted(scene.pair for scene in scenes),
            "gsd_m": _quantiles([scene.gsd_m for scene in scenes]),
        },
        "questions": _questions(scenes),
        "boxes": _referrals([one for one in referrals if one.task == "box"]),
        "masks": _referrals([one for one in referrals if one.task == "mask"]),
    }


def _questions(scenes: Sequence[SceneFacts]) -> dict[str, Any]:
    answers: dict[str, Counter[str]] = {}
    for scene in scenes:
        for _, answer, kind, _ in scene.questions:
            answers.setdefault(kind, Counter())[answer] += 1
    table = {}
    for kind, counts in sorted(answers.items()):
        answer, most = counts.most_common(1)[0]
        table[kind] = {
            "questions": counts.total(),
            "answers": len(counts),
            "answers above 5 %": sum(count > 0.05 * counts.total() for count in counts.values()),
            "most frequent": answer,
            "its share": round(most / counts.total(), 4),
        }
    return table


def _referrals(referrals: Sequence[ReferralFacts]) -> dict[str, Any]:
    if not referrals:
        return {"count": 0}
    return {
        "count": len(referrals),
        "sensor": _counted(one.sensor for one in referrals),
        "category": _counted(one.category for one in referrals),
        "told apart by": _counted(one.how for one in referrals),
        "side_px": _quantiles([one.side_px for one in referrals]),
        "size": _counted(size_group(one.share, 1.0) for one in referrals),
        "share with distractors": round(float(np.mean([one.distractors > 0 for one in referrals])), 4),
        "distractors": _quantiles([float(one.distractors) for one in referrals]),
        "by chance": round(float(np.mean([1 / (1 + one.distractors) for one in referrals])), 4),
        "words": round(float(np.mean([one.words for one in referrals])), 2),
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    """Most frequent first; equals by name."""
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    found = np.quantile(values, QUANTILES)
    return {f"{share:.0%}": round(float(value), 2) for share, value in zip(QUANTILES, found, strict=True)}
