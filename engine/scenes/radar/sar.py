"""The radar: the ground's backscatter and texture, what stands on it, speckle, and the units it is delivered in."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from engine.records.raster import SarUnit
from engine.scenes.radar.backscatter import NOISE_DB, by_polarisation, item_levels, wind_speed
from engine.scenes.radar.scatterers import impulse_px, look_of, point_echoes, stand_up, towards
from engine.scenes.surface import FloatArray, Surface, cloudlike, parcel_edges, slope_towards

DELIVERIES: tuple[SarUnit, ...] = ("db", "amplitude", "stretched-8bit")

_HILLS_DB = {"forest": 12.0, "grassland": 8.0, "bare land": 15.0, "wetland": 1.0}
"""dB per unit of slope towards the radar."""


def render_sigma0(surface: Surface, rng: np.random.Generator) -> FloatArray:
    """Backscatter without speckle, linear power, float32 [size, size].

    Of any scene: its polarisation, incidence and look direction, wind, and items are all that is used. ``rng`` draws
    what no vector says: how items of a class differ, texture, streaks, where on a hull the bright points are.
    """
    scene = surface.scene
    power = np.power(np.float32(10), _ground_db(surface, rng) / 10, dtype=np.float32)
    power = stand_up(power, surface, rng)
    # The impulse response: energy reaches neighbours along range and azimuth. Points bring their own lobes.
    received: FloatArray = ndimage.gaussian_filter(power, impulse_px(scene.gsd_m), truncate=3.0)
    received += point_echoes(surface, rng)
    received += np.float32(10 ** (NOISE_DB / 10))
    return received


def _ground_db(surface: Surface, rng: np.random.Generator) -> FloatArray:
    """sigma0 in dB of the map as if all of it lay flat, texture included, [size, size]."""
    scene, size = surface.scene, surface.scene.size
    downwind = float(rng.uniform(0, math.pi))
    means, textures = item_levels(scene, downwind, rng)
    db: FloatArray = surface.spread(means)
    grain = 0.8 * cloudlike(rng, size, _cell(8.0, scene.gsd_m, 3.0), 2)
    db += surface.spread(textures) * (grain + 0.5 * cloudlike(rng, size, _cell(250.0, scene.gsd_m, 24.0), 2))
    hilly = surface.spread(np.array([_HILLS_DB.get(item.name, 0.0) for item in scene.items], np.float32))
    db += np.clip(hilly * slope_towards(surface.relief, scene.look_deg), -5, 6)
    db[parcel_edges(surface)] += 1.5
    db[surface.pools] -= 8.0
    _add_trees(db, surface)
    _add_streaks(db, surface, downwind, rng)
    _add_houses(db, surface)
    return db


def _cell(metres: float, gsd_m: float, least_px: float) -> float:
    """A texture's lump in pixels; one that the sampling cannot show is as small as it can."""
    return max(metres / gsd_m, least_px)


def _add_streaks(db: FloatArray, surface: Surface, downwind: float, rng: np.random.Generator) -> None:
    """Wind rows on open water, and dark slicks where the wind is light; in place.

    ``downwind`` (radians) is the wind's direction off the look. Rows lie along it, some 500 m apart and of half a dB:
    roll vortices of the air above, as in Gerling (1986).
    """
    scene, size = surface.scene, surface.scene.size
    water = surface.mask("sea", "lake", "water")
    if not water.any():
        return
    angle = math.radians(scene.look_deg) + downwind
    y, x = np.mgrid[:size, :size].astype(np.float32)
    bend = cloudlike(rng, size, _cell(1500.0, scene.gsd_m, 60.0), 2)
    across = (x * math.cos(angle) + y * math.sin(angle)) * scene.gsd_m / 250 + 0.4 * bend
    levels = rng.standard_normal(4096).astype(np.float32)
    rows = np.interp(across % 4095, np.arange(4096), levels).astype(np.float32)
    speed = wind_speed(scene, "sea")
    change = rows * min(0.08 * speed, 0.6)
    if speed < 6:  # too little wind to break up films of oil and plankton
        change -= np.float32(1.2 * (6 - speed)) * np.clip(bend + 0.2, 0, 1.5)
    db[water] += change[water]


