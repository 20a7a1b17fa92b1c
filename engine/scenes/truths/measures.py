"""Measures of masks and points behind the words of the truth: places, shapes, lengths, distributions.

Each gives a word only where the case is clear, and None else. Masks are bool [size, size]; points and lengths are
pixels of the view, columns then rows; ``size`` is the view's side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, cKDTree

from engine.scenes.scene import Point
from engine.scenes.truths.facts import Box
from engine.text import LOCATION_ANSWERS

Mask = NDArray[np.bool_]

COMPACT_SHARE = 0.5
"""What is wider or higher than this share of the view is not in one place of it."""

ROUND_FROM, RECTANGULAR_FROM, IRREGULAR_TO = 0.81, 0.93, 0.78
SQUAT_TO, ELONGATED_FROM = 1.8, 2.2
STRAIGHT_TO, CURVED_FROM = 0.02, 0.06
_BANK_PX, _BANK_STRIP_PX = 3.0, 3.14
"""How far a strip along a bank reaches, between pixel centres, and how wide it is on average over all slopes."""

_DIRECTIONS = ("right", "bottom right", "bottom", "bottom left", "left", "top left", "top", "top right")


def place(box: Box, size: int) -> str | None:
    """The cell of the nine that holds the middle of ``box``; None near a border of cells or of what is not compact."""
    cell = []
    for low, high in ((box[1], box[3]), (box[0], box[2])):
        third = (low + high) * 3 / (2 * size)
        if high - low > COMPACT_SHARE * size or min(abs(third - 1), abs(third - 2)) < 0.1:
            return None
        cell.append(min(int(third), 2))
    return LOCATION_ANSWERS[cell[0] * 3 + cell[1]]


def direction(one: Point, other: Point) -> str | None:
    """Where ``one`` lies seen from ``other``, of eight directions; None within 7.5 degrees of a border of sectors."""
    angle = math.degrees(math.atan2(one[1] - other[1], one[0] - other[0])) % 360
    sector = round(angle / 45)
    return _DIRECTIONS[sector % 8] if abs(angle - 45 * sector) < 15 else None


def patch_shape(mask: Mask) -> str | None:
    """Round, rectangular, elongated or irregular, from how well its circle, its rectangle and its hull fit it.

    Irregular: it leaves much of its convex hull empty. Round: it fills the circle about its centroid that holds it.
    Rectangular: it fills the smallest rectangle around it (a circle fills 79 % of its own). Elongated: that rectangle
    is much longer than wide. Else None, and for long rectangles too, which are both.
    """
    rows, columns = np.nonzero(mask)
    corners = np.concatenate([np.stack((columns + dx, rows + dy), 1) for dx in (0, 1) for dy in (0, 1)])
    hull = corners[ConvexHull(corners).vertices].astype(np.float64)
    area = float(len(rows))
    following = np.roll(hull, -1, axis=0)
    hull_area = abs(float(np.sum(hull[:, 0] * following[:, 1] - following[:, 0] * hull[:, 1]))) / 2
    if area <= IRREGULAR_TO * hull_area:
        return "irregular"
    reach = float(((hull - (columns.mean() + 0.5, rows.mean() + 0.5)) ** 2).sum(axis=1).max())
    if area >= ROUND_FROM * math.pi * reach:
        return "round"
    short, long = _smallest_rectangle(hull, following - hull)
    full = area >= RECTANGULAR_FROM * short * long
    if full and long <= SQUAT_TO * short:
        return "rectangular"
    return "elongated" if not full and long >= ELONGATED_FROM * short else None


def _smallest_rectangle(hull: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[float, float]:
    """Sides of the smallest rectangle around a convex polygon; one of them lies on one of the polygon's."""
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack((-along[:, 1], along[:, 0]), 1)
    sides = np.stack((np.ptp(hull @ along.T, axis=0), np.ptp(hull @ across.T, axis=0)))
    short, long = np.sort(sides[:, sides.prod(axis=0).argmin()])
    return float(short), float(long)


def longer_side(points: Sequence[Point], angle_deg: float) -> float:
    """How far an outline reaches along ``angle_deg`` or across it, whichever is more, in pixels."""
    outline, angle = np.array(points, np.float64), math.radians(angle_deg)
    along = outline @ np.array((math.cos(angle), math.sin(angle)))
    across = outline @ np.array((-math.sin(angle), math.cos(angle)))
    return float(max(np.ptp(along), np.ptp(across)))


def line_shape(points: NDArray[np.float64]) -> str | None:
    """Straight or curved: how far the points [N, 2] of a line stray from its chord, as a share of the chord."""
    chord = points[-1] - points[0]
    length = float(np.hypot(*chord))
    if length < 1:
        return None
    off = (points - points[0]) @ np.array((-chord[1], chord[0])) / length
    stray = float(np.abs(off).max()) / length
    return "straight" if stray <= STRAIGHT_TO else "curved" if stray >= CURVED_FROM else None


