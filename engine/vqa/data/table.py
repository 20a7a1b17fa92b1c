"""The questions of a set as tensors: each wording read once, however often it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from engine.nn.text import TextFeatures
from engine.text import ANSWERS
from engine.vqa.data.question_set import AskedQuestion

UNKNOWN_ANSWER = -1
"""The number of an answer that is not in the vocabulary, which no network gives."""

TEXTS_AT_ONCE = 2048
"""Wordings that are read together."""


@runtime_checkable
class FeatureEncoder(Protocol):
    """A frozen text encoder (``engine.nn.text.TextEncoder``, ``engine.nn.clip.ClipTextEncoder``)."""

    def encode_all(self, texts: Sequence[str]) -> list[TextFeatures]:
        """The features of each text."""
        ...


class Numberer(Protocol):
    """A tokenizer, for networks that train their own text tower (``engine.nn.clip.ClipTokenizer``)."""

    def __call__(self, text: str) -> tuple[Sequence[int], int]:
        """Token numbers of a text, and how many of its tokens were cut off."""
        ...


class CutQuestion(NamedTuple):
    """A wording that was too long for the text encoder, how many questions have it, and the tokens that it lost."""

    text: str
    questions: int
    tokens_lost: int


class QuestionTable:
    """Questions as tensors: the tokens of their texts, and their answers as numbers.

    ``tokens`` holds those of all distinct wordings one after the other without padding: features float16
    [sum of lengths, width] of a frozen encoder, or token numbers int32 [sum of lengths] where ``encoder`` only numbers
    them. ``lengths`` and ``cut`` [texts] are the tokens of each wording, and how many did not fit. ``text_row`` [Q]
    says which wording a question has, ``answer`` [Q] is its place in ``answers`` or :data:`UNKNOWN_ANSWER`.
    """

    def __init__(
        self,
        questions: Sequence[AskedQuestion],
        encoder: FeatureEncoder | Numberer,
        answers: Sequence[str] = ANSWERS,
    ) -> None:
        place: dict[str, int] = {}
        self.text_row = torch.tensor([place.setdefault(question.text, len(place)) for question in questions])
        self.answer = _numbered(questions, answers)
        self.texts = tuple(place)
        pieces: list[Tensor] = []
        lengths: list[int] = []
        cut: list[int] = []
        # Part by part, so that only what is kept grows with the set: features come twice as wide as they are kept.
        for start in range(0, len(self.texts), TEXTS_AT_ONCE):
            read = _read(encoder, self.texts[start : start + TEXTS_AT_ONCE])
            pieces.append(torch.cat([tokens for tokens, _ in read]))
            lengths += [len(tokens) for tokens, _ in read]
            cut += [left for _, left in read]
        self.lengths, self.cut = torch.tensor(lengths), torch.tensor(cut)
        self.tokens = torch.cat(pieces)
        self._first = self.lengths.cumsum(0) - self.lengths  # [texts]: where each begins in ``tokens``

    def __len__(self) -> int:
        return len(self.answer)

    def with_answers(self, questions: Sequence[AskedQuestion], answers: Sequence[str]) -> QuestionTable:
        """The same table of the same ``questions`` for another vocabulary; the texts are not read again."""
        other = copy(self)
        other.answer = _numbered(questions, answers)
        return other

    def cut_questions(self) -> list[CutQuestion]:
        """The wordings that were not read whole, in the order in which they are first asked."""
        asked = self.text_row.bincount(minlength=len(self.texts)).tolist()  # [texts]
        lost = enumerate(self.cut.tolist())
        return [CutQuestion(self.texts[row], asked[row], tokens) for row, tokens in lost if tokens]

    def text(self, questions: Tensor) -> tuple[Tensor, Tensor]:
        """Features [Q, N, width] float32, or token numbers [Q, N] int64, of ``questions`` [Q], and their mask [Q, N].

        N is the longest of them; behind the shorter ones there are zeros.
        """
        return self._padded(self.text_row[questions])

    def pooled(self, tower: nn.Module | None = None, batch: int = 256) -> Tensor:
        """The mean feature of each wording, float32 [texts, width]: what is known of a question without a picture.

        ``tower`` turns numbers into features where the table has numbers; it has to be in evaluation mode.
        """
        means = []
        with torch.inference_mode():
            for start in range(0, len(self.texts), batch):
                tokens, mask = self._padded(torch.arange(start, min(start + batch, len(self.texts))))
                features = tokens if tower is None else _through(tower, tokens, mask)  # [batch, N, width]
                shown = mask.unsqueeze(-1).to(features.dtype)
                means.append((features * shown).sum(1) / shown.sum(1))
        return torch.cat(means).clone()

    def _padded(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        lengths = self.lengths[rows]
        along = torch.arange(int(lengths.max()))
        mask = along < lengths.unsqueeze(1)  # [Q, N]
        places = torch.where(mask, self._first[rows].unsqueeze(1) + along, 0)
        found = self.tokens[places]  # [Q, N, width] or [Q, N]
        if found.ndim == 2:
            return found.long() * mask, mask
        return found.float() * mask.unsqueeze(-1), mask


def _read(encoder: FeatureEncoder | Numberer, texts: Sequence[str]) -> list[tuple[Tensor, int]]:
    """What is kept of each text, and how many of its tokens did not fit."""
    if isinstance(encoder, FeatureEncoder):
        return [(features.tokens.half(), features.cut) for features in encoder.encode_all(texts)]
    numbered = [encoder(text) for text in texts]
    return [(torch.tensor(ids, dtype=torch.int32), left) for ids, left in numbered]


def _numbered(questions: Sequence[AskedQuestion], answers: Sequence[str]) -> Tensor:
    """Each question's answer as its place in ``answers``, [Q]."""
    number = {answer: index for index, answer in enumerate(answers)}
    return torch.tensor([number.get(question.answer, UNKNOWN_ANSWER) for question in questions])


def _through(tower: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    device = next(tower.parameters()).device
    features: Tensor = tower(ids.to(device), mask.to(device))
    return features.float().cpu()
