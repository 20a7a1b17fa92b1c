"""Textures of the ground in an optical picture, their sizes in metres: rows, slabs, pools, crowns, waves, towns.

Each function changes ``colour``, float32 [size, size, 3], or ``shade``, float32 [size, size], in place.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.optics.materials import WHITE_PAINT, Region, brighter, mix, roof_colours, roughness
from engine.scenes.optics.sheet import facing_tip
from engine.scenes.scene import WATERS, Point
from engine.scenes.surface import FloatArray, Surface, cloudlike, lottery, slope_towards


def grain(shade: FloatArray, surface: Surface, rng: np.random.Generator) -> None:
    """Every class's own roughness: at a metre, and at all scales from a few pixels to a hundred metres together."""
    items, size, gsd = surface.scene.items, surface.scene.size, surface.scene.gsd_m
    fine_by_item, rough_by_item = np.array([roughness(item) for item in items], np.float32).T
    sigma = min(max(0.45 / gsd, 0.55), 1.2)
    fine = ndimage.gaussian_filter(rng.standard_normal((size, size), np.float32), sigma, truncate=3.0)
    # A pixel of ten metres holds more kinds of things than one of half a metre: Sentinel-2 views are the rougher ones.
    more = 1.2 + 0.7 * min(gsd / 8, 1.0)
    shade += surface.spread(fine_by_item) * fine * np.float32(more * 2 * math.sqrt(math.pi) * sigma)
    rough = cloudlike(rng, size, min(max(100 / gsd, 16.0), 0.6 * size), 6, fade=0.8)
    shade += np.float32(more) * surface.spread(rough_by_item) * rough


def fields(colour: FloatArray, shade: FloatArray, surface: Surface, region: Region, rng: np.random.Generator) -> None:
    """Strips as sown and harvested, the tractor's lines, and orchards in their rows."""
    scene = surface.scene
    rows, columns = np.nonzero(surface.mask("farmland"))
    if not len(rows):
        return
    along, across = _own_axes(surface, rows, columns)
    variant = np.array([item.variant for item in scene.items])[surface.top[rows, columns]]
    strip = max(7.0, 2.2 * scene.gsd_m)
    depth = np.array([0.0, 0.025, 0.05, 0.08], np.float32)[variant % 4]
    change = depth * _streaks(across / strip + variant % 977, rng)
    if scene.gsd_m < 1.2:
        change += 0.6 * depth * _streaks(across / max(1.5, 2.2 * scene.gsd_m) + variant % 977, rng)
    width = 24.0 + variant % 13
    if scene.gsd_m < 4:
        line = np.abs(np.mod(across, width) - width / 2)
        wheel = np.abs(line - 0.9) < max(0.35, 0.55 * scene.gsd_m)  # a pair of ruts, 1.8 m apart
        change -= np.where(wheel & (variant % 3 == 0), np.float32(0.14 * min(1.0, 0.9 / scene.gsd_m)), 0)
    shade[rows, columns] += change
    pitch = 5.5 + variant % 4
    orchard = (variant % 11 == 0) & (pitch / scene.gsd_m > 2.4)
    if orchard.any():
        crown = np.cos(2 * np.pi * along / pitch) + np.cos(2 * np.pi * across / pitch)
        share = np.where(orchard, np.clip(crown * 0.9, 0, 0.9), 0)[:, None].astype(np.float32)
        colour[rows, columns] += (np.array(brighter(region.wood, 1.25), np.float32) - colour[rows, columns]) * share


