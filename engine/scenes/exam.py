"""Frozen exams: sets of scenes that models are judged on, the same for everybody and for ever.

An exam is a range of seeds of its own, with held-out wordings. Weathers and SAR deliveries are dealt in turn rather
than drawn, so that each has the same number of scenes. Box expressions that do not have to be told apart from another
thing of the class are left out: they would be found by their class alone.

What an exam asks is fixed by :func:`digest`, which is committed in :data:`EXAMS`. A change to the world that changes a
single answer, box, mask or word changes it; such a world gets an exam of its own, and scores on both are reported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.scenes.optics.weather import WEATHERS
from engine.scenes.radar.sar import DELIVERIES
from engine.scenes.sample import Sample, Truth, make_sample, make_truth
from engine.scenes.truths.referring import Referral, referral_mask


@dataclass(frozen=True, slots=True)
class Exam:
    """``count`` scenes from ``first_seed`` on, asking ``questions_per_type`` of each type, of one world version."""

    name: str
    world_version: int
    first_seed: int
    count: int
    questions_per_type: int
    sha256: str


EXAMS: dict[str, Exam] = {
    "exam-v1": Exam(
        "exam-v1", 2, 40_000_000, 2000, 1, "b434688abe2c8147a9a2829c0726a7eb3bbf3bf5c04e2e5708f246273646b94f"
    ),
}


def find_exam(name: str) -> Exam:
    """The exam of that name. Raises :class:`UsageError` where there is none."""
    if name not in EXAMS:
        raise UsageError(f"There is no exam “{name}”.", remedy=f"Exams: {', '.join(EXAMS)}.")
    return EXAMS[name]


def exam_truth(exam: Exam, number: int) -> Truth:
    """What the ``number``-th scene of ``exam`` (from 0) asks and answers.

    Raises :class:`UsageError` for a number that the exam does not have.
    """
    return make_truth(**_made_from(exam, number))


def exam_sample(exam: Exam, number: int) -> Sample:
    """The same with its pictures. Raises as :func:`exam_truth` does."""
    return make_sample(**_made_from(exam, number))


def _made_from(exam: Exam, number: int) -> dict[str, Any]:
    if not 0 <= number < exam.count:
        raise UsageError(f"{exam.name} has no scene {number}.", remedy=f"Its scenes are 0 to {exam.count - 1}.")
    return {
        "seed": exam.first_seed + number,
        "wording": "held-out",
        "questions_per_type": exam.questions_per_type,
        "weather": WEATHERS[number % len(WEATHERS)],
        "sar_unit": DELIVERIES[number // len(WEATHERS) % len(DELIVERIES)],
    }


def exam_referrals(truth: Truth) -> tuple[Referral, ...]:
    """The expressions of a scene that an exam asks: boxes only among things of their class."""
    return tuple(referral for referral in truth.referrals if referral.task == "mask" or referral.distractors)


def truth_digest(truth: Truth) -> str:
    """SHA-256 of all that is true of one exam scene: vectors, condition, questions, expressions, boxes and masks."""
    stated: dict[str, Any] = {
        "scene": repr(truth.scene),
        "condition": asdict(truth.condition),
        "questions": [asdict(question) for question in truth.questions],
        "referrals": [_stated(truth, referral) for referral in exam_referrals(truth)],
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def _stated(truth: Truth, referral: Referral) -> dict[str, Any]:
    mask = np.packbits(referral_mask(truth.facts, referral))
    return asdict(referral) | {"mask": hashlib.sha256(mask.tobytes()).hexdigest()}


def digest(truth_digests: Iterable[str]) -> str:
    """The digest of an exam from those of its scenes, in order."""
    whole = hashlib.sha256()
    for one in truth_digests:
        whole.update(one.encode())
    return whole.hexdigest()
