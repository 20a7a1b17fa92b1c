"""What is true of a scene, read off its map of items, and the questions that follow from it.

Facts near a threshold are not asked about: a lake of a few pixels, two covers of nearly one size, a thing on the
border between two cells of the nine. A question drawn here has one right answer that a person could see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.draws import Draws
from engine.scenes.scene import COVERS, WATERS, Scene
from engine.text import LOCATION_ANSWERS, WEATHER_ANSWERS, Wording, number_answer, word_question

OBJECTS = ("ship", "storage tank", "building", "bridge")
QUESTION_STREAM = 2
SEEN_SHARE = 0.012
"""A cover or a water body below this share of the view (28 x 28 of 256 x 256) is not asked about."""

SEEN_ROAD_SHARE = 0.006
"""The same for roads, which are long and thin: half the length of the view at the least width."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answer (of :data:`engine.text.ANSWERS`), its type and the template it was made from."""

    text: str
    answer: str
    type: str
    template: str


@dataclass(frozen=True, slots=True)
class Truth:
    """The facts of one scene, by class name.

    ``shares``: visible share (0..1) of the view per cover, water body, and road. ``counts``: things per class.
    ``places``: location word of a class that lies together within half the view, its middle clearly in one of the
    nine cells.
    """

    shares: dict[str, float]
    counts: dict[str, int]
    places: dict[str, str]


def read_truth(scene: Scene, top: NDArray[np.int32]) -> Truth:
    """The facts of ``scene`` as far as they are visible in its map of items ``top``, int32 [size, size]."""
    pixels = np.bincount(top.ravel(), minlength=len(scene.items))
    shares = dict.fromkeys((*COVERS, *WATERS, "road"), 0.0)
    counts = dict.fromkeys(OBJECTS, 0)
    groups: dict[str, list[int]] = {}
    for index, item in enumerate(scene.items):
        seen = int(pixels[index])
        for name in {item.name, item.cover} & shares.keys():
            shares[str(name)] += seen / scene.size**2
        if item.name in counts:
            counts[item.name] += seen > 0
        groups.setdefault(item.name, []).append(index)
    return Truth(shares, counts, _places(scene, top, shares, counts, groups))


def _places(
    scene: Scene, top: NDArray[np.int32], shares: dict[str, float], counts: dict[str, int], groups: dict[str, list[int]]
) -> dict[str, str]:
    """A single thing, a patch (not the ground itself, nor what runs across the view), or the tanks as a group."""
    places: dict[str, str] = {}
    for name, indices in groups.items():
        alone = counts.get(name) == 1
        patch = SEEN_SHARE <= shares.get(name, 0) < 0.2 and 0 not in indices and name not in ("road", "river", "sea")
        farm = name == "storage tank" and counts[name] > 1
        if alone or patch or farm:
            word = _place(np.isin(top, indices), scene.size)
            if word is not None:
                places["storage tanks" if farm else name] = word
    return places


