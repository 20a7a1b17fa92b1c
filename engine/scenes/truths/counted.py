"""What is known of things that are counted: objects and marks."""

from __future__ import annotations

from engine.scenes.scene import KINDS, MARKS, OBJECTS, Line
from engine.scenes.surface import outline_points
from engine.scenes.truths import measures
from engine.scenes.truths.facts import Box, Thing
from engine.scenes.truths.reading import Reading
from engine.text import NOUNS, Subject
from engine.text.cases import LENGTH_RATIO

_SEEN_PX = 4
"""A thing of which less than this is left under others is neither there nor not there."""

_LONG_THINGS = ("ship", "building", "bridge", "parking lot", "tennis court", "ground track field", "swimming pool")
"""Classes that are longer than wide, so that everybody means the same by their length."""


def read_counted(reading: Reading) -> list[Subject]:
    """Every class of objects and marks, kinds of ships, groups that lie together, and the longest of a class."""
    found: list[Subject] = []
    for name in (*OBJECTS, *MARKS):
        found += _class(reading, name, reading.facts.named(name))
    for kind in KINDS["ship"]:
        found += _class(reading, kind, [thing for thing in reading.facts.named("ship") if thing.kind == kind])
    return found


def _class(reading: Reading, name: str, things: list[Thing]) -> list[Subject]:
    if any(thing.area_px < _SEEN_PX for thing in things):
        return []
    if reading.uncountable(name):
        return [Subject(name, present=True if things else None)]
    single = things[0] if len(things) == 1 else None
    size = reading.size
    found = [
        Subject(
            name,
            present=bool(things),
            cells=reading.cells_of_things(things),
            count=len(things),
            location=measures.place(single.box, size) if single else None,
            distribution="single" if single else _spread(things, size),
            length_px=_length(reading, single) if single and single.whole else None,
        )
    ]
    plural = NOUNS[name].many
    if len(things) > 1 and plural in NOUNS:
        found.append(Subject(plural, location=measures.place(_union(things), size)))
    if len(things) > 1 and f"longest {name}" in NOUNS:
        found += _longest(reading, name, things)
    return found


def _spread(things: list[Thing], size: int) -> str | None:
    groups = [thing.group for thing in things if thing.group]
    together = any(groups.count(group) >= 3 for group in dict.fromkeys(groups))
    return measures.distribution([thing.centre for thing in things], size, grouped=together)


def _length(reading: Reading, thing: Thing) -> float | None:
    """Length of a thing of a long sort, in pixels of the 256 view."""
    return reading.clear_length(_extent(reading, thing)) if thing.name in _LONG_THINGS else None


def _extent(reading: Reading, thing: Thing) -> float:
    item = reading.scene.items[thing.item]
    if isinstance(item.shape, Line):
        return measures.path_length(measures.along_line(item.shape.points, reading.size))
    return measures.longer_side(outline_points(item), item.angle_deg)


def _longest(reading: Reading, name: str, things: list[Thing]) -> list[Subject]:
    """The thing that is clearly longer than all others of its class, all of them wholly in the view."""
    if not all(thing.whole for thing in things):
        return []
    ranked = sorted(((_extent(reading, thing), thing.id) for thing in things), reverse=True)
    if ranked[0][0] < LENGTH_RATIO * ranked[1][0]:
        return []
    longest = reading.facts.things[ranked[0][1]]
    where = measures.place(longest.box, reading.size)
    return [Subject(f"longest {name}", location=where, length_px=_length(reading, longest))]


def _union(things: list[Thing]) -> Box:
    boxes = [thing.box for thing in things]
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))