def yards(colour: FloatArray, shade: FloatArray, surface: Surface, region: Region) -> None:
    """Between single houses: gardens of unlike green, each a lot, and hedges or fences between some of them."""
    scene = surface.scene
    here = surface.mask("built-up area") & (surface.streets == 0) & (surface.fabric == 0)
    if scene.gsd_m > 4 or not here.any():
        return
    rows, columns = np.nonzero(here)
    works = np.array([item.kind == "industrial" for item in scene.items])[surface.top[rows, columns]]
    along, across = _own_axes(surface, rows, columns)
    lot_u, lot_v = along / 21, across / 31
    first, second = lottery(lot_u, lot_v, 0), lottery(lot_u, lot_v, 1)
    lawn = np.array([mix(region.straw, region.grass, 0.5 + 0.5 * scene.season), (0.52, 0.50, 0.48)], np.float32)
    share = np.where(works, 0.5 * first, 0.65 * (first - 0.15)).clip(0)[:, None].astype(np.float32)
    colour[rows, columns] += (lawn[works.astype(np.intp)] - colour[rows, columns]) * share
    edge = np.minimum(lot_u - np.floor(lot_u), (lot_v - np.floor(lot_v)) * 31 / 21) * 21
    fence = (edge < max(0.7, 0.8 * scene.gsd_m)) & (second > 0.45) & ~works
    change = (second - 0.5) * 0.10 - np.where(fence, 0.14 * min(1.0, 1.0 / scene.gsd_m), 0)
    shade[rows, columns] += change.astype(np.float32)


def slabs(shade: FloatArray, surface: Surface) -> None:
    """Concrete as it was poured: fields of unlike grey, joints between slabs where they are resolved."""
    scene = surface.scene
    rows, columns = np.nonzero(surface.mask("concrete"))
    if not len(rows):
        return
    along, across = _own_axes(surface, rows, columns)
    slab = max(6.0, 3.0 * scene.gsd_m)
    change = (lottery(along / slab, across / slab, 0) - 0.5) * 0.07
    if 6.0 / scene.gsd_m > 4:
        gap = np.minimum(np.mod(along, slab), np.mod(across, slab))
        change -= np.where(gap < scene.gsd_m, 0.06 * min(1.0, 0.5 / scene.gsd_m), 0)
    shade[rows, columns] += change.astype(np.float32)


def wetland(colour: FloatArray, surface: Surface, region: Region, rng: np.random.Generator) -> None:
    """Dark pools between reeds; tall reeds and low sedge differ."""
    marsh = surface.mask("wetland")
    if not marsh.any():
        return
    patches = cloudlike(rng, surface.scene.size, max(25 / surface.scene.gsd_m, 5.0), 3)
    sedge = (marsh & ~surface.pools & (patches > 0.2))[..., None]
    dry = np.array(mix(region.straw, region.grass, 0.35), np.float32)
    colour += np.where(sedge, dry - colour, 0) * np.float32(0.45)
    depth = ndimage.gaussian_filter(surface.pools.astype(np.float32), 0.6) * marsh
    colour += (np.array((0.10, 0.15, 0.17), np.float32) - colour) * (0.92 * depth)[..., None]


def trees(colour: FloatArray, shade: FloatArray, surface: Surface, region: Region) -> None:
    """Single trees in the region's green, and the light on every crown's sunny side."""
    scene = surface.scene
    single = surface.trees
    wood = np.array(mix(brighter(region.wood, 1.2), region.grass, 0.15), np.float32)
    thick = min(1.0, 4.0 / scene.gsd_m) ** 0.5  # at a coarse sampling a crown is a part of a pixel
    colour[single] += (wood - colour[single]) * (thick * np.minimum(0.35 + surface.crowns[single], 0.95))[:, None]
    forest = surface.mask("forest")
    lit = np.clip(slope_towards(surface.crowns, scene.sun_deg[0]) * np.float32(max(3.5 / scene.gsd_m, 1.2)), -1, 1)
    low = math.cos(math.radians(scene.sun_deg[1]))
    strength = np.where(forest, np.float32(0.30 * low), np.where(single, np.float32(0.38 * low), 0))
    shade += strength * lit
    resolved = min(1.0, 3.0 / scene.gsd_m)
    shade += np.where(forest, (surface.crowns - np.float32(0.6)) * np.float32(0.25 + 0.3 * resolved), 0)


