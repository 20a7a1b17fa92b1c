"""Roads with their bridges, and the places where roads meet.

Roads follow cuts between parcels, streets the blocks of a town, and a highway goes its own way. Whatever is laid
keeps to rules that make it countable: a road ends before water or bridges it, ends before ground that a site has
claimed, meets another at a fair angle and never two others within one junction's size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from engine.draws import Draws
from engine.scenes.ground import Ground
from engine.scenes.paint import paint_item
from engine.scenes.parcels import Cut
from engine.scenes.plan import VIEW, Plan, exact
from engine.scenes.scene import WATERS, Line, Point, moved

MARGIN = 32
"""Pixels beyond the border of the view up to which roads look out for water."""

LONGEST_BRIDGE_PX, LONGEST_BRIDGE_M = 90.0, 500.0
_SHARPEST = math.radians(38)
_SHORTEST_ROAD_PX = 24.0
_STEP = 1.5
_GATE_PX = 14.0


@dataclass(frozen=True, slots=True)
class _Road:
    line: shapely.LineString
    width: float


@dataclass(frozen=True, slots=True)
class _Deck:
    line: shapely.LineString
    width: float


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Where two roads meet, and the side of the square that a junction there takes up."""

    at: Point
    box: float


def junction_box(width: float, other: float) -> float:
    """The side of the square that marks a junction of two roads this wide, in pixels: 2.5 mean widths."""
    return max(8.0, 1.25 * (width + other))


def lay_roads(plan: Plan, ground: Ground) -> None:
    """Lay roads and bridges on the land and over the water of ``plan``."""
    draws, network = plan.draws, Network(plan)
    if draws.chance(_HIGHWAY[plan.setting]):
        _highway(plan, network)
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


_HIGHWAY = {
    "rural": 0.4, "wild": 0.5, "residential": 0.2, "industrial": 0.35, "harbor": 0.35, "airfield": 0.4,
    "sports": 0.2, "coast": 0.45,
}  # fmt: skip
"""How often a road goes its own way across the place."""

_NO_NET = {
    "rural": 0.25, "wild": 0.75, "residential": 0.04, "industrial": 0.06, "harbor": 0.1, "airfield": 0.3,
    "sports": 0.1, "coast": 0.35,
}  # fmt: skip
"""How often there are no roads along parcels at all."""


