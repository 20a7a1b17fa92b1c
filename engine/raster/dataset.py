"""An open raster: what it is, and windows of it on its own grid or on another's."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.windows import Window

from engine.errors import RasterUnreadable, UsageError
from engine.raster.bands import check_bands
from engine.raster.describe import Description, band_infos, describe
from engine.raster.gdal import gdal
from engine.raster.grids import map_points, whole_pixel_offset
from engine.raster.reading import (
    DEFAULT_MAX_BYTES,
    RasterRead,
    Source,
    block_bytes,
    has_mask_band,
    read_box,
    require_room,
    stored_valid,
)
from engine.raster.warping import source_window, warp
from engine.records import Box, Grid, PixelWindow, RasterInfo
from engine.records.raster import Sensor

# Side in pixels of the patches that are looked at to tell units and empty frames: corners and centre.
_SAMPLE_PX = 48


class Raster:
    """One open file. Not for sharing between threads; close it, or use it in a ``with``."""

    def __init__(self, dataset: DatasetReader, path: Path, description: Description) -> None:
        self.path = path
        self.info: RasterInfo = description.info
        self._tie = description.tie
        self._source = Source(dataset, description.info.bands, description.fill, path.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._source.dataset.close()

    def read(
        self,
        window: PixelWindow,
        width: int,
        height: int,
        *,
        bands: tuple[int, ...] | None = None,
        on: Grid | None = None,
        shift_px: tuple[float, float] = (0.0, 0.0),
        resampling: str = "auto",
        max_bytes: int | None = None,
    ) -> RasterRead:
        """``window`` as ``height`` x ``width`` cells.

        ``window`` is in pixels of ``on`` where given (this raster is warped onto it), else of ``info.grid``; what
        lies outside the raster is invalid. ``bands`` defaults to the chosen ones. ``shift_px`` corrects a
        misregistration: content found at (col + dx, row + dy) is returned at (col, row), in pixels of the window's
        grid. ``resampling`` is ``auto`` (average when shrinking, else nearest, bilinear where warped), ``nearest``,
        ``bilinear`` or ``average``. ``max_bytes`` bounds the memory of this read (256 MB).

        Raises :class:`ReadTooLarge`, :class:`RasterUnreadable`, and :class:`InputRefused` where ``on`` and this
        raster share no frame.
        """
        if width < 1 or height < 1:
            raise UsageError(f"A picture of {width} x {height} pixels is empty.")
        chosen = bands or self.info.choice.bands
        check_bands(chosen, len(self.info.bands), self.path.name)
        limit = DEFAULT_MAX_BYTES if max_bytes is None else max_bytes
        frame = on or self.info.grid
        box = Box(
            window.col_off + shift_px[0],
            window.row_off + shift_px[1],
            window.col_off + window.width + shift_px[0],
            window.row_off + window.height + shift_px[1],
        )
        offset = None if self._tie.warped else whole_pixel_offset(frame, self.info.grid)
        with gdal(self.path, "read"):
            if offset is not None and float(shift_px[0]).is_integer() and float(shift_px[1]).is_integer():
                box = Box(box.x0 + offset[0], box.y0 + offset[1], box.x1 + offset[0], box.y1 + offset[1])
                return self._read_direct(box, width, height, chosen, resampling, limit)
            return self._read_warped(frame.sub(box, width, height), chosen, resampling, limit)

    def picture(
        self,
        window: PixelWindow,
        width: int,
        height: int,
        bands: tuple[int, ...],
        *,
        on: Grid | None = None,
        draft: bool = False,
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], bool]:
        """As :meth:`read`, for the eye: the nearest pixel, and whether the picture is only a draft."""
        read = self.read(window, width, height, bands=bands, on=on, resampling="nearest")
        return read.values, read.valid, False

    @cached_property
    def palette(self) -> NDArray[np.uint8] | None:
        """RGBA of each stored number [entries, 4] where the one chosen band is a palette, else None."""
        chosen = self.info.choice.bands
        if len(chosen) != 1 or self.info.bands[chosen[0] - 1].colour != "palette":
            return None
        colours = self._source.dataset.colormap(chosen[0])
        table = np.zeros((max(colours) + 1, 4), np.uint8)
        for number, colour in colours.items():
            table[number] = colour
        return table

    def stored_values(self, col: int, row: int, *, on: Grid | None = None) -> tuple[float | None, ...]:
        """What the file holds at the centre of pixel (col, row) of ``on`` or of ``info.grid``: a number per band.

        Complex numbers as amplitude, None where there is no data or no raster.
        """
        read = self._source
        place = self._file_pixel(col + 0.5, row + 0.5, on or self.info.grid)
        if place is None:
            return (None,) * len(self.info.bands)
        with gdal(self.path, "read"):
            require_room(block_bytes(read), DEFAULT_MAX_BYTES, self.path.name, "one block")
            window = Window(*place, 1, 1)
            numbers = read.dataset.read(window=window)[:, 0, 0]
            masked = has_mask_band(read.dataset) and read.dataset.read_masks(1, window=window)[0, 0] == 0
        out: list[float | None] = []
        for number, info in zip(numbers, self.info.bands, strict=True):
            there = not masked and bool(stored_valid(np.asarray(number), info, read.fill))
            out.append(float(abs(number) if np.iscomplexobj(number) else number) if there else None)
        return tuple(out)

    def _file_pixel(self, col: float, row: float, frame: Grid) -> tuple[int, int] | None:
        """Column and row of the file under a point of ``frame``, None outside."""
        offset = None if self._tie.warped else whole_pixel_offset(frame, self.info.grid)
        if offset is not None:
            x, y = col + offset[0], row + offset[1]
        else:
            map_x, map_y = frame.to_map(col, row)
            with gdal(self.path, "placed"):
                there = map_points(np.array([map_x]), np.array([map_y]), frame.crs or "", self.info.grid.crs or "")
                cols, rows = self._tie.to_pixels(*there)
            x, y = float(cols[0]), float(rows[0])
        if not (0 <= x < self._tie.width and 0 <= y < self._tie.height):
            return None
        return math.floor(x), math.floor(y)

    def _read_direct(
        self, box: Box, width: int, height: int, bands: tuple[int, ...], resampling: str, limit: int
    ) -> RasterRead:
        """No resampling of position: those cells that lie wholly inside the file, the others empty."""
        step_col, step_row = box.width / width, box.height / height
        left, right = _inside(box.x0, step_col, width, self._tie.width)
        top, bottom = _inside(box.y0, step_row, height, self._tie.height)
        require_room(width * height * (4 * len(bands) + 1), limit, self.path.name, f"{width} x {height} px")
        if right <= left or bottom <= top:
            return _empty(len(bands), height, width)
        part = Box(
            max(box.x0 + left * step_col, 0.0),
            max(box.y0 + top * step_row, 0.0),
            min(box.x0 + right * step_col, float(self._tie.width)),
            min(box.y0 + bottom * step_row, float(self._tie.height)),
        )
        read = read_box(self._source, part, right - left, bottom - top, bands, resampling, limit)
        if (right - left, bottom - top) == (width, height):
            return read
        whole = _empty(len(bands), height, width)
        whole.values[:, top:bottom, left:right] = read.values
        whole.valid[top:bottom, left:right] = read.valid
        return whole

    def _read_warped(self, target: Grid, bands: tuple[int, ...], resampling: str, limit: int) -> RasterRead:
        """The file's pixels under ``target``, read no finer than it needs, then resampled onto it."""
        require_room(
            target.width * target.height * (8 * len(bands) + 1),
            limit,
            self.path.name,
            f"{target.width} x {target.height} px",
        )
        needed = source_window(self._tie, target)
        if needed is None:
            return _empty(len(bands), target.height, target.width)
        # Half again as fine as the target, so that the second resampling does not blur what the first one kept.
        shrink = max(1.0, needed.step / 1.5)
        columns = max(1, math.ceil(needed.box.width / shrink))
        rows = max(1, math.ceil(needed.box.height / shrink))
        decimating = "nearest" if resampling == "nearest" else "auto"
        read = read_box(self._source, needed.box, columns, rows, bands, decimating, limit)
        method = Resampling.nearest if resampling == "nearest" else Resampling.bilinear
        values = warp(read.values, needed.box, self._tie, target, method)
        return RasterRead(values, np.logical_and.reduce(np.isfinite(values)))


