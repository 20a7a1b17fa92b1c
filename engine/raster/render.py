"""Pictures of a raster for the screen, and the numbers under one pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.protocol import Identified
from engine.raster.dataset import Raster
from engine.raster.sar import CALIBRATED, sar_to_db
from engine.raster.speckle import lee_filter
from engine.raster.stretch import StretchMethod, stretch_limits, to_grey_levels
from engine.records import DisplaySpec, Grid, PixelWindow

# Pixels of the longer side from which limits are taken: enough for a 2 % tail to be some thousand pixels.
_LIMITS_PX = 512


def default_display(raster: Raster, *, on: Grid | None = None) -> DisplaySpec:
    """Percentiles 2 to 98 of the whole raster, decibels for SAR that is not already in them or stretched.

    A palette shows its own colours (limits 0 and 255). ``on`` limits the statistics to what falls on that grid.
    """
    info = raster.info
    bands = info.choice.bands
    to_db = info.sensor == "sar" and info.sar_unit in ("power", "amplitude", "complex", "digital-number")
    if raster.palette is not None:
        return DisplaySpec(bands, (0.0,) * len(bands), (255.0,) * len(bands), method="fixed")
    blank = DisplaySpec(bands, (0.0,) * len(bands), (1.0,) * len(bands), to_db)
    frame = on or info.grid
    return with_limits(raster, PixelWindow(0, 0, frame.width, frame.height), blank, on=on)


def with_limits(
    raster: Raster,
    window: PixelWindow,
    display: DisplaySpec,
    method: StretchMethod = "percentile",
    *,
    on: Grid | None = None,
) -> DisplaySpec:
    """``display`` with its limits taken anew over ``window`` (pixels of ``on`` or of the raster)."""
    scale = min(1.0, _LIMITS_PX / max(window.width, window.height))
    width, height = max(1, round(window.width * scale)), max(1, round(window.height * scale))
    read, _ = raster.picture(window, width, height, display.bands, on=on, draft=True, known_only=True)
    values, valid = read.values, read.valid
    if display.to_db:
        values = sar_to_db(values, raster.info.sar_unit or "amplitude")
    low, high = stretch_limits(values, valid, method)
    return replace(display, low=low, high=high, method=method)


def render(
    raster: Raster,
    window: PixelWindow,
    width: int,
    height: int,
    display: DisplaySpec,
    *,
    on: Grid | None = None,
    draft: bool = False,
) -> tuple[NDArray[np.uint8], bool]:
    """``window`` as RGBA bytes [height, width, 4], alpha 0 where there is no data, and whether it is only a draft.

    ``window`` is in pixels of ``on`` or of the raster itself. With ``draft`` a raster without overviews may answer
    with a sparse picture (True is returned then), which later calls refine. Raises what :meth:`Raster.read` does.
    """
    read, sparse = raster.picture(window, width, height, display.bands, on=on, draft=draft)
    values, valid = read.values, read.valid
    out = np.empty((height, width, 4), np.uint8)
    out[..., 3] = np.where(valid, 255, 0)
    if raster.palette is not None:
        index = np.where(valid, values[0], 0).astype(np.int64).clip(0, len(raster.palette) - 1)
        out[...] = raster.palette[index]
        out[~valid, 3] = 0
        return out, sparse
    if display.speckle_filter and raster.info.sensor == "sar":
        values = _quiet(values, valid, raster)
    if display.to_db:
        values = sar_to_db(values, raster.info.sar_unit or "amplitude")
    levels = to_grey_levels(values, display.low, display.high)
    out[..., :3] = levels.transpose(1, 2, 0) if len(levels) == 3 else levels[0, ..., None]
    return out, sparse


def _quiet(values: NDArray[np.float32], valid: NDArray[np.bool_], raster: Raster) -> NDArray[np.float32]:
    """Speckle-filtered, in the unit that came in; decibels go to linear numbers, where Lee's model holds, and back."""
    decibels = raster.info.sar_unit == "db"
    linear = np.power(10, values / 10, dtype=np.float32) if decibels else values
    quiet = np.stack([lee_filter(band, valid) for band in linear])
    return 10 * np.log10(np.maximum(quiet, np.float32(1e-12))) if decibels else quiet


def identify(raster: Raster, col: int, row: int, *, on: Grid | None = None) -> Identified:
    """The stored numbers (complex as amplitude) of the pixel that covers the centre of (col, row) of ``on`` or itself.

    ``sigma0_db`` is the chosen SAR band in decibels, only where the unit is calibrated.
    """
    values = raster.stored_values(col, row, on=on)
    info = raster.info
    first = info.bands[info.choice.bands[0] - 1]
    value = values[first.index - 1]
    sigma0_db = None
    if info.sensor == "sar" and info.sar_unit in CALIBRATED and value is not None:
        sigma0_db = float(sar_to_db(np.array([value * first.scale + first.offset]), info.sar_unit)[0])
    return Identified(values, sigma0_db)
