"""Where people build: the large sites that roads lead round, and the small things that stand beside the roads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from engine.scenes.built.airfields import lay_airfield
from engine.scenes.built.floor import GAP_PX, Floor, Floors, Plot
from engine.scenes.built.harbors import lay_harbor
from engine.scenes.built.industry import lay_farm, put_hall, put_tank
from engine.scenes.built.ships import lay_ships
from engine.scenes.built.sports import lay_playground, lay_sports
from engine.scenes.built.towns import SINGLE_HOUSES_GSD_M, fill_towns
from engine.scenes.built.traffic import MAKES, fill_roads, lay_lot, visible
from engine.scenes.plan import Plan
from engine.scenes.scene import OBJECTS, WATERS, WAYS

_SHORE_PX = 4
"""Sites keep this far from water, so that their streets end on land."""

Lay = Callable[[Plan, Floors], bool]


def _lay_lots(plan: Plan, floors: Floors) -> bool:
    """Parking lots from empty to full, in views where a car can at least be guessed at."""
    draws = plan.draws
    if not visible(plan, 1.5 * MAKES["car"].width):
        return False
    laid = False
    for _ in range(draws.weighted((1, 2, 3), (4, 4, 2))):
        plot = floors.open.site(plan.px(draws.uniform(15, 45)), plan.px(draws.uniform(9, 30)))
        if plot is not None:
            cars = visible(plan, MAKES["car"].width) and draws.chance(0.8)
            kinds = {"car": 6, "van": 1} if cars else {"truck": 1, "trailer": 1}
            laid |= lay_lot(floors.open, plot, kinds, draws.choice((0.0, 0.15, 0.3, 0.5, 0.7, 0.95)))
            floors.claim(plot.corners(GAP_PX))
    return laid


_LARGE: dict[str, tuple[tuple[Lay, float], ...]] = {
    "rural": ((lay_farm, 0.25), (lay_playground, 0.2), (_lay_lots, 0.1)),
    "wild": ((lay_farm, 0.12), (_lay_lots, 0.1)),
    "residential": ((lay_playground, 0.5), (lay_playground, 0.25), (_lay_lots, 0.4), (lay_farm, 0.1)),
    "industrial": ((lay_farm, 0.7), (_lay_lots, 0.5), (lay_farm, 0.35), (lay_playground, 0.12)),
    "harbor": ((lay_harbor, 1.0), (lay_farm, 0.5), (lay_farm, 0.15), (_lay_lots, 0.3), (lay_harbor, 0.25)),
    "airfield": ((lay_airfield, 1.0), (_lay_lots, 0.5), (lay_farm, 0.15), (lay_playground, 0.08)),
    "sports": ((lay_sports, 1.0), (_lay_lots, 0.6)),
    "coast": ((lay_harbor, 0.2), (lay_playground, 0.2), (_lay_lots, 0.2), (lay_farm, 0.25)),
}
"""Per setting, in order: what is laid, and how likely, once per usual view."""


def lay_large(plan: Plan) -> None:
    """Lay sports grounds, parking lots, tank farms, harbors and airfields, and claim ``plan.reserved`` for them."""
    water = plan.where(WATERS)
    taken = np.zeros_like(water)
    inland = ~ndimage.maximum_filter(water, 2 * _SHORE_PX + 1, mode="nearest")
    unclaimed = Floor(plan, inland & ~plan.reserved, taken)
    floors = Floors(unclaimed, Floor(plan, ~water, taken), Floor(plan, water, taken))
    for _ in range(max(1, round(plan.scale**2))):
        for lay, chance in _LARGE[plan.setting]:
            if plan.draws.chance(chance):
                lay(plan, floors)


def lay_small(plan: Plan) -> None:
    """Build on town blocks, then lay lone buildings, vehicles and ships."""
    top = plan.painted()
    taken = plan.where(OBJECTS, top)
    town, concrete = (Floor(plan, plan.where((name,), top), taken) for name in ("built-up area", "concrete"))
    fill_towns(plan, town, concrete)
    occupied = plan.where((*WATERS, *WAYS, *OBJECTS, "built-up area", "forest", "wetland"), top)
    ground = Floor(plan, ~occupied & ~plan.reserved, taken)
    for _ in range(max(1, round(plan.scale**2))):
        _lay_lone(plan, ground)
    fill_roads(Floor(plan, plan.where(("road",), top), taken))
    lay_ships(Floor(plan, plan.where(WATERS, top), taken))


def _lay_lone(plan: Plan, ground: Floor) -> None:
    """Farmsteads, halls and tanks on their own, none to many."""
    draws = plan.draws
    often = 0.55 if plan.setting in ("rural", "coast", "industrial", "sports") else 0.25
    if draws.chance(often):
        for _ in range(draws.weighted((1, 2, 3, 5, 8), (30, 25, 20, 15, 10))):
            _lay_farmstead(plan, ground)
    if draws.chance(often * 0.4):
        for _ in range(draws.weighted((1, 2, 3, 4), (5, 3, 1, 1))):
            radius = max(2.5, plan.px(draws.uniform(4, 14)))
            plot = ground.site(radius, radius, tries=6)
            if plot is not None:
                put_tank(plan, ground, plot, draws.choice(("white", "grey", "red", "")))


def _lay_farmstead(plan: Plan, ground: Floor) -> None:
    """A yard with a house, where it can be made out, and up to three barns round it."""
    draws = plan.draws
    yard = ground.site(max(9.0, plan.px(30)), max(9.0, plan.px(24)), tries=6)
    if yard is None:
        return
    if plan.gsd_m <= SINGLE_HOUSES_GSD_M:
        house = yard.part(-yard.half_w * 0.5, 0, plan.px(draws.uniform(5, 8)), plan.px(draws.uniform(4, 5.5)))
        colour = draws.choice(("red", "grey", "dark", "white"))
        ground.build("building", house, height_m=draws.uniform(6, 9), kind="house", colour=colour)
    for x, y, turn in draws.sample(((0.5, -0.55, 0.0), (0.5, 0.55, 0.0), (0.1, 0.0, 1.57)), draws.between(0, 3)):
        half_w, half_h = max(2.2, plan.px(draws.uniform(9, 20))), max(1.5, plan.px(draws.uniform(5, 9)))
        put_hall(ground, Plot(yard.at(x * yard.half_w, y * yard.half_h), half_w, half_h, yard.angle + turn))
    ground.close(yard.corners())
