"""What was found in overlapping windows as one list for the whole area: nothing twice, nothing left in pieces.

A box that touches a border of its window beyond which the area goes on may be a *part* of something. It gives way to a
box of another window that holds it and is whole; parts that are left are united where they meet at a seam.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from engine.grounding.reconcile import Sighting
from engine.grounding.touching import Floats, Places, areas, grown, ious, shared_areas, touching
from engine.grounding.windows import Sides

Flags = NDArray[np.bool_]

SAME_IOU = 0.5
"""Boxes of two windows that overlap by more are one thing: as within a window where all things are asked for."""

HELD_SHARE = 0.7
"""A part of which at least this share lies in a box of another window is a part of that box's thing."""

MEET_SHARE = 0.1
"""By which share of the shorter of them two parts must overlap along a seam to be one thing. Small, as a long thing
that crosses a seam at a slant has boxes with little in common."""

MARGIN_PX = 3.0
"""A box that ends no further than this from its window's border touches it, in pixels of the network's input: a box is
seldom better than that."""


class WindowSighting(NamedTuple):
    """A sighting in one window: its box in pixels of the whole area's raster, the window's number, and at which of its
    sides the box is cut off by a seam."""

    sighting: Sighting
    window: int
    cut: Sides


def cut_sides(box: Sequence[float], window: Sequence[float], seams: Sides, margin: float) -> Sides:
    """At which of its sides ``box`` touches a seam of its ``window`` (both x0, y0, x1, y1), within ``margin``."""
    near = (
        box[0] <= window[0] + margin,
        box[1] <= window[1] + margin,
        box[2] >= window[2] - margin,
        box[3] >= window[3] - margin,
    )
    return Sides(*(close and seam for close, seam in zip(near, seams, strict=True)))


def join_at_seams(found: Iterable[WindowSighting], *, margin: float) -> list[Sighting]:
    """The sightings of all windows of one sensor's picture as one list, the best first.

    ``margin`` is :data:`MARGIN_PX` in the boxes' units. Only sightings of one name are parts of each other; a united
    thing has the best of their scores. Steps, in this order:

    1. whole boxes of which two overlap by more than :data:`SAME_IOU` are one thing, the better one;
    2. a part that lies in a whole box goes, by :data:`HELD_SHARE`;
    3. parts of one thing that lie in each other (a corner of the windows cuts it several times) are united;
    4. parts that meet are united: one is cut off on one side and the other on the opposite side, and they overlap there
       by :data:`MEET_SHARE`. Each side is used once, for the partner that fits best.
    """
    everything = list(found)
    wholes = _thinned([one.sighting for one in everything if not any(one.cut)])
    parts = _without_those_in(wholes, [one for one in everything if any(one.cut)], margin)
    united = _united(parts, _nested(parts, margin), margin)
    united = _united(united, _meeting(united, margin), margin)
    return _thinned([*wholes, *(one.sighting for one in united)])


class _Part(NamedTuple):
    """One or several parts of a thing as one: ``windows`` that show it, and where the whole of it is cut off still."""

    sighting: Sighting
    windows: frozenset[int]
    cut: Sides


def _thinned(sightings: list[Sighting]) -> list[Sighting]:
    """Without the worse of any two that overlap by more than :data:`SAME_IOU`, the best first.

    Non-maximum suppression over pairs that touch: over all pairs, a large area would take hours.
    """
    order = np.argsort([-one.score for one in sightings], kind="stable")
    boxes = _boxes([sightings[place] for place in order])
    rivals = [np.zeros((2, 0), np.int64)]
    for ours, theirs in touching(boxes, boxes):
        better, worse = (places[ours < theirs] for places in (ours, theirs))
        rivals.append(np.stack([better, worse])[:, ious(boxes[better], boxes[worse]) > SAME_IOU])
    better, worse = np.concatenate(rivals, 1)
    better, worse = (places[np.argsort(better, kind="stable")] for places in (better, worse))
    kept = np.ones(len(order), bool)
    firsts, starts = np.unique(better, return_index=True)
    for place, those in zip(firsts, np.split(worse, starts[1:]), strict=False):  # without rivals there is one empty
        kept[those] &= not kept[place]
    return [sightings[place] for place in order[kept]]


def _without_those_in(wholes: list[Sighting], parts: list[WindowSighting], margin: float) -> list[_Part]:
    """The parts that lie in no whole box."""
    held = set(_held([part.sighting for part in parts], wholes, margin)[:, 0].tolist())
    kept = [part for place, part in enumerate(parts) if place not in held]
    return [_Part(part.sighting, frozenset({part.window}), part.cut) for part in kept]


