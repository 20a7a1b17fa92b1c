"""The radar: backscatter by class, what walls and hulls do to it, speckle, and the units it is delivered in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.records.raster import SarUnit
from engine.scenes.surface import FloatArray, Surface, cast_shadow, cloudlike, parcel_edges, shifted, slope_towards

DELIVERIES: tuple[SarUnit, ...] = ("db", "amplitude", "stretched-8bit")

# sigma0 in dB at C band, VV, about 35 degrees: mean, spread between items (standard deviation), texture within one.
_BACKSCATTER: dict[str, tuple[float, float, float]] = {
    "water": (-20.0, 0.6, 0.6),
    "forest": (-8.5, 0.7, 0.9),
    "farmland": (-12.5, 1.8, 0.4),
    "grassland": (-13.5, 0.8, 0.6),
    "bare land": (-15.5, 0.9, 0.9),
    "built-up area": (-9.0, 0.7, 0.6),
    "road": (-17.5, 0.6, 0.2),
    "paved": (-16.5, 0.6, 0.3),
    "bridge": (-4.0, 1.0, 0.8),
    "building": (-4.0, 1.5, 0.8),
    "storage tank": (-3.0, 1.0, 0.5),
    "ship": (2.0, 1.5, 1.5),
}


_HILLS_DB = {"forest": 8.0, "grassland": 5.0, "bare land": 12.0}
"""dB per unit of slope towards the radar."""


def render_sigma0(surface: Surface, rng: np.random.Generator) -> FloatArray:
    """Backscatter without speckle, linear power, float32 [size, size]."""
    scene, size = surface.scene, surface.scene.size
    means = []
    for item in scene.items:
        name = item.cover or item.name
        mean, spread, _ = _BACKSCATTER[name]
        wind = 5.0 * (scene.wind - 0.45) if name == "water" else 0.0
        offset = float(np.clip(rng.standard_normal(), -2, 2))
        means.append((mean + wind + spread * offset, _BACKSCATTER[name][2]))
    table = surface.spread(np.array(means, np.float32))
    texture = 0.7 * cloudlike(rng, size, 6, 1) + 0.7 * cloudlike(rng, size, 40, 2)
    db = table[..., 0] + table[..., 1] * texture
    hilly = surface.spread(np.array([_HILLS_DB.get(item.name, 0.0) for item in scene.items], np.float32))
    db += np.clip(hilly * slope_towards(surface.relief, scene.look_deg), -4, 5)
    db[parcel_edges(surface)] += 1.5
    db[surface.trees] += 4.0
    town = surface.mask("built-up area")
    house = surface.fabric > 0
    db[town & ~house] -= 4.0
    db[house] += 12.0 * surface.fabric[house] ** 3 - 1.0  # few houses face the radar; those are very bright
    db += _walls(surface)
    power = np.power(np.float32(10), db / 10, dtype=np.float32)
    # The impulse response: energy of a bright point reaches its neighbours along range and azimuth.
    received: FloatArray = ndimage.gaussian_filter(power, 0.55, truncate=3.0)
    return received


def _walls(surface: Surface) -> FloatArray:
    """dB added by double bounce at edges that face the radar, and taken away by radar shadow behind."""
    raised = np.where(surface.mask("building", "storage tank", "bridge", "ship"), surface.height_px, 0)
    raised = raised.astype(np.float32)
    azimuth = surface.scene.look_deg
    dx, dy = round(math.sin(math.radians(azimuth))), round(-math.cos(math.radians(azimuth)))
    here = raised > 0
    edge = here & ~(shifted(raised, -dx, -dy) > 0)  # the neighbour towards the radar is ground
    out = np.where(edge | shifted(edge.astype(np.float32), dx, dy).astype(bool) & here, np.float32(7.0), 0)
    shadow = cast_shadow(np.minimum(raised, 5.0), azimuth, 40.0, reach=6) & ~here
    return np.where(shadow, np.float32(-5.0), out).astype(np.float32)


def speckle(power: FloatArray, looks: float, rng: np.random.Generator) -> FloatArray:
    """Fully developed speckle of an ``looks``-look intensity image: ``power`` times a unit-mean gamma variate.

    The ratio of squared mean to variance over a uniform area (the equivalent number of looks) is then ``looks``.
    """
    return power * (rng.standard_gamma(looks, power.shape, np.float32) / np.float32(looks))


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
