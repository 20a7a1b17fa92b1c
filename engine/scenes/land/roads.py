"""Roads with their bridges.

Roads follow cuts between parcels, streets the blocks of a town, and a highway goes its own way. Whatever is laid
keeps to rules that make it countable: a road ends before water or bridges it, ends before ground that a site has
claimed, meets another at a fair angle and never two others within one junction's size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from engine.draws import Draws
from engine.scenes.land.ground import Ground
from engine.scenes.land.junctions import Meeting, Road, find_meetings, junction_box, meeting_points, points_of, roads_of
from engine.scenes.land.parcels import Cut
from engine.scenes.land.waters import River
from engine.scenes.paint import paint_item
from engine.scenes.plan import VIEW, Plan, exact
from engine.scenes.scene import WATERS, Line, Point, moved

MARGIN = 32
"""Pixels beyond the border of the view up to which roads look out for water."""

LONGEST_BRIDGE_PX, LONGEST_BRIDGE_M = 90.0, 500.0
"""A bridge is neither longer than this in the view nor on the ground."""

SMALLEST_ROAD_PX = 1.5
"""A road that would be narrower is not laid; one a little wider is drawn two pixels wide."""

_WIDTH_M = {"wide": (12.0, 20.0), "narrow": (4.0, 7.0)}

_WIDEST_PX = 40.0
"""The widest road at the finest sampling distance, 0.5 m."""

_SHARPEST = math.radians(38)
"""Roads meet at no smaller angle."""

_SHORTEST_ROAD_PX = 24.0
_GATE_PX = 14.0
"""How far inside a site's ground its own street may be for a road to be led on to it."""

_STEP = 1.5
"""Pixels between the places at which a road asks what it runs over."""

_CROSSED = 0.9
"""How often a road is led across a river on purpose; others may meet it by chance."""

_HIGHWAY = {
    "rural": 0.5, "wild": 0.5, "residential": 0.25, "industrial": 0.4, "harbor": 0.4, "airfield": 0.5,
    "sports": 0.3, "coast": 0.5,
}  # fmt: skip
"""How often a road goes its own way across the place."""

_NO_NET = {
    "rural": 0.15, "wild": 0.7, "residential": 0.02, "industrial": 0.03, "harbor": 0.05, "airfield": 0.15,
    "sports": 0.03, "coast": 0.25,
}  # fmt: skip
"""How often there are no roads along parcels at all."""


@dataclass(frozen=True, slots=True)
class _Deck:
    """A bridge: from where its road leaves dry ground to where it has it again."""

    line: shapely.LineString
    width: float


def lay_roads(plan: Plan, ground: Ground, rivers: Sequence[River]) -> None:
    """Lay roads and bridges on the land and over the water of ``plan``."""
    draws, network = plan.draws, Network(plan)
    for _ in range(max(1, round(plan.scale))):
        for river in rivers:
            if draws.chance(_CROSSED):
                _cross(plan, network, river)
        if draws.chance(_HIGHWAY[plan.setting]):
            _highway(plan, network, (plan.along(0.15), plan.along(0.15)), draws.uniform(0, math.pi))
    if draws.chance(_NO_NET[plan.setting]):
        cuts: list[Cut] = []
    else:
        cuts = [cut for cut in ground.cuts if _is_road(draws, cut, ground)]
    main = draws.between(0, 2)
    refused = list[tuple[Cut, str]]()
    for cut in cuts:
        kind = "wide" if cut.rank < main or (cut.rank < 5 and draws.chance(0.12)) else "narrow"
        if network.reaches(cut.points) and not network.lay(cut.points, kind):
            refused.append((cut, kind))
    for cut, kind in refused:  # what led nowhere may by now have a road to lead to
        network.lay(cut.points, kind)
    network.put_down()