def towns(colour: FloatArray, shade: FloatArray, surface: Surface, region: Region) -> None:
    """Roofs of many colours, pale streets, and the yards between, of every textured town."""
    scene = surface.scene
    if not (surface.fabric > 0).any():
        return
    coarse = min(max(scene.gsd_m / 8 - 0.25, 0.0), 1.0)  # a pixel then holds roof, garden and trees
    town = surface.mask("built-up area")
    works = surface.mask("built-up area", kind="industrial")
    shade -= np.where(town & ~works, np.float32(0.16 * coarse), 0)
    for kind, where in (("residential", town & ~works), ("industrial", works)):
        here = where & (surface.fabric > 0)
        value = surface.fabric[here]
        roofs = np.array(roof_colours(region, kind), np.float32)
        roofs += (roofs.mean(axis=1, keepdims=True) - roofs) * np.float32(0.4 * coarse)
        roof = roofs[(value * 9973).astype(np.int64) % len(roofs)] * (0.7 + 0.5 * value[:, None])
        colour[here] += (roof - colour[here]) * np.float32(1 - (0.45 if kind == "residential" else 0.1) * coarse)
    asphalt = np.array(mix((0.44, 0.44, 0.46), (0.64, 0.64, 0.64), 0.4 * coarse + 0.6 * region.worn), np.float32)
    colour += (asphalt - colour) * surface.streets[..., None]
    lit = slope_towards(np.minimum(surface.fabric, 0.2) * 5, scene.sun_deg[0])
    shade += np.where(surface.fabric > 0, np.float32(0.12 * (1 - coarse)) * lit, 0)


def water(colour: FloatArray, shade: FloatArray, surface: Surface, region: Region, rng: np.random.Generator) -> None:
    """Shallows, a strip of sand by the sea, bare banks elsewhere, surf where there is wind, and waves."""
    scene, size = surface.scene, surface.scene.size
    wet = surface.mask(*WATERS)
    if not wet.any():
        return
    afloat = wet | surface.mask("ship", "pier", "bridge")  # no shore runs round these
    near = _blurred(afloat.astype(np.float32), min(max(14 / scene.gsd_m, 1.2), 12.0))
    edge = cloudlike(rng, size, max(30 / scene.gsd_m, 6.0), 3)
    shallow = np.clip((0.97 - near) * (0.7 + 0.25 * edge), 0, 0.5) * wet
    pale = np.array(mix((0.24, 0.42, 0.44), mix(region.soil, (0.36, 0.38, 0.32), 0.5), region.silt), np.float32)
    colour += (pale - colour) * shallow[..., None]
    natural = surface.mask("grassland", "bare land", "forest", "farmland", "wetland")
    sandy = surface.mask("sea").any()
    sand = np.array((0.78, 0.70, 0.56) if sandy else brighter(region.soil, 0.9), np.float32)
    bank = np.clip((near - (0.27 if sandy else 0.36)) * 9 + 0.5 * edge, 0, 0.9 if sandy else 0.55) * natural
    colour += (sand - colour) * bank[..., None]
    shade -= (0.5 * bank * (shade - 1)).astype(np.float32)
    if scene.gsd_m < 5 and scene.wind > 0.15:
        front = 0.66 + 0.08 * edge - near
        surf = np.exp(-((front / (0.05 + 0.02 * scene.gsd_m)) ** 2)) * (near < 0.93) * surface.mask("sea")
        surf *= np.clip(0.4 + 0.7 * edge, 0, 1) * scene.wind
        colour += (np.array(WHITE_PAINT, np.float32) - colour) * np.clip(surf, 0, 0.85)[..., None]
    _waves(shade, wet, surface, edge, rng)
    _wakes(colour, wet, surface)


def _waves(
    shade: FloatArray, wet: NDArray[np.bool_], surface: Surface, bend: FloatArray, rng: np.random.Generator
) -> None:
    """Two trains of waves from about the same direction, as long as they can be resolved."""
    scene = surface.scene
    rows, columns = np.ogrid[: np.float32(scene.size), : np.float32(scene.size)]
    wind = float(rng.uniform(0, 2 * math.pi))
    for turn, metres, height in ((0.0, 9.0, 0.035), (0.45, 23.0, 0.025)):
        length = max(metres, 3.2 * scene.gsd_m) / scene.gsd_m
        fade = min(1.0, 2.5 * metres / 9.0 / scene.gsd_m)
        x, y = math.cos(wind + turn) / length, math.sin(wind + turn) / length
        phase = np.float32(2 * np.pi * x) * columns + np.float32(2 * np.pi * y) * rows + np.float32(1.3) * bend
        shade += np.float32(height * fade * (0.3 + scene.wind)) * np.sin(phase) * wet


