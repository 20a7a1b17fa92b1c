"""What things look like from above: colours by class, kind, season and region, and how rough they are.

A colour is displayed reflectance, red green blue in 0..1, as an analyst sees it in a well stretched picture. The
values were set by eye against Sentinel-2 and WorldView views, not measured.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from engine.scenes.scene import Item, Scene

REGION_STREAM = 7

Colour = tuple[float, float, float]

NAMED: dict[str, Colour] = {
    "white": (0.93, 0.93, 0.91),
    "grey": (0.55, 0.56, 0.57),
    "red": (0.66, 0.28, 0.22),
    "blue": (0.25, 0.41, 0.66),
    "green": (0.27, 0.46, 0.30),
    "dark": (0.15, 0.15, 0.17),
}
"""The colours that an item may be ordered in (:data:`engine.scenes.scene.COLOURS`)."""

CONCRETE: Colour = (0.69, 0.68, 0.65)
WHITE_PAINT: Colour = (0.92, 0.92, 0.90)
TURF: Colour = (0.27, 0.40, 0.22)
CLAY: Colour = (0.66, 0.46, 0.34)

_GRASSES: tuple[Colour, ...] = ((0.36, 0.42, 0.28), (0.31, 0.39, 0.28), (0.38, 0.42, 0.28))
_STRAWS: tuple[Colour, ...] = ((0.57, 0.53, 0.40), (0.60, 0.54, 0.43), (0.52, 0.49, 0.39))
_SOILS: tuple[Colour, ...] = (
    (0.57, 0.48, 0.40),  # brown
    (0.57, 0.43, 0.35),  # red
    (0.68, 0.62, 0.51),  # pale sand
    (0.50, 0.45, 0.40),  # grey brown
    (0.40, 0.34, 0.29),  # black earth
)
_WOODS: tuple[Colour, ...] = ((0.14, 0.23, 0.13), (0.11, 0.19, 0.13), (0.18, 0.27, 0.13), (0.16, 0.21, 0.13))
_WATERS: tuple[Colour, ...] = ((0.06, 0.14, 0.24), (0.10, 0.24, 0.31), (0.20, 0.29, 0.26), (0.38, 0.35, 0.25))
"""From clear and deep to full of silt."""

_ROOFS: dict[str, tuple[Colour, ...]] = {
    "tiled": ((0.70, 0.42, 0.31), (0.64, 0.38, 0.30), (0.74, 0.50, 0.38), (0.60, 0.48, 0.42)),
    "shingled": ((0.47, 0.44, 0.43), (0.40, 0.39, 0.40), (0.55, 0.51, 0.47), (0.34, 0.34, 0.36)),
    "pale": ((0.80, 0.77, 0.71), (0.72, 0.70, 0.67), (0.87, 0.85, 0.81), (0.62, 0.58, 0.53)),
    "mixed": ((0.64, 0.42, 0.34), (0.46, 0.46, 0.48), (0.78, 0.76, 0.72), (0.42, 0.48, 0.56)),
}
_HALL_ROOFS: tuple[Colour, ...] = (
    (0.88, 0.88, 0.87), (0.76, 0.77, 0.78), (0.60, 0.61, 0.62),
    (0.48, 0.49, 0.50), (0.50, 0.58, 0.68), (0.80, 0.76, 0.68),
)  # fmt: skip
_CARS: tuple[Colour, ...] = (
    NAMED["white"], NAMED["white"], NAMED["grey"], (0.74, 0.75, 0.76),
    NAMED["dark"], NAMED["dark"], NAMED["red"], NAMED["blue"],
)  # fmt: skip
_COURTS: dict[str, tuple[Colour, ...]] = {
    "tennis court": ((0.27, 0.45, 0.33), (0.30, 0.46, 0.32), (0.27, 0.40, 0.56), (0.65, 0.43, 0.33)),
    "basketball court": ((0.60, 0.40, 0.33), (0.62, 0.37, 0.30), (0.34, 0.47, 0.37), (0.46, 0.49, 0.55)),
    "ground track field": ((0.66, 0.33, 0.26), (0.62, 0.36, 0.29), (0.69, 0.35, 0.28), (0.34, 0.42, 0.56)),
}
_HULLS: tuple[Colour, ...] = ((0.60, 0.60, 0.60), (0.58, 0.30, 0.24), (0.36, 0.42, 0.40), (0.30, 0.34, 0.42))


@dataclass(frozen=True, slots=True)
class Region:
    """The part of the world that a scene is in.

    ``silt`` is 0 (clear water) .. 1, ``worn`` how pale the asphalt is (0 .. 1),
    ``rugged`` is how steep the hills are, 0.4 (a plain) .. 2.4 (mountains).
    """

    grass: Colour
    straw: Colour
    soil: Colour
    wood: Colour
    silt: float
    roofs: tuple[Colour, ...]
    worn: float
    rugged: float


def region_of(scene: Scene) -> Region:
    """The region of a scene, from its seed alone."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((scene.seed, REGION_STREAM))))
    picks = rng.random(8)
    return Region(
        grass=_one(_GRASSES, float(picks[0])),
        straw=_one(_STRAWS, float(picks[1])),
        soil=_one(_SOILS, float(picks[2])),
        wood=_one(_WOODS, float(picks[3])),
        silt=float(picks[4]),
        roofs=tuple(_ROOFS.values())[int(picks[5] * len(_ROOFS))],
        worn=float(picks[6]),
        rugged=0.4 + 2.0 * float(picks[7]),
    )


