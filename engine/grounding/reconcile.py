"""What was found in the optical and in the SAR picture of one area, made one: a thing seen in both is one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.grounding.touching import Floats, grown, ious, touching

SAME_IOU = 0.5
"""Boxes of both sensors that overlap by this much are one thing."""

TOLERANCE_PX = 4.0
"""By how many pixels of the picture as the network saw it the sensors may disagree on a thing's place."""


class Sighting(NamedTuple):
    """A thing: its box ``x0, y0, x1, y1``, its score 0..1, what it was called, and in which picture it was seen, one of
    ``optical``, ``sar`` and ``both``."""

    box: tuple[float, float, float, float]
    score: float
    label: str
    sensor: str


def reconcile(
    optical: Sequence[Sighting], sar: Sequence[Sighting], *, tolerance: float, iou: float = SAME_IOU
) -> list[Sighting]:
    """All sightings, the best first; two of one thing are one of ``both``, with the better one's box, score and name.

    *Our reading*: two boxes are one thing where their IoU is at least ``iou``, or where the centre of each lies in the
    other when that is enlarged by ``tolerance`` (in the boxes' units) on every side. The second is for what is tiny and
    for what layover moves: SAR shows the top of a tank nearer to the radar than it stands. No box is used twice; the
    closest pairs are made first, by IoU, then by the distance of their centres.
    """
    partners = dict(_pairs(optical, sar, tolerance, iou))
    seen_twice = set(partners.values())
    both = [max(optical[o], sar[s], key=lambda one: one.score)._replace(sensor="both") for o, s in partners.items()]
    alone = [one for place, one in enumerate(optical) if place not in partners]
    alone += [one for place, one in enumerate(sar) if place not in seen_twice]
    return sorted([*both, *alone], key=lambda one: -one.score)


def _pairs(optical: Sequence[Sighting], sar: Sequence[Sighting], tolerance: float, iou: float) -> list[tuple[int, int]]:
    """Indices of the two boxes of each thing that was seen twice."""
    ours, theirs = (np.array([one.box for one in seen], np.float64).reshape(-1, 4) for seen in (optical, sar))
    found = [np.zeros((0, 4))]
    for o, s in touching(ours, theirs, tolerance):
        a, b = ours[o], theirs[s]  # [P, 4] each
        overlap, apart = ious(a, b), np.hypot(*(_centres(a) - _centres(b)).T)
        mutual = _holds(a, _centres(b), tolerance) & _holds(b, _centres(a), tolerance)
        found.append(np.stack([-overlap, apart, o, s], 1)[(overlap >= iou) | mutual])
    pairs: list[tuple[int, int]] = []
    used: tuple[set[int], set[int]] = set(), set()
    for _, _, one, other in sorted(np.concatenate(found).tolist()):
        if one not in used[0] and other not in used[1]:
            pairs.append((int(one), int(other)))
            used[0].add(one)
            used[1].add(other)
    return pairs


def _centres(boxes: Floats) -> Floats:
    """[..., 4] -> [..., 2]."""
    centres: Floats = (boxes[..., :2] + boxes[..., 2:]) / 2
    return centres


def _holds(boxes: Floats, points: Floats, margin: float) -> NDArray[np.bool_]:
    """Whether each point [..., 2] lies in its box [..., 4] enlarged by ``margin``."""
    larger = grown(boxes, margin)
    return np.asarray(((points >= larger[..., :2]) & (points <= larger[..., 2:])).all(-1))
