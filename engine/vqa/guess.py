"""*The guess*: what one scores without looking. The better, per question type, of two blind strategies.

Majority per template answers each template with its most frequent training answer. The text-only model is a small
MLP on the mean of the frozen text features, trained on the training questions alone. Both see no picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.metrics import AnswerTally
from engine.nn.blocks import masked_mean
from engine.vqa.scene_data import AskedQuestion
from engine.vqa.task import QuestionTable

HIDDEN, EPOCHS, BATCH, RATE = 256, 12, 512, 2e-3


def guess_metrics(
    training: Sequence[AskedQuestion],
    training_table: QuestionTable,
    test: Sequence[AskedQuestion],
    test_table: QuestionTable,
    *,
    answers: int,
) -> dict[str, Any]:
    """OA, AA and per type of both strategies, and of the better one for each type (the guess proper), as JSON."""
    answer = test_table.answer.numpy()
    types = [question.type for question in test]
    majority = majority_per_template(training, training_table, test)
    text_only = text_only_answers(training_table, test_table, answers)
    tallies = {
        name: AnswerTally.of(zip(types, (given == answer).tolist(), strict=True))
        for name, given in (("majority", majority), ("text_only", text_only))
    }
    named = {name: tally.per_group for name, tally in tallies.items()}
    best = {kind: max(named[name][kind] for name in named) for kind in named["majority"]}
    asked = tallies["majority"].asked
    return {
        "OA": sum(best[kind] * asked[kind] for kind in best) / asked.total(),
        "AA": sum(best.values()) / len(best),
        "per_type": best,
        "majority": {"OA": tallies["majority"].overall, "per_type": named["majority"]},
        "text_only": {"OA": tallies["text_only"].overall, "per_type": named["text_only"]},
    }


def majority_per_template(
    training: Sequence[AskedQuestion], table: QuestionTable, test: Sequence[AskedQuestion]
) -> np.ndarray[Any, Any]:
    """The most frequent training answer of each test question's template, [Q] int64."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    overall: Counter[int] = Counter()
    for question, answer in zip(training, table.answer.tolist(), strict=True):
        counts[question.template][answer] += 1
        overall[answer] += 1
    given = [(counts.get(question.template) or overall).most_common(1)[0][0] for question in test]
    return np.array(given, np.int64)


def text_only_answers(training: QuestionTable, test: QuestionTable, answers: int) -> np.ndarray[Any, Any]:
    """Answers [Q] of a small MLP that has seen the training questions and no picture. Its seed is fixed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        features, target = _mean_features(training), training.answer
        net = nn.Sequential(
            nn.LayerNorm(features.shape[1]), nn.Linear(features.shape[1], HIDDEN), nn.GELU(), nn.Linear(HIDDEN, answers)
        )
        optimiser = torch.optim.AdamW(net.parameters(), RATE)
        for _ in range(EPOCHS):
            for rows in torch.split(torch.randperm(len(target)), BATCH):
                loss = nn.functional.cross_entropy(net(features[training.text_row[rows]]), target[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        with torch.inference_mode():
            return net(_mean_features(test)[test.text_row]).argmax(-1).numpy()  # type: ignore[no-any-return]


def _mean_features(table: QuestionTable) -> Tensor:
    """Mean text feature of each distinct wording, [texts, width]."""
    longest = table.features.shape[1]
    mask = torch.arange(longest) < table.lengths.unsqueeze(1)
    return masked_mean(table.features.float(), mask)
