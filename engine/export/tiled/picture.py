"""The map of answers drawn over a picture of its area: a colour and a letter per tile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from engine.export.tiled.rows import TileRow, colour, letter
from engine.export.views import CASING, View, rgb, to_image
from engine.records import Box
from engine.records.tiles import NO_ANSWER

_FILL_ALPHA = 120
_LEAST_CELL_PX = 13  # below this no letter can be read
_LEAST_LINED_PX = 7  # below this the lines would hide the picture
_CONFIDENT = "#0B3C5D"


def answers_picture(view: View, rows: Sequence[TileRow], area: Box) -> Image.Image:
    """Each tile in its answer's colour with its letter, small where one sensor answered alone; a stroke without one."""
    boxes = _boxes(rows, area, view.size)
    fills = [None if tile.place == NO_ANSWER else (*rgb(colour(tile.place)), _FILL_ALPHA) for tile in rows]
    picture = _filled(to_image(view), boxes, fills)
    draw = ImageDraw.Draw(picture)
    for tile, box in zip(rows, boxes, strict=True):
        if tile.place == NO_ANSWER:
            draw.line((box[0], box[3], box[2], box[1]), fill="#60666F", width=1)
            continue
        room = min(box[2] - box[0], box[3] - box[1])
        if room >= _LEAST_CELL_PX:
            text = letter(tile.place)
            text = text.lower() if tile.state == "single-sensor" else text
            middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
            size = int(min(room * 0.6, 28))
            draw.text(
                middle, text, font=_font(size), fill="#FFFFFF", anchor="mm", stroke_width=2, stroke_fill="#1E2126"
            )
    return picture


def confidence_picture(view: View, rows: Sequence[TileRow], area: Box) -> Image.Image:
    """Each tile the darker blue the surer its answer is."""
    boxes = _boxes(rows, area, view.size)
    fills = [None if tile.confidence is None else (*rgb(_CONFIDENT), round(220 * tile.confidence)) for tile in rows]
    return _filled(Image.new("RGB", view.size, "#FFFFFF"), boxes, fills)


def _boxes(rows: Sequence[TileRow], area: Box, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Each tile in picture pixels, inclusive, neighbours sharing no pixel."""
    scale_x, scale_y = size[0] / area.width, size[1] / area.height

    def across(col: float) -> int:
        return round((col - area.x0) * scale_x)

    def down(row: float) -> int:
        return round((row - area.y0) * scale_y)

    boxes = [tile.window.box for tile in rows]
    return [
        (
            across(box.x0),
            down(box.y0),
            max(across(box.x1) - 1, across(box.x0)),
            max(down(box.y1) - 1, down(box.y0)),
        )
        for box in boxes
    ]


def _filled(
    picture: Image.Image,
    boxes: Sequence[tuple[int, int, int, int]],
    fills: Sequence[tuple[int, int, int, int] | None],
) -> Image.Image:
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for box, fill in zip(boxes, fills, strict=True):
        lined = min(box[2] - box[0], box[3] - box[1]) >= _LEAST_LINED_PX
        outline = (*rgb(CASING), 170) if lined else None
        draw.rectangle(box, fill=fill, outline=outline)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


@lru_cache(maxsize=32)
def _font(size: int) -> Any:
    """Pillow's own scalable font, so that the picture is the same on every machine."""
    return ImageFont.load_default(size)
