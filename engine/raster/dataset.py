"""An open raster: what it is, and windows of it on its own grid or on another's."""

from __future__ import annotations

import math
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.windows import Window

from engine.errors import RasterUnreadable, UsageError
from engine.raster.bands import check_bands
from engine.raster.describe import Description, band_infos, describe
from engine.raster.gdal import gdal, without_georeference_warning
from engine.raster.grids import map_points, whole_pixel_offset
from engine.raster.preview import Preview
from engine.raster.reading import (
    DEFAULT_MAX_BYTES,
    MOST_DECODED_BYTES,
    RasterRead,
    Source,
    decoded_bytes,
    read_box,
    require_room,
    stored_valid,
)
from engine.raster.warping import source_window, warp
from engine.records import Box, Grid, PixelWindow, RasterInfo
from engine.records.raster import Sensor

# Side in pixels of the patches that are looked at to tell units and empty frames: corners and centre.
_SAMPLE_PX = 48

_RESAMPLINGS = ("auto", "nearest", "bilinear", "average")

# Decoding this much takes about 0.2 s: up to here nobody needs a draft.
QUICK_BYTES = 48 * 1024 * 1024
# A part of up to this many pixels may be drafted from an overview; whoever shows it soon asks for all of it.
PART_PX = 32_000_000
# A preview whose cells are up to this much wider than the screen's pixels is as good as the file.
_FINE_ENOUGH = 1.25


class Fetch(Protocol):
    """Reads a box of the file (file pixels, inside it) as ``rows`` x ``columns`` cells."""

    def __call__(self, box: Box, columns: int, rows: int, /, resampling: str) -> RasterRead: ...