def along_line(points: Sequence[Point], size: int) -> NDArray[np.float64]:
    """The points of a polyline that lie in the view, one pixel apart, [N, 2]; the longest run where it leaves it."""
    path = np.array(points, np.float64)
    reach = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    steps = np.linspace(0, reach[-1], max(2, math.ceil(reach[-1]) + 1))
    samples = np.stack([np.interp(steps, reach, path[:, axis]) for axis in (0, 1)], 1)
    inside: list[bool] = np.all((samples >= 0) & (samples <= size), axis=1).tolist()
    runs = [list(run) for there, run in itertools.groupby(range(len(inside)), key=inside.__getitem__) if there]
    return samples[max(runs, key=len)] if runs else samples[:0]


def path_length(points: NDArray[np.float64]) -> float:
    """Length of the polyline through ``points`` [N, 2]."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def band_length(band: Mask, land: NDArray[np.float64]) -> float | None:
    """Length of a river: half that of its banks. ``land`` is each pixel's distance to land, [size, size].

    A strip along the banks, so many pixels wide, has that many times the banks' length as its area; where the river
    leaves the view or meets other water there is no bank. None for what has holes (islands) or is too narrow.
    """
    area = int(band.sum())
    # A soft edge, so that it matters little at which distances a slope has its pixels.
    strip = float(np.clip(_BANK_PX + 1 - land[band], 0, 1).sum())
    if strip > 0.8 * area or int(ndimage.binary_fill_holes(band).sum()) != area:
        return None
    return strip / (2 * _BANK_STRIP_PX)


def band_middle(band: Mask) -> NDArray[np.float64] | None:
    """Middle line [N, 2] of a band that does not turn back on itself: its centre across, step by step along its axis.

    None where it does turn back, or is not at least three times longer than wide.
    """
    rows, columns = np.nonzero(band)
    points = np.stack((columns, rows), 1) - (columns.mean(), rows.mean())
    spread, axes = np.linalg.eigh(points.T @ points / len(points))
    if spread[1] < 9 * spread[0]:
        return None
    along, across = points @ axes[:, 1], points @ axes[:, 0]
    step = np.floor((along - along.min()) / 4).astype(np.intp)
    count = np.maximum(np.bincount(step), 1)
    middle = np.bincount(step, across) / count
    width = np.sqrt(np.maximum(np.bincount(step, across**2) / count - middle**2, 0)) * math.sqrt(12)
    inner = slice(2, -2)  # both ends are cut askew by the border of the view
    if len(count) < 12 or float((width[inner] * 4).max()) > 1.8 * float(np.median(count[inner])):
        return None
    return np.stack((np.arange(len(count)) * 4.0, middle), 1)[inner]


def distribution(points: Sequence[Point], size: int, *, grouped: bool = False) -> str | None:
    """In rows, clustered or scattered: how three or more things are spread over the view.

    In rows: all lie on parallel lines of three or more, evenly spaced. Clustered: four or more within a quarter of
    the view. Scattered: five or more that reach over much of the view with no more order than chance gives them, by
    the mean distance to the nearest neighbour against that of random points (Clark and Evans, 1954, *Distance to
    nearest neighbor as a measure of spatial relationships in populations*, Ecology 35). Things some of which are
    ``grouped`` (the towers of a line) are not called scattered.
    """
    spots = np.array(points, np.float64)
    if len(spots) < 3 or len(spots) > 60:
        return None
    nearest = cKDTree(spots).query(spots, k=2)
    spacing, headings = nearest[0][:, 1], spots[nearest[1][:, 1]] - spots
    if _rows(spots, spacing, headings, 3, 0.2):
        return "in rows"
    if _rows(spots, spacing, headings, 2, 0.3) or len(spots) < 4:
        return None
    extent = np.ptp(spots, axis=0)
    if float(extent.max()) < 0.25 * size:
        return "clustered"
    order = float(spacing.mean()) / (0.5 * math.sqrt(float(extent.prod()) / len(spots)))
    wide = float(extent.min()) > 0.4 * size and not grouped
    return "scattered" if wide and len(spots) >= 5 and 0.5 < order < 1.6 else None


def _rows(
    spots: NDArray[np.float64], spacing: NDArray[np.float64], headings: NDArray[np.float64], least: int, slack: float
) -> bool:
    """Whether all ``spots`` lie in parallel rows of at least ``least``, along one of the ``headings``.

    A row may be ``slack`` of the usual spacing wide, and one or two places in it empty.
    """
    usual = float(np.median(spacing))
    for heading in headings:
        along = heading / np.hypot(*heading)
        u, v = spots @ along, spots @ np.array((-along[1], along[0]))
        order = np.argsort(v, kind="stable")
        rows = np.split(order, np.flatnonzero(np.diff(v[order]) > slack * usual) + 1)
        if all(len(row) >= least and np.ptp(v[row]) <= slack * usual for row in rows) and all(
            float(np.diff(np.sort(u[row])).max()) <= 2.2 * usual for row in rows
        ):
            return True
    return False
