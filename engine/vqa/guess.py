"""*The guess*: what one scores without looking. The better, per question type, of two blind strategies.

The majority gives each question the most frequent training answer of its template; where nobody knows the templates,
of its own wording, and of its type where that was never asked in training. The text-only model is a small MLP on the
mean of the frozen text features, trained on the training questions alone. Both see no picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import UsageError
from engine.metrics import BOTH_SENSOR_TYPES, AnswerTally
from engine.text import normalise
from engine.vqa.data.question_set import AskedQuestion
from engine.vqa.data.table import UNKNOWN_ANSWER, QuestionTable

HIDDEN, EPOCHS, BATCH, RATE = 256, 12, 512, 2e-3


def guess_metrics(
    training: Sequence[AskedQuestion],
    training_table: QuestionTable,
    test: Sequence[AskedQuestion],
    test_table: QuestionTable,
    *,
    answers: int,
    tower: nn.Module | None = None,
) -> dict[str, Any]:
    """OA, AA and per type of both strategies, and of the better one for each type (the guess proper), as JSON.

    Both tables are of one vocabulary of ``answers`` answers. ``tower`` is the network's own text tower, where the
    tables hold token numbers for it.
    """
    answer = test_table.answer.numpy()
    types = [question.type for question in test]
    majority = majority_answers(training, training_table, test)
    text_only = text_only_answers(training_table, test_table, answers, tower)
    tallies = {
        name: AnswerTally.of(zip(types, (given == answer).tolist(), strict=True))
        for name, given in (("majority", majority), ("text_only", text_only))
    }
    named = {name: tally.per_group for name, tally in tallies.items()}
    best = {kind: max(named[name][kind] for name in named) for kind in named["majority"]}
    asked = tallies["majority"].asked
    return {
        **_of_types(best, asked),
        "per_type": best,
        "comparable": _of_types({kind: best[kind] for kind in best if kind not in BOTH_SENSOR_TYPES}, asked),
        "majority": {"OA": tallies["majority"].overall, "per_type": named["majority"]},
        "text_only": {"OA": tallies["text_only"].overall, "per_type": named["text_only"]},
    }


def _of_types(best: dict[str, float], asked: Counter[str]) -> dict[str, float]:
    """OA and AA from accuracy per type, 0 of no types."""
    total = sum(asked[kind] for kind in best)
    return {
        "OA": sum(best[kind] * asked[kind] for kind in best) / max(total, 1),
        "AA": sum(best.values()) / max(len(best), 1),
    }


def majority_answers(
    training: Sequence[AskedQuestion], table: QuestionTable, test: Sequence[AskedQuestion]
) -> NDArray[np.int64]:
    """The most frequent training answer of what each test question is an instance of, [Q].

    That is its template, else its type and wording, else its type, else any question: the first that training had.
    Answers that are not in the vocabulary cannot be given and are not learned. Raises UsageError where none is left.
    """
    counts: defaultdict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    for question, answer in zip(training, table.answer.tolist(), strict=True):
        for kind in _kinds(question) if answer != UNKNOWN_ANSWER else ():
            counts[kind][answer] += 1
    if not counts:
        raise UsageError("There is no training question whose answer the vocabulary has: nothing to guess from.")
    usual = {kind: answers.most_common(1)[0][0] for kind, answers in counts.items()}
    given = [next(usual[kind] for kind in _kinds(question) if kind in usual) for question in test]
    return np.array(given, np.int64)


def _kinds(question: AskedQuestion) -> tuple[tuple[str, ...], ...]:
    """What a question is an instance of, the narrowest first."""
    narrow = ("template", question.template) if question.template else (question.type, normalise(question.text))
    return narrow, (question.type,), ()


def text_only_answers(
    training: QuestionTable, test: QuestionTable, answers: int, tower: nn.Module | None = None
) -> NDArray[np.int64]:
    """Answers [Q] of a small MLP that has seen the training questions and no picture. Its seed is fixed."""
    features, known = training.pooled(tower), training.answer != UNKNOWN_ANSWER
    target, text_row = training.answer[known], training.text_row[known]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.LayerNorm(features.shape[1]), nn.Linear(features.shape[1], HIDDEN), nn.GELU(), nn.Linear(HIDDEN, answers)
        )
        optimiser = torch.optim.AdamW(net.parameters(), RATE)
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(target)), BATCH):
                loss = nn.functional.cross_entropy(net(features[text_row[rows]]), target[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
    with torch.inference_mode():
        given: Tensor = net(test.pooled(tower)).argmax(-1)  # [texts]
    return given[test.text_row].numpy()
