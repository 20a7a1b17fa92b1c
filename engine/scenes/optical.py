"""The optical sensor: reflectance by class, sun and shadow, and the camera's own faults."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from engine.scenes.scene import Item, Scene
from engine.scenes.surface import FloatArray, Surface, cast_shadow, cloudlike, parcel_edges, slope_towards

# Displayed reflectance (0..1, red green blue) in the dry and in the lush season, and the relative strength of
# texture: fine (a few pixels), medium (about 8), coarse (about 60). Set by eye against stretched Sentinel-2 views.
_Colour = tuple[float, float, float]
_MATERIALS: dict[str, tuple[_Colour, _Colour, tuple[float, float, float]]] = {
    "forest": ((0.21, 0.25, 0.19), (0.10, 0.22, 0.14), (0.22, 0.16, 0.10)),
    "farmland": ((0.56, 0.46, 0.34), (0.25, 0.42, 0.20), (0.04, 0.04, 0.05)),
    "grassland": ((0.53, 0.52, 0.38), (0.36, 0.47, 0.29), (0.07, 0.05, 0.14)),
    "bare land": ((0.66, 0.55, 0.44), (0.58, 0.47, 0.38), (0.07, 0.05, 0.12)),
    "built-up area": ((0.44, 0.46, 0.48), (0.38, 0.43, 0.44), (0.10, 0.06, 0.08)),
    "water": ((0.14, 0.26, 0.38), (0.10, 0.24, 0.32), (0.03, 0.02, 0.10)),
    "road": ((0.50, 0.51, 0.53), (0.46, 0.48, 0.50), (0.05, 0.02, 0.04)),
    "paved": ((0.62, 0.62, 0.60), (0.60, 0.61, 0.60), (0.05, 0.04, 0.05)),
    "bridge": ((0.74, 0.73, 0.71), (0.72, 0.72, 0.70), (0.04, 0.02, 0.02)),
    "building": ((0.72, 0.66, 0.62), (0.72, 0.66, 0.62), (0.05, 0.02, 0.02)),
    "storage tank": ((0.88, 0.88, 0.86), (0.88, 0.88, 0.86), (0.03, 0.02, 0.02)),
    "ship": ((0.66, 0.62, 0.60), (0.66, 0.62, 0.60), (0.10, 0.02, 0.02)),
}
_HILLS = {"forest": 1.2, "grassland": 0.8, "bare land": 1.7}
"""Relative change of brightness per unit of slope towards the sun; farms, towns and water lie on flat ground."""

_ROOFS: tuple[_Colour, ...] = (
    (0.90, 0.89, 0.86),
    (0.70, 0.46, 0.38),
    (0.58, 0.60, 0.64),
    (0.80, 0.72, 0.60),
    (0.50, 0.57, 0.68),
)


def render_clear(surface: Surface, rng: np.random.Generator) -> FloatArray:
    """Displayed reflectance without weather or sensor, float32 [size, size, 3], 0..1."""
    scene, size = surface.scene, surface.scene.size
    colour = surface.spread(np.array([_colour(item, scene) for item in scene.items], np.float32))
    grain = surface.spread(np.array([_material(item)[2] for item in scene.items], np.float32))
    fine = ndimage.gaussian_filter(rng.standard_normal((size, size), np.float32), 0.8) * np.float32(2.8)
    medium, coarse = cloudlike(rng, size, 9, 1), cloudlike(rng, size, 70, 2)
    shade = 1 + grain[..., 0] * fine + grain[..., 1] * medium + grain[..., 2] * coarse
    shade *= 1 + _rows(surface)
    hilly = surface.spread(np.array([_HILLS.get(item.name, 0.0) for item in scene.items], np.float32))
    shade *= np.clip(1 + hilly * slope_towards(surface.relief, scene.sun_deg[0]), 0.45, 1.6)
    shade[parcel_edges(surface)] *= 0.8 + 0.35 * scene.season
    _paint_town(colour, surface)
    _paint_shallows(colour, surface)
    colour[surface.trees] = colour[surface.trees] * 0.45 + np.array((0.08, 0.12, 0.07), np.float32)
    azimuth, elevation = scene.sun_deg
    shadow = ndimage.gaussian_filter(cast_shadow(surface.height_px, azimuth, elevation).astype(np.float32), 0.5)
    shade *= 1 - np.float32(0.55) * shadow
    lit: FloatArray = np.clip(colour * shade[..., None], 0, 1.2)
    return lit


def _material(item: Item) -> tuple[_Colour, _Colour, tuple[float, float, float]]:
    return _MATERIALS[item.cover or item.name]


def _colour(item: Item, scene: Scene) -> _Colour:
    """The item's own colour: its class's, by season, moved a little by the item's variant."""
    dry, lush, _ = _material(item)
    u, v, w = (item.variant % 41) / 41, (item.variant // 41 % 37) / 37, (item.variant // 1517 % 43) / 43
    season = scene.season
    if item.name == "farmland":
        season = (season + 2 * u) / 3 if w < 0.7 else u  # a harvested parcel beside a green one, in any season
    mixed = [d + (g - d) * season for d, g in zip(dry, lush, strict=True)]
    if item.name == "building":
        mixed = list(_ROOFS[item.variant % len(_ROOFS)])
    if item.name == "ship":
        mixed = [0.5 + 0.4 * v] * 3 if u < 0.6 else [0.6, 0.32 + 0.1 * v, 0.28]
    hue, saturation, value = colorsys.rgb_to_hsv(*mixed)
    spread = 0.5 if item.name in ("storage tank", "bridge", "road", "paved") else 1.0
    hue = (hue + (u - 0.5) * 0.05 * spread) % 1
    return colorsys.hsv_to_rgb(hue, min(saturation * (0.75 + 0.5 * v), 1), value * (1 + (w - 0.5) * 0.32 * spread))


def _rows(surface: Surface) -> FloatArray:
    """Plough and crop rows: a faint wave along each parcel's direction."""
    items = surface.scene.items
    angle = np.deg2rad(np.array([item.angle_deg for item in items], np.float32))
    pitch = np.array([1.1 + item.variant % 7 * 0.15 for item in items], np.float32)
    depth = np.array([0.07 if i.name == "farmland" and i.variant % 3 else 0.0 for i in items], np.float32)
    rows, columns = np.mgrid[: surface.scene.size, : surface.scene.size].astype(np.float32)
    along_x, along_y = (np.cos(angle) / pitch).astype(np.float32), (np.sin(angle) / pitch).astype(np.float32)
    across = surface.spread(along_x) * columns + surface.spread(along_y) * rows
    wave: FloatArray = surface.spread(depth) * np.sin(across)
    return wave


def _paint_town(colour: FloatArray, surface: Surface) -> None:
    """Roofs of several colours, and green yards between them, in place."""
    town = surface.mask("built-up area")
    roofs = np.array([*_ROOFS, (0.55, 0.56, 0.58), (0.62, 0.58, 0.54), (0.48, 0.50, 0.52)], np.float32)
    roofs = roofs * 0.75 + roofs.mean(axis=1, keepdims=True) * 0.25
    house = surface.fabric > 0
    value = surface.fabric[house]
    colour[house] = roofs[(value * 977).astype(np.int64) % len(roofs)] * (0.75 + 0.3 * value[:, None])
    colour[town & ~house] *= np.array((0.82, 0.92, 0.84), np.float32)


def _paint_shallows(colour: FloatArray, surface: Surface) -> None:
    """Water is paler near its shore, by a band about 8 pixels wide, in place."""
    size = surface.scene.size
    water = surface.mask("river", "lake", "sea")
    small = Image.fromarray(water.astype(np.float32)).resize((size // 8, size // 8), Image.Resampling.BOX)
    depth = np.asarray(small.resize((size, size), Image.Resampling.BICUBIC))
    pale = np.array((0.34, 0.44, 0.44), np.float32)
    share = np.clip((0.98 - depth) * 0.5, 0, 0.4)[..., None] * water[..., None]
    colour += (pale - colour) * share


def expose(picture: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The camera: haze, blur, gain and white balance, noise, eight bits. [size, size, 3] to [3, size, size]."""
    blur = float(rng.uniform(0.45, 0.9))
    gain = (rng.uniform(0.82, 1.2) * (1 + rng.uniform(-0.06, 0.06, 3))).astype(np.float32)
    haze = np.float32(rng.uniform(0, 0.28)) * np.array((0.7, 0.9, 1.2), np.float32)
    planes = np.moveaxis(picture, -1, 0)
    seen = np.stack([ndimage.gaussian_filter(plane, blur, truncate=2.5) for plane in planes])
    seen = seen * gain[:, None, None] + (haze * float(picture.mean()))[:, None, None]
    seen += rng.standard_normal(seen.shape, np.float32) * np.float32(rng.uniform(0.004, 0.014))
    grey: NDArray[np.uint8] = np.clip(seen * 255, 0, 255).astype(np.uint8)
    return grey
