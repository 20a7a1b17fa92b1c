"""A frozen exam made anew: is it still the one that was frozen, and how hard is it?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.errors import Cancelled
from engine.scenes import SPLIT_SEEDS, make_truth
from engine.scenes.difficulty import SceneFacts, difficulty, scene_facts
from engine.scenes.exam import digest, exam_truth, find_exam
from engine.scenes.stream import in_order

GUESS_SCENES = 2000
"""How many scenes' questions the guess learns from, the first of the training split."""

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
    with closing(in_order(partial(_make_facts, name), range(exam.count), workers)) as made:
        for facts in made:
            scenes.append(facts)
            progress("Making the exam", len(scenes) / exam.count)
            _stop_if(cancelled)
    with closing(in_order(training_questions, range(GUESS_SCENES if guess else 0), workers)) as made_questions:
        for number, questions in enumerate(made_questions):
            learned += questions
            progress("Making what the guess learns from", number / GUESS_SCENES)
            _stop_if(cancelled)
    sha256 = digest(scene.digest for scene in scenes)
    table = difficulty(scenes)
    if guess:
        table["guess"] = _guess(learned, [(i, *q) for i, scene in enumerate(scenes) for q in scene.questions])
    return ExamReport(name, sha256, sha256 == exam.sha256, table)


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The exam was stopped.")


def _make_facts(name: str, number: int) -> SceneFacts:
    return scene_facts(exam_truth(find_exam(name), number))


_Asked = tuple[int, str, str, str, str]
"""The scene's number, then text, answer, type and template."""


def training_questions(number: int) -> list[_Asked]:
    """What the guess learns from the ``number``-th scene of the training split."""
    truth = make_truth(SPLIT_SEEDS["train"] + number, questions_per_type=3)
    return [(number, q.text, q.answer, q.type, q.template) for q in truth.questions]


def _guess(learned: list[_Asked], asked: list[_Asked]) -> dict[str, Any]:
    """The better, per type, of the majority per template and a text-only model (see ``engine.vqa.guess``)."""
    from engine.nn.text import TextEncoder
    from engine.text import ANSWERS
    from engine.vqa.data.question_set import AskedQuestion
    from engine.vqa.data.table import QuestionTable
    from engine.vqa.guess import guess_metrics

    encoder = TextEncoder()
    training, test = [AskedQuestion(*one) for one in learned], [AskedQuestion(*one) for one in asked]
    return guess_metrics(
        training, QuestionTable(training, encoder), test, QuestionTable(test, encoder), answers=len(ANSWERS)
    )
