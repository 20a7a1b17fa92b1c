"""Weights scored on held-out questions, with the guess beside them and a report: fresh scenes, an exam, or a folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.catalog import ModelCard, find_model
from engine.datasets.dataset import DataSet, QuestionRow
from engine.datasets.figures import figures_note
from engine.datasets.table import reader_of
from engine.errors import UsageError
from engine.jobs.device import Device, Devices
from engine.jobs.exam import training_questions
from engine.scenes import SPLIT_SEEDS, WORLD_VERSION
from engine.scenes.exam import EXAMS, Exam
from engine.scenes.plan import VIEW
from engine.scenes.stream import in_order
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

if TYPE_CHECKING:
    from engine.vqa.config import TgfnetConfig

Progress = Callable[[str, float | None], None]

SCENES = "scenes"


@dataclass(frozen=True, slots=True)
class EvaluateOrder:
    """What to score on what.

    ``dataset`` is "scenes" (``scenes`` fresh ones of the test split), the name of an exam, or a folder of any layout of
    questions, of which ``split`` is asked. ``limit`` is the most views of an exam or a folder, 0 for all.
    ``guess_scenes`` are the training scenes that the guess learns from; of a folder it learns from its training split.
    ``data`` is a folder to keep rendered or decoded pictures in; None keeps them in memory.
    """

    weights: str
    out: Path
    dataset: str = SCENES
    split: str = "test"
    scenes: int = 1000
    limit: int = 0
    guess_scenes: int = 1000
    data: Path | None = None
    workers: int = 1
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.scenes < 1 or self.guess_scenes < 1:
            raise UsageError("An evaluation needs at least one scene.", remedy="Give --scenes a number above 0.")
        if self.limit < 0:
            raise UsageError(f"There is no limit of {self.limit} views.", remedy="Give 0 for all of them.")


def evaluate(order: EvaluateOrder, *, progress: Progress = lambda stage, fraction: None) -> dict[str, Any]:
    """Score the weights, write the report into ``order.out``; returns its record with ``report``, the page's path.

    A question whose answer is not in the weights' vocabulary counts as answered wrongly. Raises ModelNotFound or
    ModelDamaged, UsageError or DataSetUnreadable for a data set that there is not, ExportRefused for ``out``.
    """
    began = time.perf_counter()
    progress("Loading the model", None)
    device = Devices("rsqa evaluate").claim(order.device)
    predictor = TgfnetPredictor.load(find_model(order.weights), device.name)
    asked = _asked(order, predictor.config)
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
        facts=_facts(predictor.card, asked, device, time.perf_counter() - began),
        notes=[*asked.notes(predictor.card, views), *cut_notes(table)],
        examples=examples,
    )
    return record | asked.worlds(predictor.card) | {"report": str(next(f for f in files if f.suffix == ".html"))}


def _guess_and_table(
    asked: _Asked, views: QuestionSet, predictor: TgfnetPredictor, progress: Progress
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


class _Asked:
    """What is asked, and what the guess may learn from: fresh scenes, or those of an exam."""

    def __init__(self, order: EvaluateOrder, exam: Exam | None) -> None:
        self.order, self._exam = order, exam
        self.name = exam.name if exam else SCENES
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
            _place(order, self.name),
            workers=order.workers,
            report=lambda done, of: progress("Rendering scenes", done / of),
        )

    def training(self, progress: Progress) -> tuple[AskedQuestion, ...]:
        """Questions of the training split, in its wordings; nothing is rendered for them."""
        count, found = self.order.guess_scenes, []
        # One worker works here: a second process would only add its start.
        workers = self.order.workers if self.order.workers > 1 else 0
        with closing(in_order(training_questions, range(count), workers)) as made:
            for number, questions in enumerate(made, start=1):
                found += [AskedQuestion(*question) for question in questions]
                progress("Making what the guess learns from", number / count)
        return tuple(found)

    def worlds(self, card: ModelCard) -> dict[str, str]:
        """The version of the world that is asked about, and of the one that was trained on ("" where none was)."""
        return {"world": str(WORLD_VERSION), "trained_on_world": card.training_data.world}

    def notes(self, card: ModelCard, views: QuestionSet) -> list[str]:
        """Sentences on how the figures are to be read."""
        notes = []
        if card.training_data.world != str(WORLD_VERSION):
            trained = card.training_data.world
            notes.append(
                f"These are scenes of world {WORLD_VERSION}; {card.name} was trained on "
                f"{f'world {trained}' if trained else 'other data'}."
            )
        if self._exam and len(views) < self._exam.count:
            notes.append(
                f"Only the first {len(views)} of {self._exam.count:,} scenes were asked about: this is not a score of "
                f"{self._exam.name}."
            )
        return notes


class _AskedFolder(_Asked):
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
            _limited(self._data, SPLIT_NAMES.get(order.split, order.split), order.limit),
            order.split,
            predictor.spec,
            predictor.config,
            _place(order, f"{self._folder.resolve().name}-{order.split}"),
            workers=order.workers,
            report=lambda done, of: progress("Reading pictures", done / of),
        )

    def training(self, progress: Progress) -> tuple[AskedQuestion, ...]:
        """Questions of the folder's training split, none where it has none or is itself asked."""
        name = SPLIT_NAMES["train"]
        if SPLIT_NAMES.get(self.order.split, self.order.split) == name:
            return ()
        return tuple(
            AskedQuestion(0, row.question, row.answer, row.type)
            for row in self._data.of_split(name)
            if isinstance(row, QuestionRow)
        )

    def worlds(self, card: ModelCard) -> dict[str, str]:
        """A folder is of no world."""
        return {"trained_on_world": card.training_data.world}

    def notes(self, card: ModelCard, views: QuestionSet) -> list[str]:
        """Sentences on how the figures are to be read."""
        told = figures_note(self._data, reader_of(self._data.layout).FIGURES)
        notes = [told] if told else []
        if self.order.limit:
            notes.append(
                f"At most {self.order.limit:,} images were asked about: this is not a score of the whole split."
            )
        faults = [*self._faults, *views.left_out]
        if faults:
            notes.append(f"{len(faults):,} things in the folder could not be used; the first: {faults[0]}")
        return notes


