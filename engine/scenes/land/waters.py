"""Water: rivers that meander, lakes, reservoirs and fish ponds, canals, and the sea with its beaches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.draws import Draws
from engine.scenes.built.floor import stencil
from engine.scenes.land.parcels import MARGIN
from engine.scenes.plan import VIEW, Plan, exact, rectangle, turned
from engine.scenes.scene import Line, Point, Polygon

_KINDS = ("none", "river", "canal", "lake", "ponds", "river and lake", "sea", "sea and river")
_CHANCES: dict[str, tuple[int, ...]] = {
    "rural": (24, 29, 9, 11, 9, 15, 0, 3),
    "wild": (18, 36, 0, 18, 2, 19, 3, 4),
    "residential": (42, 23, 11, 16, 0, 6, 2, 0),
    "industrial": (40, 25, 15, 12, 3, 5, 0, 0),
    "harbor": (0, 9, 0, 4, 0, 0, 67, 20),
    "airfield": (48, 22, 8, 14, 2, 2, 4, 0),
    "sports": (52, 16, 7, 25, 0, 0, 0, 0),
    "coast": (0, 0, 0, 0, 0, 0, 57, 43),
}
"""How often each setting has which water, in the order of ``_KINDS``."""

_NARROWEST_PX = 4.0


@dataclass(frozen=True, slots=True)
class River:
    """A river or canal: the points of its middle line, at most a width apart, in pixels of the view."""

    course: tuple[Point, ...]


def lay_waters(plan: Plan) -> tuple[River, ...]:
    """Put the waters of the setting on the ground; returns those that roads may want to cross."""
    water = plan.draws.weighted(_KINDS, _CHANCES[plan.setting])
    rivers = list[River]()
    if "sea" in water:
        rivers += _sea(plan, with_river="river" in water)
    elif "river" in water:
        rivers.append(_river(plan))
    elif water == "canal":
        rivers.append(_canal(plan))
    elif water == "ponds":
        _ponds(plan)
    if "lake" in water:
        for _ in range(max(1, round(plan.scale**2 / 2))):
            _lake(plan)
    return tuple(rivers)


# ---- rivers


def _river_width(plan: Plan) -> float:
    """In pixels: 8 to 250 m, as far as that can be drawn and leaves land in the view."""
    return min(max(plan.px(8 * 31.0 ** plan.draws.unit()), _NARROWEST_PX), 52 * math.sqrt(plan.scale))


def _river(plan: Plan) -> River:
    """A river right through the view, now and then with a tributary and with islands."""
    draws, width = plan.draws, _river_width(plan)
    start = (plan.along(0.2), plan.along(0.2))
    heading = draws.uniform(0, 2 * math.pi)
    course, phase = _meander(draws, width, heading), draws.uniform(0, 1)
    down = _walk(plan, start, course, 1, width)
    up = _walk(plan, start, course, -1, width)
    line = [*reversed(up[1:]), *down]
    if draws.chance(0.35):
        _tributary(plan, line, width, heading)
    if draws.chance(0.3):
        _marsh(plan, line, width, phase)
    plan.add("river", Polygon(_ribbon(line, lambda s: width * _breadth(s / width, phase))))
    if width > 20 and draws.chance(0.4):
        _island(plan, line, width)
    return River(tuple(line))


def _meander(draws: Draws, width: float, heading: float) -> Callable[[float], float]:
    """The direction of a river in radians along its course.

    A sine-generated curve: direction swings as a sine of the distance along the river (Langbein and Leopold, 1966,
    *River meanders: theory of minimum variance*, USGS Professional Paper 422-H), here about ten widths long, as rivers'
    are, with a slower sine on it so that no two bends are alike.
    """
    length = max(10 * width * draws.uniform(0.8, 1.5), 50)
    swing, slow = draws.choice((0.15, 0.5, 0.8, 1.1)) * draws.uniform(0.8, 1.2), draws.uniform(0.1, 0.35)
    phase, slow_phase = draws.uniform(0, 2 * math.pi), draws.uniform(0, 2 * math.pi)
    slow_length = length * draws.uniform(2.3, 3.7)

    def direction(s: float) -> float:
        fast = swing * (0.75 + 0.25 * math.sin(2 * math.pi * s / slow_length))
        return heading + fast * math.sin(2 * math.pi * s / length + phase) + slow * math.sin(
            2 * math.pi * s / slow_length + slow_phase
        )  # fmt: skip

    return direction


def _walk(plan: Plan, start: Point, course: Callable[[float], float], way: int, width: float) -> list[Point]:
    """Points of a course from ``start`` (1 downstream, -1 upstream) until it has left the view and its margin."""
    step, reach = min(max(width / 3, 3.0), 10.0), MARGIN + width
    points, s = [start], 0.0
    while len(points) < 6 * plan.size / step:
        x, y = points[-1]
        if not (-reach < x < plan.size + reach and -reach < y < plan.size + reach):
            break
        direction = course(s)
        points.append((x + way * step * math.cos(direction), y + way * step * math.sin(direction)))
        s += way * step
    return points


def _breadth(s: float, phase: float) -> float:
    """A river's width varies by a fifth or so along it; ``s`` is in mean widths."""
    return 1 + 0.15 * math.sin(0.9 * s + 6.28 * phase) + 0.1 * math.sin(2.3 * s + 17 * phase)


