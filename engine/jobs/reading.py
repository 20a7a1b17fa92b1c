"""From a question's paths and window to the pixels that the network gets: both sensors on one grid, decimated."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from engine.errors import InputRefused, UsageError
from engine.raster import open_raster
from engine.records import AreaRequest, Grid, PairCheck, PixelWindow
from engine.records.pair import SENSOR_SAID
from engine.records.raster import SarUnit

Pixels = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SensorPixels:
    """``values`` [bands, h, w] and ``valid`` [h, w] of one sensor."""

    values: Pixels
    valid: Valid

    @property
    def share(self) -> float:
        """The share of the area with data, 0..1."""
        return float(self.valid.mean())

    def only(self, rows: slice, columns: slice) -> SensorPixels:
        """The same with nothing valid outside of ``rows`` and ``columns``."""
        inside = np.zeros_like(self.valid)
        inside[rows, columns] = True
        return SensorPixels(np.where(inside, self.values, np.float32(np.nan)), self.valid & inside)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read of a pair: bands as counted in their files (none of an absent sensor) and the unit of SAR.

    ``shift_applied_px`` is by how much SAR is moved back, columns then rows, in optical pixels.
    """

    optical_bands: tuple[int, ...]
    sar_bands: tuple[int, ...]
    sar_unit: SarUnit | None
    shift_applied_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AreaPixels:
    """``window`` is the part of the asked area that exists, in full-resolution pixels of ``grid``.

    ``optical`` has three bands or one and ``sar`` has one, of the same height and width; None for an absent sensor.
    """

    window: PixelWindow
    grid: Grid
    optical: SensorPixels | None
    sar: SensorPixels | None
    sources: Sources

    @property
    def empty(self) -> bool:
        """Whether no sensor has any data."""
        return not any(part is not None and part.valid.any() for part in (self.optical, self.sar))


class AreaReader:
    """Both rasters of a pair that the gate let pass, held open to read any number of windows. Use it in a ``with``.

    ``window`` is the part of the request's area that exists, in full-resolution pixels of ``grid``.
    """

    def __init__(self, request: AreaRequest, check: PairCheck, *, skip: Collection[str] = ()) -> None:
        """``skip`` names sensors that need not be read. Raises what ``engine.raster`` raises for a file, and
        :class:`UsageError` for an area outside the raster.
        """
        self.window, self.grid = area_of(request, check)
        optical, sar = check.optical, check.sar
        move = request.gate.correct_shift and check.verdict == "shifted" and check.shift_px is not None
        self.sources = Sources(
            optical_bands=() if optical is None else request.optical_bands or optical.choice.bands,
            sar_bands=() if sar is None else (request.sar_bands or sar.choice.bands)[:1],
            sar_unit=None if sar is None else sar.sar_unit,
            shift_applied_px=check.shift_px if move and check.shift_px is not None else (0.0, 0.0),
        )
        # A pair accepted without georeference shares its pixel frame, so there is no grid to warp onto.
        tied = optical is not None and sar is not None and "none" not in (optical.georeference, sar.georeference)
        self._sar_on = self.grid if tied else None
        with ExitStack() as opening:
            wanted = [info for info in (optical, sar) if info is not None and info.sensor not in skip]
            self._rasters = {
                info.sensor: opening.enter_context(open_raster(info.path, sensor=info.sensor)) for info in wanted
            }
            self._open = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def read(self, window: PixelWindow, width: int, height: int) -> AreaPixels:
        """``window`` as ``height`` x ``width`` pixels; what lies outside of a raster is not valid there."""
        optical = sar = None
        if "optical" in self._rasters:
            read = self._rasters["optical"].read(window, width, height, bands=self.sources.optical_bands)
            optical = SensorPixels(read.values, read.valid)
        if "sar" in self._rasters:
            shift, bands = self.sources.shift_applied_px, self.sources.sar_bands
            read = self._rasters["sar"].read(window, width, height, bands=bands, on=self._sar_on, shift_px=shift)
            sar = SensorPixels(read.values, read.valid)
        return AreaPixels(window, self.grid, optical, sar, self.sources)

    def read_within(self, window: PixelWindow, side: int) -> AreaPixels:
        """The square ``window``, at most ``side`` pixels wide; what lies outside of the asked area is not valid."""
        width, height = size_as_read(window, side)
        pixels = self.read(window, width, height)
        rows, columns = inside(window, self.window, height)
        if (rows, columns) == (slice(0, height), slice(0, width)):
            return pixels
        optical, sar = (None if part is None else part.only(rows, columns) for part in (pixels.optical, pixels.sar))
        return replace(pixels, optical=optical, sar=sar)


def inside(window: PixelWindow, part: PixelWindow, size: int) -> tuple[slice, slice]:
    """Rows and columns of the square ``window``, read as ``size`` x ``size`` pixels, that are ``part``; at least one of
    each."""
    scale = size / window.width
    spans = []
    for first, low, length in (
        (window.row_off, part.row_off, part.height),
        (window.col_off, part.col_off, part.width),
    ):
        start = min(size - 1, max(0, round((low - first) * scale)))
        spans.append(slice(start, max(start + 1, min(size, round((low + length - first) * scale)))))
    return spans[0], spans[1]


def read_area(request: AreaRequest, check: PairCheck, side: int) -> AreaPixels:
    """Read the request's area so that its longer side has at most ``side`` pixels.

    Raises :class:`InputRefused` for an area without any data, and what :class:`AreaReader` raises.
    """
    with AreaReader(request, check) as reader:
        pixels = reader.read(reader.window, *size_as_read(reader.window, side))
    if pixels.empty:
        raise InputRefused(no_data_sentence(request), remedy="Choose an area that the images cover.")
    return pixels


def no_data_sentence(request: AreaRequest, looks_at: str = "both") -> str:
    """Why an area cannot be asked about; ``looks_at`` is the model's ``sensors``: ``both`` or one of them."""
    if looks_at != "both":
        return f"Not answerable: this model looks at {SENSOR_SAID[looks_at]} only, which has no data in this area."
    if request.optical is None or request.sar is None:
        only = "SAR" if request.optical is None else "optical"
        return f"Not answerable: the {only} image has no data in this area, and there is no other."
    return "Not answerable: neither sensor has data in this area."


def size_as_read(window: PixelWindow, side: int) -> tuple[int, int]:
    """Width and height such that the longer has ``side`` pixels, or all of the window's where it has fewer."""
    scale = min(1.0, side / max(window.width, window.height))
    return max(1, round(window.width * scale)), max(1, round(window.height * scale))


def area_of(request: AreaRequest, check: PairCheck) -> tuple[PixelWindow, Grid]:
    """The part of the request's area that exists, and the grid whose full-resolution pixels it is in.

    Raises :class:`UsageError` for an area outside the raster.
    """
    reference = check.optical or check.sar
    if reference is None:
        raise UsageError("A pair needs at least one raster.", remedy="Name an optical or a SAR file.")
    return _existing_part(request.window, reference.grid), reference.grid


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
