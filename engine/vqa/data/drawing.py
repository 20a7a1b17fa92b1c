"""Which views and questions a training step gets: a pure function of seed and step, the same for any division of work.

Every view comes once in each *round*, in an order drawn for the round, with a fixed number of its questions; its next
visit goes on with the questions that have not been asked yet, so that all questions *of a view* are asked equally
often, but for those that a missing sensor or another weather leaves out. Views come equally often, however many
questions they have: a question of a view with few of them is asked more often than one of a view with many. What else
is random about a view (its weather, a sensor that is missing, the seed of its augmentation) is drawn here, too, so that
it does not matter who prepares it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.metrics import BOTH_SENSOR_TYPES
from engine.records.pair import SENSORS
from engine.scenes.optics.weather import Weather
from engine.vqa.augment import AugmentSettings
from engine.vqa.data.question_set import ABOUT_THE_WEATHER, QuestionSet
from engine.vqa.data.weathers import ADVERSE

NEEDS_OPTICAL = ("fog-dark",)
"""Types of question that nobody can answer without the optical image; they ask about that image alone."""

_ROUND, _VIEW, _QUESTIONS = 1, 2, 3  # streams of random numbers below one seed


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a training batch is put together. Each view is encoded once for all of its questions.

    ``balance`` "type" or "answer" draws the questions of a view with weights of one by the square root of how often
    their type or answer is there in the set, where "none" asks all of a view equally often; views come equally often
    in either case, whatever the number of their questions. ``variant_share`` of the visits show
    the optical picture in an adverse weather: one of the set's variants, or, in a set without, one put over a picture
    that is not adverse already.
    """

    views: int = 16  # over all processes
    questions: int = 6  # per view
    label_smoothing: float = 0.0
    patch_weight: float = 0.5  # of the dense loss (patch_truth) beside eq. 10; the mean over both sensors
    balance: Literal["none", "type", "answer"] = "none"
    variant_share: float = 0.0
    augment: AugmentSettings = field(default_factory=AugmentSettings)


class TrainingItem(NamedTuple):
    """One visit of a view. ``questions`` [batch.questions] index the set's; ``seed`` is for the augmentation.

    ``variant`` is the optical picture of the set, ``weather`` one to be put over it (None for none), ``missing`` are
    the sensors that are withheld.
    """

    view: int
    variant: int
    weather: Weather | None
    missing: tuple[str, ...]
    questions: NDArray[np.int64]
    seed: tuple[int, int, int]