class Raster:
    """One open file. Not for sharing between threads; close it, or use it in a ``with``."""

    def __init__(self, dataset: DatasetReader, path: Path, description: Description) -> None:
        self.path = path
        self.info: RasterInfo = description.info
        self._tie = description.tie
        self._preview: Preview | None = None
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
        lies outside the raster is invalid. ``bands`` defaults to the chosen ones, of a palette to its red, green and
        blue (0 to 255). ``shift_px`` corrects a
        misregistration: content found at (col + dx, row + dy) is returned at (col, row), in pixels of the window's
        grid. ``resampling`` is ``auto`` (average when shrinking, else nearest, bilinear where warped), ``nearest``,
        ``bilinear`` or ``average``. ``max_bytes`` bounds the memory of this read (256 MB).

        Raises :class:`ReadTooLarge`, :class:`RasterUnreadable`, and :class:`InputRefused` where ``on`` and this
        raster share no frame.
        """
        if bands is None and self.palette is not None:
            return self._read_palette(self.palette, window, width, height, on, shift_px, max_bytes)
        if resampling not in _RESAMPLINGS:
            raise UsageError(f"The resampling “{resampling}” is none of {', '.join(_RESAMPLINGS)}.")
        chosen = bands or self.info.choice.bands
        check_bands(chosen, len(self.info.bands), self.path.name)
        limit = DEFAULT_MAX_BYTES if max_bytes is None else max_bytes
        fetch = partial(read_box, self._source, bands=chosen, max_bytes=limit)
        return self._read(window, width, height, on, shift_px, len(chosen), resampling, fetch, limit)

    def picture(
        self,
        window: PixelWindow,
        width: int,
        height: int,
        bands: tuple[int, ...],
        *,
        on: Grid | None = None,
        draft: bool = False,
        known_only: bool = False,
    ) -> tuple[RasterRead, bool]:
        """As :meth:`read` with nearest pixels, for the eye, and whether that is only a draft.

        With ``draft``, what would have to be decoded at length is shown from a coarser overview (a large part of a
        file in strips, at its own scale), or for a file without overviews from its :class:`Preview`, as far as that
        is filled (:meth:`refine` fills it; once filled, that is no draft any more).
        Without, the asked part is decoded, however long that takes and no more than it, so that a caller who asks in
        strips never waits long. A draft comes back unasked where it would be over :data:`MOST_DECODED_BYTES`. For
        statistics, ``known_only`` leaves those pixels of a draft empty that stand for others.
        """
        check_bands(bands, len(self.info.bands), self.path.name)
        is_draft = False

        def fetch(box: Box, columns: int, rows: int, resampling: str) -> RasterRead:
            nonlocal is_draft
            work = decoded_bytes(self._source, box, columns, rows)
            if work <= QUICK_BYTES:
                return read_box(self._source, box, columns, rows, resampling, bands, DEFAULT_MAX_BYTES)
            if draft and self.info.overviews and box.width * box.height <= PART_PX:
                is_draft = True
                return self._from_overview(box, columns, rows, bands)
            preview = self._preview_of(bands)
            fine = preview.step <= _FINE_ENOUGH * min(box.width / columns, box.height / rows)
            filled = fine and preview.complete
            if not draft and not filled and work <= MOST_DECODED_BYTES:
                return read_box(self._source, box, columns, rows, resampling, bands, DEFAULT_MAX_BYTES)
            preview.begin()
            is_draft = not (fine and preview.complete)
            return preview.sample(box, columns, rows, known_only=known_only)

        read = self._read(window, width, height, on, (0.0, 0.0), len(bands), "nearest", fetch, DEFAULT_MAX_BYTES)
        return read, is_draft

    def _from_overview(self, box: Box, columns: int, rows: int, bands: tuple[int, ...]) -> RasterRead:
        """``box`` as ``rows`` x ``columns`` cells, several of them from one of the finest overview that is quick."""
        few_columns, few_rows = columns, rows
        for _ in self.info.overviews:
            few_columns, few_rows = max(1, few_columns // 2), max(1, few_rows // 2)
            if decoded_bytes(self._source, box, few_columns, few_rows) <= QUICK_BYTES:
                break
        coarse = read_box(self._source, box, few_columns, few_rows, "nearest", bands, DEFAULT_MAX_BYTES)
        here = (np.arange(rows) * few_rows // rows)[:, None], np.arange(columns) * few_columns // columns
        return RasterRead(coarse.values[:, *here], coarse.valid[here])

    def refine(self, seconds: float = 0.05) -> bool:
        """Spend about ``seconds`` on the preview behind drafts; whether there is more to do.

        False, at once, for a raster that needed none. For the idle time of the process that draws; a draft drawn
        again afterwards is a better one.
        """
        if self._preview is None or self._preview.complete:
            return False
        with gdal(self.path, "read"):
            self._preview.fill(seconds)
        return not self._preview.complete

    def _read_palette(
        self,
        palette: NDArray[np.uint8],
        window: PixelWindow,
        width: int,
        height: int,
        on: Grid | None,
        shift_px: tuple[float, float],
        max_bytes: int | None,
    ) -> RasterRead:
        """Red, green and blue of the nearest pixel: numbers of a palette cannot be averaged."""
        chosen = self.info.choice.bands
        read = self.read(
            window, width, height, bands=chosen, on=on, shift_px=shift_px, resampling="nearest", max_bytes=max_bytes
        )
        index = np.where(read.valid, read.values[0], 0).astype(np.int64).clip(0, len(palette) - 1)
        values = palette[index, :3].transpose(2, 0, 1).astype(np.float32)
        valid = read.valid & (palette[index, 3] > 0)
        values[:, ~valid] = np.nan
        return RasterRead(values, valid)

    def _preview_of(self, bands: tuple[int, ...]) -> Preview:
        if self._preview is None or self._preview.bands != bands:
            self._preview = Preview(self._source, bands)
        return self._preview

    def _read(
        self,
        window: PixelWindow,
        width: int,
        height: int,
        on: Grid | None,
        shift_px: tuple[float, float],
        bands: int,
        resampling: str,
        fetch: Fetch,
        limit: int,
    ) -> RasterRead:
        """Work out which box of the file is asked for, and bring what ``fetch`` reads of it onto the asked grid."""
        if width < 1 or height < 1:
            raise UsageError(f"A picture of {width} x {height} pixels is empty.")
        require_room(width * height * (8 * bands + 1), limit, self.path.name, f"{width} x {height} px")
        frame = on or self.info.grid
        left, top = window.col_off + shift_px[0], window.row_off + shift_px[1]
        offset = whole_pixel_offset(frame, self.info.grid)
        if offset is not None:  # from here on in pixels of this raster's grid
            frame, left, top = self.info.grid, left + offset[0], top + offset[1]
        box = Box(left, top, left + window.width, top + window.height)
        with gdal(self.path, "read"):
            if offset is not None and not self._tie.warped and left.is_integer() and top.is_integer():
                return self._read_direct(box, width, height, bands, resampling, fetch)
            return self._read_warped(frame.sub(box, width, height), bands, resampling, fetch)

    def _read_direct(self, box: Box, width: int, height: int, bands: int, resampling: str, fetch: Fetch) -> RasterRead:
        """No resampling of position: those cells that lie wholly inside the file, the others empty."""
        step_col, step_row = box.width / width, box.height / height
        left, right = _inside(box.x0, step_col, width, self._tie.width)
        top, bottom = _inside(box.y0, step_row, height, self._tie.height)
        if right <= left or bottom <= top:
            return _empty(bands, height, width)
        part = Box(
            max(box.x0 + left * step_col, 0.0),
            max(box.y0 + top * step_row, 0.0),
            min(box.x0 + right * step_col, float(self._tie.width)),
            min(box.y0 + bottom * step_row, float(self._tie.height)),
        )
        read = fetch(part, right - left, bottom - top, resampling=resampling)
        if (right - left, bottom - top) == (width, height):
            return read
        whole = _empty(bands, height, width)
        whole.values[:, top:bottom, left:right] = read.values
        whole.valid[top:bottom, left:right] = read.valid
        return whole

    def _read_warped(self, target: Grid, bands: int, resampling: str, fetch: Fetch) -> RasterRead:
        """The file's pixels under ``target``, read no finer than it needs, then resampled onto it."""
        needed = source_window(self._tie, target)
        if needed is None:
            return _empty(bands, target.height, target.width)
        # Half again as fine as the target, so that the second resampling does not blur what the first one kept.
        shrink = max(1.0, needed.step / 1.5)
        columns = max(1, math.ceil(needed.box.width / shrink))
        rows = max(1, math.ceil(needed.box.height / shrink))
        nearest = resampling == "nearest"
        read = fetch(needed.box, columns, rows, resampling="nearest" if nearest else "auto")
        values = warp(
            read.values, needed.box, self._tie, target, Resampling.nearest if nearest else Resampling.bilinear
        )
        return RasterRead(values, np.logical_and.reduce(np.isfinite(values)))

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
            require_room(read.block_bytes, DEFAULT_MAX_BYTES, self.path.name, "one block")
            window = Window(*place, 1, 1)
            numbers = read.dataset.read(window=window)[:, 0, 0]
            masked = read.has_mask_band and read.dataset.read_masks(1, window=window)[0, 0] == 0
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
                there = map_points(np.array([map_x]), np.array([map_y]), frame.crs, self.info.grid.crs)
                cols, rows = self._tie.to_pixels(*there)
            x, y = float(cols[0]), float(rows[0])
        if not (0 <= x < self._tie.width and 0 <= y < self._tie.height):
            return None
        return math.floor(x), math.floor(y)


def open_raster(path: str | Path, *, sensor: Sensor = "unknown", bands: tuple[int, ...] | None = None) -> Raster:
    """Open a raster file that GDAL reads. ``sensor`` and ``bands`` (1 or 3, from 1) overrule what the file suggests.

    Reads the header and five small patches. Raises :class:`RasterUnreadable` (no such file, not a raster, damaged)
    and :class:`UsageError` for bands it does not have.
    """
    path = Path(path)
    if not path.exists():
        raise RasterUnreadable(f"There is no file {path}.", remedy="Check the path.")
    with gdal(path, "opened"):
        with without_georeference_warning():
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
    if source.block_bytes > DEFAULT_MAX_BYTES // 4:
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
