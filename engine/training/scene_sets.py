"""Sets of scenes that networks which read expressions learn from and are scored on: what they are made of."""

from __future__ import annotations

from dataclasses import dataclass

from engine.scenes import SPLIT_SEEDS, Sample, make_sample
from engine.scenes.exam import Exam, exam_sample, find_exam
from engine.scenes.plan import VIEW
from engine.text import Wording
from engine.training.recipe import DataSettings

TRAINING_DRAWS = 3
"""How often expressions are drawn for a scene that is trained on: two and a half times as many for a third more time.
Sets that are scored have one draw, as exams do."""


@dataclass(frozen=True, slots=True)
class SceneSetSpec:
    """What a set is made of: ``count`` scenes from ``first_seed`` on, drawn at ``view_px``, kept at ``size_px``.

    ``draws`` is how often expressions are drawn for each scene, see ``engine.scenes.asked``. ``exam`` names a frozen
    exam, see :func:`exam_spec`.
    """

    first_seed: int
    count: int
    wording: Wording
    view_px: int
    size_px: int
    draws: int = 1
    exam: str = ""


def exam_spec(exam: Exam, count: int, size_px: int) -> SceneSetSpec:
    """The first ``count`` scenes of a frozen exam: seeds, weathers, SAR units and expressions are the exam's."""
    return SceneSetSpec(exam.first_seed, min(count, exam.count), "held-out", VIEW, size_px, exam=exam.name)


def split_spec(data: DataSettings, split: str, size_px: int) -> SceneSetSpec:
    """The scenes of a recipe's split (``engine.training.materials.SPLITS``), kept at ``size_px``.

    Held-out wordings are the test's alone: nothing may be fitted to them, and weights are chosen and calibrated on
    validation.
    """
    return SceneSetSpec(
        first_seed=SPLIT_SEEDS[split],
        count=data.scenes(split),
        wording="held-out" if split == "test" else "train",
        view_px=data.view_px,
        size_px=size_px,
        draws=TRAINING_DRAWS if split == "train" else 1,
    )


def sample_of(spec: SceneSetSpec, seed: int) -> Sample:
    """The scene of ``spec`` with that seed, with expressions and without questions, or the exam's."""
    if spec.exam:
        return exam_sample(find_exam(spec.exam), seed - spec.first_seed)
    return make_sample(seed, size=spec.view_px, wording=spec.wording, questions_per_type=0)
