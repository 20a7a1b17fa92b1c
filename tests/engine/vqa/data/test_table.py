"""Questions as tensors: what the encoder says of each wording, once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.vqa.data.question_set import AskedQuestion
from engine.vqa.data.table import UNKNOWN_ANSWER, QuestionTable
from tests.engine.vqa.tiny import ANSWERS, WordHashes

TEXTS = ("Is there a river?", "How many ships are there?", "Is there a river?", "Where is the lake ?")
QUESTIONS = tuple(
    AskedQuestion(0, text, answer, "presence")
    for text, answer in zip(TEXTS, ("yes", "2", "no", "nowhere"), strict=True)
)


class Letters:
    """In place of a tokenizer: numbers of the first letters of at most four words."""

    def __call__(self, text: str) -> tuple[tuple[int, ...], int]:
        ids = tuple(ord(word[0]) for word in text.split())
        return ids[:4], max(0, len(ids) - 4)


@pytest.fixture
def table():
    return QuestionTable(QUESTIONS, WordHashes(), ANSWERS)


def test_each_wording_is_kept_once_and_padded_when_it_is_asked(table):
    assert table.texts == (TEXTS[0], TEXTS[1], TEXTS[3])
    assert table.text_row.tolist() == [0, 1, 0, 2]
    assert table.answer.tolist() == [0, 3, 1, UNKNOWN_ANSWER]
    features, mask = table.text(torch.tensor([1, 2]))
    assert features.shape == (2, 5, 24)
    assert mask.tolist() == [[True] * 5, [True] * 4 + [False]]
    for row, question in enumerate((1, 2)):
        expected = WordHashes()(TEXTS[question]).tokens
        torch.testing.assert_close(features[row][mask[row]], expected, atol=1e-3, rtol=1e-3)  # kept in half precision
    assert features[1, 4].abs().max() == 0


def test_the_pooled_feature_is_the_mean_over_a_wordings_own_tokens(table):
    for row, text in enumerate(table.texts):
        torch.testing.assert_close(table.pooled()[row], WordHashes()(text).tokens.mean(0), atol=1e-3, rtol=1e-3)


def test_a_tower_that_is_trained_gets_numbers():
    table = QuestionTable(QUESTIONS, Letters(), ANSWERS)
    ids, mask = table.text(torch.tensor([0, 1]))
    assert ids.tolist() == [[ord(c) for c in "Itar"], [ord(c) for c in "Hmsa"]]
    assert mask.all()
    assert table.cut.tolist() == [0, 1, 1]

    class Tower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(128, 3)

        def forward(self, ids, mask):
            return self.table(ids)

    tower = Tower()
    expected = tower.table(torch.tensor([ord(c) for c in "Itar"])).mean(0)
    torch.testing.assert_close(table.pooled(tower, batch=2)[0], expected.detach())
