"""Where roads meet: found by geometry on their centre lines, and marked as crossroads and T junctions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from engine.scenes.plan import Plan, exact
from engine.scenes.scene import Line, Point


@dataclass(frozen=True, slots=True)
class Road:
    """A road's centre line and its width, in pixels of the view."""

    line: shapely.LineString
    width: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where two roads meet, and the side of the square that a junction there takes up, in pixels of the view."""

    at: Point
    box: float


def junction_box(width: float, other: float) -> float:
    """The side of the square that marks a junction of two roads this wide, in pixels: 2.5 mean widths."""
    return max(8.0, 1.25 * (width + other))


def roads_of(plan: Plan) -> list[Road]:
    """The roads of ``plan`` so far."""
    return [Road(shapely.LineString(item.shape.points), item.shape.width)
            for item in plan.items if item.name == "road" and isinstance(item.shape, Line)]  # fmt: skip


def mark_junctions(plan: Plan) -> None:
    """Mark every crossroad (four arms) and T junction (three) of the roads of ``plan`` that can be seen whole.

    Junctions are found by geometry on the roads' centre lines, whoever laid them. One that a later item covers, that
    the border of the view cuts, or that runs into another is not marked.
    """
    roads = roads_of(plan)
    junctions = find_meetings(roads)
    lines = np.array([road.line for road in roads])
    hidden = _hides(plan)
    marked = list[Meeting]()
    for junction in sorted(junctions, key=lambda one: one.at):
        near = lines[shapely.distance(lines, shapely.Point(junction.at)) < junction.box / 2]
        name = {3: "T junction", 4: "crossroad"}.get(_arms(near, junction))
        clear = all(math.dist(junction.at, one.at) >= max(junction.box, one.box) for one in marked)
        if name and clear and _in_sight(hidden, junction):
            marked.append(junction)
            (x, y), half = junction.at, junction.box / 2
            corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
            plan.mark(name, exact(corners))


def _arms(lines: NDArray[np.object_], junction: Meeting) -> int:
    """How many roads leave a junction: where centre lines cross a circle around it, in clearly different directions."""
    x, y = junction.at
    circle = shapely.Point(junction.at).buffer(0.6 * junction.box).exterior
    crossings = [point for line in lines for point in points_of(line.intersection(circle))]
    bearings = sorted(math.atan2(point.y - y, point.x - x) for point in crossings)
    turn = [*bearings[1:], *(bearing + 2 * math.pi for bearing in bearings[:1])]
    return sum(after - before > math.radians(25) for before, after in zip(bearings, turn, strict=True))


def _hides(plan: Plan) -> NDArray[np.bool_]:
    """Where something on top hides a road that is there, bool [size, size]: what is newer than the first road and
    neither road nor traffic."""
    first = next((index for index, item in enumerate(plan.items) if item.name == "road"), len(plan.items))
    hides = np.array([index > first and item.name not in ("road", "vehicle") for index, item in enumerate(plan.items)])
    hidden: NDArray[np.bool_] = hides[plan.painted()]
    return hidden


def _in_sight(hidden: NDArray[np.bool_], junction: Meeting) -> bool:
    """Whether the square lies in the view and nothing much lies over its middle."""
    (x, y), half, size = junction.at, junction.box / 2, len(hidden)
    if not (half <= x <= size - half and half <= y <= size - half):
        return False
    reach = junction.box / 5
    left, right, top, bottom = (int(v) for v in (x - reach, x + reach + 1, y - reach, y + reach + 1))
    return bool(hidden[top:bottom, left:right].mean() < 0.25)


def find_meetings(roads: list[Road]) -> list[Meeting]:
    """All meetings of two roads; those that are one place are one."""
    if len(roads) < 2:
        return []
    lines = np.array([road.line for road in roads])
    tree = shapely.STRtree(lines)
    widest = max(road.width for road in roads)
    pairs = np.sort(tree.query(lines, predicate="dwithin", distance=widest / 2).T, axis=1)
    found = list[Meeting]()
    for first, second in np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0):
        a, b = roads[first], roads[second]
        for spot in meeting_points(a.line, b.line, max(a.width, b.width) / 2):
            box = junction_box(a.width, b.width)
            same = [index for index, one in enumerate(found) if math.dist(one.at, spot) < 0.4 * max(box, one.box)]
            if same:
                known = found[same[0]]
                found[same[0]] = Meeting(known.at, max(known.box, box))
            else:
                found.append(Meeting(spot, box))
    return found


def meeting_points(line: shapely.LineString, other: shapely.LineString, reach: float) -> list[Point]:
    """Where two roads cross, or one ends at the other; ends count as there when within ``reach`` of the other road."""
    spots = [(point.x, point.y) for point in points_of(line.intersection(other))]
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


def points_of(geometry: shapely.Geometry) -> list[shapely.Point]:
    """The points of an intersection of two lines; of a shared stretch, its middle."""
    parts = [part for part in shapely.get_parts(geometry) if not part.is_empty]
    return [part if part.geom_type == "Point" else part.interpolate(0.5, normalized=True) for part in parts]
