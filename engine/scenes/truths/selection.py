"""Which things of a scene an expression means, with the cases that are too close to call.

A condition ("on the left", "beside the road") holds of a thing, does not, or is unclear: between where everybody would
say yes and where everybody would say no there is room, and an expression that leaves any thing there is not used. The
bounds on both sides of that room are constants here and in :mod:`engine.scenes.truths.places`, which judges by boxes.

Order of reading: attributes, then the place, then the relation, and a superlative ("largest", "nearest to") among what
is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.scene import COLOURS, COVERS, KINDS, WATERS
from engine.scenes.truths.facts import Facts, Thing
from engine.scenes.truths.places import (
    COMPACT_SHARE,
    EDGES,
    FAR_PX,
    NEAR_PX,
    ON_NO,
    ON_YES,
    Verdict,
    above,
    gap,
    lies,
    nearest,
    outermost,
    ranked,
    seen_from,
    sized,
)
from engine.text.expression_words import DUTIES
from engine.text.expressions import Parsed, Relation, Superlative

CROSSING_PX, APART_PX = 2, 6
"""The same for a bridge and what it crosses."""

AROUND_YES, AROUND_NO, AROUND_PX = 0.8, 0.6, 3
"""Share of a strip of that many pixels around a thing that has to be what it is surrounded by."""


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
            things = _keep(things, lambda thing: lies(thing, way, (self.size, self.size)))
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
            return sized(things, attribute)
        if attribute in COLOURS:
            return _keep(things, lambda thing: (thing.colour == attribute) if thing.colour else None)
        kinds = DUTIES.get(attribute, (attribute,))
        if not set(kinds) <= set(KINDS.get(category, ())):
            return None
        return _keep(things, lambda thing: (kind in kinds) if (kind := self.kind(thing)) else None)

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
                return nearest(things, other)
            way = relation.way or (None, None)
            return _keep(things, lambda thing: seen_from(thing, other, way))
        tests: dict[str, Callable[[Thing], Verdict]] = {
            "beside": lambda thing: self._close(thing, reference.members, NEAR_PX, FAR_PX),
            "along": lambda thing: self._close(thing, reference.members, NEAR_PX, FAR_PX),
            "over": lambda thing: self._close(thing, reference.members, CROSSING_PX, APART_PX),
            "on": lambda thing: above(self._support(thing, reference.members), ON_YES, ON_NO),
            "in": lambda thing: above(self._support(thing, reference.members), ON_YES, ON_NO),
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
        verdict = above(float(self.mask(members)[rows, columns][ring].mean()), AROUND_YES, AROUND_NO)
        return verdict if thing.whole or verdict is False else None

    def _holds(self, thing: Thing, members: tuple[int, ...]) -> Verdict:
        """Whether any of ``members`` is in or on ``thing``."""
        verdicts = [
            above(self._support(other, (thing.id,)), ON_YES, ON_NO)
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
        if kind in EDGES:
            return outermost(things, kind, rank, self.size)
        least = kind in ("smallest", "shortest")
        if least and not all(thing.whole for thing in things):
            return None
        return ranked(things, self.length if kind in ("longest", "shortest") else _area, least=least, rank=rank)

    def length(self, thing: Thing) -> float:
        """How far the pixels of ``thing`` reach along their principal axis, in pixels."""
        rows, columns = np.nonzero(self._cut(thing, 0)[2])
        points = np.stack((columns - columns.mean(), rows - rows.mean()), 1)
        axis = np.linalg.eigh(points.T @ points)[1][:, 1]
        return float(np.ptp(points @ axis)) + 1


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
