"""Everything that can be asked about a description, type by type: each case is a question short of its wording.

Nothing is drawn here. A case belongs to a **group** of questions that sound alike, whatever the order in which two
things are named, and has an **outcome** within it; :mod:`engine.text.balance` sees to it that no outcome prevails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from engine.text.description import Description, Subject
from engine.text.nouns import KIND_OF, PATCHED
from engine.text.vocabulary import (
    COVER_ANSWERS,
    SHAPE_ANSWERS,
    WEATHER_ANSWERS,
    area_answer,
    length_answer,
    number_answer,
)

COUNT_RATIO, AREA_RATIO, LENGTH_RATIO = 1.3, 1.4, 1.25
"""How much more one of two has to be for the comparison to be clear at a glance."""

OBVIOUS_RATIO = 4
"""Lengths that differ by more are not compared."""

_OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
_SPREADS = {
    "single": (),
    "in rows": ("in rows",),
    "clustered": ("in rows", "clustered", "scattered"),
    "scattered": ("in rows", "clustered", "scattered"),
}
"""Which distributions are put to the test: things in rows may well be close together, or all over the picture."""

_LINE_SHAPES, _PATCH_SHAPES = SHAPE_ANSWERS[:2], SHAPE_ANSWERS[2:]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ask: ``slots`` are for :func:`~engine.text.questions.word_question`.

    ``text`` is the question itself where an annotator wrote it; then ``template`` is empty. ``together`` says that
    whether it is asked is drawn once for all such cases of its type: where one thing is hidden by night, all are, and
    each drawn by itself they would be asked about too often. So it is with what can be asked of a picture in several
    ways.
    """

    template: str
    answer: str
    slots: tuple[str, ...]
    group: str
    outcome: str
    text: str = ""
    together: bool = False


def _case(template: str, answer: str, *slots: str) -> Case:
    """A case whose group is its template and slots, and whose outcome is its answer."""
    return Case(template, answer, slots, " ".join((template, *slots)), answer)


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"


