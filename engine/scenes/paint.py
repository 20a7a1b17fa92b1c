"""From vectors to a map of items: which item is on top at each pixel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.scenes.scene import Disc, Item, Line, Polygon


def paint_items(items: Iterable[Item], size: int) -> NDArray[np.int32]:
    """int32 [size, size]: the index of the topmost item at each pixel. The first item fills the view."""
    image = Image.new("I", (size, size), 0)
    pen = ImageDraw.Draw(image)
    for index, item in enumerate(items):
        paint_item(pen, item, index)
    return np.array(image, dtype=np.int32)


def paint_item(pen: ImageDraw.ImageDraw, item: Item, value: int) -> None:
    """Draw one item with ``value``, without anti-aliasing: a pixel belongs to one item."""
    shape = item.shape
    if isinstance(shape, Polygon):
        pen.polygon(shape.points, fill=value)
    elif isinstance(shape, Line):
        width = max(1, round(shape.width))
        pen.line(shape.points, fill=value, width=width)
        if width > 3:  # Pillow's own joints leave cracks
            r = (width - 1) / 2
            for x, y in shape.points[1:-1]:
                pen.ellipse((x - r, y - r, x + r, y + r), fill=value)
    elif isinstance(shape, Disc):
        (x, y), r = shape.centre, shape.radius
        pen.ellipse((x - r, y - r, x + r, y + r), fill=value)
