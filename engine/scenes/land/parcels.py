"""Land cut into parcels: the fields of farmers and the blocks of towns come about by one rule.

A square larger than the view is cut again and again, across its longer way or crosswise, until its pieces are as
small as the place wants them. The cuts are where roads and hedges run. One smooth bend of the plane, the same for
everything, turns the straight net into one that follows the lie of the land.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.draws import Draws
from engine.scenes.plan import VIEW, Plan, exact, turned
from engine.scenes.scene import Point

MARGIN = 40.0
"""Pixels beyond the border of the view up to which land is laid out, so that a view moved a little has land too."""

Bend = Callable[[Point], Point] | None
_Quad = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A piece of land: its outline in pixels of the view, its middle, and its corners before all was bent."""

    outline: tuple[Point, ...]
    centre: Point
    corners: _Quad
    bend: Bend

    def strips(self, count: int) -> list[tuple[Point, ...]]:
        """Outlines of ``count`` strips side by side, along the longer way, as where farms are divided among heirs."""
        a, b, c, d = _lengthwise(self.corners)
        shares = [index / count for index in range(count + 1)]
        return [
            _bent_outline((_between(a, d, u), _between(b, c, u), _between(b, c, v), _between(a, d, v)), self.bend)
            for u, v in itertools.pairwise(shares)
        ]


@dataclass(frozen=True, slots=True)
class Cut:
    """A line that land was divided along. ``rank`` 0 are the first cuts; the later, the shorter and less important."""

    points: tuple[Point, ...]
    rank: int


@dataclass(frozen=True, slots=True)
class Division:
    """All parcels that reach into the view, all cuts by rising rank, and the direction of the net in degrees."""

    parcels: tuple[Parcel, ...]
    cuts: tuple[Cut, ...]
    angle_deg: float


# Where a side is cut. A few fixed shares let the cuts on both sides of an older one often meet: a crossroad.
_SHARES = (0.35, 0.5, 0.5, 0.65)


def divide(plan: Plan, side: Callable[[Point], float], crosswise: float, bend: Bend) -> Division:
    """Cut the land of the view. ``side`` is the wanted side of a parcel in pixels at a place, ``crosswise`` the chance
    that a cut is a cross; outlines are bent by ``bend``, which ``side`` knows nothing of."""
    n, draws = plan.size, plan.draws
    angle = draws.uniform(0, math.pi / 2)
    half = (n / 2 + MARGIN) * (abs(math.cos(angle)) + abs(math.sin(angle)))
    middle = (n / 2 + draws.uniform(-0.1, 0.1) * VIEW, n / 2 + draws.uniform(-0.1, 0.1) * VIEW)
    half += 0.1 * VIEW
    start = [turned(middle, x * half, y * half, angle) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    todo: list[tuple[_Quad, int]] = [((start[0], start[1], start[2], start[3]), 0)]
    parcels, cuts = list[Parcel](), list[Cut]()
    while todo:
        quad, rank = todo.pop(0)
        if not _in_view(quad, n):
            continue
        centre = _at(quad, 0.5, 0.5)
        wanted = (side(centre) * draws.uniform(0.7, 1.5)) ** 2
        if _area(quad) < 2 * wanted or rank > 24:
            parcels.append(Parcel(_bent_outline(quad, bend), centre, quad, bend))
            continue
        cross = _area(quad) > 3.2 * wanted and draws.chance(crosswise)
        pieces, lines = _cut(draws, quad, cross)
        todo += [(piece, rank + 1) for piece in pieces]
        cuts += [Cut(_bent_line(line, bend), rank) for line in lines]
    return Division(tuple(parcels), tuple(cuts), math.degrees(angle))


def _cut(draws: Draws, quad: _Quad, cross: bool) -> tuple[list[_Quad], list[tuple[Point, ...]]]:
    """The pieces of ``quad`` and the lines between them; a cross has its middle as a point of both lines."""
    a, b, c, d = _lengthwise(quad)
    u = draws.choice(_SHARES)
    upper, lower = _between(a, b, u), _between(d, c, u)
    if not cross:
        return [(a, upper, lower, d), (upper, b, c, lower)], [(upper, lower)]
    v = draws.choice(_SHARES)
    left, right = _between(a, d, v), _between(b, c, v)
    middle = _between(upper, lower, v)
    pieces: list[_Quad] = [
        (a, upper, middle, left), (upper, b, right, middle), (left, middle, lower, d), (middle, right, c, lower)
    ]  # fmt: skip
    return pieces, [(upper, middle, lower), (left, middle, right)]


def _lengthwise(quad: _Quad) -> _Quad:
    """The corners in such an order that the first two are ends of a longer side."""
    a, b, c, d = quad
    across = math.dist(a, b) + math.dist(c, d) < math.dist(b, c) + math.dist(d, a)
    return (b, c, d, a) if across else quad


def make_bend(draws: Draws, strength: float) -> Bend:
    """A smooth bend of the plane: waves of a view's length and more. ``strength`` 0 is none, all stays straight."""
    if strength == 0:
        return None
    waves = []
    for _ in range(4):
        length, direction = draws.uniform(0.7, 2.2) * VIEW, draws.uniform(0, 2 * math.pi)
        push, phase = draws.uniform(0, 2 * math.pi), draws.uniform(0, 2 * math.pi)
        # A wave of amplitude a and length l bends straight lines by up to 2 pi a / l radians.
        amplitude = strength * length * draws.uniform(0.008, 0.025)
        k = 2 * math.pi / length
        waves.append((k * math.cos(direction), k * math.sin(direction), phase,
                      amplitude * math.cos(push), amplitude * math.sin(push)))  # fmt: skip

    def bend(point: Point) -> Point:
        x, y = point
        waved = [(math.sin(kx * x + ky * y + phase), ax, ay) for kx, ky, phase, ax, ay in waves]
        return x + sum(s * ax for s, ax, _ in waved), y + sum(s * ay for s, _, ay in waved)

    return bend


def _bent_line(line: tuple[Point, ...], bend: Bend) -> tuple[Point, ...]:
    """``line`` with points every 20 pixels or so, bent; as it is where nothing bends."""
    if bend is None:
        return exact(line)
    dense = [line[0]]
    for a, b in itertools.pairwise(line):
        steps = max(1, round(math.dist(a, b) / 20))
        dense += [_between(a, b, step / steps) for step in range(1, steps + 1)]
    return exact([bend(point) for point in dense])


def _bent_outline(quad: _Quad, bend: Bend) -> tuple[Point, ...]:
    return _bent_line((*quad, quad[0]), bend)[:-1]


def _in_view(quad: _Quad, size: int) -> bool:
    """Whether the box around ``quad`` reaches into the view and its margin."""
    return all(
        max(p[axis] for p in quad) > -MARGIN and min(p[axis] for p in quad) < size + MARGIN for axis in (0, 1)
    )  # fmt: skip


def _area(quad: _Quad) -> float:
    """Shoelace formula on the two diagonals, square pixels."""
    a, b, c, d = quad
    return abs((c[0] - a[0]) * (d[1] - b[1]) - (d[0] - b[0]) * (c[1] - a[1])) / 2


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _at(quad: _Quad, u: float, v: float) -> Point:
    return _between(_between(quad[0], quad[1], u), _between(quad[3], quad[2], u), v)