def _presence(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.present is not None:
            yield _case("presence", _yes(subject.present), subject.name)
        for cell, there in subject.cells:
            answer = _yes(there)
            yield Case("presence-in", answer, (subject.name, cell), f"presence-in {subject.name}", answer)


def _number(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.count is not None:
            yield _case("number", number_answer(subject.count), subject.name)


def _compare(about: Description) -> Iterator[Case]:
    for one, other in combinations(sorted(about.subjects, key=lambda subject: subject.name), 2):
        yield from _compare_counts(one, other)
        yield from _compare_areas(one, other)
        yield from _compare_lengths(one, other)


def _compare_counts(one: Subject, other: Subject) -> Iterator[Case]:
    """More, less or equal, of two that are both there; whether something is there at all is asked by presence.

    Things are compared with things and patches with patches.
    """
    if not one.count or not other.count:
        return
    if one.name == KIND_OF.get(other.name) or other.name == KIND_OF.get(one.name):
        return  # a part is never more than the whole
    if (one.name in PATCHED) != (other.name in PATCHED):
        return
    low, high = sorted((one.count, other.count))
    if low < high <= COUNT_RATIO * low:
        return
    lead = (one.count > other.count) - (one.count < other.count)
    group, outcome = f"count {one.name} {other.name}", str(lead)
    for first, second, more in ((one, other, lead), (other, one, -lead)):
        names = (first.name, second.name)
        yield Case("compare-count-word", ("equal", "more", "less")[more], names, group, outcome)
        if more:
            yield Case("compare-count", _yes(more > 0), names, group, outcome)


def _compare_areas(one: Subject, other: Subject) -> Iterator[Case]:
    if not one.area_px or not other.area_px or one.name not in COVER_ANSWERS or other.name not in COVER_ANSWERS:
        return
    larger, smaller = (one, other) if one.area_px > other.area_px else (other, one)
    if larger.area_px < AREA_RATIO * smaller.area_px:  # type: ignore[operator]
        return
    group = f"area {one.name} {other.name}"
    for first, second in ((one, other), (other, one)):
        names, more = (first.name, second.name), first is larger
        yield Case("compare-area", _yes(more), names, group, larger.name)
        yield Case("compare-area-word", "larger" if more else "smaller", names, group, larger.name)
        yield Case("compare-which", larger.name, names, group, larger.name)


def _compare_lengths(one: Subject, other: Subject) -> Iterator[Case]:
    """Which is longer; not where what they are says so, as of a ship and a river."""
    if not one.length_px or not other.length_px or one.name.split()[-1] == other.name.split()[-1]:
        return
    short, long = sorted((one.length_px, other.length_px))
    if LENGTH_RATIO * short <= long <= OBVIOUS_RATIO * short:
        for first, second in ((one, other), (other, one)):
            answer = _yes(first.length_px == long)
            yield Case("compare-length", answer, (first.name, second.name), "compare-length", answer)


def _location(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.location is not None:
            yield _case("location", subject.location, subject.name)
    for relation in about.relations:
        where = relation.direction
        if where is None:
            continue
        names = (relation.one, relation.other)
        yield Case("location-relative", where, names, "location-relative", where)
        if where in _OPPOSITE:
            yield Case("relation-check", "yes", (*names, where), "relation-check", "yes")
            yield Case("relation-check", "no", (*names, _OPPOSITE[where]), "relation-check", "no")


def _area(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.area_px:
            template = "area-of" if subject.name.startswith("largest ") else "area"
            yield _case(template, area_answer(subject.area_px), subject.name)


def _length(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.length_px is not None:
            yield _case("length", length_answer(subject.length_px), subject.name)


def _shape(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.shape is None:
            continue
        yield _case("shape", subject.shape, subject.name)
        for word in _LINE_SHAPES if subject.shape in _LINE_SHAPES else _PATCH_SHAPES:
            yield _case("shape-check", _yes(word == subject.shape), subject.name, word)


def _distribution(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.distribution is None:
            continue
        yield _case("distribution", subject.distribution, subject.name)
        for word in _SPREADS[subject.distribution]:
            yield _case("distribution-check", _yes(word == subject.distribution), subject.name, word)


def _distance(about: Description) -> Iterator[Case]:
    for relation in about.relations:
        if relation.distance_px is None:
            continue
        answer = length_answer(relation.distance_px)
        if relation.one == relation.other:
            yield _case("distance-between", answer, relation.one)
        else:
            yield Case("distance", answer, (relation.one, relation.other), "distance", answer)


def _most(about: Description) -> Iterator[Case]:
    if about.main_cover is not None:
        yield _case("most", about.main_cover)
    if about.main_object is not None:
        yield _case("most-object", about.main_object)


def _theme(about: Description) -> Iterator[Case]:
    if about.theme is not None:
        yield _case("theme", about.theme)
    for word, applies in about.themes:
        yield _case("theme-check", _yes(applies), word)


def _weather(about: Description) -> Iterator[Case]:
    if about.weather is not None:
        yield _case("weather", about.weather)
        for word in WEATHER_ANSWERS:
            yield _case("weather-check", _yes(word == about.weather), word)


def _match(about: Description) -> Iterator[Case]:
    if about.match is not None:
        yield _case("match", _yes(about.match))


def _urban(about: Description) -> Iterator[Case]:
    if about.urban is not None:
        yield Case("urban", "urban" if about.urban else "rural", (), "urban", _yes(about.urban), together=True)
        for word, answer in (("urban", _yes(about.urban)), ("rural", _yes(not about.urban))):
            yield Case("urban-check", answer, (word,), "urban", _yes(about.urban), together=True)


def _deduce(about: Description) -> Iterator[Case]:
    for deduction in about.deduce:
        if deduction.text:
            yield Case("", deduction.answer, (), "deduce", deduction.answer, deduction.text)
        else:
            yield _case(f"deduce-{deduction.topic}", deduction.answer)


def _quality(about: Description) -> Iterator[Case]:
    for subject in about.subjects:
        if subject.quality is None:
            continue
        seen = _yes(subject.quality in ("optical image", "both"))
        for template, answer in (("quality", subject.quality), ("quality-check", seen)):
            yield Case(template, answer, (subject.name,), f"{template} {subject.name}", answer, together=True)


CASES: dict[str, Callable[[Description], Iterator[Case]]] = {
    "compare": _compare,
    "presence": _presence,
    "location": _location,
    "number": _number,
    "area": _area,
    "shape": _shape,
    "distribution": _distribution,
    "most": _most,
    "theme": _theme,
    "fog-dark": _weather,
    "distance": _distance,
    "match": _match,
    "urban": _urban,
    "length": _length,
    "deduce": _deduce,
    "quality": _quality,
}
"""Per question type of :data:`~engine.text.questions.QUESTION_TYPES`, its cases of a description, in a fixed order."""
