"""Where things are put: from a seed to a :class:`~engine.scenes.scene.Scene`.

Order, each step lying on the earlier ones: the ground cover, patches of other covers, roads, water (which hides a
road at the shore), bridges where a road crosses a river, then the things that are counted, which keep clear of
roads, water's edge and one another: ships on water, tanks on a paved pad, buildings on land.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.draws import Draws, quarter
from engine.scenes import sites
from engine.scenes.plan import VIEW, Plan, turned
from engine.scenes.scene import COVERS, SETTINGS, Disc, Line, Point, Polygon, Scene

LAYOUT_STREAM = 1


def make_scene(seed: int, size: int = VIEW) -> Scene:
    """The scene of one seed: the same on any machine. A larger ``size`` is a larger place, not a finer picture."""
    draws = Draws(seed, LAYOUT_STREAM)
    gsd_m = round(0.5 * 20.0 ** draws.unit(), 2)
    sun = (quarter(draws.uniform(0, 360)), quarter(draws.uniform(25, 65)))
    season = round(draws.unit(), 3)
    look = quarter(draws.choice((90.0, 270.0)) + draws.uniform(-15, 15))  # radars fly near the poles and look sideways
    plan = Plan(draws, size, gsd_m, draws.choice(SETTINGS))
    layout = _Layout(plan)
    layout.ground()
    sites.lay_large(plan)
    layout.roads_and_water()
    sites.lay_small(plan)
    wind = round(draws.unit(), 3)
    return Scene(
        seed, size, gsd_m, season, sun, look, wind, tuple(plan.items), setting=plan.setting, marks=tuple(plan.marks)
    )


@dataclass(frozen=True, slots=True)
class _River:
    """``line`` gives the middle's position across the view at a position along it; ``upright`` rivers run up-down."""

    line: Callable[[float], float]
    width: float
    upright: bool
    outline: tuple[Point, ...]


