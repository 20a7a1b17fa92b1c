"""Maps of one byte per pixel of the raster, too large to be loaded: mapped into memory, sampled as the screen needs.

A sample is a picture with one pixel per pixel of the screen, made anew when the view is another than its margin holds.
Each of its pixels shows the map's pixel under its middle: far out that is one of many, near by one is many.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter

from engine.errors import RasterUnreadable
from engine.records import Box
from rsqa_desktop.canvas.viewport import Viewport
from rsqa_desktop.model.levels import NO_DATA

MARGIN = 0.125  # of the view, on each side: a small drag needs no new sample

Paint = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""Rows and columns of the map under the picture's pixels, and physical pixels per logical one -> colours of the
picture, uint32 [rows, columns], premultiplied."""


class ByteMap:
    """The ``.npy`` file ``path``, uint8 [rows, columns], spread over ``extent`` in frame pixels.

    Raises :class:`RasterUnreadable` for a file that is no such map; ``title`` names it then.
    """

    def __init__(self, path: str, extent: Box, title: str) -> None:
        try:
            values = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RasterUnreadable(
                f"The layer “{title}” cannot be read: {error}.", remedy="Outline again to make it anew."
            ) from error
        if values.ndim != 2 or not values.size or values.dtype != np.uint8:
            raise RasterUnreadable(f"The layer “{title}” is no map of bytes: {values.dtype} of shape {values.shape}.")
        self.values: np.ndarray = values
        self.extent = extent

    def at(self, col: float, row: float) -> int | None:
        """The byte at a frame position, None outside and where there is no data."""
        box = self.extent
        if not (box.x0 <= col < box.x1 and box.y0 <= row < box.y1):
            return None
        value = int(self.values[self.rows(np.array([row]))[0], self.columns(np.array([col]))[0]])
        return None if value == NO_DATA else value

    def sampled(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Its bytes where ``rows`` and ``columns`` meet, uint8 [rows, columns]."""
        return np.asarray(self.values[rows[:, None], columns[None, :]])

    def rows(self, frame_rows: np.ndarray) -> np.ndarray:
        """The map's rows at these rows of the frame; beyond its edge, the outermost."""
        return _places(frame_rows, self.extent.y0, self.extent.height, self.values.shape[0])

    def columns(self, frame_columns: np.ndarray) -> np.ndarray:
        """The same of columns."""
        return _places(frame_columns, self.extent.x0, self.extent.width, self.values.shape[1])


@dataclass(frozen=True, slots=True)
class _Sample:
    """``image`` for the frame's ``box``, as it is seen at this scale."""

    image: QImage
    box: Box
    scale: float
    ratio: float
    key: object


class ScreenPicture:
    """The picture of a map on the screen, kept for as long as it can be used; ``paint_with`` makes it."""

    def __init__(self, source: ByteMap, paint_with: Paint) -> None:
        self._source = source
        self._paint_with = paint_with
        self._sample: _Sample | None = None

    def paint(self, painter: QPainter, viewport: Viewport, key: object = None) -> None:
        """Paint what of the map is seen. ``key`` is what the colours depend on: another one makes another picture."""
        ratio = painter.device().devicePixelRatio()
        seen = _common(viewport.visible, self._source.extent)
        if seen is None:
            return
        sample = self._sample
        if sample is None or not _serves(sample, seen, viewport.scale, ratio, key):
            sample = self._sample = self._make(viewport, ratio, key)
        if sample is not None:
            x, y = viewport.to_screen(sample.box.x0, sample.box.y0)
            painter.drawImage(QPointF(round(x), round(y)), sample.image)

    def _make(self, viewport: Viewport, ratio: float, key: object) -> _Sample | None:
        """A sample of what is seen with a margin, its edges on whole pixels of the screen; None of nothing."""
        left, top = viewport.to_screen(self._source.extent.x0, self._source.extent.y0)
        right, bottom = viewport.to_screen(self._source.extent.x1, self._source.extent.y1)
        across, down = round(MARGIN * viewport.width), round(MARGIN * viewport.height)
        x0, x1 = max(round(left), -across), min(round(right), viewport.width + across)
        y0, y1 = max(round(top), -down), min(round(bottom), viewport.height + down)
        width, height = round((x1 - x0) * ratio), round((y1 - y0) * ratio)
        if width < 1 or height < 1:
            return None
        xs, ys = x0 + (np.arange(width) + 0.5) / ratio, y0 + (np.arange(height) + 0.5) / ratio
        columns = self._source.columns((xs - viewport.width / 2) / viewport.scale + viewport.col)
        rows = self._source.rows((ys - viewport.height / 2) / viewport.scale + viewport.row)
        image = _image(self._paint_with(rows, columns, ratio))
        image.setDevicePixelRatio(ratio)
        return _Sample(image, Box(*viewport.to_frame(x0, y0), *viewport.to_frame(x1, y1)), viewport.scale, ratio, key)


def _places(positions: np.ndarray, start: float, length: float, count: int) -> np.ndarray:
    return np.clip(np.floor((positions - start) / length * count), 0, count - 1).astype(np.intp)


def _common(one: Box, other: Box) -> Box | None:
    x0, y0, x1, y1 = max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1)
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _serves(sample: _Sample, seen: Box, scale: float, ratio: float, key: object) -> bool:
    """Whether a sample shows all that is ``seen`` as it is to be seen; at its edges a pixel more or less is none."""
    if (sample.ratio, sample.key) != (ratio, key) or not math.isclose(sample.scale, scale, rel_tol=1e-9):
        return False
    pixel, box = 1 / scale, sample.box
    inside = box.x0 - pixel <= seen.x0 and box.y0 - pixel <= seen.y0
    return inside and seen.x1 <= box.x1 + pixel and seen.y1 <= box.y1 + pixel


def _image(colours: np.ndarray) -> QImage:
    """uint32 [rows, columns] as an image that owns its pixels."""
    height, width = colours.shape
    pixels = np.ascontiguousarray(colours).tobytes()  # named, as a QImage does not keep its bytes alive
    return QImage(pixels, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()