def _asked(order: EvaluateOrder, config: TgfnetConfig) -> _Asked:
    """What ``order.dataset`` names. Raises UsageError where it is nothing."""
    if order.dataset == SCENES or order.dataset in EXAMS:
        return _Asked(order, EXAMS.get(order.dataset))
    if not Path(order.dataset).is_dir():
        raise UsageError(
            f"There is no data set “{order.dataset}”.",
            remedy=f"Give scenes, {', '.join(EXAMS)}, or the folder of a data set of questions.",
        )
    return _AskedFolder(order)


def _limited(data: DataSet, split: str, limit: int) -> DataSet:
    """The first ``limit`` images of ``split`` that are asked about, and their rows; all for 0."""
    if not limit:
        return data
    wanted = set(list(dict.fromkeys(row.image for row in data.of_split(split)))[:limit])
    images = tuple(image for image in data.images if image.split == split and image.id in wanted)
    return replace(data, images=images, rows=tuple(row for row in data.of_split(split) if row.image in wanted))


def _place(order: EvaluateOrder, name: str) -> Path | None:
    # Not data/test: in a run's folder that is the run's own set, of another size.
    return None if order.data is None else order.data / f"evaluate-{name}"


def _facts(card: ModelCard, asked: _Asked, device: Device, seconds: float) -> dict[str, str]:
    """What the report prints about how it came to be."""
    return {
        "model": f"{card.name} ({card.preset}), SHA-256 {card.sha256[:16]}…",
        "trained on": card.training_data.name,
        "data set": asked.name,
        "the guess": "the better, per type, of the most frequent training answer of a template or wording, and a small "
        "network that sees the words alone",
        "device": device.title,
        "software": f"rsqa-desktop {__version__}",
        "time": f"{datetime.now(UTC).isoformat(timespec='seconds')}, {seconds:.0f} s",
    }
