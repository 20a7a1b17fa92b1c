"""Where people build: the large sites that roads lead round, and the small things that stand beside the roads."""

from __future__ import annotations

import math

from engine.draws import quarter
from engine.scenes.plan import Plan, Room, clearance, rectangle, turned
from engine.scenes.scene import WATERS, Disc, Polygon

# How many of a countable class: few is common, as in the field, but every answer up to "more than 10" occurs.
_COUNTS = tuple(range(1, 15))
_COUNT_WEIGHTS = (16, 15, 14, 12, 10, 8, 7, 6, 5, 5, 4, 4, 3, 3)


def lay_large(plan: Plan) -> None:
    """Claim ground that roads keep out of. Nothing is laid here so far."""


def lay_small(plan: Plan) -> None:
    """Each class in half of the views where it can be; for a large view, once per usual view."""
    names = ("road", "bridge", "runway", "pier", "paved")
    top = plan.painted()
    sea_room = clearance(plan.where(WATERS, top))
    land_room = clearance(~plan.where((*WATERS, *names), top) & ~plan.reserved)
    for _ in range(max(1, round(plan.scale**2 / 2))):
        if plan.draws.chance(0.5):
            _tanks(plan, land_room, _count(plan))
        if plan.draws.chance(0.5):
            _buildings(plan, land_room, _count(plan))
        if plan.draws.chance(0.68):
            _ships(plan, sea_room, _count(plan))


def _count(plan: Plan) -> int:
    return plan.draws.weighted(_COUNTS, _COUNT_WEIGHTS)


def _tanks(plan: Plan, room: Room, count: int) -> None:
    """A farm of equal tanks in rows on a paved pad; fewer where there is no room for all."""
    radius = float(plan.draws.between(4, 8) if count <= 6 else plan.draws.between(4, 5))
    pitch, turn = 2 * radius + 5, plan.draws.uniform(0, math.pi)
    while count:
        columns = math.ceil(math.sqrt(count))
        rows = math.ceil(count / columns)
        half_w, half_h = columns * pitch / 2, rows * pitch / 2
        centre = plan.spot(room, math.hypot(half_w, half_h) + 3)
        if centre is not None:
            break
        count -= 1
    else:
        return
    plan.add("paved", Polygon(rectangle(centre, half_w + 1, half_h + 1, turn)), kind="pad")
    height, group = max(5.0, radius * plan.gsd_m * 0.8), plan.new_group()
    for index in range(count):
        x = (index % columns + 0.5) * pitch - half_w
        y = (index // columns + 0.5) * pitch - half_h
        middle = turned(centre, x, y, turn)
        plan.add("storage tank", Disc((round(middle[0]), round(middle[1])), radius), height_m=height, group=group)
    plan.take(room, centre, math.hypot(half_w, half_h) + 3)


def _buildings(plan: Plan, room: Room, count: int) -> None:
    """Houses and halls, each somewhere on land, turned alike."""
    turn = plan.draws.uniform(0, math.pi)
    for _ in range(count):
        half_w, half_h = plan.draws.uniform(4.5, 10), plan.draws.uniform(3.5, 6.5)
        radius = math.hypot(half_w, half_h) + 2.5
        centre = plan.spot(room, radius)
        if centre is None:
            return
        height = min(max(plan.draws.uniform(0.5, 1.2) * half_h * plan.gsd_m, 4.0), 60.0)
        kind = "hall" if half_h * plan.gsd_m > 12 else "house"
        outline = Polygon(rectangle(centre, half_w, half_h, turn))
        plan.add("building", outline, height_m=height, angle_deg=math.degrees(turn), kind=kind)
        plan.take(room, centre, radius)


def _ships(plan: Plan, room: Room, count: int) -> None:
    """Ships with a pointed bow, as long as the water lets them be."""
    for _ in range(count):
        centre = plan.spot(room, 5.5)
        if centre is None:
            return
        free = float(room[int(centre[1]), int(centre[0])])
        half = min(plan.draws.uniform(4.5, 11), free - 1)
        beam, turn = max(1.6, half * plan.draws.uniform(0.26, 0.36)), plan.draws.uniform(0, 2 * math.pi)
        hull = ((-1.0, -1.0), (0.55, -1.0), (1.0, 0.0), (0.55, 1.0), (-1.0, 1.0))
        outline = Polygon(tuple(turned(centre, x * half, y * beam, turn) for x, y in hull))
        kind = "cargo ship" if half * plan.gsd_m > 20 else "boat"
        plan.add(
            "ship", outline, height_m=half * plan.gsd_m * 0.3, angle_deg=quarter(math.degrees(turn) % 180), kind=kind
        )
        plan.take(room, centre, half + 2.5)
