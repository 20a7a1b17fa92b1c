"""Stored masks as boolean arrays: an image file, polygons, or run lengths as COCO writes them.

COCO's run lengths count background and foreground pixels in turn, down the columns, background first; as a string
they are packed five bits to a character and, from the fourth on, as differences to the count before the last
(``maskApi.c`` of https://github.com/cocodataset/cocoapi). ``pycocotools`` trusts its input: a damaged string makes it
read past the end and return what lies there. So run lengths are unpacked here, and it fills polygons, by COCO's own
rule, once they are known to lie in the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from engine.datasets.dataset import MaskSource
from engine.errors import DataSetUnreadable, ReadTooLarge, RsqaError
from engine.raster import open_raster, verify_image
from engine.records import PixelWindow

MOST_PIXELS = 1 << 28
"""Masks of more pixels (16,384²) are refused: as many bytes of memory as one read of a raster may take."""

_FIRST, _LAST = ord("0"), ord("0") + 63  # the characters of a run-length string: six bits above "0"
_CONTINUES, _NEGATIVE, _VALUE = 0x20, 0x10, 0x1F


def read_mask(mask: MaskSource, width: int, height: int) -> NDArray[np.bool_]:
    """The mask [rows, columns] of an image of ``width`` x ``height`` pixels, True in the foreground.

    Foreground of an image file is what is above 0 in any of its bands (an alpha band and empty pixels do not count);
    of polygons their union.

    Raises :class:`DataSetUnreadable` for a mask of another size, or a damaged or missing one, what
    :func:`engine.raster.open_raster` raises for a file that cannot be read, and :class:`ReadTooLarge` above
    :data:`MOST_PIXELS`.
    """
    if width * height > MOST_PIXELS:
        raise ReadTooLarge(f"A mask of {width} x {height} pixels is too large.", remedy="Cut the image into tiles.")
    if mask.path is not None:
        return _from_file(mask.path, width, height)
    if mask.polygons_px:
        return _from_polygons(mask.polygons_px, width, height)
    if mask.rle_counts:
        return _from_run_lengths(mask.rle_counts, mask.rle_size, width, height)
    raise _unreadable("There is no mask: no file, no polygon, no run lengths.")


def mask_fault(mask: MaskSource, width: int, height: int) -> str | None:
    """What is wrong with the mask of an image of ``width`` x ``height`` pixels (a sentence), or None."""
    if mask.path is not None and not mask.path.is_file():
        return f"The mask {mask.path.name} is missing."
    try:
        if mask.path is not None:
            verify_image(mask.path)
        found = read_mask(mask, width, height)
    except RsqaError as error:
        return str(error)
    return None if found.any() else "The mask is empty."


def _from_file(path: Path, width: int, height: int) -> NDArray[np.bool_]:
    with open_raster(path) as raster:
        grid = raster.info.grid
        if (grid.width, grid.height) != (width, height):
            raise _wrong_size(path.name, grid.width, grid.height, width, height)
        bands = tuple(band.index for band in raster.info.bands if band.colour != "alpha")
        read = raster.read(PixelWindow(0, 0, width, height), width, height, bands=bands)
    return cast("NDArray[np.bool_]", (read.values > 0).any(axis=0))  # empty pixels are NaN, which is not above 0


def _from_polygons(polygons: Sequence[Sequence[float]], width: int, height: int) -> NDArray[np.bool_]:
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64)
        if corners.size < 6 or corners.size % 2:
            raise _unreadable(f"A polygon has {corners.size} numbers; it needs pairs for three corners or more.")
        # Also false for NaN. Far corners would have pycocotools walk, and store, every pixel of the way there.
        if not (np.all(corners >= -1) and np.all(corners[::2] <= width + 1) and np.all(corners[1::2] <= height + 1)):
            raise _unreadable(f"A polygon leaves the image of {width} x {height} pixels.")
    encoded = coco_mask.merge(coco_mask.frPyObjects([list(polygon) for polygon in polygons], height, width))
    return _laid_out(unpack_counts(encoded["counts"].decode("ascii")), width, height)


def _from_run_lengths(counts: str | Sequence[int], size: tuple[int, int], width: int, height: int) -> NDArray[np.bool_]:
    rows, columns = size
    if size != (height, width):
        raise _wrong_size("The mask", columns, rows, width, height)
    runs = unpack_counts(counts) if isinstance(counts, str) else list(counts)
    if min(runs) < 0 or sum(runs) != width * height:
        raise _unreadable(f"The run lengths do not add up to {width} x {height} pixels.")
    return _laid_out(runs, width, height)


def _laid_out(runs: Sequence[int], width: int, height: int) -> NDArray[np.bool_]:
    """Runs of background and foreground in turn, down the columns, as rows and columns."""
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(pixels.reshape(width, height).T)


def unpack_counts(packed: str) -> list[int]:
    """The run lengths in COCO's packed string. Raises :class:`DataSetUnreadable` where it is damaged."""
    counts: list[int] = []
    value = shift = 0
    for character in packed:
        if not _FIRST <= ord(character) <= _LAST or shift > 60:
            raise _unreadable("The packed run lengths are damaged.")
        bits = ord(character) - _FIRST
        value |= (bits & _VALUE) << shift
        shift += 5
        if bits & _CONTINUES:
            continue
        if bits & _NEGATIVE:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift or not counts:
        raise _unreadable("The packed run lengths are cut short.")
    return counts


def _wrong_size(name: str, columns: int, rows: int, width: int, height: int) -> DataSetUnreadable:
    return _unreadable(f"{name} has {columns} x {rows} pixels, its image {width} x {height}.")


def _unreadable(what: str) -> DataSetUnreadable:
    return DataSetUnreadable(what, remedy="Fetch the data set again, or leave the row out.")
