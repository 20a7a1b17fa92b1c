"""A harbor: a straight quay on the shore, piers into the water, ships along them, and the place's mark."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.built.floor import Floors, Plot
from engine.scenes.built.industry import put_hall
from engine.scenes.built.ships import MAKES, length_range, put_ship
from engine.scenes.built.traffic import put_vehicle, visible
from engine.scenes.plan import VIEW, Plan
from engine.scenes.scene import Line, Point, Polygon

MOORING_GAP_PX = 1.5
"""Room between a hull and what it is moored at."""

_TRIES = 24
_MARGIN_PX = 25


@dataclass(frozen=True, slots=True)
class _Site:
    """A harbor to be built, in pixels. ``frame`` lies on the shore, its y axis towards the water.

    The quay runs from ``-depth`` to ``edge`` along y; the basin from there to ``edge + reach``. A ``marina`` is for
    boats.
    """

    frame: Plot
    depth: float
    edge: float
    reach: float
    marina: bool
    piers: tuple[float, ...]
    """Where along the quay piers begin, x in ``frame``."""

    def strip(self, near: float, far: float, grown: float = 0.0) -> Plot:
        """The plot between two places along y, as wide as the harbor and ``grown`` on either side."""
        return self.frame.part(0, (near + far) / 2, self.frame.half_w + grown, (far - near) / 2)


def lay_harbor(plan: Plan, floors: Floors) -> bool:
    """A harbor where the shore is straight enough and the water wide enough; says whether there is one."""
    shore = _shore(floors)
    if not len(shore):
        return False
    marina = plan.gsd_m <= 1.1 and plan.draws.chance(0.45)
    for attempt in range(_TRIES):
        row, column = shore[plan.draws.below(len(shore))]
        site = _site(plan, floors, (float(column), float(row)), marina, 1.0 - 0.7 * attempt / _TRIES)
        if _suits(floors, site):
            _build(plan, floors, site)
            return True
    return False


def _shore(floors: Floors) -> NDArray[np.intp]:
    """Row and column of the water pixels beside land, [n, 2], in a usual view within the view but for its border."""
    plan = floors.sea.plan
    row, column = (plan.draws.below(max(1, plan.size - VIEW + 1)) + _MARGIN_PX for _ in range(2))
    side = min(plan.size, VIEW) - 2 * _MARGIN_PX
    wet = floors.sea.free[row : row + side, column : column + side]
    beside: NDArray[np.bool_] = ndimage.binary_dilation(~wet) & wet
    shore: NDArray[np.intp] = np.argwhere(beside) + np.array((row, column))
    return shore


def _site(plan: Plan, floors: Floors, at: Point, marina: bool, share: float) -> _Site:
    """A harbor of random sizes, ``share`` of what it might be, that looks away from the land around ``at``."""
    draws = plan.draws
    reach_m = draws.uniform(40, 100) if marina else draws.uniform(90, 300)
    width_m = draws.uniform(90, 240) if marina else draws.uniform(200, 800)
    reach = min(plan.px(reach_m), 70.0) * share
    half_w = min(plan.px(width_m) / 2, 85.0) * share
    depth, edge = plan.px(draws.uniform(18, 35) if marina else draws.uniform(35, 80)), draws.uniform(2, 7)
    frame = Plot(at, half_w, reach, _seaward(floors, at) - math.pi / 2)
    return _Site(frame, min(max(depth, 5.0), 40.0), edge, reach, marina, _pier_places(plan, half_w, marina))


def _seaward(floors: Floors, at: Point) -> float:
    """The direction (radians) in which there is more water around ``at``."""
    column, row = int(at[0]), int(at[1])
    top, left, reach = max(0, row - 30), max(0, column - 30), 31
    rows, columns = np.nonzero(floors.sea.free[top : row + reach, left : column + reach])
    down, right = int(rows.sum()) + len(rows) * (top - row), int(columns.sum()) + len(columns) * (left - column)
    return math.atan2(down, right)


def _suits(floors: Floors, site: _Site) -> bool:
    """Whether the basin is water in the view and the quay's back unclaimed land."""
    size, basin = floors.sea.plan.size, site.strip(site.edge + 2, site.edge + 1.3 * site.reach + 4)
    if site.reach < 12 or site.frame.half_w < 14:
        return False
    if any(not (-8 < x < size + 8 and -8 < y < size + 8) for x, y in basin.corners()):
        return False
    back = site.strip(-site.depth, -site.depth / 2)
    if floors.sea.share(basin.corners()) < 0.96 or floors.land.share(back.corners()) < 0.75:
        return False
    if floors.is_claimed(site.strip(-site.depth, site.edge + site.reach, grown=3).corners()):
        return False
    firm = [site.frame.part(x, site.edge + 0.4 * site.reach, 4, 0.4 * site.reach - 2) for x in site.piers]
    return any(floors.sea.share(pier.corners()) == 1.0 for pier in firm)


