"""RefSegRS as this program writes it: for ``rsqa scenes make`` and for the builder from a semantic map.

The layout is the one that :mod:`.refsegrs` reads. As a mask bears its image's name, an image with several masks is
there once for each: the first is written and the others are links to the same bytes, or copies where the disk has no
links. Masks are 0 and 255, on the image's own grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from engine.datasets.readers.phrase_files import phrase_file
from engine.datasets.readers.published_splits import SPLITS, WHOLE
from engine.datasets.readers.refsegrs import IMAGES, MASKS
from engine.datasets.writing.new_image import NewImage, link_or_copy
from engine.errors import InputRefused
from engine.raster import replacing, write_geotiff

FOREGROUND = 255


@dataclass(frozen=True, slots=True)
class NewMask:
    """A mask bool [rows, columns] of an image, and the expressions, one or more, that name it."""

    expressions: tuple[str, ...]
    mask: NDArray[np.bool_]


def write_refsegrs(folder: Path, entries: Iterable[tuple[NewImage, Sequence[NewMask]]]) -> dict[str, int]:
    """Write images with their masks as they come; returns the number of expressions by split.

    The ID of mask 0 of ``tile.tif`` is ``tile_0``, and so on. ``entries`` may be a generator, so that no two images are
    in memory. The lists of expressions are written last: a folder that has none was not finished. Splits are named by
    the images; train, val and test get a list even where they are empty, unless all is one split "all".

    Raises :class:`InputRefused` for a mask that is empty or not of the image's size, an expression without words, an
    image whose name has blanks, occurs twice or is not a GeoTIFF's; :class:`ExportRefused` where something cannot be
    written.
    """
    lines: dict[str, list[str]] = {}
    names: set[str] = set()
    for image, masks in entries:
        image.require_plain_name()
        stem = PurePath(image.name).stem
        if not image.name.endswith(".tif") or " " in stem or stem.lower() in names:
            raise InputRefused(
                f"{image.name} cannot be an image of this layout, or is there twice.",
                remedy="Name each image once, without blanks, with .tif at the end.",
            )
        names.add(stem.lower())
        listed = lines.setdefault(image.split, [])
        first: Path | None = None
        for index, mask in enumerate(masks):
            key = f"{stem}_{index}"
            listed += _lines(key, image, mask)
            path = folder / IMAGES / f"{key}.tif"
            if first is None:
                image.write(path)
                first = path
            else:
                link_or_copy(first, path)
            pixels = np.where(mask.mask, FOREGROUND, 0).astype(np.uint8)
            write_geotiff(folder / MASKS / f"{key}.tif", pixels, image.own_grid())
    wanted = (WHOLE,) if set(lines) == {WHOLE} else dict.fromkeys((*SPLITS, *lines))
    for name in (IMAGES, MASKS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for split in wanted:
        with replacing(phrase_file(folder, split)) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines.get(split, ())), encoding="utf-8")
    return {split: len(lines.get(split, ())) for split in wanted}


def _lines(key: str, image: NewImage, mask: NewMask) -> list[str]:
    """The lines of one mask's expressions."""
    expressions = [" ".join(expression.split()) for expression in mask.expressions]
    if not expressions or not all(expressions):
        raise InputRefused(f"A mask of {image.name} has an expression without words.", remedy="Leave it out.")
    if mask.mask.shape != (image.height, image.width):
        raise InputRefused(f"A mask of {image.name} is not of its size.", remedy="Make it anew from the same image.")
    if not mask.mask.any():
        raise InputRefused(f"A mask of {image.name} is empty.", remedy="Leave it out.")
    return [f"{key} {expression}" for expression in expressions]
