"""The ground as both sensors see it: item map, heights, and textures shared by the renderers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from engine.scenes.scene import Item, Scene

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Surface:
    """One scene on its pixel raster, all arrays [size, size].

    ``top`` is the item on top (int32), ``height_px`` its height in pixels, ``fabric`` a town's pattern: 0 street or
    yard, else 0.2 .. 1 a house of that brightness; 0 outside towns. ``relief`` is the lie of the land, mean 0 and
    variance about 1. ``trees`` (bool) are single trees and scrub on open land, a texture and no forest.
    """

    scene: Scene
    top: NDArray[np.int32]
    height_px: FloatArray
    fabric: FloatArray
    relief: FloatArray
    trees: NDArray[np.bool_]

    def spread(self, per_item: NDArray[np.float32]) -> FloatArray:
        """Values per item [items, ...] laid out over the view [size, size, ...]."""
        return per_item[self.top]

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """bool [size, size]: where an item of one of these classes is on top."""
        chosen: NDArray[np.bool_] = np.array([item.name in names for item in self.scene.items])[self.top]
        return chosen


def make_surface(scene: Scene, top: NDArray[np.int32], rng: np.random.Generator) -> Surface:
    """Raise the items of ``scene`` over their map ``top``; ``rng`` draws the relief."""
    heights: FloatArray = np.array([item.height_m / scene.gsd_m for item in scene.items], np.float32)
    relief: FloatArray = 0.8 * cloudlike(rng, scene.size, 80, 5)
    relief -= 0.8 * np.abs(cloudlike(rng, scene.size, 40, 4))
    density = np.array([_SCRUB.get(item.name, 9.0) for item in scene.items], np.float32)[top]
    specks = ndimage.gaussian_filter(rng.standard_normal(top.shape, np.float32), 0.9) * np.float32(3.2)
    trees = specks + 0.6 * relief > density + 0.8 * (_item_rank(scene)[top] - 0.5)
    return Surface(scene, top, heights[top], _fabric(scene, top), relief, trees)


_SCRUB = {"grassland": 2.3, "bare land": 2.5, "farmland": 3.2}
"""How rare single trees are, in standard deviations of the noise they are the peaks of."""


def _item_rank(scene: Scene) -> FloatArray:
    """A number in 0..1 per item by which items of one class differ, float32 [items]."""
    return np.array([item.variant % 101 / 100 for item in scene.items], np.float32)


def _fabric(scene: Scene, top: NDArray[np.int32]) -> FloatArray:
    """Blocks of houses between parallel streets, for every town of the scene."""
    out = np.zeros(top.shape, np.float32)
    for index, item in enumerate(scene.items):
        if item.name == "built-up area":
            rows, columns = np.nonzero(top == index)
            out[rows, columns] = _houses(item, rows, columns)
    return out


def _houses(item: Item, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> FloatArray:
    """A lot is a cell of a turned grid; streets run every few lots; a hash of the cell says what stands there."""
    angle = math.radians(item.angle_deg)
    lot = 3.6 + item.variant % 7 * 0.5
    u = (columns * math.cos(angle) + rows * math.sin(angle)) / lot
    v = (rows * math.cos(angle) - columns * math.sin(angle)) / lot
    across = 3 + (item.variant >> 4) % 3
    cell_u, cell_v = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    noise = ((cell_u * 73856093) ^ (cell_v * 19349663) ^ item.variant) * 2654435761 % 65536 / 65536
    inside = (u - cell_u > 0.22) & (v - cell_v > 0.22)
    street = (cell_u % (across * 2) == 0) | (cell_v % across == 0)
    house = inside & ~street & (noise > 0.18)
    return np.where(house, noise, 0.0).astype(np.float32)


def slope_towards(relief: FloatArray, azimuth_deg: float) -> FloatArray:
    """How much the ground rises away from ``azimuth_deg`` (it then faces that way), per pixel, [H, W]."""
    dx, dy = math.sin(math.radians(azimuth_deg)), -math.cos(math.radians(azimuth_deg))
    down, right = np.gradient(relief)
    facing: FloatArray = np.asarray(-(right * np.float32(dx) + down * np.float32(dy)), np.float32)
    return facing


def parcel_edges(surface: Surface) -> NDArray[np.bool_]:
    """Field borders, a pixel wide, bool [H, W]."""
    top, farm = surface.top, surface.mask("farmland")
    edge = np.zeros(top.shape, bool)
    edge[:, 1:] |= (top[:, 1:] != top[:, :-1]) & farm[:, :-1]
    edge[1:] |= (top[1:] != top[:-1]) & farm[:-1]
    return edge & farm


def cloudlike(rng: np.random.Generator, size: int | tuple[int, int], cell: float, octaves: int) -> FloatArray:
    """Smooth noise of mean 0 and variance about 1; ``cell`` pixels across its largest lumps.

    ``size`` is (height, width), or one number for a square view.

    Each octave is white noise on a coarse grid, enlarged with a bicubic kernel; amplitudes halve as cells do.
    """
    height, width = (size, size) if isinstance(size, int) else size
    total = np.zeros((height, width), np.float32)
    power = 0.0
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        counts = (math.ceil(height / step) + 3, math.ceil(width / step) + 3)
        coarse = Image.fromarray(rng.standard_normal(counts, np.float32))
        shift = tuple(float(s) for s in rng.random(2))
        box = (shift[0], shift[1], shift[0] + width / step, shift[1] + height / step)
        total += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC, box=box)) * 0.5**octave
        power += 0.25**octave * 0.5
    return total / np.float32(math.sqrt(power))


def shifted(values: NDArray[np.float32], dx: int, dy: int) -> NDArray[np.float32]:
    """``values`` [H, W] moved by whole pixels, the border repeated: what was at (x, y) is at (x + dx, y + dy)."""
    height, width = values.shape
    padded = np.pad(values, ((max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0))), mode="edge")
    top, left = max(-dy, 0), max(-dx, 0)
    return padded[top : top + height, left : left + width]


def cast_shadow(height_px: FloatArray, azimuth_deg: float, elevation_deg: float, reach: int = 16) -> NDArray[np.bool_]:
    """Where a ray towards (``azimuth_deg``, ``elevation_deg``) is blocked by something higher, bool [H, W].

    The azimuth runs clockwise from up. Objects further away than ``reach`` pixels throw no shadow.
    """
    dx, dy = math.sin(math.radians(azimuth_deg)), -math.cos(math.radians(azimuth_deg))
    rise = math.tan(math.radians(elevation_deg))
    shadow = np.zeros(height_px.shape, bool)
    highest = float(height_px.max())
    for step in range(1, reach + 1):
        if step * rise > highest:
            break
        blocker = shifted(height_px, -round(dx * step), -round(dy * step))
        shadow |= blocker - height_px > step * rise
    return shadow
