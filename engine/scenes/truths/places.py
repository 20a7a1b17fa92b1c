"""Where things lie, how large they are and how they lie to each other, as a person judges it of boxes and centres.

A condition ("on the left", "left of the pier") holds of a thing, does not, or is unclear: between where everybody would
say yes and where everybody would say no there is room. The bounds on both sides of it are the constants below, in
shares or pixels of the view. What needs a thing's pixels is in :mod:`engine.scenes.truths.selection`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from engine.text.direction_words import Way

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

ON_YES, ON_NO = 0.7, 0.25
"""Share of what lies under or around a thing that has to be the thing it is on."""

SIZE_RATIO, BEST_RATIO = 1.8, 1.3
"""How many times larger the large ones are than the others, and the largest than the second."""

APART_SHARE, EDGE_PX = 0.025, 2
"""How much further left the leftmost is: by its centre, a share of the view, and by its edge, in pixels."""


class Placed(Protocol):
    """A thing as far as its box tells: left, top, right, bottom in pixels, half-open; its centre, its size in pixels,
    and whether it lies in the view whole. ``id`` orders what is alike in all else."""

    @property
    def id(self) -> int: ...

    @property
    def box(self) -> tuple[float, float, float, float]: ...

    @property
    def centre(self) -> tuple[float, float]: ...

    @property
    def area_px(self) -> float: ...

    @property
    def whole(self) -> bool: ...


T = TypeVar("T", bound=Placed)


def lies(thing: Placed, way: Way, view: tuple[float, float]) -> Verdict:
    """Whether ``thing`` lies ``way`` in a view of so many columns and rows."""
    left, top, right, bottom = thing.box
    if right - left > COMPACT_SHARE * view[0] or bottom - top > COMPACT_SHARE * view[1]:
        return None
    verdicts = [
        _on_side(at / length, step)
        for at, length, step in zip(thing.centre, view, way, strict=True)
        if step is not None
    ]
    return False if False in verdicts else None if None in verdicts else True


def seen_from(thing: Placed, other: Placed, way: Way) -> Verdict:
    """Whether ``thing`` lies ``way`` from ``other``, by the line between their centres; unclear if one holds both."""
    x, y = thing.centre[0] - other.centre[0], thing.centre[1] - other.centre[1]
    distance = math.hypot(x, y)
    if distance < NEAR_PX or _within_box(thing.centre, other.box) or _within_box(other.centre, thing.box):
        return None
    step = (way[0] or 0, way[1] or 0)
    off = math.degrees(math.acos(max(-1.0, min(1.0, (x * step[0] + y * step[1]) / distance / math.hypot(*step)))))
    scale = 2 / 3 if all(step) else 1.0
    return below(off, ANGLE_YES * scale, ANGLE_NO * scale)


def gap(thing: Placed, other: Placed) -> float:
    """Pixels between two boxes, the longer of columns and rows; 0 where they touch or overlap."""
    across = max(thing.box[0] - other.box[2], other.box[0] - thing.box[2])
    return max(0, across, thing.box[1] - other.box[3], other.box[1] - thing.box[3])


def sized(things: Sequence[T], size: str) -> list[T] | None:
    """The "large" or the "small" ones of ``things``; None where there is not one clear step between sizes."""
    order = sorted(things, key=lambda thing: (thing.area_px, thing.id))
    steps = [index for index in range(1, len(order)) if order[index].area_px >= SIZE_RATIO * order[index - 1].area_px]
    if len(steps) != 1 or not all(thing.whole for thing in things):
        return None
    return order[: steps[0]] if size == "small" else order[steps[0] :]


def nearest(things: Sequence[T], other: Placed) -> list[T] | None:
    """The nearest of ``things`` to ``other``; None where it is not clear by centres and by boxes."""
    if len(things) < 2:
        return None
    by_centre = sorted(things, key=lambda thing: (math.dist(thing.centre, other.centre), thing.id))
    first, rest = by_centre[0], by_centre[1:]
    reach = math.dist(first.centre, other.centre) * BEST_RATIO + EDGE_PX
    if math.dist(rest[0].centre, other.centre) < reach:
        return None
    return [first] if all(gap(thing, other) > gap(first, other) + EDGE_PX for thing in rest) else None


def ranked(
    things: Sequence[T], measure: Callable[[T], float], *, least: bool, rank: int, ratio: float = BEST_RATIO
) -> list[T] | None:
    """The ``rank``-th of ``things`` by ``measure``, from the ``least`` or from the most.

    None where two of the first, or it and the next, differ by less than ``ratio``.
    """
    order = sorted(things, key=lambda thing: (measure(thing) if least else -measure(thing), thing.id))
    for one, other in pairwise(order[: rank + 1]):
        if max(measure(one), measure(other)) < ratio * min(measure(one), measure(other)):
            return None
    return [order[rank - 1]]


def outermost(things: Sequence[T], kind: str, rank: int, view_px: float) -> list[T] | None:
    """The ``rank``-th of ``things`` from one side of a view of ``view_px``; None where it is not clear by centres and
    by edges. ``kind`` is one of :data:`EDGES`."""
    axis, sign = EDGES[kind]

    def edge(thing: T) -> float:
        return sign * thing.box[axis if sign > 0 else axis + 2]

    order = sorted(things, key=lambda thing: (sign * thing.centre[axis], thing.id))
    chosen = order[rank - 1]
    for place, other in enumerate(order, 1):
        if other is not chosen:
            side = 1 if place > rank else -1
            apart = side * sign * (other.centre[axis] - chosen.centre[axis])
            if apart < APART_SHARE * view_px or side * (edge(other) - edge(chosen)) < EDGE_PX:
                return None
    return [chosen]


EDGES: dict[str, tuple[int, int]] = {
    "leftmost": (0, 1),
    "rightmost": (0, -1),
    "topmost": (1, 1),
    "bottommost": (1, -1),
}
"""Superlatives of place: the axis (0 columns, 1 rows), and whether small coordinates come first (1) or last (-1)."""


def below(value: float, yes: float, no: float) -> Verdict:
    """Yes up to ``yes``, no from ``no`` on."""
    return True if value <= yes else False if value >= no else None


def above(value: float, yes: float, no: float) -> Verdict:
    """Yes from ``yes`` on, no up to ``no``."""
    return True if value >= yes else False if value <= no else None


def _on_side(share: float, step: int) -> Verdict:
    """Whether a coordinate, as a share of the view, is at its low end (-1), in the middle (0) or at its high end."""
    if step == 0:
        return below(abs(share - 0.5), MIDDLE_YES, MIDDLE_NO)
    return below(share if step < 0 else 1 - share, SIDE_YES, SIDE_NO)


def _within_box(point: tuple[float, float], box: tuple[float, float, float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
