"""The optical sensor: reflectance by class, textures and details, sun and shadow, and the camera's own faults."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.optics import textures
from engine.scenes.optics.decor import draw_details
from engine.scenes.optics.materials import HILLS, Region, albedo, brighter, region_of
from engine.scenes.surface import FloatArray, Surface, cast_shadow, middle, parcel_edges, slope_towards

_SHADE = np.array((0.62, 0.59, 0.51), np.float32)
"""Light that a cast shadow takes away: the blue of the sky remains."""

_RUGGED = {"wild": 1.0, "coast": 0.9, "rural": 0.5}
"""How much of a region's steepness a place has; people build on flat land."""


def render_clear(surface: Surface, rng: np.random.Generator) -> FloatArray:
    """Displayed reflectance without weather or sensor, float32 [size, size, 3], 0..1."""
    scene, size = surface.scene, surface.scene.size
    region = region_of(scene)
    albedos = [albedo(item, scene, region) for item in scene.items]
    # Shaped [size, size, 3] but stored band by band, which is several times faster to work on.
    colour = np.moveaxis(np.array(albedos, np.float32).T[:, surface.top], 0, -1)
    shade = np.ones((size, size), np.float32)
    textures.grain(shade, surface, rng)
    textures.fields(colour, shade, surface, region, rng)
    textures.slabs(shade, surface)
    textures.wetland(colour, surface, region, rng)
    _hillside(colour, shade, surface, region)
    textures.yards(colour, shade, surface, region)
    textures.towns(colour, shade, surface, region)
    textures.water(colour, shade, surface, region, rng)
    textures.trees(colour, shade, surface, region)
    shade[parcel_edges(surface)] *= 0.82 + 0.3 * scene.season
    draw_details(colour, scene, albedos)
    blocked = cast_shadow(_opaque_height(surface), *scene.sun_deg)
    shadow = ndimage.gaussian_filter(blocked.astype(np.float32), 0.5)
    lit: FloatArray = colour * np.maximum(shade, 0)[..., None]
    lit *= 1 - shadow[..., None] * _SHADE
    return np.clip(lit, 0, 1, out=lit)


def _opaque_height(surface: Surface) -> FloatArray:
    """Heights that throw shadows: of a lattice tower only its middle, as light passes between the bars."""
    scene = surface.scene
    towers = [(index, item) for index, item in enumerate(scene.items) if item.name == "transmission tower"]
    if not towers:
        return surface.height_px
    height = np.where(surface.mask("transmission tower"), np.float32(0), surface.height_px)
    for index, item in towers:
        column, row = (round(c) for c in middle(item))
        if 0 <= column < scene.size and 0 <= row < scene.size and surface.top[row, column] == index:
            height[row, column] = item.height_m / scene.gsd_m
    return height


def _hillside(colour: FloatArray, shade: FloatArray, surface: Surface, region: Region) -> None:
    """Light on slopes that face the sun or turn away from it, and scrub on those in the shade, in place.

    Hills of any size are as steep; small bumps less so.
    """
    scene = surface.scene
    hilly = surface.spread(np.array([HILLS.get(item.name, 0.0) for item in scene.items], np.float32))
    steepness = region.rugged * _RUGGED.get(scene.setting, 0.3)
    lumps = min(max(600 / scene.gsd_m, 60.0), 0.6 * scene.size)
    steep = np.float32(lumps / 80 * min(1.0, scene.gsd_m / 5) * steepness)
    facing = hilly * steep * slope_towards(surface.relief, scene.sun_deg[0])
    scrub = np.clip(-facing - 0.1, 0, 0.5) * surface.mask("bare land", "grassland")
    colour += (np.array(brighter(region.wood, 1.5), np.float32) - colour) * scrub[..., None]
    shade *= np.clip(1 + facing, 0.35, 1.6)


def expose(picture: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The camera: haze, blur, gain and white balance, tone, noise, eight bits. [size, size, 3] to [3, size, size].

    Tone is a power of the light: about 1 in pictures made for people, in which shades are brightened, up to 1.7 where a
    sensor's linear counts were only stretched. The brightest hundredth keeps its grey.
    """
    blur = float(rng.uniform(0.2, 0.55))
    gain = (rng.uniform(0.9, 1.3) * (1 + rng.uniform(-0.045, 0.045, 3))).astype(np.float32)
    haze = np.float32(rng.uniform(0, 0.32)) * np.array((0.6, 0.9, 1.25), np.float32)  # thin air scatters blue
    planes = np.moveaxis(picture, -1, 0)
    seen = np.stack([ndimage.gaussian_filter(plane, blur, truncate=2.5) for plane in planes])
    seen = seen * gain[:, None, None] + (haze * float(picture.mean()))[:, None, None]
    tone, white = np.float32(rng.uniform(0.9, 1.7)), np.float32(max(float(np.percentile(seen[:, ::4, ::4], 99)), 0.02))
    seen = white * np.power(np.maximum(seen, 0) / white, tone)
    seen += rng.standard_normal(seen.shape, np.float32) * np.float32(rng.uniform(0.004, 0.014))
    grey: NDArray[np.uint8] = np.clip(seen * 255, 0, 255).astype(np.uint8)
    return grey
