"""What was found in the optical and in the SAR picture of one area, made one: a thing seen in both is one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import box_iou

Floats = NDArray[np.float64]

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
    if not optical or not sar:
        return []
    ours, theirs = np.array([one.box for one in optical]), np.array([one.box for one in sar])  # [O, 4], [S, 4]
    overlap = box_iou(torch.from_numpy(ours), torch.from_numpy(theirs)).numpy()  # [O, S]
    ours, theirs = ours[:, None], theirs[None]  # [O, 1, 4], [1, S, 4]
    apart = np.hypot(*np.moveaxis(_centres(ours) - _centres(theirs), -1, 0))  # [O, S]
    mutual = _holds(ours, _centres(theirs), tolerance) & _holds(theirs, _centres(ours), tolerance)
    places = np.argwhere((overlap >= iou) | mutual)  # [P, 2]
    order = np.lexsort((apart[tuple(places.T)], -overlap[tuple(places.T)]))
    pairs: list[tuple[int, int]] = []
    used: tuple[set[int], set[int]] = set(), set()
    for o, s in places[order].tolist():
        if o not in used[0] and s not in used[1]:
            pairs.append((o, s))
            used[0].add(o)
            used[1].add(s)
    return pairs


def _centres(boxes: Floats) -> Floats:
    """[..., 4] -> [..., 2]."""
    centres: Floats = (boxes[..., :2] + boxes[..., 2:]) / 2
    return centres


def _holds(boxes: Floats, points: Floats, margin: float) -> NDArray[np.bool_]:
    """Whether each point [..., 2] lies in its box [..., 4] enlarged by ``margin``."""
    inside = (points >= boxes[..., :2] - margin) & (points <= boxes[..., 2:] + margin)
    return np.asarray(inside.all(-1))
