"""Windows of a file's own pixel frame, decimated through its overviews, as numbers with a mask.

Nothing here knows the map. Every read says beforehand how much memory it takes, and is refused above a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.io import DatasetReader
from rasterio.windows import Window

from engine.errors import ReadTooLarge
from engine.records import BandInfo, Box

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
# Decoding this much takes 10 to 30 s: more is not waited for.
MOST_DECODED_BYTES = 4 * 1024**3
# How many stored pixels per output pixel (and axis) are averaged where GDAL cannot do it for us.
_MOST_LOOKS = 4


@dataclass(frozen=True)
class RasterRead:
    """``values`` float32 [bands, rows, columns], NaN where ``valid`` bool [rows, columns] is False.

    A pixel is valid when any of the bands has data there (integers) or when all have (floating point, where a
    missing band would be NaN).
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Source:
    """An open file and what is needed to make numbers of its bytes. One thread's, as GDAL's handles are."""

    dataset: DatasetReader
    bands: tuple[BandInfo, ...]
    fill: float | None
    name: str

    @cached_property
    def block_bytes(self) -> int:
        """Decoded size of one stored block, all bands of it where they are interleaved by pixel."""
        rows, columns = self.dataset.block_shapes[0]
        interleaved = self.dataset.count if self.dataset.profile.get("interleave") == "pixel" else 1
        return int(rows) * int(columns) * np.dtype(_numpy_type(self.bands[0].dtype)).itemsize * int(interleaved)

    @cached_property
    def has_mask_band(self) -> bool:
        """Whether a ``.msk`` file, an internal mask or an alpha band says which pixels count."""
        return MaskFlags.per_dataset in self.dataset.mask_flag_enums[0]

    @property
    def averages_in_gdal(self) -> bool:
        """Whether GDAL's own averaging is right: not for complex numbers (phase), nor for fills it knows nothing of."""
        first = self.bands[0]
        untagged = self.fill is not None or (first.dtype.startswith("float") and first.nodata is None)
        return not first.dtype.startswith("complex") and not untagged


def decoded_bytes(source: Source, box: Box, width: int, height: int, resampling: str = "nearest") -> int:
    """How much has to be decoded to read ``box`` as ``height`` x ``width`` pixels: whole blocks, of the best overview.

    GDAL reads from the overview that is still at least as fine as the picture asked for, and for ``nearest`` only
    the blocks that a cell's centre falls into.
    """
    step = min(box.width / width, box.height / height)
    factor = max([1, *(level for level in source.dataset.overviews(1) if level <= 1.2 * step)])
    if resampling != "nearest":
        width, height = math.ceil(box.width / factor), math.ceil(box.height / factor)
    block_rows, block_columns = source.dataset.block_shapes[0]
    across = _blocks_hit(box.width / factor, source.dataset.width / factor, block_columns, width)
    down = _blocks_hit(box.height / factor, source.dataset.height / factor, block_rows, height)
    return across * down * source.block_bytes


def _blocks_hit(length: float, whole: float, block: int, cells: int) -> int:
    """Blocks of one axis under ``length`` pixels, wherever these begin, when only ``cells`` of them are looked at."""
    return min(math.ceil(length / block) + 1, math.ceil(whole / block), cells)


def _numpy_type(dtype: str) -> str:
    return "complex64" if dtype == "complex_int16" else dtype


def require_room(needed: int, allowed: int, name: str, what: str) -> None:
    """Raise :class:`ReadTooLarge` with both numbers."""
    if needed > allowed:
        raise ReadTooLarge(
            f"Reading {what} of {name} needs {needed / 1e6:,.0f} MB, more than the {allowed / 1e6:,.0f} MB allowed.",
            remedy="Ask for a smaller area or fewer pixels, or rewrite the file in tiles with overviews.",
        )