def _is_road(draws: Draws, cut: Cut, ground: Ground) -> bool:
    """Whether a road runs along ``cut``: nearly always in a town, the rarer in the country the later the cut."""
    if ground.town.has(cut.points[len(cut.points) // 2]):
        return draws.chance(0.93)
    return draws.chance(0.75 * 0.72**cut.rank)


def _highway(plan: Plan, network: Network) -> None:
    """A winding road right across the place."""
    draws, n = plan.draws, plan.size
    middle, heading = (plan.along(0.15), plan.along(0.15)), draws.uniform(0, math.pi)
    reach = 0.75 * n + 2 * MARGIN
    count = 8 + 4 * round(plan.scale)
    sway = draws.choice((0.0, 0.02, 0.05)) * VIEW
    phase, length = draws.uniform(0, 2 * math.pi), draws.uniform(0.6, 1.6) * VIEW
    points = []
    for step in range(6 * count + 1):
        t = (step / (6 * count) * 2 - 1) * reach
        aside = sway * math.sin(2 * math.pi * t / length + phase) + 0.3 * sway * math.sin(5 * math.pi * t / length)
        points.append((middle[0] + t * math.cos(heading) - aside * math.sin(heading),
                       middle[1] + t * math.sin(heading) + aside * math.cos(heading)))  # fmt: skip
    network.lay(exact(points), "wide" if draws.chance(0.7) else "narrow")


class Network:
    """The roads of a place as they are laid. Nothing is painted before :meth:`put_down`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._water = _distance_to(_water(plan))
        self._claimed = _distance_to(np.pad(plan.reserved, MARGIN))
        self._roads = roads_of(plan)
        self._laid: list[tuple[_Road, str]] = []
        self._streets = shapely.union_all([road.line for road in self._roads])
        self._decks: list[_Deck] = []
        self._meetings = _clusters(self._roads)

    def reaches(self, points: Sequence[Point]) -> bool:
        """Whether any of ``points``' box is in the view or near it."""
        near, far = -MARGIN / 2, self._plan.size + MARGIN / 2
        return all(max(p[axis] for p in points) > near and min(p[axis] for p in points) < far for axis in (0, 1))

    def lay(self, points: Sequence[Point], kind: str) -> bool:
        """Lay a road along ``points``, or those parts of it that the rules allow; False where there is none."""
        metres = self._plan.draws.uniform(4, 7) if kind == "narrow" else self._plan.draws.uniform(12, 20)
        width = self._plan.px(metres)
        if width < _STEP:
            return False
        width = round(max(width, 2.0))
        laid = False
        for path, ends in self._pieces(points, width):
            line = shapely.LineString(path) if len(path) > 1 else shapely.LineString()
            decks = [_Deck(shapely.LineString(deck), self._deck_width(width)) for deck in ends]
            laid |= self._join(_Road(line, float(width)), kind, decks) or self._join_parts(
                _Road(line, float(width)), kind, decks
            )
        return laid

    def put_down(self) -> None:
        """Add the roads, narrow before wide, and over them the bridges."""
        plan = self._plan
        for road, kind in sorted(self._laid, key=lambda pair: pair[0].width):
            plan.add("road", Line(exact(road.line.coords), road.width), kind=kind)
        for deck in self._decks:
            plan.add("bridge", Line(exact(deck.line.coords), deck.width), height_m=plan.draws.uniform(5, 14))

    # ---- water and claimed ground

    def _pieces(self, points: Sequence[Point], width: int) -> list[tuple[list[Point], list[list[Point]]]]:
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
            keep = [
                index for index in range(first, last)
                if index in (first, last - 1) or any(index in deck for deck in own)
                or (corner[index] and not any(a < index < b for a, b in own))
            ]  # fmt: skip
            path = [_point(samples[index]) for index in keep]
            path = [*self._entry(samples[:first][::-1], width), *path, *self._entry(samples[last:], width)]
            pieces.append((path, [[_point(samples[a]), _point(samples[b])] for a, b in own]))
        return pieces

    def _entry(self, beyond: NDArray[np.float64], width: int) -> list[Point]:
        """Where a road that ends at a site's ground meets that site's own street a few pixels on: a gate."""
        ahead = beyond[: round((width + _GATE_PX) / _STEP)]
        if len(ahead) < 2 or self._streets.is_empty or self._at(self._water, ahead).min() < width / 2 + 2:
            return []
        way = shapely.LineString(ahead)
        gates = _points_of(way.intersection(self._streets))
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
        middle = samples[first:last]
        if float(shapely.distance(line, shapely.points(middle)).max()) > 6:
            return False
        return all(line.distance(other.line) > (width + other.width) / 2 + 4 for other in self._decks)

    def _deck_width(self, width: float) -> float:
        return round(width + min(max(self._plan.px(3.0), 2.0), 5.0))

    def _at(self, distance: NDArray[np.float64] | None, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """``distance`` at each sample; beyond its map, as at the map's rim."""
        if distance is None:
            return np.full(len(samples), np.inf)
        at = np.clip(np.floor(samples).astype(np.int64) + MARGIN, 0, len(distance) - 1)
        return distance[at[:, 1], at[:, 0]]

    # ---- other roads

    def _join(self, road: _Road, kind: str, decks: list[_Deck]) -> bool:
        """Add a road to the net, unless it would be short, loose, or meet others confusingly."""
        if road.line.length < _SHORTEST_ROAD_PX:
            return False
        meetings = self._meetings_of(road)
        if meetings is None or not (meetings or self._leaves_view(road.line)):
            return False
        for meeting in meetings:
            spot = shapely.Point(meeting.at)
            for deck in (*self._decks, *decks):
                if deck.line.distance(spot) < (meeting.box + deck.width) / 2 + 1:
                    return False
        self._roads.append(road)
        self._laid.append((road, kind))
        self._decks += decks
        self._meetings += meetings
        return True

    def _join_parts(self, road: _Road, kind: str, decks: list[_Deck]) -> bool:
        """Add those stretches of a road between two older ones that can be added where the whole cannot."""
        older = shapely.union_all([other.line for other in self._roads])
        parts = shapely.get_parts(road.line.difference(older))
        if len(parts) < 2:
            return False
        joined = False
        for part in parts:
            own = [deck for deck in decks if deck.line.distance(part) < 0.1]
            joined |= self._join(_Road(part, road.width), kind, own)
        return joined

    def _leaves_view(self, line: shapely.LineString) -> bool:
        n = self._plan.size
        return any(not (0 < x < n and 0 < y < n) for x, y in (line.coords[0], line.coords[-1]))

    def _meetings_of(self, new: _Road) -> list[_Meeting] | None:
        """Where ``new`` meets the roads there are; None where it would do so at a sharp angle, run beside one, or
        make a junction that runs into another."""
        line, width = new.line, new.width
        if not self._roads:
            return []
        found = list[_Meeting]()
        gaps = shapely.distance(line, np.array([road.line for road in self._roads]))
        for road, gap in zip(self._roads, gaps, strict=True):
            side = (width + road.width) / 2
            if gap > side + 4:
                continue
            spots = meeting_points(line, road.line, side)
            if any(_angle(line, road.line, spot) < _SHARPEST for spot in spots):
                return None
            beside = line.intersection(road.line.buffer(side + 3, quad_segs=2)).length
            if beside > len(spots) * 2 * (side + 3) / math.sin(_SHARPEST) + 1:
                return None
            found += [_Meeting(spot, junction_box(width, road.width)) for spot in spots]
        known = [*self._meetings]
        for meeting in found:
            if any(1.5 < math.dist(meeting.at, other.at) < 1.2 * max(meeting.box, other.box) for other in known):
                return None
            known.append(meeting)
        return found


def meeting_points(line: shapely.LineString, other: shapely.LineString, reach: float) -> list[Point]:
    """Where two roads cross, or one ends at the other; ends count as there when within ``reach`` of the other road."""
    spots = [(point.x, point.y) for point in _points_of(line.intersection(other))]
    for ends, on in ((line, other), (other, line)):
        for end in (ends.coords[0], ends.coords[-1]):
            point = shapely.Point(end)
            if on.distance(point) <= reach:
                spot = on.interpolate(on.project(point))
                spots.append((spot.x, spot.y))
    kept = list[Point]()
    for spot in spots:
        if all(math.dist(spot, one) > reach + 1 for one in kept):
            kept.append(spot)
    return kept


def _points_of(geometry: shapely.Geometry) -> list[shapely.Point]:
    """The points of an intersection of two lines; of a shared stretch, its middle."""
    parts = [part for part in shapely.get_parts(geometry) if not part.is_empty]
    return [part if part.geom_type == "Point" else part.interpolate(0.5, normalized=True) for part in parts]


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
    rows, corner = [points[0]], [True]
    for a, b in itertools.pairwise(points):
        steps = max(1, math.ceil(math.dist(a, b) / _STEP))
        for step in range(1, steps + 1):
            rows.append((a[0] + (b[0] - a[0]) * step / steps, a[1] + (b[1] - a[1]) * step / steps))
            corner.append(step == steps)
    return np.array(rows), np.array(corner)


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


def _distance_to(mask: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Distance in pixels from each pixel to the nearest of ``mask``, 0 on it; None where there is none."""
    if not mask.any():
        return None
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~mask)
    return distance


# ---- junctions


def mark_junctions(plan: Plan) -> None:
    """Mark every crossroad (four arms) and T junction (three) of the roads of ``plan`` that can be seen whole.

    Junctions are found by geometry on the roads' centre lines, whoever laid them. One that a later item covers, that
    the border of the view cuts, or that runs into another is not marked.
    """
    roads = roads_of(plan)
    junctions = _clusters(roads)
    lines = np.array([road.line for road in roads])
    hidden = _hides(plan)
    marked = list[_Meeting]()
    for junction in sorted(junctions, key=lambda one: one.at):
        near = lines[shapely.distance(lines, shapely.Point(junction.at)) < junction.box / 2]
        name = {3: "T junction", 4: "crossroad"}.get(_arms(near, junction))
        clear = all(math.dist(junction.at, one.at) >= max(junction.box, one.box) for one in marked)
        if name and clear and _in_sight(hidden, junction):
            marked.append(junction)
            (x, y), half = junction.at, junction.box / 2
            corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
            plan.mark(name, exact(corners))


def roads_of(plan: Plan) -> list[_Road]:
    """The roads of ``plan`` so far."""
    return [_Road(shapely.LineString(item.shape.points), item.shape.width)
            for item in plan.items if item.name == "road" and isinstance(item.shape, Line)]  # fmt: skip


def _clusters(roads: list[_Road]) -> list[_Meeting]:
    """All meetings of two roads; those that are one place are one."""
    if len(roads) < 2:
        return []
    lines = np.array([road.line for road in roads])
    tree = shapely.STRtree(lines)
    widest = max(road.width for road in roads)
    pairs = np.sort(tree.query(lines, predicate="dwithin", distance=widest / 2).T, axis=1)
    found = list[_Meeting]()
    for first, second in np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0):
        a, b = roads[first], roads[second]
        for spot in meeting_points(a.line, b.line, max(a.width, b.width) / 2):
            box = junction_box(a.width, b.width)
            same = [index for index, one in enumerate(found) if math.dist(one.at, spot) < 0.4 * max(box, one.box)]
            if same:
                known = found[same[0]]
                found[same[0]] = _Meeting(known.at, max(known.box, box))
            else:
                found.append(_Meeting(spot, box))
    return found


def _arms(lines: NDArray[np.object_], junction: _Meeting) -> int:
    """How many roads leave a junction: where centre lines cross a circle around it, in clearly different directions."""
    x, y = junction.at
    circle = shapely.Point(junction.at).buffer(0.6 * junction.box).exterior
    crossings = [point for line in lines for point in _points_of(line.intersection(circle))]
    bearings = sorted(math.atan2(point.y - y, point.x - x) for point in crossings)
    turn = [*bearings[1:], *(bearing + 2 * math.pi for bearing in bearings[:1])]
    return sum(after - before > math.radians(25) for before, after in zip(bearings, turn, strict=True))


def _hides(plan: Plan) -> NDArray[np.bool_]:
    """Where something on top lies over roads, bool [size, size]: all that is neither road nor older than all roads."""
    first = next((index for index, item in enumerate(plan.items) if item.name == "road"), len(plan.items))
    hides = np.array([index > first and item.name != "road" for index, item in enumerate(plan.items)])
    hidden: NDArray[np.bool_] = hides[plan.painted()]
    return hidden


def _in_sight(hidden: NDArray[np.bool_], junction: _Meeting) -> bool:
    """Whether the square lies in the view and nothing much lies over its middle."""
    (x, y), half, size = junction.at, junction.box / 2, len(hidden)
    if not (half <= x <= size - half and half <= y <= size - half):
        return False
    reach = junction.box / 5
    left, right, top, bottom = (int(v) for v in (x - reach, x + reach + 1, y - reach, y + reach + 1))
    return bool(hidden[top:bottom, left:right].mean() < 0.25)
