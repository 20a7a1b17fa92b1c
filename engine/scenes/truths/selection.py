"""Which things of a scene an expression means, with the cases that are too close to call.

A condition ("on the left", "beside the road") holds of a thing, does not, or is unclear: between where everybody would
say yes and where everybody would say no there is room, and an expression that leaves any thing there is not used. The
bounds on both sides of that room are the constants below, in shares or pixels of the view.

Order of reading: attributes, then the place, then the relation, and a superlative ("largest", "nearest to") among what
is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.scene import COLOURS, COVERS, KINDS, WATERS, Point
from engine.scenes.truths.facts import Box, Facts, Thing
from engine.text.direction_words import Way
from engine.text.expression_words import DUTIES
from engine.text.expressions import Parsed, Relation, Superlative

Verdict = bool | None
"""Yes, no, or too close to call."""

SIDE_YES, SIDE_NO = 0.4, 0.5
"""A centre is on the left up to the first share of the view, and not from the second on."""

MIDDLE_YES, MIDDLE_NO = 0.14, 0.2
"""The same for the middle, as the distance from it."""

COMPACT_SHARE = 0.5
"""What is wider or higher than this share of the view is in no one place of it."""

ANGLE_YES, ANGLE_NO = 42.0, 60.0
"""Degrees off the way that a thing may lie to be "left of" another; for corners two thirds of them."""

NEAR_PX, FAR_PX = 6, 12
"""A thing is beside another up to the first distance between their pixels (the longer of columns and rows)."""

CROSSING_PX, APART_PX = 2, 6
"""The same for a bridge and what it crosses."""

ON_YES, ON_NO = 0.7, 0.25
"""Share of what lies under or around a thing that has to be the thing it is on."""

AROUND_YES, AROUND_NO, AROUND_PX = 0.8, 0.6, 3
"""Share of a strip of that many pixels around a thing that has to be what it is surrounded by."""

SIZE_RATIO, BEST_RATIO = 1.8, 1.3
"""How many times larger the large ones are than the others, and the largest than the second."""

APART_SHARE, EDGE_PX = 0.025, 2
"""How much further left the leftmost is: by its centre, a share of the view, and by its edge, in pixels."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Ids of the things that are meant, in order; ``clear`` says that nothing was too close to call."""

    members: tuple[int, ...]
    clear: bool


_NOTHING_CLEAR = Selection((), False)


