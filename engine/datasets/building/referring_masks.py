"""Masks of referring expressions from a map of classes.

"RRSIS" (arXiv 2306.08625), section III-C, step 3: the mask of the named classes is cut into instances, its connected
regions; those that do not stand in the relation are removed, where a buffer around instances decides what is adjacent;
what remains is the mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.datasets.building.referring_templates import PAINTED_ON, VEHICLES, Relation, Template, templates

BUFFER_M = 1.5
"""Width of the buffer: how near a thing has to be to lie beside an instance, and how far around one is looked."""

BUFFER_PX = 12
"""The same where nobody knows how large a pixel is: what 1.5 m are at SkyScapes' 13 cm."""

SURROUNDED = 0.5
"""Share of the buffer around an instance that its reference has to fill for the instance to be within it."""

LEAST_PX = 20
"""A mask of fewer pixels, of the picture as delivered, is not informative: nobody would see what is meant."""

MOST_SHARE = 0.95
"""A mask of more of the picture than that is not informative either."""

_EIGHT = np.ones((3, 3), bool)  # regions that touch at a corner are one
_ON_TOP = (*VEHICLES, "clutter")  # what stands on the ground says nothing about the ground it hides


def masks_of(
    classes: NDArray[np.int64], numbers: Mapping[str, Sequence[int]], buffer_px: float, side: int
) -> dict[Template, NDArray[np.bool_]]:
    """The informative masks [side, side] of a square map, in the order of the templates.

    ``classes`` [rows, columns] has the number of each pixel's class, ``numbers`` those of each of
    :data:`~engine.datasets.building.referring_templates.MAP_CLASSES` that the map knows, ``buffer_px`` is in pixels of
    ``classes``. Masks are made at the map's size; each of their pixels is then that of the map which lies under its
    centre.
    """
    view = _View(classes, numbers, buffer_px)
    under = ((np.arange(side) + 0.5) * len(classes) / side).astype(np.intp)
    found: dict[Template, NDArray[np.bool_]] = {}
    for template in templates():
        mask = view.mask(template)[np.ix_(under, under)]
        if is_informative(mask):
            found[template] = mask
    return found


def is_informative(mask: NDArray[np.bool_]) -> bool:
    """Whether a mask is neither next to nothing nor nearly everything."""
    return LEAST_PX <= int(mask.sum()) <= MOST_SHARE * mask.size


class _View:
    """One map with what has been worked out of it: instances, their surroundings, distances."""

    def __init__(self, classes: NDArray[np.int64], numbers: Mapping[str, Sequence[int]], buffer_px: float) -> None:
        self._classes, self._numbers, self._buffer_px = classes, numbers, buffer_px
        self._labels: dict[tuple[str, ...], tuple[NDArray[np.int32], int]] = {}
        self._owners: dict[tuple[str, ...], NDArray[np.int32]] = {}
        self._near: dict[tuple[str, ...], NDArray[np.bool_]] = {}

    def mask(self, template: Template) -> NDArray[np.bool_]:
        """What ``template`` means, at the map's own size."""
        whole = self._of(template.classes)
        if template.relation is None or not whole.any():
            return whole
        labels, count = self._instances(template.classes)
        judge = self._beside if template.relation.kind == "beside" else self._within
        kept = np.concatenate([[False], judge(template.classes, template.relation, labels, count)])
        return kept[labels]

    def _of(self, names: Sequence[str]) -> NDArray[np.bool_]:
        return np.isin(self._classes, [number for name in names for number in self._numbers.get(name, ())])

    def _instances(self, names: tuple[str, ...]) -> tuple[NDArray[np.int32], int]:
        """The mask's connected regions, numbered from 1, and how many numbers there are."""
        if names not in self._labels:
            mask = self._of(names)
            painted = self._of([PAINTED_ON[name] for name in names if name in PAINTED_ON])
            labels, count = ndimage.label(mask | painted, structure=_EIGHT)
            self._labels[names] = np.where(mask, labels, 0), count
        return self._labels[names]

    def _beside(
        self, names: tuple[str, ...], relation: Relation, labels: NDArray[np.int32], count: int
    ) -> NDArray[np.bool_]:
        """Which instances have a pixel of the reference within the buffer."""
        if relation.reference not in self._near:
            reference = self._of(relation.reference)
            distance = ndimage.distance_transform_edt(~reference) if reference.any() else None
            near = np.zeros(reference.shape, bool) if distance is None else distance <= self._buffer_px
            self._near[relation.reference] = near
        touched = np.bincount(labels[self._near[relation.reference]], minlength=count + 1)
        return touched[1:] > 0

    def _within(
        self, names: tuple[str, ...], relation: Relation, labels: NDArray[np.int32], count: int
    ) -> NDArray[np.bool_]:
        """Of which instances the reference fills enough of the buffer, as far as ground is to be seen there."""
        if names not in self._owners:
            distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
            around = (distance > 0) & (distance <= self._buffer_px) & ~self._of(_ON_TOP)
            self._owners[names] = np.where(around, labels[tuple(nearest)], 0)
        owners = self._owners[names]
        ground = np.bincount(owners.ravel(), minlength=count + 1)[1:]
        filled = np.bincount(owners[self._of(relation.reference)], minlength=count + 1)[1:]
        return (ground > 0) & (filled >= SURROUNDED * ground)
