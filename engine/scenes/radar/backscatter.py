"""How much of the radar's power each kind of ground sends back: sigma0 by class, polarisation, incidence and wind."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.scenes.scene import Item, Scene
from engine.scenes.surface import FloatArray


class Echo(NamedTuple):
    """Backscatter of one kind of ground at C band.

    ``vv_db`` is sigma0 (dB) in VV at 35 degrees of incidence, ``vh_db`` and ``hh_db`` what VH and HH add to it,
    ``slope`` the change in dB per degree of incidence. ``spread`` is the standard deviation (dB) between items of the
    class, ``texture`` that within one, speckle apart.
    """

    vv_db: float
    vh_db: float
    hh_db: float
    slope: float
    spread: float
    texture: float


# Order and distances of the classes follow the C-band means of Ulaby and Dobson, "Handbook of Radar Scattering
# Statistics for Terrain" (1989) for trees, grass, short vegetation, soil and roads; levels were moved by up to 2 dB to
# what the Sentinel-1 stacks of the realism table show (trees -10.6 and -8.1, crops -13.6 and -10.1, rangeland -13.6
# and -11.1 dB in VV; VH 5 to 7 dB below). Made things have no handbook: their levels were set by eye.
_ECHOES: dict[str, Echo] = {
    "forest": Echo(-9.5, -5.4, 0.3, -0.07, 0.8, 0.9),
    "farmland": Echo(-12.0, -6.6, -0.3, -0.11, 2.3, 0.7),
    "grassland": Echo(-12.8, -6.5, -0.3, -0.11, 1.1, 0.9),
    "bare land": Echo(-14.5, -8.0, -1.0, -0.16, 1.2, 1.0),
    "wetland": Echo(-10.5, -6.8, 2.0, -0.10, 1.0, 1.6),
    "built-up area": Echo(-12.5, -6.5, 0.5, -0.08, 0.8, 0.9),
    "built-up area/industrial": Echo(-12.5, -7.0, 0.8, -0.08, 1.0, 1.2),
    "concrete": Echo(-18.5, -8.0, -1.5, -0.20, 0.8, 0.6),
    "road": Echo(-17.5, -8.0, -1.5, -0.20, 0.7, 0.4),
    "runway": Echo(-20.5, -8.0, -2.0, -0.22, 0.7, 0.3),
    "paved": Echo(-18.0, -8.0, -1.5, -0.20, 0.8, 0.5),
    "pier": Echo(-10.0, -7.0, 0.5, -0.10, 1.5, 2.0),
    "bridge": Echo(-7.0, -8.0, 0.5, -0.10, 1.5, 1.0),
    "building": Echo(-10.5, -7.0, 0.5, -0.10, 2.0, 1.5),
    "building/hall": Echo(-12.0, -8.0, 0.5, -0.12, 3.0, 2.0),
    "storage tank": Echo(-10.0, -8.0, 0.5, -0.10, 1.5, 1.5),
    "ship": Echo(-7.0, -7.0, 0.5, -0.05, 1.5, 4.0),
    "airplane": Echo(-11.0, -7.0, 0.5, -0.05, 1.5, 4.0),
    "vehicle": Echo(-2.0, -7.0, 1.0, -0.05, 3.0, 1.0),
    "tennis court": Echo(-17.5, -8.0, -1.5, -0.20, 0.8, 0.5),
    "basketball court": Echo(-18.0, -8.0, -1.5, -0.20, 0.8, 0.5),
    "baseball diamond": Echo(-14.0, -7.0, -0.5, -0.13, 0.8, 0.6),
    "ground track field": Echo(-14.5, -7.0, -0.5, -0.13, 0.8, 0.6),
    "swimming pool": Echo(-19.0, -8.0, -2.0, -0.30, 1.0, 0.5),
    "parking lot": Echo(-17.0, -7.5, -1.0, -0.18, 0.8, 0.6),
    "transmission tower": Echo(-10.0, -6.0, 0.5, -0.05, 1.5, 1.5),
}  # fmt: skip

_FETCH = {"sea": 1.0, "water": 0.8, "lake": 0.55, "river": 0.4}
"""The share of the open wind that a water surface feels."""

NOISE_DB = -26.0
"""Noise-equivalent sigma0: nothing comes out darker. Sentinel-1 IW is specified at -22 dB and measured lower."""


def echo(item: Item) -> Echo:
    """The echo of an item that is not water, by class and kind."""
    return _ECHOES.get(f"{item.name}/{item.kind}") or _ECHOES[item.name]


def item_levels(scene: Scene, downwind: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Mean sigma0 (dB) and texture (dB) of every item, float32 [items] each.

    ``downwind`` (radians) is the wind's direction off the look; ``rng`` sets items of a class apart.
    """
    means, textures = [], []
    for item in scene.items:
        offset = min(max(float(rng.standard_normal()), -2.0), 2.0)
        if item.cover == "water":
            means.append(water_db(scene, item.name, downwind) + 0.5 * offset)
            textures.append(0.25)
        else:
            kind = echo(item)
            means.append(by_polarisation(scene, kind.vv_db, kind.vh_db, kind.hh_db)
                         + kind.slope * (scene.incidence_deg - 35) + kind.spread * offset)  # fmt: skip
            textures.append(kind.texture)
    return np.array(means, np.float32), np.array(textures, np.float32)


def by_polarisation(scene: Scene, vv_db: float, vh_db: float, hh_db: float) -> float:
    """``vv_db``, plus what the scene's polarisation adds to it."""
    return vv_db + {"VV": 0.0, "VH": vh_db, "HH": hh_db}[scene.polarisation]


def wind_speed(scene: Scene, water: str) -> float:
    """Metres a second, 10 m above a kind of :data:`~engine.scenes.scene.WATERS`: 1.5 on calm days to 10 at sea.

    Near the coast light winds are more frequent than strong ones, hence the exponent.
    """
    return 1.5 + 8.5 * math.pow(scene.wind, 1.5) * _FETCH[water]


def water_db(scene: Scene, water: str, downwind: float) -> float:
    """sigma0 (dB) of wind-roughened water; ``downwind`` (radians) is the wind's direction off the look.

    VV is a plane through CMOD5.N (Hersbach 2010) over 2 .. 14 m/s and 25 .. 45 degrees, to 0.8 dB root mean square.
    HH is VV over the polarisation ratio of Thompson et al. (1998), alpha = 0.6. VH is the line in wind speed of
    Vachon and Wolfe (2011), ``0.592 U - 35.6``, which does not depend on incidence.
    """
    speed = wind_speed(scene, water)
    if scene.polarisation == "VH":
        return 0.592 * speed - 35.6
    steep = scene.incidence_deg - 35
    vv = -14.7 + (13.9 + 0.24 * steep) * math.log10(speed / 7) - 0.56 * steep + 1.6 * math.cos(2 * downwind)
    if scene.polarisation == "VV":
        return vv
    tan2 = math.tan(math.radians(scene.incidence_deg)) ** 2
    return vv - 20 * math.log10((1 + 2 * tan2) / (1 + 0.6 * tan2))
