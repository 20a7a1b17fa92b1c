"""What makes a radar picture a radar picture: layover, shadow, walls that bounce, and points with side lobes.

A pixel lies where its *range* says. A point at height h is therefore drawn ``h / tan(incidence)`` too near to the radar
(layover), and what stands behind it over ``h tan(incidence)`` sends nothing back (shadow). Ground-range geometry of a
flat earth, as in Curlander and McDonough, "Synthetic Aperture Radar" (1991), section 1.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.radar.backscatter import by_polarisation
from engine.scenes.scene import Item, Scene
from engine.scenes.surface import FloatArray, Surface, cast_shadow, shifted

SOLID = ("building", "storage tank", "bridge", "ship", "pier")
"""Classes that stand up as a body with walls. Of thinner things only the points on them are seen."""

_BODY_SHARE = {"ship": 0.3, "transmission tower": 0.0}
"""The share of an item's height that is a closed body: of a ship its freeboard, of a lattice nothing."""

_LOW = 0.4
"""Pixels of height that displace nothing."""

_SHADE, _LEAFY_SHADE = 0.08, 0.35
"""What is left of the power in radar shadow: what other echoes spill into it; and between the crowns of a forest."""

_LOBE_REACH = 16
"""Pixels to which side lobes are drawn."""


@dataclass(frozen=True, slots=True)
class Look:
    """``(dx, dy)`` points to the radar; a height of one pixel is laid over by ``lay`` pixels."""

    dx: float
    dy: float
    lay: float


def look_of(scene: Scene) -> Look:
    """The geometry of a scene's radar picture."""
    azimuth, incidence = math.radians(scene.look_deg), math.tan(math.radians(scene.incidence_deg))
    return Look(math.sin(azimuth), -math.cos(azimuth), 1 / incidence)


def laid_over_px(scene: Scene, item: Item) -> float:
    """How far towards the radar the highest echo of ``item`` is drawn: of its body's eaves or of its highest point."""
    body = _BODY_SHARE.get(item.name, 1.0) if item.name in SOLID else 0.0
    points = _POINTED[item.name].top_share if item.name in _POINTED else 0.0
    return max(body, points) * item.height_m / scene.gsd_m * look_of(scene).lay


# ---- bodies


def bodies(surface: Surface) -> FloatArray:
    """How high the closed bodies reach that the radar cannot see through, in pixels, float32 [size, size]."""
    share = np.array([_BODY_SHARE.get(item.name, 1.0) for item in surface.scene.items], np.float32)
    return surface.height_px * surface.spread(share)


def stand_up(power: FloatArray, surface: Surface, rng: np.random.Generator) -> FloatArray:
    """``power`` [size, size] of the flat map, with its solid things laid over, shading, and bouncing; linear."""
    look, scene, tall = look_of(surface.scene), surface.scene, bodies(surface)
    out = power.copy()
    shade = cast_shadow(tall, scene.look_deg, 90 - scene.incidence_deg)
    out[shade] *= np.where(surface.mask("forest")[shade], np.float32(_LEAFY_SHADE), np.float32(_SHADE))
    tall = np.where(surface.mask(*SOLID), tall, np.float32(0))
    rows, columns = np.nonzero(tall > _LOW)
    if not len(rows):
        return out
    height = tall[rows, columns]
    out[rows, columns] = 0
    roof = power[rows, columns]
    _add(out, rows + look.dy * look.lay * height, columns + look.dx * look.lay * height, roof)
    near = height - towards(tall, look)[rows, columns] > _LOW
    rows, columns, height = rows[near], columns[near], height[near]
    gain = _wall_gain(surface, tall, rng)[rows, columns]
    bridge = surface.mask("bridge")[rows, columns]
    # The wall, smeared from its foot to its eaves, which lie nearest to the radar; the bright line is at its foot.
    index, step, r, c = rays(rows[~bridge], columns[~bridge], look.lay * height[~bridge], look.dx, look.dy)
    part = np.where(step == 0, 1.0, np.where(np.diff(index, append=-1) != 0, 0.2, 0.025)).astype(np.float32)
    _add(out, r, c, part * gain[~bridge][index])
    _add(out, rows[bridge], columns[bridge], gain[bridge])
    # A bridge is open below: sea, deck and sea again make a third line, as far behind as the deck's is before.
    over = rows[bridge] - look.dy * look.lay * height[bridge], columns[bridge] - look.dx * look.lay * height[bridge]
    _add(out, *over, 0.3 * gain[bridge] * np.float32(10 ** (by_polarisation(scene, 0, -2, 0) / 10)))
    return out


