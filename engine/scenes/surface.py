"""The ground as both sensors see it: item map, heights, and textures shared by the renderers.

Sizes are in metres on the ground and are turned into pixels by the scene's sampling distance, so that a forest has
crowns at half a metre and is a dark mottle at ten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from engine.scenes.built.towns import SINGLE_HOUSES_GSD_M
from engine.scenes.paint import paint_items
from engine.scenes.scene import Disc, Item, Line, Point, Polygon, Scene

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Surface:
    """One scene on its pixel raster, all arrays [size, size].

    ``top`` is the item on top (int32), ``height_px`` how high it reaches there in pixels: items, single trees, the
    canopy of forests and the houses of textured towns. ``relief`` is the lie of the land, mean 0 and variance about 1.
    ``crowns`` is the dome of the tree that stands here, 1 at its top, 0 between trees; ``trees`` (bool) are the single
    trees on open land, a texture and no forest.

    At a sampling too coarse for single houses, a town without buildings among the items is a texture: ``fabric`` is 0
    for street or yard, else 0.2 .. 1 a house of that brightness; ``streets`` is the share of a pixel that a street
    covers. ``pools`` (bool) is the open water between the reeds of a wetland.
    """

    scene: Scene
    top: NDArray[np.int32]
    height_px: FloatArray
    fabric: FloatArray
    relief: FloatArray
    trees: BoolArray
    crowns: FloatArray
    streets: FloatArray
    pools: BoolArray

    def spread(self, per_item: NDArray[np.float32]) -> FloatArray:
        """Values per item [items, ...] laid out over the view [size, size, ...]."""
        return per_item[self.top]

    def mask(self, *names: str, kind: str = "") -> BoolArray:
        """bool [size, size]: where an item of one of these classes, and of this kind if given, is on top."""
        items = self.scene.items
        chosen: BoolArray = np.array([i.name in names and kind in ("", i.kind) for i in items])[self.top]
        return chosen


def make_surface(scene: Scene, top: NDArray[np.int32], rng: np.random.Generator) -> Surface:
    """Raise the items of ``scene`` over their map ``top``; ``rng`` draws relief, trees and wetland."""
    heights: FloatArray = np.array([item.height_m / scene.gsd_m for item in scene.items], np.float32)
    lumps = min(max(600 / scene.gsd_m, 60.0), 0.6 * scene.size)
    relief: FloatArray = 0.7 * cloudlike(rng, scene.size, lumps, 3)
    relief -= 0.9 * np.abs(cloudlike(rng, scene.size, lumps / 1.5, 5))  # ridges, and valleys between them
    fabric, streets = _towns(scene, top)
    height = heights[top]
    names = np.array([item.name for item in scene.items])
    crowns = _crowns(scene, top, relief, (fabric > 0) | (streets > 0.3), rng)
    forest = (names == "forest")[top]
    single = (crowns > 0) & ~forest
    height = np.where(forest, height * (0.5 + 0.5 * crowns), height)
    height += np.where(single, crowns * np.float32(7.0 / scene.gsd_m), 0)
    height += fabric * np.float32(9.0 / scene.gsd_m)
    pools = (names == "wetland")[top]
    if pools.any():
        pools &= cloudlike(rng, scene.size, max(60 / scene.gsd_m, 7.0), 4) + 0.5 * relief > 0.35
    return Surface(scene, top, height.astype(np.float32), fabric, relief, single, crowns, streets, pools)


# ---- trees

_CROWN_M = (5.0, 9.0)
"""Distance between neighbouring trees of a forest, in metres; its region decides where in this range."""

_TREES = {"forest": 0.95, "grassland": 0.035, "bare land": 0.015, "farmland": 0.004, "wetland": 0.02}
"""How many of the places where a tree could stand have one. A town's yards are counted apart."""
_YARD_TREES = {"residential": 0.22, "industrial": 0.03}