def _nested(parts: list[_Part], margin: float) -> list[tuple[int, int]]:
    """Pairs of parts of different windows of which the first lies in the second."""
    sightings = [part.sighting for part in parts]
    pairs = _held(sightings, sightings, margin).tolist()
    return [(a, b) for a, b in pairs if not parts[a].windows & parts[b].windows]


def _meeting(parts: list[_Part], margin: float) -> list[tuple[int, int]]:
    """Pairs of parts that meet at a seam, the best fit first, each side of a part in one pair only."""
    boxes, cut = _boxes([part.sighting for part in parts]), _flags([part.cut for part in parts])
    names = np.array([part.sighting.label for part in parts], object)
    found = [np.zeros((0, 4))]
    for ours, theirs in touching(boxes, boxes, margin):
        alike = names[ours] == names[theirs]
        found += [_meeting_along(axis, boxes, cut, ours[alike], theirs[alike]) for axis in (0, 1)]
    used: set[tuple[int, int]] = set()
    pairs = []
    for _, first, second, axis in sorted(np.concatenate(found).tolist()):
        sides = (first, axis + 2), (second, axis)
        if not used & set(sides):
            used |= set(sides)
            pairs.append((int(first), int(second)))
    return pairs


def _meeting_along(axis: int, boxes: Floats, cut: Flags, ours: Places, theirs: Places) -> Floats:
    """Of pairs of places, those that meet one behind the other along ``axis``: less their fit, both places, the axis,
    [P, 4]."""
    low, high, across = axis, axis + 2, 1 - axis
    a, b = boxes[ours], boxes[theirs]
    goes_on = (a[:, low] < b[:, low]) & (a[:, high] < b[:, high])  # b follows a along this axis
    shared = np.minimum(a[:, across + 2], b[:, across + 2]) - np.maximum(a[:, across], b[:, across])
    lengths = np.stack([a[:, across + 2] - a[:, across], b[:, across + 2] - b[:, across]])  # [2, P]
    meets = goes_on & cut[ours, high] & cut[theirs, low] & (shared >= MEET_SHARE * lengths.min(0))
    fit = shared / np.maximum(lengths.sum(0) - shared, 1e-9)  # IoU along the seam
    found: Floats = np.stack([-fit, ours, theirs, np.full(len(fit), axis)], 1)[meets]
    return found


def _united(parts: list[_Part], pairs: list[tuple[int, int]], margin: float) -> list[_Part]:
    """The parts with those made one that ``pairs`` tie together, directly or over others."""
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    ties = coo_array((np.ones(len(ends)), tuple(ends.T)), shape=(len(parts), len(parts)))
    groups: dict[int, list[_Part]] = {}
    for part, group in zip(parts, connected_components(ties, directed=False)[1].tolist(), strict=True):
        groups.setdefault(group, []).append(part)
    return [_hull(members, margin) for members in groups.values()]


def _hull(members: list[_Part], margin: float) -> _Part:
    """All members as one: it is cut off where every member is that reaches so far."""
    boxes, cut = _boxes([part.sighting for part in members]), _flags([part.cut for part in members])
    outward = np.concatenate([-boxes[:, :2], boxes[:, 2:]], 1)  # [n, 4], larger is further out
    furthest = outward.max(0)
    still = [bool(cut[outward[:, side] >= furthest[side] - margin, side].all()) for side in range(4)]
    x0, y0, x1, y1 = (float(edge) for edge in (*-furthest[:2], *furthest[2:]))
    best = max((part.sighting for part in members), key=lambda one: one.score)
    windows = frozenset[int]().union(*(part.windows for part in members))
    return _Part(best._replace(box=(x0, y0, x1, y1)), windows, Sides(*still))


# ---- boxes in bulk


def _boxes(sightings: Sequence[Sighting]) -> Floats:
    """[n, 4]."""
    return np.array([one.box for one in sightings], np.float64).reshape(-1, 4)


def _flags(sides: Sequence[Sides]) -> Flags:
    """bool [n, 4]."""
    return np.array(sides, bool).reshape(-1, 4)


def _held(sightings: list[Sighting], others: list[Sighting], margin: float) -> Places:
    """Places of all pairs [P, 2] of one name of which the first lies in the second, by :data:`HELD_SHARE`.

    The second is enlarged by ``margin``: a sliver may be off by more than its own width.
    """
    boxes, holders = _boxes(sightings), grown(_boxes(others), margin)
    names, holder_names = (np.array([one.label for one in every], object) for every in (sightings, others))
    pairs = [np.zeros((0, 2), np.int64)]
    for ours, theirs in touching(boxes, holders):
        held = shared_areas(boxes[ours], holders[theirs]) >= HELD_SHARE * areas(boxes[ours])
        pairs.append(np.stack([ours, theirs], 1)[held & (names[ours] == holder_names[theirs])])
    return np.concatenate(pairs)