def towards(values: FloatArray, look: Look) -> FloatArray:
    """At each pixel the value of the next one towards the radar."""
    return shifted(values, -round(look.dx), -round(look.dy))


def _wall_gain(surface: Surface, tall: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Power of the double bounce at each pixel's wall, by how squarely it faces the radar, [size, size].

    A dihedral of wall and ground sends its power back within a few degrees of its normal; the broad part under it is
    what balconies, ribs and pipes return at any angle.
    """
    scene, look = surface.scene, look_of(surface.scene)
    smooth = ndimage.gaussian_filter(tall, 1.0, truncate=2.0)
    down, right = np.gradient(smooth)
    facing = -(right * np.float32(look.dx) + down * np.float32(look.dy)) / (np.hypot(right, down) + np.float32(1e-6))
    off = np.arccos(np.clip(facing, -1, 1))
    square = np.exp(-((off / np.float32(math.radians(14))) ** 2))
    each = rng.normal(by_polarisation(scene, -6, -9, 2), 2.2, len(scene.items)).astype(np.float32)
    db = surface.spread(each) + 4 * np.maximum(facing, 0) + 12 * square
    gain: FloatArray = np.power(np.float32(10), db / 10, dtype=np.float32)
    return gain


def rays(
    rows: NDArray[Any], columns: NDArray[Any], length: FloatArray, dx: float, dy: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], NDArray[Any]]:
    """Walk from each pixel in whole steps along ``(dx, dy)`` as far as ``length``, rounded.

    Returns the index of the start, the step (from 0), and the row and column there, one entry per place walked over.
    """
    counts = np.rint(length).astype(np.intp) + 1
    index = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return index, step, rows[index] + dy * step, columns[index] + dx * step


def pixels(rows: NDArray[Any], columns: NDArray[Any], size: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Flat indices of the pixels nearest to these places, and which of the places lie in the view at all."""
    r, c = np.rint(rows).astype(np.intp), np.rint(columns).astype(np.intp)
    inside = (r >= 0) & (r < size) & (c >= 0) & (c < size)
    return r[inside] * size + c[inside], inside


def _add(out: FloatArray, rows: NDArray[Any], columns: NDArray[Any], power: FloatArray) -> None:
    """Add ``power`` at the pixels nearest to (rows, columns), in place; places outside the view are dropped."""
    flat, inside = pixels(rows, columns, len(out))
    out += np.bincount(flat, power[inside], out.size).reshape(out.shape).astype(np.float32)


# ---- points


@dataclass(frozen=True, slots=True)
class _Points:
    """How a class's items break up into points: their number per metre of length, its bounds, and where they stand.

    The radar cross section of the whole item is ``scale * length ** exponent`` square metres. ``top_share`` is the
    share of the item's height up to which points stand.
    """

    per_metre: float
    fewest: int
    most: int
    scale: float
    exponent: float
    top_share: float


# Ships: 0.08 L^(7/3) square metres, the C-band rule of Vachon, Campbell, Bjerkelund, Dobson and Rey, "Ship detection by
# the RADARSAT SAR" (1997). The others were set by eye to look as such things do in published chips.
_POINTED: dict[str, _Points] = {
    "ship": _Points(0.08, 2, 24, 0.08, 7 / 3, 0.8),
    "airplane": _Points(0.15, 3, 9, 0.8, 1.6, 0.5),
    "storage tank": _Points(0.0, 2, 2, 2.0, 1.2, 1.0),
    "transmission tower": _Points(0.0, 9, 9, 30.0, 1.0, 1.0),
    "building": _Points(0.02, 0, 4, 0.5, 1.0, 1.0),
    "vehicle": _Points(0.0, 1, 1, 0.3, 1.2, 0.0),
}


def point_echoes(surface: Surface, rng: np.random.Generator) -> FloatArray:
    """Power of the bright points with their side lobes, linear, float32 [size, size].

    A point of cross section s (square metres) adds ``s / gsd**2`` to the sum over its pixels, whatever the spread.
    """
    size, scene = surface.scene.size, surface.scene
    margin = np.zeros((size + 2 * _LOBE_REACH,) * 2, np.float32)
    found = _find_points(surface, rng)
    if not found:
        return margin[:size, :size]
    rows, columns, section = (np.concatenate(part) for part in zip(*found, strict=True))
    flat, inside = pixels(rows, columns, size)
    bright = section[inside] / scene.gsd_m**2 * 10 ** (by_polarisation(scene, 0, -8, 0.5) / 10)
    stamp = impulse(scene)
    offset = np.arange(2 * _LOBE_REACH + 1)
    width = len(margin)
    around = (offset[:, None] * width + offset).ravel()
    for start in range(0, len(flat), 2048):  # in parts: each point has a thousand pixels of lobes
        part = flat[start : start + 2048]
        corner = part // size * width + part % size
        weights = np.multiply.outer(bright[start : start + 2048], stamp.ravel())
        counted = np.bincount((corner[:, None] + around).ravel(), weights.ravel(), margin.size)
        margin += counted.reshape(margin.shape).astype(np.float32)
    return margin[_LOBE_REACH:-_LOBE_REACH, _LOBE_REACH:-_LOBE_REACH]


def _find_points(
    surface: Surface, rng: np.random.Generator
) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Rows, columns and cross sections of the points of every visible item that has any."""
    scene, look = surface.scene, look_of(surface.scene)
    top = surface.top.ravel()
    pointed = np.array([item.name in _POINTED for item in scene.items])
    places = np.flatnonzero(pointed[top])
    if not len(places):
        return []
    places = places[np.argsort(top[places], kind="stable")]
    which, starts = np.unique(top[places], return_index=True)
    tall = surface.height_px.ravel()
    found = []
    for index, mine in zip(which, np.split(places, starts[1:]), strict=True):
        item = scene.items[index]
        chosen, section = _points_of(item, mine % scene.size, mine // scene.size, scene.gsd_m, rng)
        here = mine[chosen]
        # A lattice shines from its foot, the brightest of its points, to its top; other things anywhere.
        lattice = item.name == "transmission tower"
        share = np.linspace(0, 1, len(here)) if lattice else rng.random(len(here))
        up = share * tall[here] * _POINTED[item.name].top_share * look.lay
        found.append((here // scene.size + look.dy * up, here % scene.size + look.dx * up, section))
    return found


def _points_of(
    item: Item, columns: NDArray[np.intp], rows: NDArray[np.intp], gsd_m: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which of an item's pixels carry a point, and the cross section of each; a few points have most of it."""
    kind = _POINTED[item.name]
    angle = math.radians(item.angle_deg)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    length = (float(along.max() - along.min()) + 1) * gsd_m
    count = min(max(round(kind.per_metre * length), kind.fewest), kind.most)
    chosen = rng.integers(0, len(columns), count)
    if item.name == "ship":  # the bridge house, aft, is the brightest of all
        chosen[0] = np.argmin(np.abs(along - along.min() - 0.15 * (along.max() - along.min())))
    share = rng.standard_exponential(count)
    share[:1] += 1.0
    total = kind.scale * length**kind.exponent * 10 ** (0.3 * float(rng.standard_normal()))
    return chosen, total * share / max(float(share.sum()), 1e-9)


def impulse(scene: Scene) -> FloatArray:
    """The radar's answer to one point: a cross of side lobes along range and azimuth, summing to 1.

    The squared sinc of a flat spectrum; its lobes are lowered by 3 dB and tapered, as the weighting of a processor
    does, and they are turned with the look.
    """
    look = look_of(scene)
    width = 1.6 * impulse_px(scene.gsd_m) + 0.5
    y, x = np.mgrid[-_LOBE_REACH : _LOBE_REACH + 1, -_LOBE_REACH : _LOBE_REACH + 1].astype(np.float32)
    stamp = np.ones_like(x)
    for along in (x * np.float32(look.dx) + y * np.float32(look.dy), x * np.float32(look.dy) - y * np.float32(look.dx)):
        lobes = np.sinc(along / width) ** 2 * np.where(np.abs(along) < width, 1.0, 0.5)
        stamp *= (lobes * np.cos(np.pi * along / (2.9 * _LOBE_REACH)) ** 2).astype(np.float32)
    normalised: FloatArray = (stamp / stamp.sum()).astype(np.float32)
    return normalised


def impulse_px(gsd_m: float) -> float:
    """Standard deviation in pixels of the impulse response, as of a blur that correlates white speckle.

    Fine pictures are sampled at about their resolution. Sentinel-1's pixels of 10 m hold one of 20 m: over uniform
    blocks of real pictures neighbours correlate by 0.65 and next but one by 0.17, as speckle of 0.9 pixels does.
    """
    return 0.4 + 0.5 * min(max((gsd_m - 1) / 5, 0.0), 1.0)