def albedo(item: Item, scene: Scene, region: Region) -> Colour:
    """The colour an item is ordered in, or else its class's in this region and season, moved by its variant."""
    u, v, w = (item.variant % 41) / 40, (item.variant // 41 % 37) / 36, (item.variant // 1517 % 43) / 42
    if item.colour:
        named = NAMED[item.colour]
        if item.name == "building" and item.colour in ("red", "blue", "green"):  # tiles and sheet metal are not paint
            named = mix(named, (0.52, 0.50, 0.48), 0.25)
        return brighter(named, 0.94 + 0.12 * w)
    base = _albedo(item, scene, region, u, v)
    made = item.name not in ("forest", "farmland", "grassland", "bare land", "wetland", "built-up area")
    hue, saturation, value = colorsys.rgb_to_hsv(*base)
    spread = 0.35 if made else 1.0
    hue = (hue + (u - 0.5) * 0.035 * spread) % 1
    saturation = min(saturation * (1 + (v - 0.5) * 0.3 * spread), 1.0)
    return colorsys.hsv_to_rgb(hue, saturation, min(value * (1 + (w - 0.5) * 0.26 * spread), 1.0))


def _albedo(item: Item, scene: Scene, region: Region, u: float, v: float) -> Colour:
    """The class's colour; ``u`` and ``v`` (0..1) are the item's own."""
    cover = item.cover
    if cover == "water":
        return _water(item.name, region, u)
    if cover is not None:
        return _cover(item, scene.season, region, u, v)
    if item.name == "building":
        return _one(region.roofs, u) if item.kind != "hall" else _one(_HALL_ROOFS, u)
    if item.name in ("road", "runway", "parking lot"):
        return _carriageway(item, scene, region, u)
    if item.name == "vehicle":
        return _one(_CARS, u)
    if item.name == "ship":
        return _one(_HULLS, u) if item.kind != "boat" else NAMED["white"]
    if item.name in _COURTS:  # courts side by side are alike
        return _one(_COURTS[item.name], (item.group * 17 + scene.seed) % 41 / 40 if item.group else u)
    return _OBJECTS[item.name]


_OBJECTS: dict[str, Colour] = {
    "pier": (0.62, 0.60, 0.56),
    "paved": (0.63, 0.62, 0.60),
    "bridge": (0.71, 0.70, 0.68),
    "storage tank": (0.90, 0.90, 0.88),
    "airplane": (0.90, 0.90, 0.89),
    "baseball diamond": TURF,
    "swimming pool": (0.24, 0.62, 0.72),
    "transmission tower": (0.56, 0.56, 0.54),
}


def _cover(item: Item, season: float, region: Region, u: float, v: float) -> Colour:
    if item.name == "forest":
        return mix(mix(region.wood, region.straw, 0.22), region.wood, 0.3 + 0.7 * season)
    if item.name == "farmland":
        return _field(season, region, u, v)
    if item.name == "grassland":
        return mix(region.straw, region.grass, season)
    if item.name == "bare land":
        return mix(brighter(region.soil, 1.08), region.straw, 0.15 * u)
    if item.name == "wetland":
        return mix(brighter(region.straw, 0.72), brighter(region.grass, 0.72), 0.25 + 0.6 * season)
    if item.name == "concrete":
        return brighter(CONCRETE, 0.92 + 0.14 * region.worn)
    yard = mix(mix(region.straw, region.grass, 0.3 + 0.6 * season), (0.50, 0.49, 0.47), 0.45)
    return yard if item.kind != "industrial" else mix((0.50, 0.50, 0.50), region.soil, 0.2)


def _field(season: float, region: Region, u: float, v: float) -> Colour:
    """A parcel is ploughed, young, green or ripe; which is likelier goes with the season, but every one occurs."""
    ripeness = (0.7 * season + 0.6 * u) / 1.3
    if v < 0.16:
        return mix(region.soil, region.straw, 0.5 * u)  # stubble
    if ripeness < 0.30:
        return brighter(region.soil, 0.78 + 0.4 * v)
    if ripeness < 0.48:
        return mix(region.straw, (0.66, 0.58, 0.39), v)
    if ripeness < 0.62:
        return mix(region.soil, region.grass, 0.3 + 0.4 * v)
    deep = mix((0.22, 0.38, 0.20), (0.14, 0.29, 0.16), v)
    return mix(region.grass, deep, 0.35 + 0.6 * u)


def _water(name: str, region: Region, u: float) -> Colour:
    """The sea is the clearest; a lake has its own water."""
    silt = {"sea": 0.5 * region.silt, "river": 0.25 + 0.75 * region.silt}.get(name, 0.6 * region.silt + 0.3 * u)
    place = silt * (len(_WATERS) - 1)
    lower = min(int(place), len(_WATERS) - 2)
    return mix(_WATERS[lower], _WATERS[lower + 1], place - lower)


def _carriageway(item: Item, scene: Scene, region: Region, u: float) -> Colour:
    """Asphalt pales with age; some runways are concrete, and some narrow roads of the country are of earth."""
    asphalt = mix((0.33, 0.33, 0.35), (0.54, 0.54, 0.54), 0.75 * region.worn + 0.25 * u)
    if item.name == "runway":
        return asphalt if u < 0.6 else brighter(CONCRETE, 0.95)
    country = item.kind == "narrow" and scene.setting in ("rural", "wild", "coast")
    return mix(brighter(region.soil, 1.2), region.straw, 0.3) if country and u > 0.55 else asphalt


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``share`` of ``b`` in ``a``."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def brighter(colour: Colour, factor: float) -> Colour:
    """``colour`` times ``factor``, at most 1."""
    return (min(colour[0] * factor, 1.0), min(colour[1] * factor, 1.0), min(colour[2] * factor, 1.0))


def _one(colours: tuple[Colour, ...], share: float) -> Colour:
    return colours[min(int(share * len(colours)), len(colours) - 1)]


def roof_colours(region: Region, kind: str) -> tuple[Colour, ...]:
    """The roofs of a town of this kind."""
    return _HALL_ROOFS if kind == "industrial" else region.roofs


_GRAIN: dict[str, tuple[float, float]] = {
    "forest": (0.11, 0.10),
    "farmland": (0.025, 0.05),
    "grassland": (0.05, 0.085),
    "bare land": (0.05, 0.07),
    "wetland": (0.07, 0.16),
    "built-up area": (0.06, 0.09),
    "built-up area/industrial": (0.035, 0.06),
    "concrete": (0.025, 0.05),
    "water": (0.02, 0.04),
    "road": (0.03, 0.04),
    "runway": (0.02, 0.05),
    "pier": (0.05, 0.03),
    "paved": (0.025, 0.04),
    "parking lot": (0.03, 0.04),
    "baseball diamond": (0.03, 0.04),
    "ground track field": (0.025, 0.03),
}
"""Strength of texture (relative): fine (a metre or a pixel), and rough at all scales up to a hundred metres."""
_SMOOTH = (0.02, 0.02)
"""The grain of everything else: things made in a works."""


def roughness(item: Item) -> tuple[float, float]:
    """The strengths of texture of an item, by class and kind."""
    name = item.cover or item.name
    return _GRAIN.get(f"{name}/{item.kind}", _GRAIN.get(name, _SMOOTH))


HILLS: dict[str, float] = {"forest": 1.4, "grassland": 1.5, "bare land": 2.6}
"""Relative change of brightness per unit of slope towards the sun; farms, towns and water lie on flat ground."""