def open_raster(path: str | Path, *, sensor: Sensor = "unknown", bands: tuple[int, ...] | None = None) -> Raster:
    """Open a raster file that GDAL reads. ``sensor`` and ``bands`` (1 or 3, from 1) overrule what the file suggests.

    Reads the header and five small patches. Raises :class:`RasterUnreadable` (no such file, not a raster, damaged)
    and :class:`UsageError` for bands it does not have.
    """
    path = Path(path)
    if not path.exists():
        raise RasterUnreadable(f"There is no file {path}.", remedy="Check the path.")
    with gdal(path, "opened"):
        dataset = rasterio.open(path)
        try:
            if dataset.count == 0:
                raise RasterUnreadable(
                    f"{path.name} holds no bands of its own.", remedy="It is a container: open one of its parts."
                )
            sample = _sample(dataset, path.name)
            return Raster(dataset, path, describe(dataset, path, sample, sensor, bands))
        except BaseException:
            dataset.close()
            raise


def _sample(dataset: DatasetReader, name: str) -> NDArray[np.float64]:
    """Corners and centre of band 1. Patches in damaged blocks are left out; raises rasterio's error if all are."""
    source = Source(dataset, band_infos(dataset)[:1], None, name)
    if block_bytes(source) > DEFAULT_MAX_BYTES // 4:
        return np.empty(0)  # nothing is assumed about such a file rather than decoding it
    width, height = min(_SAMPLE_PX, dataset.width), min(_SAMPLE_PX, dataset.height)
    right, bottom = dataset.width - width, dataset.height - height
    places = {(0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)}
    patches, errors = [], []
    for col, row in sorted(places):
        try:
            raw = dataset.read(1, window=Window(col, row, width, height))
        except rasterio.errors.RasterioError as error:
            errors.append(error)
            continue
        patches.append(np.abs(raw).astype(np.float64) if np.iscomplexobj(raw) else raw.astype(np.float64))
    if not patches:
        raise errors[0]
    return np.concatenate([patch.ravel() for patch in patches])


def _inside(start: float, step: float, cells: int, size: int) -> tuple[int, int]:
    """First and one past the last of ``cells`` cells from ``start``, ``step`` wide, that lie wholly in [0, size]."""
    slack = 1e-6
    first = math.ceil(-start / step - slack)
    last = math.floor((size - start) / step + slack)
    return min(max(first, 0), cells), min(max(last, 0), cells)


def _empty(bands: int, height: int, width: int) -> RasterRead:
    return RasterRead(np.full((bands, height, width), np.nan, np.float32), np.zeros((height, width), bool))
