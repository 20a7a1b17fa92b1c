"""The analysed area as pictures: each sensor as the window shows it, and explanation maps shaded over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from engine.export.regions import KeyRegion, read_map
from engine.export.wording import SENSOR_NAMES
from engine.raster import default_display, open_raster, render
from engine.records import Answer, Box, ExplanationMap, Finding, Outline, PixelWindow, TiledAnswer
from engine.records.raster import Sensor

MAX_SIDE_PX = 1024  # of a picture; larger areas are decimated through the raster's overviews
_MIN_SIDE_PX = 512  # smaller areas are enlarged by a whole factor, so that pixels stay square and sharp

# Okabe and Ito's colour-blind-safe colours, with the meaning that they have everywhere in this program.
COLOURS = {"optical": "#E69F00", "sar": "#56B4E9", "fusion": "#009E73"}
CASING = "#FFFFFF"
_NO_DATA = "#E4E7EB"
_NEUTRAL = (217, 220, 225)
_REGION_FILL_ALPHA = 44
_TRUST_ALPHA = 150
_ATTENTION_ALPHA = 200

Rgba = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class View:
    """One sensor's picture of the analysed area: ``rgba`` is uint8 [height, width, 4], alpha 0 without data."""

    sensor: str
    name: str
    caption: str
    rgba: Rgba

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in picture pixels."""
        return self.rgba.shape[1], self.rgba.shape[0]


def picture_size(window: PixelWindow) -> tuple[int, int]:
    """Width and height of the pictures of ``window``: its longer side lies within 512 and 1024 where it can."""
    longest = max(window.width, window.height)
    scale = MAX_SIDE_PX / longest if longest > MAX_SIDE_PX else math.ceil(_MIN_SIDE_PX / longest)
    return max(1, round(window.width * scale)), max(1, round(window.height * scale))


def render_views(answer: Answer | TiledAnswer | Finding | Outline) -> tuple[View, ...]:
    """The optical and the SAR picture of the area, those of them that the answer is from, on the answer's grid.

    SAR that was moved for the answer is moved here too, to the nearest pixel.
    Raises :class:`RasterUnreadable` where a file is gone since.
    """
    by, area = answer.provenance, answer.area
    width, height = picture_size(area.window)
    views = []
    sources: tuple[tuple[Sensor, str | None, tuple[int, ...], float | None], ...] = (
        ("optical", by.optical, by.optical_bands, area.valid_optical),
        ("sar", by.sar, by.sar_bands, area.valid_sar),
    )
    for sensor, path, bands, valid in sources:
        if path is None or valid is None:
            continue
        window = area.window
        if sensor == "sar" and by.optical is not None:
            dx, dy = (round(shift) for shift in by.shift_applied_px)
            window = PixelWindow(window.col_off + dx, window.row_off + dy, window.width, window.height)
        with open_raster(path, sensor=sensor, bands=bands or None) as raster:
            display = default_display(raster, on=area.grid)
            rgba, _ = render(raster, window, width, height, display, on=area.grid)
            gsd_m = raster.info.grid.gsd_m
        date = answer.gate.dates.get(sensor)
        facts = [date or "", f"{gsd_m:.3g} m" if gsd_m is not None else ""]
        views.append(View(sensor, SENSOR_NAMES[sensor], " · ".join(fact for fact in facts if fact), rgba))
    return tuple(views)


def to_image(view: View) -> Image.Image:
    """The picture as RGB, ready to be drawn on; grey where there is no data, so that its edge still shows."""
    picture = Image.fromarray(view.rgba, "RGBA")
    ground = Image.new("RGBA", picture.size, _NO_DATA)
    return Image.alpha_composite(ground, picture).convert("RGB")


def draw_regions(image: Image.Image, regions: Sequence[KeyRegion], area: Box) -> None:
    """Draw routed regions on a picture of ``area``: a light fill, and a coloured line with white casing."""
    scale_x, scale_y = image.width / area.width, image.height / area.height
    boxes = [
        (
            (region.box_px.x0 - area.x0) * scale_x,
            (region.box_px.y0 - area.y0) * scale_y,
            (region.box_px.x1 - area.x0) * scale_x - 1,
            (region.box_px.y1 - area.y0) * scale_y - 1,
        )
        for region in regions
    ]
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for region, box in zip(regions, boxes, strict=True):
        draw.rectangle(box, fill=(*rgb(COLOURS[region.sensor]), _REGION_FILL_ALPHA))
    for line, width in ((CASING, 4), (None, 2)):  # every casing before any line, or a neighbour's would cover it
        for region, (x0, y0, x1, y1) in zip(regions, boxes, strict=True):
            inset = 0 if line else 1
            inner = (x0 + inset, y0 + inset, max(x1 - inset, x0 + inset), max(y1 - inset, y0 + inset))
            draw.rectangle(inner, outline=line or COLOURS[region.sensor], width=width)
    image.paste(Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB"))


def shade_map(image: Image.Image, one: ExplanationMap, area: Box) -> None:
    """Shade a trust or attention map over a picture of ``area``, cell by cell, nothing where the map is NaN.

    Trust runs from SAR's colour over neutral to the optical one; attention is the sensor's colour, the stronger
    the more opaque.
    """
    values = _cells_under_pixels(read_map(one), one.extent_px, area, image.size)
    share = np.clip((values - one.low) / ((one.high - one.low) or 1.0), 0, 1)
    known = np.isfinite(share)
    share = np.where(known, share, 0)
    rgba = np.zeros((*share.shape, 4), np.uint8)
    if one.kind == "trust":
        stops = np.array([rgb(COLOURS["sar"]), _NEUTRAL, rgb(COLOURS["optical"])], float)
        for channel in range(3):
            rgba[..., channel] = np.interp(share, [0, 0.5, 1], stops[:, channel])
        rgba[..., 3] = np.where(known, _TRUST_ALPHA, 0)
    else:
        rgba[..., :3] = rgb(COLOURS.get(one.sensor, COLOURS["fusion"]))
        rgba[..., 3] = np.where(known, share * _ATTENTION_ALPHA, 0)
    image.paste(Image.alpha_composite(image.convert("RGBA"), Image.fromarray(rgba, "RGBA")).convert("RGB"))


def _cells_under_pixels(
    values: np.ndarray[Any, np.dtype[np.float32]], extent: Box, area: Box, size: tuple[int, int]
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The map's value under the centre of each picture pixel, [height, width]; NaN beyond the map's extent."""
    width, height = size
    rows, cols = values.shape
    x = area.x0 + (np.arange(width) + 0.5) * area.width / width
    y = area.y0 + (np.arange(height) + 0.5) * area.height / height
    col = np.floor((x - extent.x0) * cols / extent.width).astype(int)
    row = np.floor((y - extent.y0) * rows / extent.height).astype(int)
    inside = ((row >= 0) & (row < rows))[:, None] & ((col >= 0) & (col < cols))[None, :]
    found = values[np.clip(row, 0, rows - 1)[:, None], np.clip(col, 0, cols - 1)[None, :]]
    return np.where(inside, found, np.float32(np.nan))


def rgb(colour: str) -> tuple[int, int, int]:
    """``#RRGGBB`` as numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
