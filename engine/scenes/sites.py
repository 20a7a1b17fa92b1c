"""Where people build: the large sites that roads lead round, and the small things that stand beside the roads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.scenes.airfields import lay_airfield
from engine.scenes.floor import Floor, Floors, Plot
from engine.scenes.harbors import lay_harbor
from engine.scenes.industry import lay_farm, put_hall, put_tank
from engine.scenes.plan import Plan, clearance
from engine.scenes.scene import OBJECTS, WATERS, WAYS
from engine.scenes.ships import lay_ships
from engine.scenes.sports import lay_sports
from engine.scenes.towns import SINGLE_HOUSES_GSD_M, fill_towns
from engine.scenes.traffic import MAKES, fill_roads, lay_lot, visible

_SHORE_PX = 4.0
"""Sites keep this far from water, so that their streets end on land."""

Lay = Callable[[Plan, Floors], bool]


def _sports(plan: Plan, floors: Floors) -> bool:
    lay_sports(plan, floors.open, floors.claim, rich=True)
    return True


_LARGE: dict[str, tuple[tuple[Lay, float], ...]] = {
    "rural": ((lay_farm, 0.15),),
    "wild": ((lay_farm, 0.06),),
    "residential": ((lay_farm, 0.05),),
    "industrial": ((lay_farm, 0.6), (lay_farm, 0.3)),
    "harbor": ((lay_harbor, 1.0), (lay_farm, 0.45), (lay_harbor, 0.25)),
    "airfield": ((lay_airfield, 1.0), (lay_farm, 0.15)),
    "sports": ((_sports, 1.0),),
    "coast": ((lay_harbor, 0.2), (lay_farm, 0.12)),
}
"""Per setting, in order: what is laid, and how likely, once per usual view."""


def lay_large(plan: Plan) -> None:
    """Lay sports grounds, tank farms, harbors and airfields, and claim their ground in ``plan.reserved``."""
    water = plan.where(WATERS)
    taken = np.zeros_like(water)
    dry = np.pad(~water, int(_SHORE_PX) + 1, mode="edge")
    inner = (slice(int(_SHORE_PX) + 1, -int(_SHORE_PX) - 1),) * 2
    unclaimed = (clearance(dry)[inner] > _SHORE_PX) if water.any() else ~water
    floors = Floors(
        Floor(plan, unclaimed & ~plan.reserved, taken), Floor(plan, ~water, taken), Floor(plan, water.copy(), taken)
    )
    for _ in range(max(1, round(plan.scale**2))):
        for lay, chance in _LARGE[plan.setting]:
            if plan.draws.chance(chance):
                lay(plan, floors)


def lay_small(plan: Plan) -> None:
    """Build on town blocks; lay sports grounds, parking lots and lone buildings, then vehicles and ships."""
    top = plan.painted()
    taken = plan.where(OBJECTS, top)
    town, concrete = (Floor(plan, plan.where((name,), top), taken) for name in ("built-up area", "concrete"))
    fill_towns(plan, town, concrete)
    built = plan.where((*WATERS, *WAYS, *OBJECTS, "built-up area"), top)
    ground = Floor(plan, (clearance(~built) > 2.5) & ~plan.reserved, taken)
    open_ground = ~plan.where(("forest", "wetland"), top)
    for _ in range(max(1, round(plan.scale**2))):
        _lay_beside(plan, ground)
        ground.free &= open_ground
        _lay_lone(plan, ground)
    fill_roads(Floor(plan, plan.where(("road",), top), taken))
    lay_ships(Floor(plan, plan.where(WATERS, top), taken))


_SPORTS = {"sports": 1.0, "residential": 0.3, "rural": 0.08, "airfield": 0.05, "industrial": 0.05, "coast": 0.1}
_LOTS = {"sports": 0.6, "residential": 0.5, "industrial": 0.5, "airfield": 0.5, "harbor": 0.3, "coast": 0.2}


def _lay_beside(plan: Plan, ground: Floor) -> None:
    """Sports grounds and parking lots, where the setting has them."""
    draws = plan.draws
    if draws.chance(_SPORTS.get(plan.setting, 0.0)):
        lay_sports(plan, ground, ground.close, rich=False)
    if visible(plan, MAKES["car"].width / 2) and draws.chance(_LOTS.get(plan.setting, 0.06)):
        for _ in range(draws.weighted((1, 2, 3), (5, 4, 1))):
            half_w, half_h = plan.px(draws.uniform(15, 45)), plan.px(draws.uniform(9, 30))
            plot = ground.site(half_w, half_h, tries=15)
            if plot is not None:
                kinds = draws.choice(
                    ({"car": 1}, {"car": 9, "van": 1}, {"car": 9, "van": 1}, {"truck": 1, "trailer": 1})
                )
                lay_lot(ground, plot, kinds, draws.choice((0.0, 0.15, 0.4, 0.7, 0.95)))


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