def _is_road(draws: Draws, cut: Cut, ground: Ground) -> bool:
    """Whether a road runs along ``cut``: nearly always in a town, the rarer in the country the later the cut."""
    if ground.town.has(cut.points[len(cut.points) // 2]):
        return draws.chance(0.93)
    return draws.chance(0.75 * 0.72**cut.rank)


def _cross(plan: Plan, network: Network, river: River) -> None:
    """A road across a river about square to it, somewhere in the view."""
    course, n = river.course, plan.size
    inside = [i for i in range(1, len(course)) if all(0.12 * n < value < 0.88 * n for value in course[i])]
    if inside:
        at = plan.draws.choice(inside)
        (x, y), (before_x, before_y) = course[at], course[at - 1]
        square = math.atan2(y - before_y, x - before_x) + math.pi / 2
        _highway(plan, network, (x, y), square + plan.draws.uniform(-0.3, 0.3))


def _highway(plan: Plan, network: Network, middle: Point, heading: float) -> None:
    """A winding road right across the place, through ``middle`` in the direction ``heading`` in radians."""
    draws, reach = plan.draws, 1.45 * plan.size + 2 * MARGIN
    sway, phase = draws.choice((0.0, 0.02, 0.05)) * VIEW, draws.uniform(0, 2 * math.pi)
    length = draws.uniform(0.6, 1.6) * VIEW
    c, s = math.cos(heading), math.sin(heading)
    points = []
    for step in range(round(reach / 12) + 1):
        t = 12.0 * step - reach / 2
        # Swings to and fro, and not at all at the middle, which may be a crossing of a river.
        aside = sway * (math.sin(2 * math.pi * t / length + phase) - math.sin(phase))
        points.append((middle[0] + t * c - aside * s, middle[1] + t * s + aside * c))
    network.lay(exact(points), "wide" if draws.chance(0.6) else "narrow")


class Network:
    """The roads of a place as they are laid. Nothing is painted before :meth:`put_down`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._water = _distance_to(_water(plan))
        self._claimed = _distance_to(np.pad(plan.reserved, MARGIN))
        self._roads = roads_of(plan)
        self._boxes = [road.line.bounds for road in self._roads]
        self._view = shapely.box(0, 0, plan.size, plan.size)
        self._laid: list[tuple[Road, str]] = []
        # Streets that sites have brought along: they are met like any other road.
        self._streets = shapely.union_all([road.line for road in self._roads])
        self._decks: list[_Deck] = []
        self._meetings = find_meetings(self._roads)

    def reaches(self, points: Sequence[Point]) -> bool:
        """Whether any of ``points``' box is in the view or near it."""
        near, far = -MARGIN / 2, self._plan.size + MARGIN / 2
        return all(max(p[axis] for p in points) > near and min(p[axis] for p in points) < far for axis in (0, 1))

    def lay(self, points: Sequence[Point], kind: str) -> bool:
        """Lay a road along ``points``, or those parts of it that the rules allow; False where there is none."""
        wanted = self._plan.px(self._plan.draws.uniform(*_WIDTH_M[kind]))
        if wanted < SMALLEST_ROAD_PX:
            return False
        width, laid = float(round(max(wanted, 2.0))), False
        for path, ends in self._pieces(points, width):
            road = Road(shapely.LineString(path if len(path) > 1 else ()), width)
            decks = [_Deck(shapely.LineString(deck), self._deck_width(width)) for deck in ends]
            laid |= self._join(road, kind, decks) or self._join_parts(road, kind, decks)
        return laid

    def put_down(self) -> None:
        """Add the roads, narrow before wide, and over them the bridges."""
        plan = self._plan
        for road, kind in sorted(self._laid, key=lambda pair: pair[0].width):
            plan.add("road", Line(exact(road.line.coords), road.width), kind=kind)
        for deck in self._decks:
            plan.add("bridge", Line(exact(deck.line.coords), deck.width), height_m=plan.draws.uniform(5, 14))

    # ---- water and claimed ground

    def _pieces(self, points: Sequence[Point], width: float) -> list[tuple[list[Point], list[list[Point]]]]:
        """The parts of a road that stay dry or can be bridged, each with its decks as (start, end)."""
        samples, corner = _sampled(points)
        deck_width = self._deck_width(width)
        wet = self._at(self._water, samples)
        near = wet < deck_width / 2 + 2
        blocked = self._at(self._claimed, samples) < width / 2 + 2
        decks = list[tuple[int, int]]()
        for first, last in _runs(near & ~blocked):
            if wet[first:last].min() == 0 and self._can_bridge(samples, first - 1, last, blocked, deck_width, decks):
                decks.append((first - 1, last))
            else:
                blocked[first:last] = True
        pieces = []
        for first, last in _runs(~blocked):
            own = [(a, b) for a, b in decks if first <= a and b < last]
            keep = corner.copy()
            for a, b in own:
                keep[a + 1 : b] = False
            keep[[first, last - 1, *(index for deck in own for index in deck)]] = True
            path = [_point(row) for row in samples[first:last][keep[first:last]]]
            path = [*self._entry(samples[:first][::-1], width), *path, *self._entry(samples[last:], width)]
            pieces.append((path, [[_point(samples[a]), _point(samples[b])] for a, b in own]))
        return pieces

    def _entry(self, beyond: NDArray[np.float64], width: float) -> list[Point]:
        """Where a road that ends at a site's ground meets that site's own street a few pixels on: a gate."""
        ahead = beyond[: round((width + _GATE_PX) / _STEP)]
        if len(ahead) < 2 or self._streets.is_empty or self._at(self._water, ahead).min() < width / 2 + 2:
            return []
        way = shapely.LineString(ahead)
        gates = points_of(way.intersection(self._streets))
        return [min(((p.x, p.y) for p in gates), key=lambda at: math.dist(at, ahead[0]))] if gates else []

    def _can_bridge(
        self, samples: NDArray[np.float64], first: int, last: int, blocked: NDArray[np.bool_], width: float,
        decks: list[tuple[int, int]],
    ) -> bool:  # fmt: skip
        """Whether a straight deck may stand from sample ``first`` to ``last``, dry ground at both ends."""
        if first < 1 or last >= len(samples) - 1 or blocked[first] or blocked[last]:
            return False
        if decks and (first - decks[-1][1]) * _STEP < 12:
            return False
        line = shapely.LineString([samples[first], samples[last]])
        if line.length > min(LONGEST_BRIDGE_PX, max(self._plan.px(LONGEST_BRIDGE_M), 12.0)):
            return False
        if float(shapely.distance(line, shapely.points(samples[first:last])).max()) > 6:
            return False
        return self._crosses(line) and all(
            line.distance(other.line) > (width + other.width) / 2 + 4 for other in self._decks
        )

    def _crosses(self, line: shapely.LineString) -> bool:
        """Whether there is water on both sides of a deck, so that it does not merely run along a shore."""
        (x0, y0), (x1, y1) = line.coords
        aside = np.array([y0 - y1, x1 - x0]) / 4
        at = np.array([[x0 + (x1 - x0) * share, y0 + (y1 - y0) * share] for share in (0.35, 0.5, 0.65)])
        wet = (self._at(self._water, at + aside) == 0) & (self._at(self._water, at - aside) == 0)
        return bool(wet.any())

    def _deck_width(self, width: float) -> float:
        return round(width + min(max(self._plan.px(3.0), 2.0), 5.0))

    def _at(self, distance: NDArray[np.int32] | None, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """``distance`` at each sample; beyond its map, as at the map's rim."""
        if distance is None:
            return np.full(len(samples), np.inf)
        at = np.clip(np.floor(samples).astype(np.int64) + MARGIN, 0, len(distance) - 1)
        return distance[at[:, 1], at[:, 0]].astype(np.float64)

    # ---- other roads

    def _join(self, road: Road, kind: str, decks: list[_Deck]) -> bool:
        """Add a road to the net, unless it would be short, loose, or meet others confusingly."""
        if road.line.length < _SHORTEST_ROAD_PX:
            return False
        meetings = self._meetings_of(road)
        if meetings is None:
            return False
        road = Road(self._trimmed(road, kind, meetings), road.width)
        if road.line.length < _SHORTEST_ROAD_PX or not (meetings or self._leaves_view(road.line)):
            return False
        decks = [deck for deck in decks if deck.line.distance(road.line) < 0.1]
        spots = shapely.points(np.array([meeting.at for meeting in meetings]).reshape(-1, 2))
        boxes = np.array([meeting.box for meeting in meetings])
        for deck in (*self._decks, *decks):
            if (shapely.distance(deck.line, spots) < (boxes + deck.width) / 2 + 1).any():
                return False
        self._roads.append(road)
        self._boxes.append(road.line.bounds)
        self._laid.append((road, kind))
        self._decks += decks
        self._meetings += meetings
        return True

    def _join_parts(self, road: Road, kind: str, decks: list[_Deck]) -> bool:
        """Add those stretches of a road between two older ones that can be added where the whole cannot."""
        older = shapely.union_all([other.line for other in self._near(road.line, 0)])
        parts = shapely.get_parts(road.line.difference(older))
        if len(parts) < 2:
            return False
        joined = False
        for part in parts:
            own = [deck for deck in decks if deck.line.distance(part) < 0.1]
            joined |= self._join(Road(part, road.width), kind, own)
        return joined

    def _trimmed(self, road: Road, kind: str, meetings: list[Meeting]) -> shapely.LineString:
        """The road without stubs: short ends that lead nowhere, which for a wide road are longer than for a lane."""
        line, along = road.line, sorted(road.line.project(shapely.Point(meeting.at)) for meeting in meetings)
        head, tail = (along[0], along[-1]) if along else (line.length, 0.0)
        shortest = max(_SHORTEST_ROAD_PX, (6 if kind == "wide" else 4) * road.width)

        def is_stub(end: Point, start: float, stop: float) -> bool:
            if not self._in_view(end):
                return False
            seen = shapely.ops.substring(line, start, stop).intersection(self._view)
            return bool(seen.length < shortest)

        first = head if is_stub(line.coords[0], 0.0, head) else 0.0
        last = tail if is_stub(line.coords[-1], tail, line.length) else line.length
        if (first, last) == (0.0, line.length):
            return line
        return shapely.ops.substring(line, first, last) if first < last else shapely.LineString()

    def _in_view(self, point: Point) -> bool:
        return all(0 < value < self._plan.size for value in point)

    def _leaves_view(self, line: shapely.LineString) -> bool:
        return not (self._in_view(line.coords[0]) and self._in_view(line.coords[-1]))

    def _near(self, line: shapely.LineString, reach: float) -> list[Road]:
        """The roads whose boxes come within ``reach`` of the box of ``line``."""
        left, top, right, bottom = line.bounds
        return [
            road for road, box in zip(self._roads, self._boxes, strict=True)
            if box[0] <= right + reach and box[2] >= left - reach and box[1] <= bottom + reach
            and box[3] >= top - reach
        ]  # fmt: skip

    def _meetings_of(self, new: Road) -> list[Meeting] | None:
        """Where ``new`` meets the roads there are; None where it would do so at a sharp angle, run beside one, or
        make a junction that runs into another."""
        line, width, found = new.line, new.width, list[Meeting]()
        for road in self._near(line, _WIDEST_PX + 4):
            side = (width + road.width) / 2
            if line.distance(road.line) > side + 4:
                continue
            spots = meeting_points(line, road.line, side)
            if any(_angle(line, road.line, spot) < _SHARPEST for spot in spots):
                return None
            beside = line.intersection(road.line.buffer(side + 3, quad_segs=2)).length
            if beside > len(spots) * 2 * (side + 3) / math.sin(_SHARPEST) + 1:
                return None
            found += [Meeting(spot, junction_box(width, road.width)) for spot in spots]
        left, top, right, bottom = line.bounds
        reach = 1.2 * junction_box(_WIDEST_PX, _WIDEST_PX)
        known = [
            one for one in self._meetings
            if left - reach < one.at[0] < right + reach and top - reach < one.at[1] < bottom + reach
        ]  # fmt: skip
        for meeting in found:
            if any(1.5 < math.dist(meeting.at, other.at) < 1.2 * max(meeting.box, other.box) for other in known):
                return None
            known.append(meeting)
        return found


def _angle(line: shapely.LineString, other: shapely.LineString, spot: Point) -> float:
    """The angle between two lines near ``spot``, radians in 0 .. pi/2."""
    between = abs(_direction(line, spot) - _direction(other, spot)) % math.pi
    return min(between, math.pi - between)


def _direction(line: shapely.LineString, spot: Point) -> float:
    at = line.project(shapely.Point(spot))
    before, after = line.interpolate(max(at - 4, 0)), line.interpolate(min(at + 4, line.length))
    return math.atan2(after.y - before.y, after.x - before.x)


def _sampled(points: Sequence[Point]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points every ``_STEP`` pixels along a polyline, [count, 2], and which of them are its own points."""
    own = np.array(points)
    ways = np.diff(own, axis=0)
    steps = np.maximum(np.ceil(np.hypot(ways[:, 0], ways[:, 1]) / _STEP).astype(np.int64), 1)
    segment = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(len(segment)) - np.repeat(np.cumsum(steps) - steps, steps) + 1
    rows = own[segment] + ways[segment] * (step / steps[segment])[:, None]
    return np.vstack((own[:1], rows)), np.concatenate(([True], step == steps[segment]))


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _point(row: NDArray[np.float64]) -> Point:
    return float(row[0]), float(row[1])


def _water(plan: Plan) -> NDArray[np.bool_]:
    """Where water is on top in the view and ``MARGIN`` pixels around it, bool [size + 2 MARGIN, same]."""
    side = plan.size + 2 * MARGIN
    image = Image.new("1", (side, side), 0)
    pen = ImageDraw.Draw(image)
    first = next((i for i, item in enumerate(plan.items) if item.name in WATERS), len(plan.items))
    for item in plan.items[first:]:
        paint_item(pen, moved(item, MARGIN, MARGIN), int(item.name in WATERS))
    return np.array(image, dtype=bool)


def _distance_to(mask: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """Chessboard distance in pixels from each pixel to the nearest of ``mask``, 0 on it; None where there is none.

    It is never more than the true distance, so what keeps to it keeps clear, and takes a fifth of the time.
    """
    if not mask.any():
        return None
    distance: NDArray[np.int32] = ndimage.distance_transform_cdt(~mask, "chessboard")
    return distance