class Selector:
    """Answers what expressions mean in one scene."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.size = facts.scene.size
        self._by_name: dict[str, list[Thing]] = {}
        for thing in facts.things:
            self._by_name.setdefault(thing.name, []).append(thing)
        self._names = np.array([item.name for item in facts.scene.items])
        self._masks: dict[tuple[int, ...], NDArray[np.bool_]] = {}
        self._reached: dict[tuple[str, tuple[int, ...], int], set[int]] = {}

    def named(self, category: str) -> list[Thing]:
        """The things of one class."""
        return self._by_name.get(category, [])

    def select(self, parsed: Parsed) -> Selection:
        """What ``parsed`` means here."""
        things = self._with_attributes(parsed)
        if things is None:
            return _NOTHING_CLEAR
        if parsed.position is not None:
            way = parsed.position
            things = _keep(things, lambda thing: self.lies(thing, way))
        if things is not None and parsed.relation is not None:
            things = self._related(things, parsed.relation)
        if things is not None and parsed.superlative is not None:
            things = self._best(things, parsed.superlative)
        return _NOTHING_CLEAR if things is None else Selection(tuple(thing.id for thing in things), True)

    # ---- attributes

    def kind(self, thing: Thing) -> str:
        """The kind of ``thing``; a built-up area has that of nearly all of its ground."""
        if thing.name != "built-up area":
            return thing.kind
        ground = self.facts.ground[self.facts.mask(thing)]
        kinds = [self.facts.scene.items[index].kind for index in np.flatnonzero(np.bincount(ground))]
        return kinds[0] if len(set(kinds)) == 1 else ""

    def _with_attributes(self, parsed: Parsed) -> list[Thing] | None:
        things: list[Thing] | None = self.named(parsed.category)
        for attribute in sorted(parsed.attributes, key=lambda a: a in ("large", "small")):
            if things is not None:
                things = self._with_attribute(things, parsed.category, attribute)
        return things

    def _with_attribute(self, things: list[Thing], category: str, attribute: str) -> list[Thing] | None:
        """Those of ``things`` that ``attribute`` is said of; sizes are compared among ``things``."""
        if attribute in ("large", "small"):
            return _sized(things, attribute)
        if attribute in COLOURS:
            return _keep(things, lambda thing: (thing.colour == attribute) if thing.colour else None)
        kinds = DUTIES.get(attribute, (attribute,))
        if not set(kinds) <= set(KINDS.get(category, ())):
            return None
        return _keep(things, lambda thing: (kind in kinds) if (kind := self.kind(thing)) else None)

    # ---- places

    def lies(self, thing: Thing, way: Way) -> Verdict:
        """Whether ``thing`` lies ``way`` in the view."""
        left, top, right, bottom = thing.box
        if max(right - left, bottom - top) > COMPACT_SHARE * self.size:
            return None
        verdicts = [
            _on_side(at / self.size, step) for at, step in zip(thing.centre, way, strict=True) if step is not None
        ]
        return False if False in verdicts else None if None in verdicts else True

    # ---- relations

    def _related(self, things: list[Thing], relation: Relation) -> list[Thing] | None:
        reference = self.select(relation.reference)
        if not reference.clear or not reference.members:
            return None
        if relation.kind in ("direction", "nearest"):
            if len(reference.members) > 1:
                return None
            other = self.facts.things[reference.members[0]]
            if max(_sides(other)) > COMPACT_SHARE * self.size:
                return None
            things = [thing for thing in things if thing is not other]
            if relation.kind == "nearest":
                return _nearest(things, other)
            way = relation.way or (None, None)
            return _keep(things, lambda thing: seen_from(thing, other, way))
        tests: dict[str, Callable[[Thing], Verdict]] = {
            "beside": lambda thing: self._close(thing, reference.members, NEAR_PX, FAR_PX),
            "along": lambda thing: self._close(thing, reference.members, NEAR_PX, FAR_PX),
            "over": lambda thing: self._close(thing, reference.members, CROSSING_PX, APART_PX),
            "on": lambda thing: _above(self._support(thing, reference.members), ON_YES, ON_NO),
            "in": lambda thing: _above(self._support(thing, reference.members), ON_YES, ON_NO),
            "surrounded": lambda thing: self._surrounded(thing, reference.members),
            "with": lambda thing: self._holds(thing, reference.members),
        }
        return _keep(things, tests[relation.kind])

    def mask(self, members: tuple[int, ...]) -> NDArray[np.bool_]:
        """The pixels of all ``members``, which are of one class, bool [size, size]."""
        if members not in self._masks:
            first = self.facts.things[members[0]]
            if first.item >= 0:
                chosen = np.zeros(len(self.facts.scene.items), bool)
                chosen[[self.facts.things[member].item for member in members]] = True
                self._masks[members] = chosen[self.facts.top]
            else:
                chosen = np.zeros(len(self.facts.things) + 1, bool)
                chosen[[member + 1 for member in members]] = True
                self._masks[members] = chosen[self.facts.labels[first.name]]
        return self._masks[members]

    def _close(self, thing: Thing, members: tuple[int, ...], near: int, far: int) -> Verdict:
        """Whether ``thing`` is at most ``near`` pixels (the longer of columns and rows) from any of ``members``."""
        if thing.id in self._within(thing.name, members, near):
            return True
        return None if thing.id in self._within(thing.name, members, far - 1) else False

    def _within(self, name: str, members: tuple[int, ...], px: int) -> set[int]:
        """Ids of the things of one class that have a pixel at most ``px`` from one of ``members``."""
        key = (name, members, px)
        if key not in self._reached:
            grown = _grown(_grown(self.mask(members), px).T, px).T
            things = self.named(name)
            if things[0].item >= 0:
                touched = np.bincount(self.facts.top[grown], minlength=len(self.facts.scene.items))
                self._reached[key] = {one.id for one in things if touched[one.item]}
            else:
                touched = np.bincount(self.facts.labels[name][grown], minlength=len(self.facts.things) + 1)
                self._reached[key] = {one.id for one in things if touched[one.id + 1]}
        return self._reached[key]

    def _support(self, thing: Thing, members: tuple[int, ...]) -> float:
        """Share of ``members`` in what is under ``thing`` (a cover, water, a harbor) or around it (roads, lots)."""
        reference = self.mask(members)
        rows, columns, own = self._cut(thing, 1)
        around = reference[rows, columns]
        if self.facts.things[members[0]].name in (*COVERS, *WATERS, "harbor"):
            return float(around[own].mean())
        alike = self._names[self.facts.top[rows, columns]] == thing.name
        ring = ndimage.binary_dilation(own, np.ones((3, 3))) & ~alike
        return float(around[ring].mean()) if ring.any() else 0.0

    def _surrounded(self, thing: Thing, members: tuple[int, ...]) -> Verdict:
        """By the strip around ``thing``; of one that the view cuts off the rest may be surrounded by something else."""
        rows, columns, own = self._cut(thing, AROUND_PX)
        ring = ndimage.binary_dilation(own, np.ones((3, 3)), AROUND_PX) & ~own
        if not ring.any():
            return None
        verdict = _above(float(self.mask(members)[rows, columns][ring].mean()), AROUND_YES, AROUND_NO)
        return verdict if thing.whole or verdict is False else None

    def _holds(self, thing: Thing, members: tuple[int, ...]) -> Verdict:
        """Whether any of ``members`` is in or on ``thing``."""
        verdicts = [
            _above(self._support(other, (thing.id,)), ON_YES, ON_NO)
            for other in (self.facts.things[member] for member in members)
            if gap(other, thing) == 0
        ]
        return True if True in verdicts else None if None in verdicts else False

    def _cut(self, thing: Thing, margin: int) -> tuple[slice, slice, NDArray[np.bool_]]:
        """Rows and columns of the box of ``thing`` widened by ``margin``, and its pixels in there."""
        left, top, right, bottom = thing.box
        rows = slice(max(0, top - margin), min(self.size, bottom + margin))
        columns = slice(max(0, left - margin), min(self.size, right + margin))
        if thing.item >= 0:
            return rows, columns, self.facts.top[rows, columns] == thing.item
        return rows, columns, self.facts.labels[thing.name][rows, columns] == thing.id + 1

    # ---- superlatives

    def _best(self, things: list[Thing], superlative: Superlative) -> list[Thing] | None:
        kind, rank = superlative.kind, superlative.rank
        if len(things) <= rank:
            return None
        if kind in _EDGES:
            return self._outermost(things, *_EDGES[kind], rank)
        if kind in ("smallest", "shortest") and not all(thing.whole for thing in things):
            return None
        measure = {"largest": _area, "smallest": _area, "longest": self.length, "shortest": self.length}[kind]
        sign = 1 if kind in ("smallest", "shortest") else -1
        order = sorted(things, key=lambda thing: (sign * measure(thing), thing.id))
        for one, other in pairwise(order[: rank + 1]):
            if max(measure(one), measure(other)) < BEST_RATIO * min(measure(one), measure(other)):
                return None
        return [order[rank - 1]]

    def _outermost(self, things: list[Thing], axis: int, sign: int, rank: int) -> list[Thing] | None:
        """The ``rank``-th of ``things`` from one side of the view, clear by centres and by edges."""

        def edge(thing: Thing) -> int:
            return sign * thing.box[axis if sign > 0 else axis + 2]

        order = sorted(things, key=lambda thing: (sign * thing.centre[axis], thing.id))
        chosen = order[rank - 1]
        for other in order:
            if other is not chosen:
                side = 1 if order.index(other) >= rank else -1
                apart = side * sign * (other.centre[axis] - chosen.centre[axis])
                if apart < APART_SHARE * self.size or side * (edge(other) - edge(chosen)) < EDGE_PX:
                    return None
        return [chosen]

    def length(self, thing: Thing) -> float:
        """How far the pixels of ``thing`` reach along their principal axis, in pixels."""
        rows, columns = np.nonzero(self._cut(thing, 0)[2])
        points = np.stack((columns - columns.mean(), rows - rows.mean()), 1)
        axis = np.linalg.eigh(points.T @ points)[1][:, 1]
        return float(np.ptp(points @ axis)) + 1


_EDGES: dict[str, tuple[int, int]] = {
    "leftmost": (0, 1),
    "rightmost": (0, -1),
    "topmost": (1, 1),
    "bottommost": (1, -1),
}


def seen_from(thing: Thing, other: Thing, way: Way) -> Verdict:
    """Whether ``thing`` lies ``way`` from ``other``, by the line between their centres; unclear if one holds both."""
    x, y = thing.centre[0] - other.centre[0], thing.centre[1] - other.centre[1]
    distance = math.hypot(x, y)
    if distance < NEAR_PX or _within_box(thing.centre, other.box) or _within_box(other.centre, thing.box):
        return None
    step = (way[0] or 0, way[1] or 0)
    off = math.degrees(math.acos(max(-1.0, min(1.0, (x * step[0] + y * step[1]) / distance / math.hypot(*step)))))
    scale = 2 / 3 if all(step) else 1.0
    return _below(off, ANGLE_YES * scale, ANGLE_NO * scale)


def _within_box(point: Point, box: Box) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def gap(thing: Thing, other: Thing) -> int:
    """Pixels between two boxes, the longer of columns and rows; 0 where they touch or overlap."""
    across = max(thing.box[0] - other.box[2], other.box[0] - thing.box[2])
    return max(0, across, thing.box[1] - other.box[3], other.box[1] - thing.box[3])


def _grown(mask: NDArray[np.bool_], px: int) -> NDArray[np.bool_]:
    """``mask`` widened by ``px`` rows up and down; by doubling, a fraction of the time of SciPy's maximum filter."""
    grown = np.pad(mask, ((px, px), (0, 0)))
    reach = 1
    while reach < 2 * px + 1:
        step = min(reach, 2 * px + 1 - reach)
        grown = grown[:-step] | grown[step:]
        reach += step
    return grown


