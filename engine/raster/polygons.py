"""From a mask to polygons that a map program takes: valid, holes kept, and no more corners than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage

from engine.raster.ground_area import areas_of_labels
from engine.raster.masks import NO_DATA, Bytes, as_probabilities, label_pixels
from engine.records import Box, Grid, OutlinePart
from engine.records.outline import Ring

MOST_PARTS = 5000
"""So many polygons are made, the largest; a mask of more crumbs is for its raster."""

WITHIN_PX = 0.5
"""No polygon is farther from the edge of its pixels than this."""

_CUT_PX = 0.36
"""How far the middles of a pixel's edges leave its corners, and a little: a root of one eighth."""

_SQUARE_UP_TO_PX = 8
"""Parts of so few pixels keep their corners: without them, half of one pixel would be lost."""


def polygons_of(
    mask: Bytes, levels: Bytes, grid: Grid, *, most: int = MOST_PARTS
) -> tuple[tuple[OutlinePart, ...], int]:
    """The largest ``most`` parts of ``mask`` as polygons, the largest first, and how many smaller ones there are more.

    ``mask`` and ``levels`` (``engine.raster.masks``) [rows, columns] lie on ``grid``, whose pixels ``OutlinePart.box``
    is in. A part is what edges of pixels join; two that touch at a corner alone are two polygons. Stairs of pixels
    become straight lines, within :data:`WITHIN_PX`; areas are of the pixels themselves.
    """
    labels, count = ndimage.label(mask == 1)
    if not count:
        return (), 0
    pixels = label_pixels(labels, count)[1:]
    chosen = np.argsort(-pixels, kind="stable")[:most]
    areas = areas_of_labels(labels, count, grid)
    outlines = _outlines(labels, chosen + 1)
    places = ndimage.find_objects(labels)
    parts = []
    for index in chosen.tolist():
        rows, cols = places[index]
        inside = labels[rows, cols] == index + 1
        polygon = _smooth(outlines[index + 1], pixels[index])
        parts.append(
            OutlinePart(
                exterior_map=_ring(polygon.exterior, grid, clockwise=False),
                holes_map=tuple(_ring(hole, grid, clockwise=True) for hole in polygon.interiors),
                box=Box(*map(float, (cols.start, rows.start, cols.stop, rows.stop))),
                area_px=float(pixels[index]),
                area_m2=None if areas is None else float(areas[index]),
                mean_probability=float(as_probabilities(levels[rows, cols][inside]).mean()),
            )
        )
    return tuple(parts), count - len(parts)


def mask_area_m2(mask: Bytes, grid: Grid) -> float | None:
    """Square metres of the whole mask on the ground; None where metres are unknown."""
    areas = areas_of_labels((mask == 1).astype(np.int32), 1, grid)
    return None if areas is None else float(areas[0]) if len(areas) else 0.0


def mask_share(mask: Bytes) -> float:
    """The mask's share of the pixels with data, 0..1; 0 without any."""
    known = np.count_nonzero(mask != NO_DATA)
    return float(np.count_nonzero(mask == 1) / known) if known else 0.0


def _outlines(labels: NDArray[np.int32], chosen: NDArray[np.intp]) -> dict[int, list[NDArray[np.float64]]]:
    """The rings of the parts ``chosen``, each [n, 2] in pixels along their edges: the outer one first, then holes."""
    wanted = np.zeros(labels.max() + 1, bool)
    wanted[chosen] = True
    traced = shapes(labels, mask=wanted[labels], connectivity=4)  # one call: each costs a millisecond by itself
    return {int(label): [np.array(ring, np.float64) for ring in part["coordinates"]] for part, label in traced}


def _smooth(rings: Sequence[NDArray[np.float64]], pixels: int) -> shapely.Polygon:
    """The polygon of a part of ``pixels``, with as few corners as it takes to stay within :data:`WITHIN_PX`."""
    if pixels > _SQUARE_UP_TO_PX:
        rings = [_middles(ring) for ring in rings]
    exact = shapely.Polygon(rings[0], rings[1:])
    # GEOS can keep rings apart while it thins them out, but takes minutes for a part with thousands of holes.
    smooth = shapely.simplify(exact, WITHIN_PX - _CUT_PX, preserve_topology=False)
    if isinstance(smooth, shapely.Polygon) and smooth.is_valid and len(smooth.interiors) == len(exact.interiors):
        return smooth
    return _valid(exact)


def _middles(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed ring along edges of pixels as the ring through the middles of its first and last pixel edges.

    The middles between are on the same line. Stairs become slopes, and what touches at a corner comes apart.
    """
    starts, steps = ring[:-1], np.diff(ring, axis=0)  # [n, 2]
    half = 0.5 * np.sign(steps)
    points = np.stack([starts + half, starts + steps - half], 1).reshape(-1, 2)  # [2 n, 2]
    return np.concatenate([points, points[:1]])


def _valid(polygon: shapely.Polygon) -> shapely.Polygon:
    """``polygon`` itself, or its largest valid piece, where corners that touch made it cross itself."""
    if polygon.is_valid:
        return polygon
    pieces = shapely.get_parts(shapely.make_valid(polygon))
    return max((one for one in pieces if isinstance(one, shapely.Polygon)), key=shapely.area)


def _ring(ring: Any, grid: Grid, *, clockwise: bool) -> Ring:
    """The corners of a ring in map coordinates, without the repeated first, turning as asked in the map's frame."""
    corners: Sequence[tuple[float, float]] = list(starmap(grid.to_map, ring.coords[:-1]))
    is_counter_clockwise = shapely.LinearRing(corners).is_ccw
    return tuple(corners if is_counter_clockwise != clockwise else reversed(corners))
