"""What is known of roads, runways and piers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.scenes.scene import Line
from engine.scenes.truths import measures
from engine.scenes.truths.facts import Box
from engine.scenes.truths.reading import Reading
from engine.text import VIEW_PX, Subject

WAYS = ("road", "wide road", "narrow road", "runway", "pier")
SEEN_WAY_SHARE = 0.006
"""Ways are long and thin: half the length of the usual view at the least width."""

_CELL_SHARE = 0.02
_LEAST_PX, _LEAST_SLENDER, _SEEN_ALONG = 20, 4.5, 0.95
_ON_WAYS = ("road", "runway", "pier", "bridge", "vehicle", "airplane")
"""What may be on top along a way's middle without hiding it."""


def read_ways(reading: Reading) -> list[Subject]:
    """Roads together and by kind, runways and piers: presence, cells, and length and shape of the only one."""
    found: list[Subject] = []
    for name in WAYS:
        found += _way(reading, name)
    return found


def _way(reading: Reading, name: str) -> list[Subject]:
    is_road = name.endswith("road")
    of_name = reading.names == ("road" if is_road else name)
    if name != "road" and is_road:
        of_name = of_name & (reading.kinds == name.split(maxsplit=1)[0])
    mask = np.asarray(of_name[reading.facts.top])
    share = float(mask.mean())
    if share == 0:
        return [] if is_road and reading.textured else [Subject(name, present=False)]
    if share * reading.size < SEEN_WAY_SHARE * VIEW_PX:
        return []
    if is_road and reading.textured:
        return [Subject(name, present=True)]
    line, width = _only_line(reading, mask)
    return [
        Subject(
            name,
            present=True,
            cells=reading.cells_of_mask(mask, _CELL_SHARE),
            length_px=None if line is None else reading.clear_length(measures.path_length(line), unsure=width / 2),
            shape=None if line is None else measures.line_shape(line),
            location=None if line is None else measures.place(_box_of(line), reading.size),
        )
    ]


def _only_line(reading: Reading, mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64] | None, float]:
    """Points along the one line that is seen of a way, [N, 2], if nearly all of its course is; and its width.

    What is not several times longer than wide, as a corner of a runway, shows neither shape nor length.
    """
    items = np.unique(reading.facts.top[mask]).tolist()
    shape = reading.scene.items[items[0]].shape
    if len(items) != 1 or not isinstance(shape, Line):
        return None, 0.0
    points = measures.along_line(shape.points, reading.size)
    columns, rows = np.minimum(points.astype(np.intp), reading.size - 1).T
    top = reading.facts.top[rows, columns]
    own = np.flatnonzero(top == items[0])
    if not len(own):
        return None, 0.0
    course = slice(int(own[0]), int(own[-1]) + 1)  # its ends may lie under the roads that it meets
    seen = np.isin(reading.names, _ON_WAYS)[top[course]]
    long = len(seen) >= max(_LEAST_PX, _LEAST_SLENDER * shape.width)
    return (points[course] if long and seen.mean() > _SEEN_ALONG else None), shape.width


def _box_of(points: NDArray[np.float64]) -> Box:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return int(left), int(top), int(right) + 1, int(bottom) + 1