def _crowns(
    scene: Scene, top: NDArray[np.int32], relief: FloatArray, built: BoolArray, rng: np.random.Generator
) -> FloatArray:
    """Domes of 0..1 around trees at the corners of an uneven grid, each tree on one cover and not over its border.

    Where a crown is smaller than a pixel or two, what is drawn is a clump of trees of that size.
    """
    size = scene.size
    pitch = max(float(rng.uniform(*_CROWN_M)) / scene.gsd_m, 2.2)
    count = math.ceil(size / pitch) + 2
    jitter = rng.random((4, count, count), np.float32)
    rows = ((np.arange(count)[:, None] + jitter[0] - 1) * pitch).astype(np.int32)
    columns = ((np.arange(count)[None, :] + jitter[1] - 1) * pitch).astype(np.int32)
    inside = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
    rows, columns = rows[inside], columns[inside]
    density = np.array([_tree_density(item) for item in scene.items], np.float32)[top[rows, columns]]
    open_land = density < 0.5
    density = np.where(open_land, density * np.exp(1.1 * relief[rows, columns]), density)
    stands = (jitter[2][inside] < density) & ~built[rows, columns]
    rows, columns = rows[stands], columns[stands]
    if not len(rows):
        return np.zeros((size, size), np.float32)
    seeds = np.ones((size, size), bool)
    seeds[rows, columns] = False
    radius = np.zeros((size, size), np.float32)
    radius[rows, columns] = pitch * (0.42 + 0.36 * jitter[3][inside][stands])
    distance, nearest = ndimage.distance_transform_edt(seeds, return_indices=True)
    reach = radius[nearest[0], nearest[1]]
    dome = np.sqrt(np.clip(1 - (distance / np.maximum(reach, 0.5)) ** 2, 0, 1)).astype(np.float32)
    home = top[nearest[0], nearest[1]] == top
    return np.where(home & ~built, dome, np.float32(0))


def _tree_density(item: Item) -> float:
    """Trees per possible place; items of one class differ by up to four times."""
    if item.name == "built-up area":
        return _YARD_TREES.get(item.kind, 0.15)
    if item.name == "forest":
        return _TREES["forest"]
    return _TREES.get(item.name, 0.0) * math.pow(4.0, item.variant % 101 / 50 - 1)


# ---- towns


def _towns(scene: Scene, top: NDArray[np.int32]) -> tuple[FloatArray, FloatArray]:
    """Fabric and streets of every town at a sampling too coarse for single houses, unless buildings stand on it."""
    fabric, streets = np.zeros(top.shape, np.float32), np.zeros(top.shape, np.float32)
    if scene.gsd_m <= SINGLE_HOUSES_GSD_M:
        return fabric, streets
    built = _towns_with_buildings(scene)
    for index, item in enumerate(scene.items):
        if item.name == "built-up area" and index not in built:
            left, upper, right, lower = (max(round(edge), 0) for edge in bounds(item))
            rows, columns = np.nonzero(top[upper : lower + 2, left : right + 2] == index)
            rows, columns = rows + upper, columns + left
            fabric[rows, columns], streets[rows, columns] = _blocks(item, scene.gsd_m, rows, columns)
    return fabric, streets


def _towns_with_buildings(scene: Scene) -> list[int]:
    """The indices of towns on which a building of the items stands."""
    covers = [index for index, item in enumerate(scene.items) if item.cover is not None]
    buildings = [item for item in scene.items if item.name == "building"]
    if not buildings or not any(item.name == "built-up area" for item in scene.items):
        return []
    ground = paint_items([scene.items[index] for index in covers], scene.size)
    found = set[int]()
    for building in buildings:
        column, row = (min(max(round(c), 0), scene.size - 1) for c in middle(building))
        found.add(covers[ground[row, column]])
    return sorted(found)


_BLOCK_M = {"residential": (150.0, 68.0, 19.0), "industrial": (190.0, 150.0, 26.0)}
"""Length and depth of a block between streets, and width of a lot, in metres."""
_STREET_M = 9.0