def _add_trees(db: FloatArray, surface: Surface) -> None:
    """Single trees on open land, the crowns of a forest lit from the radar's side, and a forest's bright rim; in place.

    Crowns that the sampling does not show leave a mottle.
    """
    scene = surface.scene
    lit = slope_towards(surface.crowns, scene.look_deg)
    forest = surface.mask("forest")
    db[forest] += 2.5 * (surface.crowns[forest] - 0.6) + 5 * lit[forest]
    db[surface.trees] += 5 * surface.crowns[surface.trees]
    open_land = (~forest).astype(np.float32)
    db[forest & (towards(open_land, look_of(scene)) > 0)] += 2.5


def _add_houses(db: FloatArray, surface: Surface) -> None:
    """A town's fabric: dark streets, and houses of which a few face the radar and are very bright; in place.

    Streets square to the look turn whole quarters bright, the cardinal effect.
    """
    scene, look = surface.scene, look_of(surface.scene)
    house = surface.fabric > 0
    if not house.any():
        return
    lift = np.zeros(len(scene.items), np.float32)
    for index, item in enumerate(scene.items):
        if item.name == "built-up area":
            off = (item.angle_deg - scene.look_deg + 45) % 90 - 45
            lift[index] = 5 * math.exp(-((off / 12) ** 2)) + (2.5 if item.kind == "industrial" else 0)
    front = house & ~(towards(surface.fabric, look) > 0)
    bounce = by_polarisation(scene, 0.0, -1.0, 1.0)
    db += -6 * surface.streets
    db[house] += 2.0
    bright = 10 * surface.fabric[front] ** 3 + surface.spread(lift)[front] + bounce
    db[front] += bright


def speckle(power: FloatArray, looks: float, rng: np.random.Generator, *, blur_px: float = 0.6) -> FloatArray:
    """Fully developed speckle of a ``looks``-look intensity image: ``power`` times a unit-mean gamma variate.

    The ratio of squared mean to variance over a uniform area (the equivalent number of looks) is then ``looks``, which
    need not be whole. Neighbours are correlated as by an impulse response of ``blur_px`` pixels standard deviation:
    a blurred field of normal variates is mapped through the gamma distribution, so that every pixel still has exactly
    that distribution (a Gaussian copula).
    """
    normal = rng.standard_normal(power.shape, np.float32)
    if blur_px > 0:
        normal = ndimage.gaussian_filter(normal, blur_px, mode="wrap", truncate=3.0) / np.float32(_blurred(blur_px))
    position = (normal + 5) * np.float32((_TABLE - 1) / 10)
    table = _gamma_of_normal(looks)
    at = np.clip(position.astype(np.int32), 0, _TABLE - 2)
    return power * (table[at] + (table[at + 1] - table[at]) * (position - at.astype(np.float32)))


_TABLE = 2001


@lru_cache(maxsize=16)
def _gamma_of_normal(looks: float) -> FloatArray:
    """The unit-mean gamma variate of shape ``looks`` at the quantile of a normal variate -5 .. 5, [_TABLE]."""
    normal = np.linspace(-5, 5, _TABLE)
    # The upper half from the upper tail: there 1 - p has lost its digits.
    lower = special.gammaincinv(looks, special.ndtr(normal))
    upper = special.gammainccinv(looks, special.ndtr(-normal))
    variate: FloatArray = (np.where(normal < 0, lower, upper) / looks).astype(np.float32)
    return variate


@lru_cache(maxsize=16)
def _blurred(blur_px: float) -> float:
    """Standard deviation that white noise of 1 keeps under a Gaussian blur."""
    impulse = np.zeros((33, 33))
    impulse[16, 16] = 1
    return float(np.sqrt((ndimage.gaussian_filter(impulse, blur_px, truncate=3.0) ** 2).sum()))


def to_db(power: FloatArray) -> FloatArray:
    """10 log10, floored at -40 dB, which is below the noise of any sensor meant here."""
    return np.float32(10) * np.log10(np.maximum(power, np.float32(1e-4)))


def deliver(sigma0_db: FloatArray, unit: SarUnit) -> NDArray[Any]:
    """The same image as an analyst receives it.

    float32 dB; or float32 amplitude, the square root of power, calibrated; or amplitude stretched to uint8 between
    its percentiles, which loses the calibration.
    """
    if unit == "db":
        return sigma0_db
    amplitude = np.power(np.float32(10), sigma0_db / 20, dtype=np.float32)
    if unit == "amplitude":
        return amplitude
    low, high = np.percentile(amplitude[::2, ::2], (0.5, 98.5))
    grey = (amplitude - low) / max(float(high - low), 1e-6) * 235 + 20
    stretched: NDArray[np.uint8] = np.clip(grey, 0, 255).astype(np.uint8)
    return stretched
