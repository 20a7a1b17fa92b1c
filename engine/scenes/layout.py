"""Where things are put: from a seed to a :class:`~engine.scenes.scene.Scene`.

Order, each step lying on the earlier ones: land cover, water, the large sites that roads lead round, roads with their
bridges, the small things beside them, transmission lines. Last, places are named that many items make together.
"""

from __future__ import annotations

from engine.draws import Draws, quarter
from engine.scenes.built import sites
from engine.scenes.land.ground import lay_ground
from engine.scenes.land.junctions import mark_junctions
from engine.scenes.land.lines import lay_lines
from engine.scenes.land.roads import lay_roads
from engine.scenes.land.waters import lay_waters
from engine.scenes.plan import VIEW, Plan
from engine.scenes.scene import SETTINGS, Scene

LAYOUT_STREAM = 1

_WEIGHTS = {
    "rural": 14, "wild": 9, "residential": 16, "industrial": 13, "harbor": 14, "airfield": 12, "sports": 12,
    "coast": 10,
}  # fmt: skip

_GSD_M = {
    "rural": (0.8, 10.0), "wild": (0.8, 10.0), "residential": (0.5, 1.5), "industrial": (0.8, 8.0),
    "harbor": (0.7, 6.0), "airfield": (0.7, 5.0), "sports": (0.5, 1.5), "coast": (0.8, 10.0),
}  # fmt: skip
"""Metres per pixel at which a setting shows what makes it one."""

_TOWN_FROM_AFAR = 0.2
"""Share of residential places that are seen so coarsely that the town is a texture."""

_SENTINEL_GSD_M = (6.0, 10.0)
_SENTINEL_SHARE = 0.22
"""Share of the places that make sense at Sentinel's sampling which are seen at it: half of OSVQA's pairs have 10 m."""


def make_scene(seed: int, size: int = VIEW) -> Scene:
    """The scene of one seed: the same on any machine. A larger ``size`` is a larger place, not a finer picture."""
    draws = Draws(seed, LAYOUT_STREAM)
    setting = draws.weighted(SETTINGS, [_WEIGHTS[name] for name in SETTINGS])
    gsd_m = _draw_gsd(draws, setting)
    sun = (quarter(draws.uniform(0, 360)), quarter(draws.uniform(25, 65)))
    season, wind = round(draws.unit(), 3), round(draws.unit(), 3)
    look = quarter(draws.choice((90.0, 270.0)) + draws.uniform(-15, 15))  # radars fly near the poles and look sideways
    polarisation = draws.weighted(("VV", "VH", "HH"), (6, 2, 2))
    incidence = quarter(draws.uniform(25, 45))

    plan = Plan(draws, size, gsd_m, setting)
    ground = lay_ground(plan)
    rivers = lay_waters(plan)
    sites.lay_large(plan)
    lay_roads(plan, ground, rivers)
    sites.lay_small(plan)
    lay_lines(plan)
    mark_junctions(plan)
    return Scene(
        seed, size, gsd_m, season, sun, look, wind, tuple(plan.items),
        setting=setting, marks=tuple(plan.marks), polarisation=polarisation, incidence_deg=incidence,
    )  # fmt: skip


def _draw_gsd(draws: Draws, setting: str) -> float:
    """Metres per pixel, evenly over the octaves that suit ``setting``."""
    low, high = _GSD_M[setting]
    if setting not in ("airfield", "sports") and draws.chance(_SENTINEL_SHARE):
        low, high = _SENTINEL_GSD_M
    elif setting == "residential" and draws.chance(_TOWN_FROM_AFAR):
        low, high = 1.5, 10.0
    return round(float(low * (high / low) ** draws.unit()), 2)