_FOAM = (0.66, 0.74, 0.76)


def _wakes(colour: FloatArray, wet: NDArray[np.bool_], surface: Surface) -> None:
    """Foam behind some of the ships that do not lie at a berth: a streak astern, and two arms 19 degrees off it.

    The half angle of a ship's wave pattern in deep water is arcsin(1/3), whatever its speed (Kelvin, 1887).
    """
    size = surface.scene.size
    for item in surface.scene.items:
        if item.name != "ship" or item.group or item.variant % 3:
            continue
        frame = facing_tip(item)
        reach = (4 + item.variant % 5) * frame.half_u
        if not all(_is_wet(wet, frame.off(-k * reach / 8, 0)) for k in range(4, 9)):
            continue  # it would have come out of the land
        left, top = (max(math.floor(c - reach - frame.half_u), 0) for c in frame.centre)
        right, bottom = (min(math.ceil(c + reach + frame.half_u), size) for c in frame.centre)
        if left >= right or top >= bottom:
            continue
        x = np.arange(left, right, dtype=np.float32)[None, :] - frame.centre[0]
        y = np.arange(top, bottom, dtype=np.float32)[:, None] - frame.centre[1]
        c, s = math.cos(frame.angle), math.sin(frame.angle)
        astern, aside = -(c * x + s * y) - 0.8 * frame.half_u, np.abs(c * y - s * x)
        fade = np.where(astern > 0, np.clip(1 - astern / reach, 0, 1), 0)
        streak = np.exp(-((aside / (0.5 * frame.half_v + 0.05 * astern + 0.3)) ** 2))
        arms = np.exp(-(((aside - (astern + 1.6 * frame.half_u) * math.tan(math.asin(1 / 3))) / 1.2) ** 2))
        here = (slice(top, bottom), slice(left, right))
        foam = np.clip(fade * (0.4 * streak + 0.14 * arms) * wet[here], 0, 1).astype(np.float32)
        colour[here] += (np.array(_FOAM, np.float32) - colour[here]) * foam[..., None]


def _is_wet(wet: NDArray[np.bool_], place: Point) -> bool:
    """Whether there is water at a place; beyond the view there is."""
    column, row = round(place[0]), round(place[1])
    return not (0 <= column < len(wet) and 0 <= row < len(wet)) or bool(wet[row, column])


def _blurred(values: FloatArray, sigma: float) -> FloatArray:
    """Two passes of a moving mean, whose time does not grow with its width; nearly a Gaussian blur of ``sigma``."""
    width = 2 * round((math.sqrt(6 * sigma**2 + 1) - 1) / 2) + 1
    out: FloatArray = ndimage.uniform_filter(ndimage.uniform_filter(values, width), width)
    return out


def _own_axes(
    surface: Surface, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Metres along and across the direction of the item that is on top, at each of these pixels."""
    angle = np.deg2rad(np.array([item.angle_deg for item in surface.scene.items]))
    gsd = surface.scene.gsd_m
    c = (np.cos(angle) * gsd).astype(np.float32)[surface.top[rows, columns]]
    s = (np.sin(angle) * gsd).astype(np.float32)[surface.top[rows, columns]]
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    return c * x + s * y, c * y - s * x


def _streaks(place: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise along a line, about -2..2, at ``place`` (its period is 4096)."""
    table = rng.standard_normal(4097, np.float32)
    lower = np.floor(place)
    index = np.mod(lower, 4096).astype(np.intp)
    share = (place - lower).astype(np.float32)
    out: NDArray[np.float32] = table[index] * (1 - share) + table[index + 1] * share
    return out