def _blocks(
    item: Item, gsd_m: float, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Blocks of two rows of lots between streets, fitted into the item's extent along and across its angle.

    A hash of the lot's number says what stands there: nothing, or a house of some width, depth and brightness.
    """
    usual_length, usual_depth, usual_lot = _BLOCK_M.get(item.kind, _BLOCK_M["residential"])
    angle = math.radians(item.angle_deg)
    c, s = math.cos(angle), math.sin(angle)
    corners = [(c * x + s * y, c * y - s * x) for x, y in outline_points(item)]
    left, right = min(u for u, _ in corners) * gsd_m, max(u for u, _ in corners) * gsd_m
    near, far = min(v for _, v in corners) * gsd_m, max(v for _, v in corners) * gsd_m
    length = (right - left) / max(1, round((right - left) / usual_length))
    depth = (far - near) / max(1, round((far - near) / usual_depth))
    u, v = (c * columns + s * rows) * gsd_m - left, (c * rows - s * columns) * gsd_m - near
    if right - left > 400 and item.kind != "industrial":  # large suburbs bend
        bend = 25.0 * (item.variant % 5) / 4
        u, v = u + bend * np.sin(v / 190), v + bend * np.sin(u / 230)
    block_u, block_v = np.floor(u / length), np.floor(v / depth)
    in_u, in_v = u - block_u * length, v - block_v * depth
    to_street = np.minimum(np.minimum(in_u, length - in_u), np.minimum(in_v, depth - in_v)) - _STREET_M / 2
    streets = np.clip(0.5 - to_street / gsd_m, 0, min(1.0, _STREET_M / gsd_m))

    lots = max(round((length - _STREET_M) / usual_lot), 1)
    rows_of_lots = max(round((depth - _STREET_M) / (usual_depth / 2)), 1)
    across = (in_u - _STREET_M / 2) / max(length - _STREET_M, 1.0) * lots
    down = (in_v - _STREET_M / 2) / max(depth - _STREET_M, 1.0) * rows_of_lots
    lot_u, lot_v = np.floor(across), np.floor(down)
    place = block_u * 64 + lot_u, block_v * 8 + lot_v
    first, second = lottery(*place, item.variant), lottery(*place, item.variant + 1)
    wide, deep = 0.45 + 0.3 * second, 0.36 + 0.24 * first
    if item.kind == "industrial":  # sheds and stacks in the yards; a hall is an item
        wide, deep = 0.3 + 0.5 * second, 0.1 + 0.1 * first
    house = (np.abs(across - lot_u - 0.5) < wide / 2) & (np.abs(down - lot_v - 0.5) < deep / 2)
    house &= (first > 0.07) & (to_street > 0)
    return np.where(house, 0.2 + 0.8 * first, 0).astype(np.float32), streets.astype(np.float32)


# ---- helpers of both renderers


def lottery(u: NDArray[np.floating], v: NDArray[np.floating], salt: int) -> NDArray[np.float64]:
    """A number of 0..1 for each cell of a grid of unit cells, drawn by a hash of its whole-numbered place.

    The hash function of Teschner et al., "Optimized Spatial Hashing for Collision Detection of Deformable Objects"
    (VMV 2003), spread by Knuth's multiplicative one.
    """
    cell = np.floor(u).astype(np.int64) * 73856093 ^ np.floor(v).astype(np.int64) * 19349663 ^ salt * 83492791
    out: NDArray[np.float64] = (cell * 2654435761 >> 16) % 65536 / 65536
    return out


def middle(item: Item) -> Point:
    """The middle of an item's outline, in pixels of the view."""
    if isinstance(item.shape, Disc):
        return item.shape.centre
    points = item.shape.points
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def outline_points(item: Item) -> tuple[Point, ...]:
    """Points between which an item lies, in pixels of the view: its own, or the corners around it."""
    if isinstance(item.shape, Polygon):
        return item.shape.points
    left, top, right, bottom = bounds(item)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def bounds(item: Item) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of an item in pixels of the view."""
    shape = item.shape
    if isinstance(shape, Disc):
        (x, y), r = shape.centre, shape.radius
        return x - r, y - r, x + r, y + r
    margin = shape.width / 2 if isinstance(shape, Line) else 0.0
    xs, ys = [p[0] for p in shape.points], [p[1] for p in shape.points]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def slope_towards(relief: FloatArray, azimuth_deg: float) -> FloatArray:
    """How much the ground rises away from ``azimuth_deg`` (it then faces that way), per pixel, [H, W]."""
    dx, dy = math.sin(math.radians(azimuth_deg)), -math.cos(math.radians(azimuth_deg))
    down, right = np.gradient(relief)
    facing: FloatArray = np.asarray(-(right * np.float32(dx) + down * np.float32(dy)), np.float32)
    return facing


def parcel_edges(surface: Surface) -> BoolArray:
    """Field borders, a pixel wide, bool [H, W]."""
    top, farm = surface.top, surface.mask("farmland")
    edge = np.zeros(top.shape, bool)
    edge[:, 1:] |= (top[:, 1:] != top[:, :-1]) & farm[:, :-1]
    edge[1:] |= (top[1:] != top[:-1]) & farm[:-1]
    return edge & farm


def cloudlike(
    rng: np.random.Generator, size: int | tuple[int, int], cell: float, octaves: int, fade: float = 0.5
) -> FloatArray:
    """Smooth noise of mean 0 and variance about 1; ``cell`` pixels across its largest lumps.

    ``size`` is (height, width), or one number for a square view. ``fade`` is how much lower each octave is than the
    one before: 0.5 for clouds and hills, nearer to 1 for what is rough at every scale, as natural ground is.

    Each octave is white noise on a coarse grid, enlarged with a bicubic kernel; cells halve.
    """
    height, width = (size, size) if isinstance(size, int) else size
    total = np.zeros((height, width), np.float32)
    power = 0.0
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        counts = (math.ceil(height / step) + 6, math.ceil(width / step) + 6)
        coarse = Image.fromarray(rng.standard_normal(counts, np.float32))
        shift = tuple(2 + float(s) for s in rng.random(2))  # a kernel reaches two cells beyond the view
        box = (shift[0], shift[1], shift[0] + width / step, shift[1] + height / step)
        total += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC, box=box)) * fade**octave
        power += fade ** (2 * octave) * 0.5
    return total / np.float32(math.sqrt(power))


def shifted(values: NDArray[np.float32], dx: int, dy: int) -> NDArray[np.float32]:
    """``values`` [H, W] moved by whole pixels, the border repeated: what was at (x, y) is at (x + dx, y + dy)."""
    height, width = values.shape
    padded = np.pad(values, ((max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0))), mode="edge")
    top, left = max(-dy, 0), max(-dx, 0)
    return padded[top : top + height, left : left + width]


def cast_shadow(height_px: FloatArray, azimuth_deg: float, elevation_deg: float, reach: int = 64) -> BoolArray:
    """Where a ray towards (``azimuth_deg``, ``elevation_deg``) is blocked by something higher, bool [H, W].

    The azimuth runs clockwise from up. A shadow is height / tan(elevation) pixels long, and at most ``reach``. The ray
    is followed one pixel at a time along the axis that it runs closest to, so that thin things are not stepped over.
    """
    dx, dy = math.sin(math.radians(azimuth_deg)), -math.cos(math.radians(azimuth_deg))
    stride = 1 / max(abs(dx), abs(dy))
    rise = math.tan(math.radians(elevation_deg)) * stride
    height, width = height_px.shape
    steps = min(reach, int(float(height_px.max()) / rise) + 1)
    padded = np.pad(height_px, steps)
    ray = np.zeros_like(height_px)
    above = np.empty_like(height_px)
    for step in range(1, steps + 1):
        row, column = steps + round(dy * stride * step), steps + round(dx * stride * step)
        np.subtract(padded[row : row + height, column : column + width], np.float32(step * rise), out=above)
        np.maximum(ray, above, out=ray)
    shadow: BoolArray = ray > height_px
    return shadow
