"""Which pictures a training step gets: a pure function of seed and step, the same for any division of work.

Every picture comes once in each *round*, in an order drawn for the round, before any comes a second time. What else is
random about a visit (the pictures beside it in a mosaic, the seed of its augmentation and of its texts) is drawn here,
too, so that it does not matter who prepares it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from engine.errors import UsageError
from engine.grounding.data.expression_set import ExpressionSet
from engine.records.pair import SENSORS
from engine.training.visiting import Rounds, share_of

MOSAIC_PARTNERS = 3
"""Pictures beside the visited one in a mosaic of two by two."""

_VISIT = 2  # a stream of random numbers below a seed, beside that of the rounds


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a training batch is put together. Each picture is encoded once for all of its texts.

    ``share`` of the pictures are trained on, chosen by their names alone: the smaller share of two is inside the larger
    one, whatever the seed (the data-efficiency runs of section V). ``balance`` "sensor" shows as many optical pictures
    as SAR ones, where "none" shows all pictures equally often. Mosaics end after ``mosaic_until`` of the training.
    Raises UsageError for numbers that make no sense.
    """

    pictures: int = 16  # over all processes; the paper has 64
    share: float = 1.0
    balance: Literal["none", "sensor"] = "none"
    mosaic_until: float = 29 / 30  # the last 10 of the paper's 300 epochs have none

    def __post_init__(self) -> None:
        if self.pictures < 1:
            raise UsageError(f"A batch of {self.pictures} pictures trains nothing.")
        if not 0 < self.share <= 1:
            raise UsageError(f"A share of {self.share} of the pictures cannot be trained on.", remedy="Give 0 to 1.")
        if not 0 <= self.mosaic_until <= 1:
            raise UsageError(f"Mosaics cannot end after {self.mosaic_until} of a training.", remedy="Give 0 to 1.")


class TrainingItem(NamedTuple):
    """One visit of a picture: its row, those of its :data:`MOSAIC_PARTNERS`, of the same sensor, and a seed."""

    picture: int
    partners: tuple[int, ...]
    seed: tuple[int, int, int, int]


class TrainingOrder:
    """The items of every step. Pictures without an expression are not visited.

    Raises :class:`UsageError` where none is left.
    """

    def __init__(self, training: ExpressionSet, batch: BatchSettings, seed: int) -> None:
        self._batch, self._seed = batch, seed
        named = np.flatnonzero([bool(own) for own in training.by_picture()])
        usable = np.intersect1d(named, share_of(training.names, batch.share))
        if not usable.size:
            raise UsageError(
                f"There is nothing to train on in {training.about}: no picture has an expression.",
                remedy="Take another split, or a larger batch.share.",
            )
        of_each = np.array(training.sensors)[usable]
        self._of_sensor = {sensor: usable[of_each == sensor] for sensor in SENSORS}
        self._sensors = training.sensors
        by_sensor = [own for own in self._of_sensor.values() if own.size]
        self._rounds = Rounds(by_sensor if batch.balance == "sensor" else [usable], seed)

    def __len__(self) -> int:
        """Pictures that are trained on."""
        return sum(own.size for own in self._of_sensor.values())

    def items(self, step: int) -> list[TrainingItem]:
        """The visits of step ``step``, counted from 0."""
        first = step * self._batch.pictures
        return [self._item(place) for place in range(first, first + self._batch.pictures)]

    def _item(self, place: int) -> TrainingItem:
        """The visit at ``place`` of all visits ever made."""
        picture, visit = self._rounds.at(place)
        seed = (self._seed, _VISIT, picture, visit)
        mates = self._of_sensor[self._sensors[picture]]
        partners = np.random.default_rng([*seed, 0]).choice(mates, MOSAIC_PARTNERS)
        return TrainingItem(picture, tuple(int(mate) for mate in partners), seed)


def only_share(training: ExpressionSet, share: float) -> ExpressionSet:
    """``training`` with the expressions of ``share`` of its pictures alone, so that nothing is learned from others."""
    chosen = set(share_of(training.names, share).tolist())
    return replace(training, expressions=tuple(one for one in training.expressions if one.picture in chosen))
