"""The outlined area as each sensor shows it, with the mask drawn in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage

from engine.export.outlined.files import Bytes
from engine.export.views import CASING, COLOURS, View, rgb, to_image
from engine.records import Outline

FILL = "fusion"
"""Whose colour the mask has: what both sensors say together."""

_FILL_SHARE = 0.32
_LINE_PX, _CASING_PX = 2, 4


def drawn(view: View, mask: Bytes, outline: Outline) -> View:
    """``view`` with ``mask`` (on ``outline.grid``) as a light fill and a coloured line with white casing."""
    picture = np.asarray(to_image(view), np.float32)  # [rows, columns, 3]
    inside = _under_pixels(mask, outline, view.size)
    colour = np.array(rgb(COLOURS[FILL]), np.float32)
    picture = np.where(inside[..., None], picture * (1 - _FILL_SHARE) + colour * _FILL_SHARE, picture)
    for width, line in ((_CASING_PX, np.array(rgb(CASING))), (_LINE_PX, colour)):
        picture[_edge(inside, width)] = line
    return replace(view, rgba=np.asarray(Image.fromarray(np.rint(picture).astype(np.uint8)).convert("RGBA")))


def _edge(
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], width: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The band of about ``width`` px along the border of ``inside``; the picture's own frame is none."""
    half = width // 2
    grown = ndimage.binary_dilation(inside, iterations=half)
    shrunk = ndimage.binary_erosion(inside, iterations=half, border_value=1)
    band: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = grown & ~shrunk
    return band


def _under_pixels(
    mask: Bytes, outline: Outline, size: tuple[int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether the mask holds under the centre of each picture pixel, bool [height, width]."""
    width, height = size
    box = outline.area.window.box
    xs = box.x0 + (np.arange(width) + 0.5) * box.width / width
    ys = box.y0 + (np.arange(height) + 0.5) * box.height / height
    # The mask's grid and the raster's differ by a shift and a scale along each axis.
    first = outline.grid.to_pixel(*outline.area.grid.to_map(xs[0], ys[0]))
    last = outline.grid.to_pixel(*outline.area.grid.to_map(xs[-1], ys[-1]))
    cols = np.clip(np.linspace(first[0], last[0], width).astype(int), 0, mask.shape[1] - 1)
    rows = np.clip(np.linspace(first[1], last[1], height).astype(int), 0, mask.shape[0] - 1)
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = mask[rows[:, None], cols[None, :]] == 1
    return inside
