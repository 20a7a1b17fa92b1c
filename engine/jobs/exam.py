"""A frozen exam made anew: is it still the one that was frozen, and how hard is it?"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from engine.errors import Cancelled
from engine.scenes import make_truth
from engine.scenes.difficulty import SceneFacts, difficulty, scene_facts
from engine.scenes.exam import digest, exam_truth, find_exam

GUESS_SCENES = 2000
"""Scenes of the training split whose questions the guess learns from."""

_CHUNK = 25
Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class ExamReport:
    """``frozen`` says whether the exam is, to the last word, the one whose digest is committed."""

    name: str
    sha256: str
    frozen: bool
    difficulty: dict[str, Any]


def exam_report(
    name: str,
    *,
    guess: bool = True,
    workers: int = 1,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ExamReport:
    """Make the exam ``name`` and measure it; with ``guess``, also what a model scores on it that sees no picture.

    Raises :class:`~engine.errors.UsageError` for an exam that does not exist, :class:`Cancelled` soon after
    ``cancelled()`` is true, and, with ``guess``, :class:`~engine.errors.ModelNotFound` without the text encoder.
    """
    exam = find_exam(name)
    scenes: list[SceneFacts] = []
    learned: list[_Asked] = []
    # Spawned, not forked: the caller may have torch's threads running.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        for chunk in pool.map(_make_chunk, [(name, start) for start in range(0, exam.count, _CHUNK)]):
            scenes += chunk
            progress("Making the exam", len(scenes) / exam.count)
            _stop_if(cancelled)
        for questions in pool.map(_training_questions, range(0, GUESS_SCENES if guess else 0, _CHUNK)):
            learned += questions
            progress("Making what the guess learns from", None)
            _stop_if(cancelled)
    finally:
        pool.shutdown(cancel_futures=True)  # whatever ends it, what has not been started is not
    sha256 = digest(scene.digest for scene in scenes)
    table = difficulty(scenes)
    if guess:
        table["guess"] = _guess(learned, [(i, *q) for i, scene in enumerate(scenes) for q in scene.questions])
    return ExamReport(name, sha256, sha256 == exam.sha256, table)


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The exam was stopped.")


def _make_chunk(chunk: tuple[str, int]) -> list[SceneFacts]:
    name, start = chunk
    exam = find_exam(name)
    return [scene_facts(exam_truth(exam, number)) for number in range(start, min(start + _CHUNK, exam.count))]


_Asked = tuple[int, str, str, str, str]
"""The scene's number, then text, answer, type and template."""


def _training_questions(start: int) -> list[_Asked]:
    from engine.vqa.scene_data import SPLIT_SEEDS

    asked = []
    for number in range(start, start + _CHUNK):
        truth = make_truth(SPLIT_SEEDS["train"] + number, questions_per_type=3)
        asked += [(number, q.text, q.answer, q.type, q.template) for q in truth.questions]
    return asked


def _guess(learned: list[_Asked], asked: list[_Asked]) -> dict[str, Any]:
    """The better, per type, of the majority per template and a text-only model (see ``engine.vqa.guess``)."""
    from engine.nn.text import TextEncoder
    from engine.text import ANSWERS
    from engine.vqa.guess import guess_metrics
    from engine.vqa.scene_data import AskedQuestion
    from engine.vqa.task import QuestionTable

    encoder = TextEncoder()
    training, test = [AskedQuestion(*one) for one in learned], [AskedQuestion(*one) for one in asked]
    return guess_metrics(
        training, QuestionTable(training, encoder), test, QuestionTable(test, encoder), answers=len(ANSWERS)
    )