def _area(thing: Thing) -> float:
    return float(thing.area_px)


def _sides(thing: Thing) -> tuple[int, int]:
    return thing.box[2] - thing.box[0], thing.box[3] - thing.box[1]


def _below(value: float, yes: float, no: float) -> Verdict:
    return True if value <= yes else False if value >= no else None


def _above(value: float, yes: float, no: float) -> Verdict:
    return True if value >= yes else False if value <= no else None


def _on_side(share: float, step: int) -> Verdict:
    """Whether a coordinate, as a share of the view, is at its low end (-1), in the middle (0) or at its high end."""
    if step == 0:
        return _below(abs(share - 0.5), MIDDLE_YES, MIDDLE_NO)
    return _below(share if step < 0 else 1 - share, SIDE_YES, SIDE_NO)


def _keep(things: Sequence[Thing], test: Callable[[Thing], Verdict]) -> list[Thing] | None:
    """The things that pass; None where any is too close to call."""
    kept = []
    for thing in things:
        verdict = test(thing)
        if verdict is None:
            return None
        if verdict:
            kept.append(thing)
    return kept


def _sized(things: list[Thing], size: str) -> list[Thing] | None:
    """The large or the small ones of ``things``, where there is one clear step between sizes."""
    order = sorted(things, key=lambda thing: (thing.area_px, thing.id))
    steps = [index for index in range(1, len(order)) if order[index].area_px >= SIZE_RATIO * order[index - 1].area_px]
    if len(steps) != 1 or not all(thing.whole for thing in things):
        return None
    return order[: steps[0]] if size == "small" else order[steps[0] :]


def _nearest(things: list[Thing], other: Thing) -> list[Thing] | None:
    """The nearest of ``things`` to ``other``, clear by centres and by boxes."""
    if len(things) < 2:
        return None
    by_centre = sorted(things, key=lambda thing: (math.dist(thing.centre, other.centre), thing.id))
    first, rest = by_centre[0], by_centre[1:]
    reach = math.dist(first.centre, other.centre) * BEST_RATIO + EDGE_PX
    if math.dist(rest[0].centre, other.centre) < reach:
        return None
    return [first] if all(gap(thing, other) > gap(first, other) + EDGE_PX for thing in rest) else None
