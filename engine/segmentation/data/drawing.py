"""Which areas and expressions a training step gets: a pure function of seed and step, however the work is divided.

An area is visited with a few of its expressions at once, as all that no word goes into is then computed once. Every
expression comes in each *round*, in an order drawn for the round, before any comes in the next one. What else is random
about a visit (the seed of its augmentation) is drawn here, too, so that it does not matter who prepares it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from engine.errors import UsageError
from engine.segmentation.data.referring_set import ReferringSet
from engine.training.visiting import Rounds, share_of

_VISIT, _ORDER = 2, 3  # streams of random numbers below a seed, beside that of the rounds


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a training batch is put together: ``areas`` visits with ``expressions`` each, so their product is trained on.

    An area that has fewer is asked some of them twice, so that all visits weigh the same.
    ``share`` of the areas are trained on, chosen by their names alone: the smaller share of two is inside the larger
    one, whatever the seed. ``balance`` "sensor" visits as often with expressions of the SAR picture as with those of
    the optical one, where "none" asks all expressions equally often. Raises UsageError for numbers without sense.
    """

    areas: int = 8  # over all processes; the paper's batch of 8 is 8 areas with 1 expression each
    expressions: int = 1
    share: float = 1.0
    balance: Literal["none", "sensor"] = "none"

    def __post_init__(self) -> None:
        if self.areas < 1 or self.expressions < 1:
            raise UsageError(f"A batch of {self.areas} areas with {self.expressions} expressions trains nothing.")
        if not 0 < self.share <= 1:
            raise UsageError(f"A share of {self.share} of the areas cannot be trained on.", remedy="Give 0 to 1.")


class TrainingItem(NamedTuple):
    """One visit: an area's row, ``BatchSettings.expressions`` rows of the set's expressions, all of it, and a seed."""

    area: int
    expressions: tuple[int, ...]
    seed: tuple[int, int, int, int]


class _Turn(NamedTuple):
    """A visit of a round: the ``number``-th of ``area``, with as many of its expressions ``rows`` as a visit has."""

    area: int
    rows: tuple[int, ...]
    number: int


class TrainingOrder:
    """The items of every step. Expressions that name no pixel are not asked, and areas without one are not visited.

    Where the expressions of an area do not divide into visits, some come twice in a round. Raises :class:`UsageError`
    where none is left.
    """

    def __init__(self, training: ReferringSet, batch: BatchSettings, seed: int) -> None:
        self._batch, self._seed = batch, seed
        chosen = set(share_of(training.names, batch.share).tolist())
        asked: dict[tuple[bool, int], list[int]] = {}
        for row, one in enumerate(training.expressions):
            if one.parts and one.area in chosen:
                apart = batch.balance == "sensor" and one.sensor == "sar"
                asked.setdefault((apart, one.area), []).append(row)
        if not asked:
            raise UsageError(
                f"There is nothing to train on in {training.about}: no area has an expression.",
                remedy="Take another split, or a larger batch.share.",
            )
        self._turns: list[_Turn] = []
        streams: dict[bool, list[int]] = {}
        for (apart, area), rows in asked.items():
            for number in range(math.ceil(len(rows) / batch.expressions)):
                streams.setdefault(apart, []).append(len(self._turns))
                self._turns.append(_Turn(area, tuple(rows), number))
        self._rounds = Rounds([np.array(streams[apart], np.int64) for apart in sorted(streams)], seed)

    def __len__(self) -> int:
        """Visits of a round."""
        return len(self._turns)

    def items(self, step: int) -> list[TrainingItem]:
        """The visits of step ``step``, counted from 0."""
        first = step * self._batch.areas
        return [self._item(place) for place in range(first, first + self._batch.areas)]

    def _item(self, place: int) -> TrainingItem:
        """The visit at ``place`` of all visits ever made."""
        row, number = self._rounds.at(place)
        turn, wanted = self._turns[row], self._batch.expressions
        # All turns of an area in a round cut the same order of its expressions into pieces.
        order = np.random.default_rng([self._seed, _ORDER, turn.rows[0], number]).permutation(turn.rows)
        own = np.arange(turn.number * wanted, (turn.number + 1) * wanted) % len(order)
        return TrainingItem(turn.area, tuple(order[own].tolist()), (self._seed, _VISIT, row, number))


def only_share(training: ReferringSet, share: float) -> ReferringSet:
    """``training`` with the expressions of ``share`` of its areas alone, so that nothing is learned from others."""
    chosen = set(share_of(training.names, share).tolist())
    return replace(training, expressions=tuple(one for one in training.expressions if one.area in chosen))
