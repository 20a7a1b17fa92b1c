"""Synthetic scenes rendered once into a question set: pictures at the network's size, and what is asked about them.

On disk a set is a folder of ``stored`` rows: ``optical.npy`` uint8 [S, V, 3, size, size], ``sar.npy`` uint8
[S, size, size] (both stretched by the card's own rules), ``patches.npy`` uint8 [S, M, channels] (see ``patch_truth``),
and the scenes' weather and questions. Training then only copies rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.nn.preprocess import PreprocessSpec, as_bytes, letterbox, stretch_optical, stretch_sar
from engine.scenes import WORLD_VERSION, make_sample
from engine.scenes.exam import Exam, exam_sample, find_exam
from engine.scenes.plan import VIEW
from engine.scenes.sample import under_weathers
from engine.text import ANSWERS, ANSWERS_VERSION, Wording
from engine.training.stored import Column, Report, Row, made_in_order, stored_rows
from engine.vqa.data.question_set import AS_IT_IS, AskedQuestion, QuestionSet
from engine.vqa.data.weathers import checked_variants, drawn_strength
from engine.vqa.patch_truth import CHANNELS, patch_truth

VERSION = 1
"""Goes up when the same scenes would be kept otherwise: other rules in ``preprocess``, ``patch_truth`` or here."""


@dataclass(frozen=True, slots=True)
class SceneSetSpec:
    """What a set is made of: ``count`` scenes from ``first_seed`` on, drawn at ``view_px``, kept at ``size_px``.

    ``variants`` names weathers in which each scene's optical picture is made again: same ground, same SAR picture, the
    strength drawn by seed and weather. Every scene has every variant; one in the scene's own weather is that weather
    at another strength, and clear is clear. ``exam`` names a frozen exam, see :func:`exam_spec`.
    """

    first_seed: int
    count: int
    wording: Wording
    questions_per_type: int
    view_px: int
    size_px: int
    grid: int  # patches along one side
    variants: tuple[str, ...] = ()
    exam: str = ""


def exam_spec(exam: Exam, count: int, size_px: int, grid: int) -> SceneSetSpec:
    """The first ``count`` scenes of a frozen exam: seeds, weathers, SAR units and questions are the exam's."""
    return SceneSetSpec(
        exam.first_seed,
        min(count, exam.count),
        "held-out",
        exam.questions_per_type,
        VIEW,
        size_px,
        grid,
        exam=exam.name,
    )


def render_set(
    spec: SceneSetSpec,
    preprocess: PreprocessSpec,
    folder: Path | None,
    *,
    workers: int = 1,
    report: Report | None = None,
) -> QuestionSet:
    """Render ``spec`` in ``workers`` processes, into ``folder`` or, where that is None, into memory.

    A folder that has the same spec already is reused, one that was begun is gone on with; it appears when it is
    complete. In memory nothing touches the disk; a scene at 224 pixels takes 0.2 MB and 0.15 MB for each variant.
    ``report`` hears (scenes done, scenes in all). Raises :class:`UsageError` for variants that cannot be made, and
    where the disk lacks the room.
    """
    checked_variants(spec.variants)
    made_from = {
        "version": VERSION,
        "spec": asdict(spec),
        "preprocess": preprocess.as_json(),
        "answers_version": ANSWERS_VERSION,
        "world_version": WORLD_VERSION,
    }
    rows_from = partial(_rendered, spec, preprocess, workers)
    arrays, facts = stored_rows(folder, made_from, _columns(spec), spec.count, rows_from, report)
    return QuestionSet(
        about=f"{spec.exam or 'scenes'}, seeds from {spec.first_seed}, {spec.wording} wordings",
        variants=(AS_IT_IS, *spec.variants),
        names=tuple(f"scene {spec.first_seed + row}" for row in range(spec.count)),
        weather=tuple(fact["weather"] for fact in facts),
        pair=tuple(fact["pair"] for fact in facts),
        gsd_m=tuple(fact["gsd_m"] for fact in facts),
        questions=_questions(facts),
        closed_answers=ANSWERS,
        key=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        optical=arrays["optical"],
        sar=arrays["sar"],
        patches=arrays["patches"],
    )


def _columns(spec: SceneSetSpec) -> dict[str, Column]:
    size = spec.size_px
    return {
        "optical": Column(np.uint8, (1 + len(spec.variants), 3, size, size)),
        "sar": Column(np.uint8, (size, size)),
        "patches": Column(np.uint8, (spec.grid**2, CHANNELS)),
    }


def _rendered(spec: SceneSetSpec, preprocess: PreprocessSpec, workers: int, first: int) -> Iterator[Row]:
    """The scenes from the one in row ``first`` on."""
    seeds = range(spec.first_seed + first, spec.first_seed + spec.count)
    return made_in_order(partial(_render_scene, spec, preprocess), seeds, workers)


def _render_scene(
    spec: SceneSetSpec, preprocess: PreprocessSpec, seed: int
) -> tuple[dict[str, NDArray[np.uint8]], dict[str, Any]]:
    """One scene as the network gets it, and what is asked about it."""
    if spec.exam:
        sample = exam_sample(find_exam(spec.exam), seed - spec.first_seed)
    else:
        sample = make_sample(seed, size=spec.view_px, wording=spec.wording, questions_per_type=spec.questions_per_type)
    valid = np.ones(sample.optical.shape[1:], bool)
    skies = [(weather, drawn_strength(seed, weather)) for weather in checked_variants(spec.variants)]
    others = under_weathers(sample.truth, skies) if skies else []
    colours = [stretch_optical(seen.astype(np.float32), valid, preprocess) for seen in (sample.optical, *others)]
    levels = stretch_sar(sample.sar[None].astype(np.float32), valid, sample.sar_unit, preprocess)
    pixels = {
        "optical": np.stack([as_bytes(letterbox(each, valid, spec.size_px).values) for each in colours]),
        "sar": as_bytes(letterbox(levels, valid, spec.size_px).values[0]),
        "patches": patch_truth(sample.scene, sample.item_map, spec.grid),
    }
    facts = {
        "weather": sample.weather,
        "pair": sample.pair,
        "gsd_m": sample.gsd_m * spec.view_px / spec.size_px,  # of a pixel of the network's square
        "questions": [[q.text, q.answer, q.type, q.template] for q in sample.questions],
    }
    return pixels, facts


def _questions(facts: Sequence[dict[str, Any]]) -> tuple[AskedQuestion, ...]:
    return tuple(AskedQuestion(scene, *question) for scene, fact in enumerate(facts) for question in fact["questions"])
