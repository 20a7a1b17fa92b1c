"""Answers against a recount by other means: scikit-image draws the vectors again, scipy counts what it sees."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage import draw

from engine.scenes import Question, Sample, make_sample
from engine.scenes.scene import COVERS, WATERS, Disc, Item, Line, Polygon
from engine.text import LOCATION_ANSWERS, NOUNS, TEMPLATES, WEATHER_ANSWERS, number_answer, word_question

SCENES = range(60)


def meanings() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every question text there can be, and what it asks: template and subjects."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, template in TEMPLATES.items():
        subjects: list[tuple[str, ...]] = [(noun,) for noun in NOUNS]
        if name.startswith("compare"):
            subjects = list(permutations(NOUNS, 2))
        elif name == "weather-check":
            subjects = [(word,) for word in WEATHER_ANSWERS]
        for subject in subjects:
            for choice in range(len(template.train)):
                found.setdefault(word_question(name, "train", choice, *subject), (name, subject))
    return found


def redraw(sample: Sample) -> NDArray[np.str_]:
    """The class on top at each pixel, drawn with scikit-image at pixel centres."""
    size = sample.scene.size
    out = np.full((size, size), sample.scene.items[0].name, dtype="U16")
    for item in sample.scene.items[1:]:
        for points in outlines(item):
            x, y = np.array(points).T
            rows, columns = draw.polygon(y, x, out.shape)  # type: ignore[no-untyped-call]
            out[rows, columns] = item.name
    return out


def outlines(item: Item) -> list[list[tuple[float, float]]]:
    shape = item.shape
    if isinstance(shape, Polygon):
        return [list(shape.points)]
    if isinstance(shape, Disc):
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        (cx, cy), r = shape.centre, shape.radius + 0.3
        return [[(cx + r * np.cos(a), cy + r * np.sin(a)) for a in angles]]
    assert isinstance(shape, Line)
    bands = []
    for (ax, ay), (bx, by) in zip(shape.points, shape.points[1:], strict=False):
        length = np.hypot(bx - ax, by - ay)
        nx, ny = -(by - ay) / length * shape.width / 2, (bx - ax) / length * shape.width / 2
        bands.append([(ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)])
    return bands


class Recount:
    """The facts of a scene, from the redrawn picture alone."""

    def __init__(self, sample: Sample) -> None:
        self.names = redraw(sample)
        self.size = sample.scene.size

    def mask(self, name: str) -> NDArray[np.bool_]:
        if name == "water":
            return np.isin(self.names, WATERS)
        return np.isin(self.names, name.removesuffix("s"))  # "storage tanks" are many of "storage tank"

    def share(self, name: str) -> float:
        return float(self.mask(name).mean())

    def count(self, name: str) -> int:
        return int(ndimage.label(self.mask(name), np.ones((3, 3)))[1])

    def place(self, name: str) -> str:
        rows, columns = np.nonzero(self.mask(name))
        middle = [(span.min() + span.max() + 1) / 2 for span in (rows, columns)]
        row, column = (int(m * 3 / self.size) for m in middle)
        return LOCATION_ANSWERS[row * 3 + column]

    def expected(self, template: str, subjects: tuple[str, ...], weather: str) -> str:
        yes_no = {True: "yes", False: "no"}
        match template, *subjects:
            case "presence", name:
                return yes_no[bool(self.mask(name).any())]
            case "number", name:
                return number_answer(self.count(name))
            case "compare-count", one, other:
                return yes_no[self.count(one) > self.count(other)]
            case "compare-area", one, other:
                return yes_no[self.share(one) > self.share(other)]
            case "compare-which", one, other:
                return max((one, other), key=self.share)
            case "location", name:
                return self.place(name)
            case "most", *_:
                return max(COVERS, key=self.share)
            case "weather", *_:
                return weather
            case "weather-check", name:
                return yes_no[name == weather]
            case _:
                raise ValueError(template)


@pytest.fixture(scope="module")
def recounted() -> list[tuple[int, Sample, Recount]]:
    samples = {seed: make_sample(seed, questions_per_type=4) for seed in SCENES}
    return [(seed, sample, Recount(sample)) for seed, sample in samples.items()]


@pytest.fixture(scope="module")
def asked(recounted: list[tuple[int, Sample, Recount]]) -> list[tuple[int, Question, str]]:
    """Every question of the scenes with the answer that the recount gives."""
    meaning = meanings()
    rows = []
    for seed, sample, recount in recounted:
        weather = {"clear": "clear", "cloud": "cloudy", "dark": "dark"}[sample.weather]
        for question in sample.questions:
            template, subjects = meaning[question.text]
            assert template == question.template
            rows.append((seed, question, recount.expected(template, subjects, weather)))
    return rows


def test_answers_agree_with_the_recount(asked: list[tuple[int, Question, str]]) -> None:
    wrong = [(seed, q.text, q.answer, expected) for seed, q, expected in asked if q.answer != expected]
    assert not wrong
    assert len(asked) > 1200


@pytest.mark.parametrize("kind", ["presence", "number", "compare", "location", "most", "fog-dark"])
def test_every_type_was_recounted(kind: str, asked: list[tuple[int, Question, str]]) -> None:
    assert sum(q.type == kind for _, q, _ in asked) > 100


def test_counts_and_shares_agree_with_the_recount(recounted: list[tuple[int, Sample, Recount]]) -> None:
    for seed, sample, recount in recounted:
        for name, count in sample.truth.counts.items():
            assert recount.count(name) == count, (seed, name)
        for name in COVERS:
            assert recount.share(name) == pytest.approx(sample.truth.shares[name], abs=0.012), (seed, name)