class TrainingOrder:
    """The items of every step. ``usable`` [Q] says which questions may be asked at all.

    Raises :class:`UsageError` where there is none.
    """

    def __init__(self, training: QuestionSet, batch: BatchSettings, seed: int, usable: NDArray[np.bool_]) -> None:
        self._batch, self._seed = batch, seed
        self._own = [np.array(own, np.int64)[usable[own]] for own in training.by_view()]
        self._views = np.flatnonzero([len(own) for own in self._own])
        if not usable.any():
            raise UsageError(
                f"There is nothing to train on in {training.about}: no question has a known answer.",
                remedy="Take another split, or a vocabulary that fits it.",
            )
        types = np.array([question.type for question in training.questions])
        self._about_weather = np.isin(types, ABOUT_THE_WEATHER)
        both = [kind for kind in BOTH_SENSOR_TYPES if kind not in NEEDS_OPTICAL]
        self._needs = {"optical": np.isin(types, (*NEEDS_OPTICAL, *BOTH_SENSOR_TYPES)), "sar": np.isin(types, both)}
        self._weights = _weights(training, batch.balance)
        self._has_both: NDArray[np.bool_] = np.logical_and.reduce(sensors_present(training), axis=1)
        self._variants = _variants_of(training)
        self._has_variants = len(training.variants) > 1
        self._adverse_already = [weather in ADVERSE for weather in training.weather]

    def items(self, step: int) -> list[TrainingItem]:
        """The views of step ``step``, counted from 0."""
        first = step * self._batch.views
        visits = [divmod(place, len(self._views)) for place in range(first, first + self._batch.views)]
        orders = {
            visit: np.random.default_rng([self._seed, _ROUND, visit]).permutation(self._views)
            for visit in {visit for visit, _ in visits}
        }
        return [self._item(int(orders[visit][place]), visit) for visit, place in visits]

    def _item(self, view: int, visit: int) -> TrainingItem:
        rng = np.random.default_rng([self._seed, _VIEW, view, visit])
        own = self._own[view]
        missing: tuple[str, ...] = ()
        if rng.random() < self._batch.augment.drop_sensor and self._has_both[view]:
            missing = (SENSORS[rng.integers(2)],)
        variant, weather = self._weather(view, rng) if "optical" not in missing else (0, None)
        answerable = np.ones(len(own), bool)
        for sensor in missing:
            answerable &= ~self._needs[sensor][own]
        if variant or weather:
            answerable &= ~self._about_weather[own]
        if not answerable.any():  # nothing would be left to ask: the view is shown whole and as it is
            variant, weather, missing, answerable = 0, None, (), np.ones(len(own), bool)
        questions = self._drawn(view, visit, answerable)
        return TrainingItem(view, variant, weather, missing, questions, (self._seed, view, visit))

    def _weather(self, view: int, rng: np.random.Generator) -> tuple[int, Weather | None]:
        """The variant of this visit, and a weather to put on where the set has no variants."""
        if rng.random() >= self._batch.variant_share:
            return 0, None
        others = self._variants[view]
        if len(others):
            return int(rng.choice(others)), None
        if self._has_variants or self._adverse_already[view]:
            return 0, None
        return 0, ADVERSE[rng.integers(len(ADVERSE))]

    def _drawn(self, view: int, visit: int, answerable: NDArray[np.bool_]) -> NDArray[np.int64]:
        """``batch.questions`` of the view's questions, those that are ``answerable``."""
        count, own = self._batch.questions, self._own[view]
        if self._weights is None:
            allowed = (index for index in self._endless(view, visit * count) if answerable[index])
            return own[list(islice(allowed, count))]
        left = own[answerable]
        rng = np.random.default_rng([self._seed, _QUESTIONS, view, visit])
        chances = self._weights[left] / self._weights[left].sum()
        return rng.choice(left, count, replace=len(left) < count, p=chances)

    def _endless(self, view: int, start: int) -> Iterator[int]:
        """The view's questions, all of them in one random order after another, from the ``start``-th on."""
        length = len(self._own[view])
        cycle, first = divmod(start, length)
        while True:
            order = np.random.default_rng([self._seed, _QUESTIONS, view, cycle]).permutation(length)
            yield from order[first:].tolist()
            cycle, first = cycle + 1, 0


def sensors_present(views: QuestionSet) -> NDArray[np.bool_]:
    """Which of :data:`~engine.records.pair.SENSORS` have any data in each view, bool [S, 2]."""
    present = np.ones((len(views), 2), bool)
    for column, valid in enumerate((views.optical_valid, views.sar_valid)):
        if valid is not None:
            present[:, column] = [bool(mask.any()) for mask in valid]
    return present


def _variants_of(training: QuestionSet) -> list[NDArray[np.int64]]:
    """The variants of each view other than the picture as it is."""
    if training.exists is None:
        return [np.arange(1, len(training.variants))] * len(training)
    return [np.flatnonzero(exists[1:]) + 1 for exists in training.exists]


def _weights(training: QuestionSet, balance: str) -> NDArray[np.float64] | None:
    """How often each question of a view is to be drawn, [Q], not normalised; None where all equally often."""
    if balance == "none":
        return None
    groups = [question.type if balance == "type" else question.answer for question in training.questions]
    _, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / np.sqrt(counts[group])
    return weights
