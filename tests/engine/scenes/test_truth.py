"""Answers against a recount by other means (``recount``): no question of random scenes may contradict it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from skimage import measure

from engine.draws import Draws
from engine.scenes import Question, Truth, make_sample, make_truth
from engine.scenes.scene import COVERS, OBJECTS
from engine.text import (
    AREA_ANSWERS,
    COVER_ANSWERS,
    LENGTH_ANSWERS,
    LOCATION_ANSWERS,
    OBJECT_ANSWERS,
    QUESTION_TYPES,
    Asker,
    number_answer,
)
from tests.engine.scenes.recount import Recount, fill_of_rectangle, longer_side, meaning, skeleton_path

FAST, ALL = 60, 200
FIRST_SEED = 700_000
WEATHER_WORDS = {"clear": "clear", "cloud": "cloudy", "fog": "foggy", "dark": "dark"}

Check = Callable[[Recount, Truth, str, tuple[str, ...]], bool]


def agrees(answer: str, truth: bool) -> bool:
    return (answer == "yes") == truth


def in_bin(answer: str, value: float, answers: tuple[str, ...], slack: float) -> bool:
    """Whether ``value`` lies in the bin, give or take ``slack``; bins are read from their words."""
    if answer not in answers:
        return False
    numbers = [int(word) for word in answer.replace("-", " ").split() if word.isdigit()]
    low, high = (numbers[0], math.inf) if len(numbers) == 1 else numbers
    return low - slack <= value <= high + slack


def presence(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return agrees(answer, there(slots[0], r.mask(slots[0])))


def there(name: str, mask: np.ndarray) -> bool:
    """Whether there is any of it; of a cover, more than slivers, on which two ways to draw disagree."""
    return bool(mask.sum() > (20 if name in COVERS else 0))


def presence_in(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    name, cell = slots
    row, column = divmod(LOCATION_ANSWERS.index(cell), 3)
    edges = [round(r.size * third / 3) for third in range(4)]
    part = r.mask(name)[edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
    return agrees(answer, there(name, part))


def number(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return answer == number_answer(len(r.patches(slots[0])))


def compare_count(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    one, other = (len(r.patches(name)) for name in slots)
    return answer == {"yes": "yes", "no": "no"}[answer] and agrees(answer, one > other)


def compare_count_word(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    one, other = (len(r.patches(name)) for name in slots)
    return answer == ("equal" if one == other else "more" if one > other else "less")


def compare_area(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return agrees(answer, r.share(slots[0]) > r.share(slots[1]))


def compare_area_word(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return answer == ("larger" if r.share(slots[0]) > r.share(slots[1]) else "smaller")


def compare_which(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return answer == max(slots, key=r.share)


def compare_length(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    one, other = (length_of(r, name) for name in slots)
    return agrees(answer, one > other)


def length_of(r: Recount, name: str) -> float:
    """In pixels of the 256 view."""
    if name == "river":
        band = np.isin(r.names, ["river"])[r.ground]
        path = skeleton_path(np.pad(band, 24, mode="edge"))
        inside = path[((path >= 24) & (path < 24 + r.size)).all(axis=1)]
        length = float(np.hypot(*np.diff(inside, axis=0).T).sum())
    elif "road" in name or name in ("runway", "pier"):
        band = way_band(r, name)
        # Across a band of w pixels the distances to its outside are 1, 2, .. w / 2 .. 2, 1: (w + 2) / 4 on average.
        width = 4 * ndimage.distance_transform_edt(np.pad(band, 9, mode="edge"))[9:-9, 9:-9][band].mean() - 2
        length = band.sum() / width
    else:
        length = longer_side(r.named(name)[0])
    return length * 256 / r.size


def way_band(r: Recount, name: str) -> np.ndarray:
    """Where a way is, with its bridges and with what stands on it."""
    mask = r.mask(name) | (r.mask("bridge") if "road" in name else r.mask("airplane")) | r.mask("vehicle")
    labels = measure.label(mask, connectivity=2)
    return labels == np.bincount(labels[r.mask(name)]).argmax()


def location(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    top, left, bottom, right = r.box(slots[0])
    if "road" in slots[0] or slots[0] in ("runway", "pier"):
        rows, columns = np.nonzero(way_band(r, slots[0]))
        top, left, bottom, right = rows.min(), columns.min(), rows.max(), columns.max()
    row, column = (min(int((low + high) / 2 * 3 / r.size), 2) for low, high in ((top, bottom), (left, right)))
    return answer == LOCATION_ANSWERS[row * 3 + column]


def bearing(r: Recount, slots: tuple[str, ...]) -> float:
    """Degrees clockwise from straight up."""
    (ax, ay), (bx, by) = (r.middle(name) for name in slots[:2])
    return math.degrees(math.atan2(ax - bx, by - ay)) % 360


def location_relative(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    ways = ("top", "top right", "right", "bottom right", "bottom", "bottom left", "left", "top left")
    return answer == ways[round(bearing(r, slots) / 45) % 8]


def relation_check(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    """Yes where it lies within 45 degrees of that side, no where it does of the opposite one."""
    off = abs((bearing(r, slots) - {"top": 0, "right": 90, "bottom": 180, "left": 270}[slots[2]] + 180) % 360 - 180)
    return off < 45 if answer == "yes" else off > 135


def area(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    value = r.area_px(slots[0])
    return in_bin(answer, value, AREA_ANSWERS, 0.02 * value)


def length(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    value = length_of(r, slots[0])
    return in_bin(answer, value, LENGTH_ANSWERS, max(1.5, 0.08 * value))


def looks(r: Recount, name: str, word: str) -> bool:
    """Whether a thing may be called ``word``, with looser limits than the world's."""
    if name == "river":
        band = r.mask("river") | r.mask("bridge")
        path = skeleton_path(band)
        trim = max(8, round(0.8 * band.sum() / len(path)))  # a skeleton's ends fork towards the corners
        path = path[trim:-trim]
        chord = path[-1] - path[0]
        stray = np.abs((path - path[0]) @ np.array((-chord[1], chord[0]))).max() / (chord @ chord)
        return bool(stray < 0.05 if word == "straight" else stray > 0.03)
    if "road" in name or name in ("runway", "pier"):
        rows, columns = np.nonzero(r.mask(name))
        points = np.stack((columns - columns.mean(), rows - rows.mean()), 1)
        across, along = (points @ np.linalg.svd(points, full_matrices=False)[2][axis] for axis in (1, 0))
        bend = (np.ptp(across) - len(points) / np.ptp(along)) / np.ptp(along)
        return bool(bend < 0.1 if word == "straight" else bend > 0.03)
    part = r.named(name)[0]
    slim = part.axis_minor_length / part.axis_major_length
    return {
        "round": slim > 0.68 and part.solidity > 0.88,
        "rectangular": fill_of_rectangle(part) > 0.9,
        "elongated": slim < 0.6,
        "irregular": part.solidity < 0.83,
    }[word]