def _build(plan: Plan, floors: Floors, site: _Site) -> None:
    """Quay, piers with their ships, ships at the quay, sheds and lorries behind, and the mark."""
    draws = plan.draws
    quay = site.strip(-site.depth, site.edge)
    floors.claim(site.strip(-site.depth, site.edge + site.reach * 1.3).corners(3))
    floors.sea.close(quay.corners())
    plan.add("paved", Polygon(quay.corners()), angle_deg=quay.degrees, kind="quay")
    walled = draws.chance(0.4) and _lay_breakwater(plan, floors, site)
    group = plan.new_group()
    busy = draws.choice((0.2, 0.45, 0.65, 0.9))
    ends = [_lay_pier(plan, floors, site, x, busy, group) for x in site.piers]
    if busy and not site.marina:
        _moor_at_quay(floors, site, busy, group)
    if draws.chance(0.7):
        _lay_sheds(plan, floors, site)
    far = site.edge + 1.2 * site.reach + 5 if walled else max([site.edge + 0.5 * site.reach, *ends])
    grown = 3 + 0.13 * site.frame.half_w if walled else 3
    plan.mark("harbor", site.strip(-site.depth, far + 4, grown).corners())


def _lay_breakwater(plan: Plan, floors: Floors, site: _Site) -> bool:
    """A bent mole from one end of the quay round the basin's far side, if all of it would stand in water."""
    draws, width = plan.draws, max(plan.px(plan.draws.uniform(6, 14)), 2.4)
    side, half_w = draws.choice((-1, 1)), site.frame.half_w
    shares = ((0.97, 0.0), (1.12, 0.5), (1.08, 1.05), (draws.uniform(0.1, 0.7), 1.2))
    bends = [(side * x * half_w, site.edge - 1 + y * (site.reach + 4)) for x, y in shares]
    walls = list[Plot]()
    for (x, y), (far_x, far_y) in itertools.pairwise(bends):
        half, turn = math.hypot(far_x - x, far_y - y) / 2, math.atan2(far_y - y, far_x - x)
        walls.append(site.frame.part((x + far_x) / 2, (y + far_y) / 2, half + width / 3, width / 2, turn))
    if any(floors.sea.share(wall.corners(1)) < 0.93 for wall in walls):
        return False
    for wall in walls:
        plan.add("pier", Line((wall.at(-wall.half_w, 0), wall.at(wall.half_w, 0)), width), angle_deg=wall.degrees)
        floors.sea.close(wall.corners(1))
    return True


