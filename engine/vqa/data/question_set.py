"""One split of a data set as the network gets it: pictures at its input size, and what is asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AS_IT_IS = "as it is"
"""The first variant of every set: the optical picture in its own weather."""

ABOUT_THE_WEATHER: tuple[str, ...] = ("fog-dark", "quality")
"""Question types whose answers hold for the picture as it is and not for its adverse variants."""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question about view ``scene`` of a set; ``template`` is empty where nobody knows how it was made."""

    scene: int
    text: str
    answer: str
    type: str
    template: str = ""


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """S views (scenes or image pairs) of ``size`` x ``size`` pixels with their questions.

    ``optical`` uint8 [S, V, 3, size, size] and ``sar`` uint8 [S, size, size] are stretched by ``preprocess``' rules,
    0..255 for 0..1; arrays may be memory-mapped. ``variants`` [V] names the weathers of the optical picture, the first
    is :data:`AS_IT_IS`. ``optical_valid`` and ``sar_valid`` bool [S, size, size] say where there is data (padding and
    absent sensors are False), None where every pixel of every view has. ``patches`` uint8 [S, M, channels] is what
    lies in each patch (``patch_truth``), None where that is not known. ``names``, ``weather`` ("" if unknown), ``pair``
    ("exact", "shifted", "other") and ``gsd_m`` (at the network's input, None if unknown) have one entry per view.
    ``about`` says in a line what this is ("OSVQA, test"), for reports and cards.

    ``exists`` bool [S, V] says which variants there are, None where all; where one does not exist, ``optical`` has the
    picture as it is. ``closed_answers`` is the vocabulary that the data set declares, empty where it declares none.
    ``key`` is a digest of what the pictures were made from, so that what is computed of them can be kept: same key,
    same pictures. ``left_out`` has a sentence for each view that could not be read.
    """

    about: str
    optical: NDArray[np.uint8]
    sar: NDArray[np.uint8]
    variants: tuple[str, ...]
    names: tuple[str, ...]
    weather: tuple[str, ...]
    pair: tuple[str, ...]
    gsd_m: tuple[float | None, ...]
    questions: tuple[AskedQuestion, ...]
    optical_valid: NDArray[np.bool_] | None = None
    sar_valid: NDArray[np.bool_] | None = None
    patches: NDArray[np.uint8] | None = None
    exists: NDArray[np.bool_] | None = None
    closed_answers: tuple[str, ...] = ()
    key: str = ""
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def by_view(self) -> list[list[int]]:
        """Indices into ``questions`` of each view."""
        lists: list[list[int]] = [[] for _ in self.names]
        for index, question in enumerate(self.questions):
            lists[question.scene].append(index)
        return lists

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers that occur, sorted."""
        return tuple(sorted({question.answer for question in self.questions}))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The answers that a network trained on this set chooses from: the closed list, else those that occur."""
        return self.closed_answers or self.answers


def types_of(questions: Sequence[AskedQuestion]) -> tuple[str, ...]:
    """The question types that occur, sorted."""
    return tuple(sorted({question.type for question in questions}))