def shape(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return looks(r, slots[0], answer)


def shape_check(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    if answer == "yes":
        return looks(r, *slots)
    told = next(s.shape for s in t.description.subjects if s.name == slots[0])
    return told is not None and told != slots[1] and looks(r, slots[0], told)


def spread(r: Recount, name: str, word: str) -> bool:
    """Whether things may be called so spread."""
    spots = np.array([part.centroid for part in r.patches(name)])
    if word == "single":
        return len(spots) == 1
    extent = np.ptp(spots, axis=0)
    if word == "clustered":
        return bool(extent.max() < 0.27 * r.size)
    return bool(extent.min() > 0.38 * r.size) if word == "scattered" else in_rows(spots)


def in_rows(spots: np.ndarray) -> bool:
    """Whether some direction sorts all spots into rows of three or more that are narrower than they are long."""
    for angle in np.radians(np.arange(0, 180, 0.5)):
        u, v = spots @ (math.cos(angle), math.sin(angle)), spots @ (-math.sin(angle), math.cos(angle))
        order = np.argsort(v)
        for gap in (3.0, 6.0, 12.0):
            rows = np.split(order, np.flatnonzero(np.diff(v[order]) > gap) + 1)
            if all(len(row) >= 3 and np.ptp(v[row]) < 0.35 * np.ptp(u[row]) for row in rows):
                return True
    return False


def distribution(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return spread(r, slots[0], answer)


def distribution_check(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return spread(r, *slots) if answer == "yes" else slots[1] == "in rows" or not spread(r, *slots)


def distance(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    if len(slots) == 1:
        one, other = (part.centroid for part in r.patches(slots[0]))
    else:
        one, other = (r.middle(name) for name in slots)
    return in_bin(answer, math.dist(one, other) * 256 / r.size, LENGTH_ANSWERS, 1.0)


def most(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return answer == max(COVERS, key=r.share)


def most_object(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    counts = Counter({name: len(r.patches(name)) for name in OBJECTS})
    (first, most), (_, second) = counts.most_common(2)
    return answer == first and most > second and set(OBJECTS) == set(OBJECT_ANSWERS)


def is_theme(r: Recount, word: str) -> bool:
    """Whether there is the least evidence for a kind of place."""
    town = r.names == "built-up area"
    grounds = ("tennis court", "basketball court", "baseball diamond", "ground track field")
    return bool({
        "residential area": (town & (r.kinds == "residential"))[r.ground].mean() > 0.3,
        "industrial area": (town & (r.kinds == "industrial"))[r.ground].mean() + r.share("concrete") > 0.25,
        "harbor": len(r.patches("harbor")) > 0,
        "airport": r.mask("runway").any() or r.mask("airplane").any(),
        "sports ground": sum(len(r.patches(name)) for name in grounds) > 2,
        "farmland": r.share("farmland") > 0.5,
        "natural area": sum(r.share(n) for n in ("forest", "grassland", "bare land", "wetland", "water")) > 0.75,
        "coast": r.share("sea") > 0.1,
    }[word])  # fmt: skip


def theme(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return is_theme(r, answer)


def theme_check(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    if slots[0] == "natural area" and answer == "no":  # grass in a town is no nature
        return True
    return agrees(answer, is_theme(r, slots[0]))


def urban(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    built = r.share("built-up area") + r.share("concrete")
    claim = answer if not slots else slots[0] if answer == "yes" else {"urban": "rural", "rural": "urban"}[slots[0]]
    return built > 0.37 if claim == "urban" else built < 0.14


def weather(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    word = WEATHER_WORDS[t.condition.weather]
    return answer == word if not slots else agrees(answer, slots[0] == word)


def match(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return agrees(answer, t.condition.pair != "other")


DEDUCED: dict[str, Callable[[Recount], bool]] = {
    "swim": lambda r: bool(r.mask("water").any() or r.mask("swimming pool").any()),
    "land a plane": lambda r: bool(r.mask("runway").any()),
    "berth a ship": lambda r: bool(r.mask("pier").any() or r.patches("harbor")),
    "drive": lambda r: bool(r.mask("road").any()),
    "shade": lambda r: bool(r.mask("forest").any()),
    "cross the river": lambda r: bool(r.mask("bridge").any()),
    "grow crops": lambda r: bool(r.mask("farmland").any()),
    "store liquids": lambda r: bool(r.mask("storage tank").any()),
    "play tennis": lambda r: bool(r.mask("tennis court").any()),
    "run a race": lambda r: bool(r.mask("ground track field").any()),
    "park cars": lambda r: bool(r.mask("parking lot").any()),
    "live": lambda r: bool(((r.names == "built-up area") & (r.kinds == "residential"))[r.ground].any()),
    "carry electricity": lambda r: bool(r.mask("transmission tower").any()),
}


def deduce(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    return agrees(answer, DEDUCED[slots[0]](r))


def quality(r: Recount, t: Truth, answer: str, slots: tuple[str, ...]) -> bool:
    """Against the weather alone; how much of a thing lies under cloud is checked with the picture."""
    condition = t.condition
    hidden = answer in ("SAR image", "neither", "no")
    if condition.pair == "other" and answer in ("both", "SAR image"):
        return False
    return condition.weather != "clear" if hidden else condition.weather in ("clear", "cloud")


CHECKS: dict[str, Check] = {
    "presence": presence, "presence-in": presence_in, "number": number,
    "compare-count": compare_count, "compare-count-word": compare_count_word, "compare-area": compare_area,
    "compare-area-word": compare_area_word, "compare-which": compare_which, "compare-length": compare_length,
    "location": location, "location-relative": location_relative, "relation-check": relation_check,
    "area": area, "area-of": area, "length": length, "shape": shape, "shape-check": shape_check,
    "distribution": distribution, "distribution-check": distribution_check,
    "distance": distance, "distance-between": distance, "most": most, "most-object": most_object,
    "theme": theme, "theme-check": theme_check, "urban": urban, "urban-check": urban,
    "weather": weather, "weather-check": weather, "match": match, "quality": quality, "quality-check": quality,
}  # fmt: skip


def judged(seeds: range) -> tuple[list[tuple[int, Question]], Counter[str]]:
    """Questions of these seeds that the recount contradicts, and how many of each type it looked at."""
    wrong: list[tuple[int, Question]] = []
    seen: Counter[str] = Counter()
    for seed in seeds:
        truth = make_truth(seed, questions_per_type=0)
        recount = Recount(truth.scene)
        # Without the balance, so that what is seldom asked is recounted too.
        for question in Asker(Draws(seed, 50), truth.description, "train").ask(4):
            seen[question.type] += 1
            if not is_fine(recount, truth, question):
                wrong.append((seed, question))
    return wrong, seen


def is_fine(recount: Recount, truth: Truth, question: Question) -> bool:
    """Whether the recount bears a question's answer out; what it cannot find at all, it does not."""
    if question.type == "deduce":
        return deduce(recount, truth, question.answer, (question.template.removeprefix("deduce-"),))
    try:
        return CHECKS[question.template](recount, truth, question.answer, meaning(question))
    except (IndexError, ValueError):
        return False


def test_answers_agree_with_the_recount() -> None:
    wrong, seen = judged(range(FIRST_SEED, FIRST_SEED + FAST))
    assert not wrong
    assert set(seen) == set(QUESTION_TYPES)
    assert min(seen.values()) >= 8, seen
    assert seen.total() > 20 * FAST


@pytest.mark.slow
def test_answers_agree_with_the_recount_on_many_scenes() -> None:
    wrong, seen = judged(range(FIRST_SEED + FAST, FIRST_SEED + ALL))
    assert not wrong
    assert min(seen.values()) >= 60, seen


def another(question: Question) -> str | None:
    """An answer of the same sort that is wrong."""
    if question.answer in ("yes", "no") and question.template in ("presence", "compare-area", "match", "weather-check"):
        return "no" if question.answer == "yes" else "yes"
    if question.template == "number":
        return "3" if question.answer == "0" else "0"
    sorts = {"area": AREA_ANSWERS, "location": LOCATION_ANSWERS, "distance": LENGTH_ANSWERS, "most": COVER_ANSWERS}
    answers = sorts.get(question.template)
    return None if answers is None else answers[(answers.index(question.answer) + 4) % len(answers)]


def test_a_wrong_answer_is_found() -> None:
    """The recount is no rubber stamp: other answers of the same sort are contradicted."""
    caught = []
    for seed in range(FIRST_SEED, FIRST_SEED + 12):
        truth = make_truth(seed, questions_per_type=2)
        recount = Recount(truth.scene)
        for question in truth.questions:
            wrong = another(question)
            if wrong is not None:
                caught.append(not is_fine(recount, truth, replace(question, answer=wrong)))
    assert len(caught) > 40
    assert np.mean(caught) > 0.97


def test_what_is_hidden_by_cloud_is_left_to_the_radar() -> None:
    """``quality`` against the cloud of the rendered picture."""
    looked = 0
    for seed in range(FIRST_SEED, FIRST_SEED + 14):
        sample = make_sample(seed, weather="cloud", questions_per_type=0)
        recount = Recount(sample.scene)
        for subject in sample.description.subjects:
            if subject.quality is not None:
                covered = float(sample.hidden[recount.mask(subject.name)].mean())
                assert covered > 0.75 if subject.quality in ("SAR image", "neither") else covered < 0.15, (
                    seed,
                    subject,
                )
                looked += 1
    assert looked > 10