def read_box(
    source: Source, box: Box, width: int, height: int, resampling: str, bands: tuple[int, ...], max_bytes: int
) -> RasterRead:
    """``box`` (file pixels, inside the file) as ``height`` x ``width`` numbers of each of ``bands``.

    ``resampling`` is ``nearest``, ``average``, ``bilinear`` or ``auto``: average where pixels are merged, nearest
    where they are repeated. Scale and offset are applied; complex becomes amplitude. Raises
    :class:`ReadTooLarge`, and rasterio's errors, which the caller translates.
    """
    step = min(box.width / width, box.height / height)
    if resampling == "auto":
        resampling = "average" if step > 1 else "nearest"
    looks = 1
    if resampling != "nearest" and not source.averages_in_gdal:
        looks = min(_MOST_LOOKS, max(1, math.floor(step)))
        resampling = "nearest"
    infos = [source.bands[band - 1] for band in bands]
    stored = max(np.dtype(_numpy_type(info.dtype)).itemsize for info in infos)
    needed = width * height * (looks * looks * (len(bands) * (stored + 4) + 2) + len(bands) * 4) + source.block_bytes
    require_room(needed, max_bytes, source.name, f"{width} x {height} px")
    work = decoded_bytes(source, box, width * looks, height * looks, resampling)
    if work > MOST_DECODED_BYTES:
        raise ReadTooLarge(
            f"Reading this part of {source.name} means decoding {work / 1e9:,.1f} GB, more than the "
            f"{MOST_DECODED_BYTES / 1e9:,.1f} GB allowed, as it has no overviews.",
            remedy="Choose a smaller area, or add overviews, for instance with gdaladdo.",
        )
    window = Window(box.x0, box.y0, box.width, box.height)
    raw = source.dataset.read(
        list(bands),
        window=window,
        out_shape=(len(bands), height * looks, width * looks),
        resampling=Resampling[resampling],
    )
    read = _as_numbers(source, raw, infos)
    if source.has_mask_band:
        mask = source.dataset.read_masks(
            bands[0], window=window, out_shape=raw.shape[1:], resampling=Resampling.nearest
        )
        read = _masked(read, mask > 0)
    return read if looks == 1 else _averaged(read, looks)


def _as_numbers(source: Source, raw: NDArray[np.generic], infos: list[BandInfo]) -> RasterRead:
    """Stored numbers to float32 with NaN where empty."""
    values = np.empty(raw.shape, np.float32)
    have = np.empty(raw.shape, bool)
    for i, info in enumerate(infos):
        band = np.abs(raw[i]) if np.iscomplexobj(raw) else raw[i]
        have[i] = stored_valid(raw[i], info, source.fill)
        with np.errstate(over="ignore"):  # 64-bit numbers beyond float32 become infinite, and invalid
            values[i] = band
        if (info.scale, info.offset) != (1.0, 0.0):
            values[i] = band.astype(np.float64) * info.scale + info.offset
    if np.issubdtype(raw.dtype, np.inexact):
        have &= np.isfinite(values)
        valid: NDArray[np.bool_] = np.logical_and.reduce(have)
    else:
        valid = np.logical_or.reduce(have)
    values[:, ~valid] = np.nan
    return RasterRead(values, valid)


def stored_valid(raw: NDArray[np.generic], info: BandInfo, fill: float | None) -> NDArray[np.bool_]:
    """True where stored numbers are neither the band's nodata, nor the untagged ``fill``, nor NaN or infinite."""
    valid = np.isfinite(raw) if np.issubdtype(raw.dtype, np.inexact) else np.ones(raw.shape, bool)
    for empty in (info.nodata, fill):
        if empty is None or not math.isfinite(empty):
            continue
        if np.issubdtype(raw.dtype, np.floating):
            # Tags are text: -3.4e38 rarely comes back as the very number.
            valid &= ~np.isclose(raw, empty, rtol=1e-6, atol=0)
        else:
            valid &= raw != empty
    return valid


def _masked(read: RasterRead, mask: NDArray[np.bool_]) -> RasterRead:
    valid = read.valid & mask
    read.values[:, ~valid] = np.nan
    return RasterRead(read.values, valid)


def _averaged(read: RasterRead, looks: int) -> RasterRead:
    """Mean of the valid pixels in each ``looks`` x ``looks`` cell: multilooking, for complex data of amplitudes."""
    bands, rows, columns = read.values.shape
    cells = (rows // looks, looks, columns // looks, looks)
    count = read.valid.reshape(cells).sum(axis=(1, 3))
    total = np.where(read.valid, read.values, 0).reshape(bands, *cells).sum(axis=(2, 4))
    valid = count > 0
    values = np.where(valid, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return RasterRead(values, valid)
