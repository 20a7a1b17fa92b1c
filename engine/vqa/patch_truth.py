"""What lies in each patch of a rendered scene, for the dense part of the training loss.

Answers say little about a picture; the scene's own map says what every patch shows. Learning both at once is what
lets an image encoder be trained from scratch in an hour. The head that reads it (``dense_loss``) stays behind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.scenes.scene import COVERS, OBJECTS, WATERS, Scene

COVERED: tuple[str, ...] = (*COVERS, *WATERS, "road", *OBJECTS)
"""Classes whose share of each patch is known."""

CHANNELS = len(COVERED) + len(OBJECTS)
COUNT_STEP = 16.0
"""Counts are stored in 16ths, shares in 255ths, both in a byte."""


def patch_truth(scene: Scene, item_map: NDArray[np.int32], grid: int) -> NDArray[np.uint8]:
    """[grid², CHANNELS]: 255 x the share of each of ``COVERED``, then 16 x the number of each of ``OBJECTS``.

    A thing is counted in the patch that holds the middle of its visible pixels. ``item_map`` is a sample's.
    """
    size = item_map.shape[0]
    along = np.arange(size) * grid // size
    patch_of = (along[:, None] * grid + along[None, :]).ravel()
    area = np.bincount(patch_of, minlength=grid * grid)
    items = item_map.ravel()
    names = [{item.name, item.cover} for item in scene.items]
    truth = np.zeros((grid * grid, CHANNELS), np.float64)
    for channel, name in enumerate(COVERED):
        is_named = np.array([name in both for both in names])
        truth[:, channel] = 255 * np.bincount(patch_of, is_named[items], grid * grid) / area
    pixels = np.bincount(items, minlength=len(names))
    rows, columns = np.divmod(np.arange(items.size), size)
    middle_row = np.bincount(items, rows, len(names)) / np.maximum(pixels, 1)
    middle_column = np.bincount(items, columns, len(names)) / np.maximum(pixels, 1)
    for index, item in enumerate(scene.items):
        if item.name in OBJECTS and pixels[index]:
            patch = along[int(middle_row[index])] * grid + along[int(middle_column[index])]
            truth[patch, len(COVERED) + OBJECTS.index(item.name)] += COUNT_STEP
    return np.rint(np.minimum(truth, 255)).astype(np.uint8)