def _place(mask: NDArray[np.bool_], size: int) -> str | None:
    """The cell that holds the middle of ``mask``'s extent, if it is clearly within one and the extent is small."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    cell = []
    for span in (rows, columns):
        low, high = int(span[0]), int(span[-1]) + 1
        third = (low + high) * 3 / (2 * size)
        nearest_border = min(abs(third - 1), abs(third - 2))
        if high - low > 0.5 * size or nearest_border < 0.1:
            return None
        cell.append(min(int(third), 2))
    return LOCATION_ANSWERS[cell[0] * 3 + cell[1]]


# Over many scenes, how often a class is there and how often it is not (the rest is too little to ask about). A class
# is asked about with a weight of one over that, so that "a bridge" by itself speaks neither for yes nor for no.
_PRESENCE: dict[str, tuple[float, float]] = {
    "forest": (0.53, 0.45),
    "farmland": (0.53, 0.45),
    "grassland": (0.53, 0.45),
    "bare land": (0.53, 0.45),
    "built-up area": (0.53, 0.45),
    "water": (0.74, 0.26),
    "river": (0.32, 0.68),
    "lake": (0.26, 0.74),
    "sea": (0.22, 0.78),
    "road": (0.62, 0.17),
    "ship": (0.51, 0.49),
    "storage tank": (0.49, 0.51),
    "building": (0.49, 0.22),
    "bridge": (0.17, 0.83),
}


class Asker:
    """Draws questions about one scene. Per type, the answer or the subject is drawn so that words alone tell little."""

    def __init__(self, seed: int, truth: Truth, weather: str, wording: Wording) -> None:
        self.draws = Draws(seed, QUESTION_STREAM)
        self.truth = truth
        self.weather = {"clear": "clear", "cloud": "cloudy", "dark": "dark"}[weather]
        self.wording: Wording = wording
        self._kinds = {
            "presence": self._presence,
            "number": self._number,
            "compare": self._compare,
            "location": self._location,
            "most": self._most,
            "fog-dark": self._weather,
        }

    def ask(self, per_type: int) -> tuple[Question, ...]:
        """Up to ``per_type`` questions of each type; none of a type about which this scene has nothing clear."""
        questions = []
        for kind, make in self._kinds.items():
            for _ in range(per_type):
                made = make()
                if made is not None:
                    template, answer, *subjects = made
                    text = word_question(template, self.wording, self.draws.below(1 << 16), *subjects)
                    questions.append(Question(text, answer, kind, template))
        return tuple(questions)

    def occurs(self, name: str) -> bool | None:
        """Whether it is there; None where it is too little to ask about."""
        truth = self.truth
        if name in truth.counts:
            fabric = name == "building" and truth.shares["built-up area"] > 0
            return True if truth.counts[name] else (None if fabric else False)
        share = truth.shares[name]
        if name == "road" and truth.shares["built-up area"] > 0:
            return True if share >= SEEN_ROAD_SHARE else None  # the streets of a town are roads too
        enough = SEEN_ROAD_SHARE if name == "road" else SEEN_SHARE
        return True if share >= enough else (None if share > 0 else False)

    def _presence(self) -> tuple[str, ...] | None:
        wanted = self.draws.chance(0.5)
        fitting = [name for name in _PRESENCE if self.occurs(name) is wanted]
        if not fitting:
            return None
        weights = [1 / _PRESENCE[name][0 if wanted else 1] for name in fitting]
        return "presence", "yes" if wanted else "no", self.draws.weighted(fitting, weights)

    def _number(self) -> tuple[str, ...] | None:
        counts = self.truth.counts
        names = [n for n in OBJECTS if n != "building" or self.truth.shares["built-up area"] == 0]
        weights = [(0.06 if counts[n] == 0 else 1.0) * (0.4 if n == "bridge" else 1.0) for n in names]
        name = self.draws.weighted(names, weights)
        return "number", number_answer(counts[name]), name

    def _compare(self) -> tuple[str, ...] | None:
        if self.draws.chance(0.4):
            made = self._compare_counts()
            if made is not None:
                return made
        shares = self.truth.shares
        names = [c for c in COVERS if shares[c] >= SEEN_SHARE]
        pairs = [(a, b) for a in names for b in names if shares[a] > 1.4 * shares[b]]
        if not pairs:
            return self._compare_counts()
        larger, smaller = self.draws.choice(pairs)
        first, second = (larger, smaller) if self.draws.chance(0.5) else (smaller, larger)
        if self.draws.chance(0.5):
            return "compare-which", larger, first, second
        return "compare-area", "yes" if first == larger else "no", first, second

    def _compare_counts(self) -> tuple[str, ...] | None:
        counts = self.truth.counts
        names = [n for n in ("ship", "storage tank", "building") if self.occurs(n) is not None]
        if self.truth.shares["built-up area"] > 0:
            names = [n for n in names if n != "building"]
        pairs = [(a, b) for a in names for b in names if counts[a] >= counts[b] + 2 and counts[a] > 1.3 * counts[b]]
        if not pairs:
            return None
        more, fewer = self.draws.choice(pairs)
        if self.draws.chance(0.5):
            return "compare-count", "yes", more, fewer
        return "compare-count", "no", fewer, more

    def _location(self) -> tuple[str, ...] | None:
        if not self.truth.places:
            return None
        name = self.draws.choice(sorted(self.truth.places))
        return "location", self.truth.places[name], name

    def _most(self) -> tuple[str, ...] | None:
        ranked = sorted((self.truth.shares[c], c) for c in COVERS)
        if ranked[-1][0] < 0.35 or ranked[-1][0] - ranked[-2][0] < 0.08:
            return None
        return "most", ranked[-1][1]

    def _weather(self) -> tuple[str, ...] | None:
        if self.draws.chance(0.5):
            return "weather", self.weather
        if self.draws.chance(0.5):
            return "weather-check", "yes", self.weather
        return "weather-check", "no", self.draws.choice([w for w in WEATHER_ANSWERS if w != self.weather])