def _pier_places(plan: Plan, half_w: float, marina: bool) -> tuple[float, ...]:
    """Where along a quay of ``half_w`` piers begin: evenly, with room for ships on both sides."""
    apart = max(plan.px(plan.draws.uniform(36, 50) if marina else plan.draws.uniform(70, 130)), 14.0)
    count = max(1, min(int(2 * half_w // apart), plan.draws.between(1, 6)))
    spread = min(2 * half_w / count, apart * 1.5)
    return tuple((index + 0.5 - count / 2) * spread for index in range(count))


def _lay_pier(plan: Plan, floors: Floors, site: _Site, x: float, busy: float, group: int) -> float:
    """A pier at ``x`` of the quay with ships along it; returns how far out it reaches, along y."""
    draws = plan.draws
    half = max(plan.px(draws.uniform(2.5, 4) if site.marina else draws.uniform(10, 28)), 2.4) / 2
    length = site.reach * draws.uniform(0.75, 1.0)
    near = site.edge
    while length > 8:
        pier = site.frame.part(x, near + length / 2, half + 1, length / 2)
        if floors.sea.share(pier.corners()) > 0.9:
            break
        length *= 0.8
    else:
        return near
    ends = site.frame.at(x, near - 2), site.frame.at(x, near + length)
    plan.add("pier", Line(ends, 2 * half), angle_deg=pier.degrees + 90)
    floors.sea.close(pier.corners(0.5))
    moor = _moor_boats if site.marina else _moor_ships
    for side in (-1, 1):
        moor(floors, site, (x + side * (half + 1 + MOORING_GAP_PX), side), length, busy, group)
    return near + length


def _moor_ships(floors: Floors, site: _Site, berth: tuple[float, int], length: float, busy: float, group: int) -> None:
    """Ships one behind the other along a pier: ``berth`` is the x of their nearer sides and which way they lie."""
    plan, draws = floors.sea.plan, floors.sea.plan.draws
    x, side = berth
    y = site.edge + 4
    kind = draws.choice(("cargo ship", "cargo ship", "boat"))
    while True:
        lengths = length_range(plan, kind, (site.edge + length - y) * plan.gsd_m * 1.15)
        if lengths is None:
            return
        long_m = draws.uniform(lengths[0], min(lengths[1], 2.5 * lengths[0]))
        if draws.chance(busy):
            out = plan.px(long_m / MAKES[kind].slender[0]) / 2
            at = site.frame.at(x + side * out, y + plan.px(long_m) / 2)
            heading = site.frame.angle + draws.choice((-0.5, 0.5)) * math.pi
            put_ship(floors.sea, kind, at, heading, long_m, group=group)
        y += plan.px(long_m) + 5


def _moor_boats(floors: Floors, site: _Site, berth: tuple[float, int], length: float, busy: float, group: int) -> None:
    """Boats side by side with their bows towards a pier or away from it."""
    plan, draws = floors.sea.plan, floors.sea.plan.draws
    x, side = berth
    lengths = length_range(plan, "boat", 15)
    if lengths is None:
        return
    pitch = plan.px(lengths[1] / MAKES["boat"].slender[0]) + 4
    for index in range(int((length - 4) // pitch)):
        if draws.chance(busy):
            long_m = draws.uniform(*lengths)
            at = site.frame.at(x + side * plan.px(long_m) / 2, site.edge + 5 + (index + 0.5) * pitch)
            heading = site.frame.angle + draws.choice((0.0, math.pi))
            put_ship(floors.sea, "boat", at, heading, long_m, group=group)


def _moor_at_quay(floors: Floors, site: _Site, busy: float, group: int) -> None:
    """Ships along the quay where no pier is in their way."""
    plan, draws = floors.sea.plan, floors.sea.plan.draws
    lengths = length_range(plan, "cargo ship", 1.2 * site.frame.half_w * plan.gsd_m)
    if lengths is None:
        return
    for _ in range(draws.between(1, 4)):
        long_m = draws.uniform(lengths[0], min(lengths[1], 2 * lengths[0]))
        y = site.edge + 1 + MOORING_GAP_PX + plan.px(long_m / MAKES["cargo ship"].slender[0]) / 2
        x = draws.uniform(-1, 1) * (site.frame.half_w - plan.px(long_m) / 2)
        if draws.chance(busy):
            put_ship(floors.sea, "cargo ship", site.frame.at(x, y), site.frame.angle, long_m, group=group)


def _lay_sheds(plan: Plan, floors: Floors, site: _Site) -> None:
    """Halls along the back of the quay and, in fine views, lorries before them."""
    draws = plan.draws
    deep = min(plan.px(draws.uniform(14, 30)), site.depth * 0.5)
    count = draws.between(1, 4)
    pitch = 2 * site.frame.half_w / count
    for index in range(count):
        half_w = min(pitch * draws.uniform(0.25, 0.42), plan.px(60))
        x = (index + 0.5 - count / 2) * pitch
        put_hall(floors.land, site.frame.part(x, -site.depth + deep / 2 + 1.5, half_w, deep / 2))
    if visible(plan, 2.5):
        for _ in range(draws.between(0, 10)):
            x = draws.uniform(-1, 1) * (site.frame.half_w - plan.px(9))
            y = draws.uniform(-0.45, -0.1) * site.depth
            kind = draws.choice(("truck", "trailer", "trailer"))
            put_vehicle(floors.land, kind, site.frame.at(x, y), site.frame.angle)
