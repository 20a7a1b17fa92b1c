"""From a question's paths and window to the pixels that the network gets: both sensors on one grid, decimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import InputRefused, UsageError
from engine.raster import open_raster
from engine.records import AskRequest, Grid, PairCheck, PixelWindow, RasterInfo
from engine.records.raster import SarUnit

Pixels = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SensorPixels:
    """``values`` [bands, h, w] and ``valid`` [h, w] of one sensor; ``bands`` as counted in its file."""

    values: Pixels
    valid: Valid
    bands: tuple[int, ...]
    unit: SarUnit | None = None

    @property
    def share(self) -> float:
        """The share of the area with data, 0..1."""
        return float(self.valid.mean())


@dataclass(frozen=True, slots=True)
class AreaPixels:
    """``window`` is the part of the asked area that exists, in full-resolution pixels of ``grid``.

    ``optical`` has three bands or one and ``sar`` has one, of the same height and width; None for an absent sensor.
    ``shift_applied_px`` is by how much SAR was moved back, columns then rows, in optical pixels.
    """

    window: PixelWindow
    grid: Grid
    optical: SensorPixels | None
    sar: SensorPixels | None
    shift_applied_px: tuple[float, float]


def read_area(request: AskRequest, check: PairCheck, side: int) -> AreaPixels:
    """Read the request's area so that its longer side has at most ``side`` pixels.

    Raises :class:`UsageError` for an area outside the raster, :class:`InputRefused` for one without any data, and
    what ``engine.raster`` raises.
    """
    reference = check.optical or check.sar
    if reference is None:
        raise UsageError("A pair needs at least one raster.", remedy="Name an optical or a SAR file.")
    grid = reference.grid
    window = _existing_part(request.window, grid)
    size = size_as_read(window, side)

    optical = sar = None
    if check.optical is not None:
        optical = _read(check.optical, request.optical_bands or check.optical.choice.bands, window, size)
    move = request.gate.correct_shift and check.verdict == "shifted" and check.shift_px is not None
    shift = check.shift_px if move and check.shift_px is not None else (0.0, 0.0)
    if check.sar is not None:
        # A pair accepted without georeference shares its pixel frame, so there is no grid to warp onto.
        tied = check.optical is not None and "none" not in (check.optical.georeference, check.sar.georeference)
        bands = (request.sar_bands or check.sar.choice.bands)[:1]
        sar = _read(check.sar, bands, window, size, on=grid if tied else None, shift_px=shift)
    if not any(part is not None and part.valid.any() for part in (optical, sar)):
        raise InputRefused("No image has data in this area.", remedy="Choose an area inside the image.")
    return AreaPixels(window, grid, optical, sar, shift)


def size_as_read(window: PixelWindow, side: int) -> tuple[int, int]:
    """Width and height such that the longer has ``side`` pixels, or all of the window's where it has fewer."""
    scale = min(1.0, side / max(window.width, window.height))
    return max(1, round(window.width * scale)), max(1, round(window.height * scale))


def _existing_part(window: PixelWindow | None, grid: Grid) -> PixelWindow:
    if window is None:
        return PixelWindow(0, 0, grid.width, grid.height)
    existing = window.clipped(grid.width, grid.height)
    if existing is None:
        raise UsageError(
            f"The area (columns {window.col_off} to {window.col_off + window.width}, rows {window.row_off} to "
            f"{window.row_off + window.height}) lies outside the image of {grid.width} x {grid.height} pixels.",
            remedy="Choose an area inside the image.",
        )
    return existing


def _read(
    info: RasterInfo,
    bands: tuple[int, ...],
    window: PixelWindow,
    size: tuple[int, int],
    *,
    on: Grid | None = None,
    shift_px: tuple[float, float] = (0.0, 0.0),
) -> SensorPixels:
    with open_raster(info.path, sensor=info.sensor) as raster:
        read = raster.read(window, *size, bands=bands, on=on, shift_px=shift_px)
    return SensorPixels(read.values, read.valid, bands, info.sar_unit)