class _Layout:
    """The scene as it grows. ``scale`` is how many usual views fit across this one."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.draws = plan.draws
        self.size = plan.size
        self.scale = plan.scale
        self.gsd_m = plan.gsd_m

    # ---- land cover

    def ground(self) -> None:
        """The cover that fills the view, and patches of others on it, each cover at most once per usual view."""
        covers = [c for c in COVERS if c not in ("water", "concrete", "wetland")]
        base = self.draws.choice(covers)
        n = self.size
        self._cover(base, ((-1, -1), (n, -1), (n, n), (-1, n)))
        for _ in range(max(1, round(self.scale**2 / 2))):
            others = [c for c in covers if c != base]
            for cover in self.draws.sample(others, self.draws.weighted((0, 1, 2, 3), (1, 3, 4, 3))):
                centre = (self._along(0.08), self._along(0.08))
                radius = self.draws.uniform(26, 74) * math.sqrt(self.scale)
                natural = cover in ("forest", "grassland", "bare land")
                self._cover(cover, self._blob(centre, radius) if natural else self._block(centre, radius))

    def _along(self, margin: float) -> float:
        return self.draws.uniform(margin, 1 - margin) * self.size

    def _blob(self, centre: Point, radius: float, roughness: float = 0.28) -> tuple[Point, ...]:
        """A closed outline around ``centre``: a stretched circle with waves, the finer the lower."""
        turns = (1, 2, 3, 5, 8, 13, 21)
        waves = [(k, self.draws.uniform(0, roughness / k**0.8), self.draws.uniform(0, 2 * math.pi)) for k in turns]
        stretch, turn = self.draws.uniform(0.65, 1.0), self.draws.uniform(0, math.pi)
        points = []
        for step in range(96):
            t = step * 2 * math.pi / 96
            r = radius * (1 + sum(a * math.sin(k * t + p) for k, a, p in waves))
            points.append(turned(centre, r * math.cos(t), r * stretch * math.sin(t), turn))
        return tuple(points)

    def _block(self, centre: Point, radius: float) -> tuple[Point, ...]:
        """A four-sided plot with slightly uneven corners."""
        turn, flat = self.draws.uniform(0, math.pi), self.draws.uniform(0.6, 1.0)
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return tuple(
            turned(
                centre,
                radius * 0.85 * x * self.draws.uniform(0.85, 1.1),
                radius * 0.85 * flat * y * self.draws.uniform(0.85, 1.1),
                turn,
            )
            for x, y in corners
        )

    def _cover(self, cover: str, outline: tuple[Point, ...]) -> None:
        """Add a patch; farmland is added parcel by parcel."""
        angle = quarter(self.draws.uniform(0, 180))
        height = 12.0 if cover == "forest" else 0.0
        if cover != "farmland":
            self._add(cover, Polygon(outline), height, angle)
            return
        for parcel in self._parcels(outline, self.draws.uniform(900, 3600)):
            self._add(cover, Polygon(parcel), 0.0, quarter(angle + 90 * self.draws.below(2)))

    def _parcels(self, outline: tuple[Point, ...], area: float) -> list[tuple[Point, ...]]:
        """Cut a convex plot across its longer way until no parcel is much larger than ``area`` square pixels."""
        todo, done = [outline], list[tuple[Point, ...]]()
        while todo:
            plot = todo.pop()
            if len(plot) != 4 or _area(plot) < area * 1.6 or len(done) + len(todo) > 80 * self.scale**2:
                done.append(plot)
                continue
            a, b, c, d = plot
            if math.dist(a, b) + math.dist(c, d) < math.dist(b, c) + math.dist(d, a):
                a, b, c, d = b, c, d, a
            u, v = self.draws.uniform(0.35, 0.65), self.draws.uniform(-0.05, 0.05)
            top, bottom = _between(a, b, u + v), _between(d, c, u - v)
            todo += [(a, top, bottom, d), (top, b, c, bottom)]
        return done

    # ---- roads and water

    def roads_and_water(self) -> None:
        """Three views in four have water: a river, a lake, both, or the sea. Most have roads, more so by a river."""
        water = self.draws.weighted(("none", "river", "lake", "sea", "both"), (26, 24, 17, 22, 11))
        count = self.draws.weighted((0, 1, 2, 3), (42, 28, 18, 12) if water != "river" else (30, 34, 22, 14))
        count = round(count * self.scale)
        river = self._draw_river() if water in ("river", "both") else None
        if river is None:
            for _ in range(count):
                self._road()
        lake: tuple[Point, ...] = ()
        if water in ("lake", "both"):
            lake = self._blob((self._along(0.15), self._along(0.15)), self.draws.uniform(24, 70) * self.scale**0.5)
        if river is not None:
            self._crossings(river, count, lake)
        if lake:
            self._add("lake", Polygon(lake))
        if water == "sea":
            self._sea()

    def _road(self) -> None:
        """A road from one side of the view to another, with one bend."""
        n = self.size
        start, end = self._along(0.1), self._along(0.1)
        bend = (quarter(self._along(0.3)), quarter((start + end) / 2 + self.draws.uniform(-0.12, 0.12) * n))
        points = [(-8.0, quarter(start)), bend, (n + 8.0, quarter(end))]
        if self.draws.chance(0.5):
            points = [(y, x) for x, y in points]
        self._add("road", Line(tuple(points), self._road_width()))

    def _road_width(self) -> float:
        return float(self.draws.choice((3, 3, 4, 6, 8)))

    def _draw_river(self) -> _River:
        """A winding river from one side of the view to the opposite one; not added yet, as roads lie under it."""
        n, draws = self.size, self.draws
        width = draws.uniform(12, 34) * self.scale**0.5
        middle, slope = self._along(0.25), draws.uniform(-0.35, 0.35)
        waves = [
            (draws.uniform(6, 20), draws.uniform(0.012, 0.03), draws.uniform(0, 6.28)),
            (draws.uniform(0, 6), draws.uniform(0.03, 0.06), draws.uniform(0, 6.28)),
        ]

        def line(t: float) -> float:
            return middle + slope * (t - n / 2) + sum(a * math.sin(f * t + p) for a, f, p in waves)

        steps = range(-12, n + 24, 8)
        near = [(float(t), quarter(line(t) - width / 2)) for t in steps]
        far = [(float(t), quarter(line(t) + width / 2)) for t in steps]
        upright = draws.chance(0.5)
        return _River(line, width, upright, _exact(near + far[::-1], upright))

    def _crossings(self, river: _River, count: int, lake: tuple[Point, ...]) -> None:
        """Add the river, with roads across it, each on its bridge, apart from one another and from the lake."""
        line, width, upright = river.line, river.width, river.upright
        n, draws = self.size, self.draws
        roads, bridges = list[tuple[tuple[Point, ...], float]](), list[tuple[tuple[Point, ...], float]]()
        taken: list[float] = []
        for _ in range(count * 4):
            at = self._along(0.1)
            if len(roads) >= count or any(abs(at - other) < 44 for other in taken):
                continue
            tilt = draws.uniform(-0.12, 0.12)
            t = at
            for _ in range(12):  # where the road meets the middle line: a contraction, as both slopes are small
                t = at + tilt * (line(t) - n / 2)
            y = line(t)
            half = width * 0.5 + 5 + abs(tilt) * width
            if not 14 < t < n - 14 or not width < y < n - width or _near(_exact([(t, y)], upright)[0], lake, half):
                continue
            taken.append(at)
            w = self._road_width()
            ends = [(at + tilt * (s - n / 2), s) for s in (-8.0, n + 8.0)]
            deck = [(t + tilt * s, y + s) for s in (-half, half)]
            roads.append((_exact(ends, upright), w))
            bridges.append((_exact(deck, upright), w + 3))
        for points, w in roads:
            self._add("road", Line(points, w))
        self._add("river", Polygon(river.outline))
        for points, w in bridges:
            self._add("bridge", Line(points, w), height_m=3 + 0.6 * self.gsd_m)

    def _sea(self) -> None:
        """Water from one side inwards, behind a wavy coast."""
        n, draws = self.size, self.draws
        depth, slope = draws.uniform(0.2, 0.75) * n, draws.uniform(-0.25, 0.25)
        lengths = ((16, 0.02), (12, 0.04), (6, 0.08), (3, 0.2), (2, 0.4))
        waves = [(draws.uniform(0, a), f * draws.uniform(0.7, 1.4), draws.uniform(0, 6.28)) for a, f in lengths]
        coast = [
            (float(t), quarter(depth + slope * (t - n / 2) + sum(a * math.sin(f * t + p) for a, f, p in waves)))
            for t in range(-12, n + 24, 4)
        ]
        outline = [(-16.0, -16.0), *coast, (n + 23.0, -16.0)]
        if draws.chance(0.5):
            outline = [(x, n - y) for x, y in outline]
        if draws.chance(0.5):
            outline = [(y, x) for x, y in outline]
        self._add("sea", Polygon(tuple(outline)))

    def _add(
        self, name: str, shape: Polygon | Line | Disc, height_m: float = 0.0, angle_deg: float = 0.0, kind: str = ""
    ) -> None:
        self.plan.add(name, shape, height_m=height_m, angle_deg=angle_deg, kind=kind)


def _between(a: Point, b: Point, share: float) -> Point:
    return quarter(a[0] + (b[0] - a[0]) * share), quarter(a[1] + (b[1] - a[1]) * share)


def _area(points: tuple[Point, ...]) -> float:
    """Shoelace formula, square pixels."""
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2


def _near(point: Point, outline: tuple[Point, ...], margin: float) -> bool:
    """Whether ``point`` is in the box around ``outline``, or within ``margin`` of it."""
    return bool(outline) and all(
        min(p[axis] for p in outline) - margin < point[axis] < max(p[axis] for p in outline) + margin for axis in (0, 1)
    )


def _exact(points: list[Point], swap: bool) -> tuple[Point, ...]:
    return tuple((quarter(y), quarter(x)) if swap else (quarter(x), quarter(y)) for x, y in points)