def _ribbon(line: list[Point], width: Callable[[float], float]) -> tuple[Point, ...]:
    """The outline of a ribbon along ``line`` whose width changes with the distance along it."""
    left, right, s = list[Point](), list[Point](), 0.0
    for index, (x, y) in enumerate(line):
        before, after = line[max(index - 1, 0)], line[min(index + 1, len(line) - 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        scale = width(s) / 2 / (math.hypot(dx, dy) or 1.0)
        left.append((x + dy * scale, y - dx * scale))
        right.append((x - dy * scale, y + dx * scale))
        s += math.dist((x, y), after)
    return exact(left + right[::-1])


def _tributary(plan: Plan, line: list[Point], width: float, heading: float) -> None:
    """A narrower river that joins from the side, upstream at a sharp angle."""
    draws, own = plan.draws, max(width * plan.draws.uniform(0.3, 0.6), _NARROWEST_PX)
    mouth = line[round((len(line) - 1) * draws.uniform(0.3, 0.7))]
    side = heading + draws.choice((-1, 1)) * draws.uniform(0.9, 1.5)
    points = _walk(plan, mouth, _meander(draws, own, side), 1, own)
    plan.add("river", Polygon(_ribbon(points, lambda s: own * _breadth(s / own, 0.3))))


def _marsh(plan: Plan, line: list[Point], width: float, phase: float) -> None:
    """Wetland on both banks along a part of a river."""
    first = round(len(line) * plan.draws.uniform(0, 0.5))
    part = line[first : first + max(8, round(len(line) * plan.draws.uniform(0.25, 0.6)))]
    margin, length = plan.draws.uniform(8, 22), max(len(part) - 1, 1) * math.dist(part[0], part[1])

    def breadth(s: float) -> float:
        return width * 0.9 + 2 * margin * math.sin(math.pi * min(s / length, 1)) * _breadth(s / 14, phase)

    plan.add("wetland", Polygon(_ribbon(part, breadth)), height_m=1)


def _island(plan: Plan, line: list[Point], width: float) -> None:
    """A spindle of land in mid-river, longer than wide."""
    draws = plan.draws
    at = round((len(line) - 1) * draws.uniform(0.3, 0.7))
    centre, ahead = line[at], line[min(at + 1, len(line) - 1)]
    turn = math.atan2(ahead[1] - centre[1], ahead[0] - centre[0])
    half_l, half_w = width * draws.uniform(0.6, 1.1), width * draws.uniform(0.12, 0.2)
    outline = [
        turned(centre, half_l * math.cos(t), half_w * math.sin(t) * (0.8 + 0.3 * math.cos(t)), turn)
        for t in (step * math.pi / 10 for step in range(20))
    ]
    cover = draws.choice(("forest", "grassland", "bare land"))
    plan.add(cover, Polygon(tuple(outline)), height_m=12 if cover == "forest" else 0)


def _canal(plan: Plan) -> River:
    """A straight or once-bent ribbon of constant width; canals are rivers by name."""
    draws, width = plan.draws, min(max(plan.px(plan.draws.uniform(10, 60)), _NARROWEST_PX), 26.0)
    middle, heading = (plan.along(0.25), plan.along(0.25)), draws.uniform(0, 2 * math.pi)
    other = heading + math.pi + draws.choice((0.0, 0.0, 0.5)) * draws.uniform(-1, 1)
    steps = range(math.ceil((1.5 * plan.size + 2 * MARGIN) / 4))
    down = [(middle[0] + 4 * i * math.cos(heading), middle[1] + 4 * i * math.sin(heading)) for i in steps]
    up = [(middle[0] + 4 * i * math.cos(other), middle[1] + 4 * i * math.sin(other)) for i in steps]
    plan.add("river", Polygon(_ribbon([up[-1], middle, down[-1]], lambda _: width)))
    return River((*reversed(up[1:]), *down))


# ---- standing water


def blob(draws: Draws, centre: Point, radius: float, roughness: float = 0.28) -> tuple[Point, ...]:
    """A closed outline around ``centre``: a stretched circle with waves, the finer the lower."""
    turns = (1, 2, 3, 5, 8, 13, 21)
    waves = [(k, draws.uniform(0, roughness / k**0.8), draws.uniform(0, 2 * math.pi)) for k in turns]
    stretch, turn = draws.uniform(0.55, 1.0), draws.uniform(0, math.pi)
    points = []
    for step in range(96):
        t = step * 2 * math.pi / 96
        r = radius * (1 + sum(a * math.sin(k * t + p) for k, a, p in waves))
        points.append(turned(centre, r * math.cos(t), r * stretch * math.sin(t), turn))
    return tuple(points)


def _lake(plan: Plan) -> None:
    """A lake, sometimes in a belt of wetland, or dammed on one side."""
    draws = plan.draws
    centre = (plan.along(0.12), plan.along(0.12))
    radius = min(max(plan.px(25 * 24.0 ** draws.unit()), 14.0), 76 * math.sqrt(plan.scale))
    outline = blob(draws, centre, radius)
    style = draws.weighted(("plain", "marsh", "dam"), (5, 3, 3))
    if style == "marsh":
        away = (centre[0] + draws.uniform(-9, 9), centre[1] + draws.uniform(-9, 9))
        plan.add("wetland", Polygon(blob(draws, away, radius * draws.uniform(1.15, 1.35))), height_m=1)
    if style == "dam":
        outline, dam = _dammed(draws, outline, centre, radius)
        plan.add("lake", Polygon(outline))
        plan.add("concrete", Line(dam, max(plan.px(9.0), 3.0)), height_m=4)
    else:
        plan.add("lake", Polygon(outline))


def _dammed(
    draws: Draws, outline: tuple[Point, ...], centre: Point, radius: float
) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """``outline`` cut off along a straight line, and that line a little longer: the dam."""
    way, at = draws.uniform(0, 2 * math.pi), radius * draws.uniform(0.25, 0.55)
    nx, ny = math.cos(way), math.sin(way)
    kept, along = list[Point](), list[float]()
    for x, y in outline:
        beyond = (x - centre[0]) * nx + (y - centre[1]) * ny - at
        if beyond > 0:
            along.append((y - centre[1]) * nx - (x - centre[0]) * ny)
        kept.append((x - max(beyond, 0.0) * nx, y - max(beyond, 0.0) * ny))
    low, high = min(along, default=0.0) - 2, max(along, default=0.0) + 2
    foot = (centre[0] + at * nx, centre[1] + at * ny)
    return exact(kept), exact([(foot[0] - t * ny, foot[1] + t * nx) for t in (low, high)])


def _ponds(plan: Plan) -> None:
    """Fish ponds: rectangles in rows with dykes between them."""
    draws = plan.draws
    long, wide = (min(max(plan.px(m), 9.0), 60.0) for m in (draws.uniform(50, 150), draws.uniform(35, 80)))
    dyke = max(plan.px(draws.uniform(5, 9)), 2.5)
    columns, rows = draws.between(2, 5), draws.between(1, 4)
    centre, turn = (plan.along(0.25), plan.along(0.25)), draws.uniform(0, math.pi)
    half = columns * (long + dyke) / 2, rows * (wide + dyke) / 2
    cover = draws.choice(("grassland", "bare land"))
    outline = rectangle(centre, half[0] + dyke, half[1] + dyke, turn)
    plan.add(cover, Polygon(outline))
    where, inside = stencil(outline, plan.size)
    plan.reserved[where] |= inside  # no road and no site among the ponds
    for column in range(columns):
        for row in range(rows):
            if draws.chance(0.92):
                x, y = (column + 0.5) * (long + dyke) - half[0], (row + 0.5) * (wide + dyke) - half[1]
                middle = turned(centre, x, y, turn)
                plan.add("lake", Polygon(rectangle(middle, long / 2, wide / 2, turn)))


# ---- the sea


def _sea(plan: Plan, *, with_river: bool) -> list[River]:
    """Water from one side inwards, behind a coast of bays and headlands with a beach here and there.

    Returns the river that flows into it, if there is one.
    """
    draws, n = plan.draws, plan.size
    reach = (n / 2 + MARGIN) * 1.5
    depth, turn = draws.uniform(-0.3, 0.28) * n, draws.uniform(0, 2 * math.pi)
    middle = (n / 2, n / 2)
    coast = _coast(draws, reach, draws.choice((0.06, 0.12, 0.18, 0.25)))
    out = [(v + depth, u) for u, v in coast]  # x away from the sea, y along it

    def outline(shore: list[Point]) -> tuple[Point, ...]:
        sea_side = [(-reach - MARGIN, reach), (-reach - MARGIN, -reach)]
        return tuple(turned(middle, x, y, turn) for x, y in [*shore, *sea_side])

    belt = draws.weighted(("", "bare land", "wetland", "concrete"), (3, 7, 2, 1))
    if belt:
        wide, length, phase = draws.uniform(3, 16), draws.uniform(50, 160), draws.uniform(0, 6.28)
        inland = [(x + wide * max(0.0, 0.6 + math.sin(y * 6.28 / length + phase)), y) for x, y in out]
        plan.add(belt, Polygon(outline(inland)))
    rivers = list[River]()
    if with_river:
        x, y = out[round((len(out) - 1) * draws.uniform(0.4, 0.6))]
        rivers.append(_mouth(plan, turned(middle, x - 14, y, turn), turn))
    plan.add("sea", Polygon(outline(out)))
    if draws.chance(0.25):
        _islets(plan, lambda x, y: turned(middle, depth - x, y, turn))
    return rivers


def _coast(draws: Draws, reach: float, roughness: float) -> list[Point]:
    """A fractal coast as (along, inland), from -reach to reach, by midpoint displacement (Fournier, Fussell and
    Carpenter, 1982, *Computer rendering of stochastic models*): halves are pushed by less, the shorter they are."""
    line = [(-reach, draws.uniform(-0.1, 0.1) * VIEW), (reach, draws.uniform(-0.1, 0.1) * VIEW)]
    while (length := line[1][0] - line[0][0]) > 5:
        push = min(length, 0.8 * VIEW) * roughness
        halved = [line[0]]
        for a, b in itertools.pairwise(line):
            halved += [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 + draws.uniform(-push, push)), b]
        line = halved
    return line


def _mouth(plan: Plan, start: Point, inland: float) -> River:
    """A river from the sea at ``start`` inland, that widens like a funnel towards the sea."""
    draws, width = plan.draws, min(_river_width(plan), 30 * math.sqrt(plan.scale))
    line = _walk(plan, start, _meander(draws, width, inland), 1, width)
    funnel, length = draws.uniform(0.3, 2.0), draws.uniform(25, 60)
    plan.add("river", Polygon(_ribbon(line, lambda s: width * (1 + funnel * math.exp(-s / length)))))
    return River(tuple(line))


def _islets(plan: Plan, place: Callable[[float, float], Point]) -> None:
    """One to three small islands off the coast."""
    draws = plan.draws
    for _ in range(draws.between(1, 3)):
        centre = place(draws.uniform(20, 70), draws.uniform(-0.5, 0.5) * plan.size)
        cover = draws.choice(("grassland", "forest", "bare land"))
        outline = blob(draws, centre, draws.uniform(5, 13))
        plan.add(cover, Polygon(outline), height_m=12 if cover == "forest" else 0)
