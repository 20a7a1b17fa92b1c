"""Overhead transmission lines: towers in a row across the land."""

from __future__ import annotations

import math

from engine.scenes.plan import VIEW, Plan, Room, clearance, rectangle
from engine.scenes.scene import COVERS, Point, Polygon

COARSEST_M = 4.0
"""No tower is drawn at a coarser sampling distance: its base would be lost."""

_CHANCE = {
    "rural": 0.8, "wild": 0.6, "residential": 0.2, "industrial": 0.7, "harbor": 0.5, "airfield": 0.25,
    "sports": 0.2, "coast": 0.6,
}  # fmt: skip
_TRIES = 8


def lay_lines(plan: Plan) -> None:
    """A line of towers for each width of a usual view, where the setting and the sampling distance let it be."""
    if plan.gsd_m > COARSEST_M:
        return
    chance = _CHANCE[plan.setting]
    count = sum(plan.draws.chance(chance) for _ in range(max(1, round(plan.scale))))
    if not count:
        return
    open_land = [cover for cover in COVERS if cover not in ("water", "built-up area")]
    room = clearance(plan.where(open_land) & ~plan.reserved)
    for _ in range(count):
        _lay_line(plan, room)


def _lay_line(plan: Plan, room: Room) -> None:
    """One line, sometimes two side by side."""
    draws = plan.draws
    half = max(plan.px(draws.uniform(6, 12)), 2.0) / 2
    # Lines span 200 to 400 m; in a view of a few hundred metres only short spans show that it is a line.
    span = max(min(plan.px(draws.uniform(200, 400)), draws.uniform(0.2, 0.45) * VIEW), plan.px(50), 8 * half)
    for _ in range(_TRIES):
        places = _places(plan, room, span, half)
        if len(places) >= 2:
            _put_up(plan, room, places, half)
            if draws.chance(0.2):
                beside = [place for place in _beside(places, 5 * half + plan.px(20)) if _is_free(room, place, half)]
                if len(beside) >= 2:
                    _put_up(plan, room, beside, half)
            return


def _places(plan: Plan, room: Room, span: float, half: float) -> list[Point]:
    """Where towers of a line stand: at each span, or a little along the line from there where something is in the way;
    where nothing near is free the wires hang over it."""
    draws, n = plan.draws, plan.size
    middle, heading = (plan.along(0.25), plan.along(0.25)), draws.uniform(0, 2 * math.pi)
    kink = draws.uniform(-0.5, 0.5) if draws.chance(0.4) else 0.0
    places = list[Point]()
    for way, direction in ((1, heading), (-1, heading + kink)):
        for step in range(0 if way == 1 else 1, math.ceil(1.5 * n / span)):
            for nudge in (0.0, -0.12, 0.12, -0.24, 0.24):
                t = way * (step + nudge) * span
                place = (middle[0] + t * math.cos(direction), middle[1] + t * math.sin(direction))
                if _is_free(room, place, half):
                    places.append(place)
                    break
    return places


def _beside(places: list[Point], distance: float) -> list[Point]:
    """The row of ``places`` moved sideways."""
    direction = math.atan2(places[1][1] - places[0][1], places[1][0] - places[0][0])
    dx, dy = -distance * math.sin(direction), distance * math.cos(direction)
    return [(x + dx, y + dy) for x, y in places]


def _is_free(room: Room, place: Point, half: float) -> bool:
    size = len(room)
    column, row = math.floor(place[0]), math.floor(place[1])
    return 0 <= column < size and 0 <= row < size and bool(room[row, column] >= 1.5 * half + 3)


def _put_up(plan: Plan, room: Room, places: list[Point], half: float) -> None:
    """Towers of one line, all alike: a square base each, along the line."""
    height, group = plan.draws.uniform(25, 60), plan.new_group()
    turn = math.atan2(places[1][1] - places[0][1], places[1][0] - places[0][0])
    for place in places:
        base = Polygon(rectangle(place, half, half, turn))
        plan.add("transmission tower", base, height_m=height, angle_deg=math.degrees(turn) % 180, group=group)
        _keep_off(room, place, 3 * half + 5)


def _keep_off(room: Room, place: Point, reach: float) -> None:
    """No other tower within ``reach`` columns and rows of ``place``."""
    left, top = (max(0, math.floor(value - reach)) for value in place)
    right, bottom = (math.ceil(value + reach) + 1 for value in place)
    room[top:bottom, left:right] = 0
