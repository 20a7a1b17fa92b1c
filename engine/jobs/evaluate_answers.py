"""Weights of TGFNet scored on held-out questions, as ``rsqa evaluate`` does it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.catalog import ModelCard, find_model
from engine.datasets.dataset import DataSet, QuestionRow
from engine.jobs.device import Devices
from engine.jobs.evaluate_order import (
    SCENES,
    EvaluateOrder,
    Progress,
    facts,
    folder_notes,
    limited,
    scene_notes,
    worlds,
)
from engine.jobs.exam import training_questions
from engine.scenes import SPLIT_SEEDS
from engine.scenes.plan import VIEW
from engine.text import ANSWERS
from engine.training.pictures import SPLIT_NAMES
from engine.vqa.data.folders import folder_set, read_folder
from engine.vqa.data.question_set import AskedQuestion, QuestionSet
from engine.vqa.data.scenes import SceneSetSpec, exam_spec, render_set
from engine.vqa.data.table import FeatureEncoder, Numberer, QuestionTable
from engine.vqa.evaluation import evaluate_set, score
from engine.vqa.guess import guess_metrics
from engine.vqa.predictor import TgfnetPredictor
from engine.vqa.report import cut_notes, pick_examples, write_report

GUESS = (
    "the better, per type, of the most frequent training answer of a template or wording, and a small network that "
    "sees the words alone"
)


def evaluate_answers(order: EvaluateOrder, *, progress: Progress) -> dict[str, Any]:
    """See :func:`engine.jobs.evaluate.evaluate`.

    A question whose answer is not in the weights' vocabulary counts as answered wrongly.
    """
    began = time.perf_counter()
    progress("Loading the model", None)
    device = Devices("rsqa evaluate").claim(order.device)
    predictor = TgfnetPredictor.load(find_model(order.weights), device.name)
    asked = _AskedFolder(order) if order.of_folder else _AskedScenes(order)
    views = asked.views(predictor, progress)
    guess, table = _guess_and_table(asked, views, predictor, progress)
    inputs = (predictor.network, views, table, predictor.config, predictor.spec)
    whole = score(*inputs, device=device.name, report=lambda share: progress("Scoring", share))
    evaluation = evaluate_set(
        *inputs, predictor.calibration, predictor.card.answers, device=device.name, scored=whole, report=progress
    )
    progress("Choosing examples", None)
    examples = pick_examples(*inputs, predictor.calibration, predictor.card.answers, whole, device=device.name)
    progress("Writing the report", None)
    record, files = write_report(
        order.out,
        evaluation,
        guess,
        model=predictor.card.name,
        split=views.about,
        dataset=asked.name,
        facts=facts(predictor.card, asked.name, GUESS, device, time.perf_counter() - began),
        notes=[*asked.notes(predictor.card, views), *cut_notes(table)],
        examples=examples,
    )
    return (
        record
        | worlds(predictor.card, scenes=not order.of_folder)
        | {"report": str(next(f for f in files if f.suffix == ".html"))}
    )


def _guess_and_table(
    asked: _AskedScenes | _AskedFolder, views: QuestionSet, predictor: TgfnetPredictor, progress: Progress
) -> tuple[dict[str, Any], QuestionTable]:
    """What one scores without looking, {} without training questions; and the questions for the weights' vocabulary."""
    learned = asked.training(progress)
    progress("Reading the questions", None)
    reader, tower = _text_reader(predictor), predictor.network.text_tower
    table = QuestionTable(views.questions, reader, predictor.card.answers)
    if not learned:
        return {}, table
    progress("Guessing without pictures", None)
    # The guess knows the answers of its own training questions, whatever the weights know.
    answers = asked.answers or tuple(sorted({question.answer for question in learned}))
    blind = table.with_answers(views.questions, answers)
    training = QuestionTable(learned, reader, answers)
    return guess_metrics(learned, training, views.questions, blind, answers=len(answers), tower=tower), table


def _text_reader(predictor: TgfnetPredictor) -> FeatureEncoder | Numberer:
    """The text encoder, or the tokenizer alone where the network has a text tower of its own."""
    if predictor.network.text_tower is None:
        return predictor.text_encoder
    from engine.nn.clip import ClipTokenizer

    return ClipTokenizer(predictor.config.max_tokens)


class _AskedScenes:
    """What is asked, and what the guess may learn from: fresh scenes, or those of an exam."""

    def __init__(self, order: EvaluateOrder) -> None:
        self.order, self._exam = order, order.exam
        self.name = self._exam.name if self._exam else SCENES
        self.answers: tuple[str, ...] = ANSWERS

    def views(self, predictor: TgfnetPredictor, progress: Progress) -> QuestionSet:
        """The set, rendered for the model's square."""
        config, order = predictor.config, self.order
        if self._exam:
            spec = exam_spec(self._exam, order.limit or self._exam.count, config.image_size, config.grid)
        else:
            spec = SceneSetSpec(SPLIT_SEEDS["test"], order.scenes, "held-out", 1, VIEW, config.image_size, config.grid)
        return render_set(
            spec,
            predictor.spec,
            order.place(self.name),
            workers=order.workers,
            report=lambda done, of: progress("Rendering scenes", done / of),
        )

    def training(self, progress: Progress) -> tuple[AskedQuestion, ...]:
        """Questions of the training split, in its wordings; nothing is rendered for them."""
        return tuple(AskedQuestion(*question) for question in self.order.learned(training_questions, progress))

    def notes(self, card: ModelCard, views: QuestionSet) -> Iterator[str]:
        """Sentences on how the figures are to be read."""
        return scene_notes(card, self._exam, len(views))


class _AskedFolder:
    """The same for a data set on disk."""

    def __init__(self, order: EvaluateOrder) -> None:
        self.order, self._folder = order, Path(order.dataset)
        self.answers = self._data.answers or ()
        self.name = self._data.layout

    @cached_property
    def _data(self) -> DataSet:
        data, self._faults = read_folder(self._folder)
        return data

    def views(self, predictor: TgfnetPredictor, progress: Progress) -> QuestionSet:
        """The split, decoded for the model's square."""
        order = self.order
        return folder_set(
            limited(self._data, SPLIT_NAMES.get(order.split, order.split), order.limit),
            order.split,
            predictor.spec,
            predictor.config,
            order.place(f"{self._folder.resolve().name}-{order.split}"),
            workers=order.workers,
            report=lambda done, of: progress("Reading pictures", done / of),
        )

    def training(self, progress: Progress) -> tuple[AskedQuestion, ...]:
        """Questions of the folder's training split, none where it has none or is itself asked."""
        if self.order.asks_training:
            return ()
        return tuple(
            AskedQuestion(0, row.question, row.answer, row.type)
            for row in self._data.of_split(SPLIT_NAMES["train"])
            if isinstance(row, QuestionRow)
        )

    def notes(self, card: ModelCard, views: QuestionSet) -> Iterator[str]:
        """Sentences on how the figures are to be read."""
        return folder_notes(self._data, self.order.limit, [*self._faults, *views.left_out])
