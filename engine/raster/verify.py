"""Whether an image file is whole: every block of it is decoded once, and nothing kept."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import DatasetReader

from engine.errors import RasterUnreadable
from engine.raster.gdal import gdal, without_georeference_warning

_DRIVERS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",  # BigTIFF
    b"MM\0+": "GTiff",
}
"""What a data set may hold, by its first bytes. A VRT under an image's name could lead GDAL out of the folder."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE_BYTES = 1 << 20

MOST_DECODED_BYTES = 4 * 1024**3
MOST_BLOCK_BYTES = 256 * 1024 * 1024
"""What one block may decode to. A few kilobytes of deflate can claim gigabytes."""


def verify_image(path: str | Path) -> tuple[int, int, int]:
    """Decode all of the PNG, JPEG or TIFF at ``path``, block by block, and return its (width, height, bands).

    Raises :class:`RasterUnreadable` for a file that is missing, none of these, damaged or cut short, and for one that
    decodes to more than :data:`MOST_DECODED_BYTES`, or one block of it to more than :data:`MOST_BLOCK_BYTES`.
    """
    path = Path(path)
    driver = _driver(path)
    if driver == "PNG":
        _require_png_chunks(path)
    # libjpeg only warns of a file that is cut short, and fills up with grey.
    strict = {"GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE", "GDAL_PAM_ENABLED": "NO"}
    with gdal(path, "decoded"), rasterio.Env(**strict):
        with without_georeference_warning():
            dataset = rasterio.open(path, driver=driver)
        with dataset:
            _require_bounded(dataset, path)
            size = dataset.width, dataset.height, dataset.count
            rows, columns = dataset.block_shapes[0]
            interleaved = dataset.profile.get("interleave") == "pixel"
            for bands in [list(range(1, dataset.count + 1))] if interleaved else [[b] for b in dataset.indexes]:
                for top in range(0, dataset.height, rows):
                    for left in range(0, dataset.width, columns):
                        right, bottom = min(left + columns, dataset.width), min(top + rows, dataset.height)
                        dataset.read(bands, window=((top, bottom), (left, right)))
    return size


def _driver(path: Path) -> str:
    """GDAL's driver for the file, by its first bytes."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise _unreadable(path, f"cannot be opened: {error.strerror or error}") from error
    driver = next((name for magic, name in _DRIVERS.items() if start.startswith(magic)), None)
    if driver is None:
        raise _unreadable(path, "is neither PNG, JPEG nor TIFF" if start else "is empty")
    return driver


def _require_png_chunks(path: Path) -> None:
    """Walk the chunks of a PNG to its end mark: GDAL takes a file without the last ones for whole, and black there."""
    with path.open("rb") as file:
        file.seek(len(_PNG_SIGNATURE))
        kind = b""
        while kind != b"IEND":
            length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
            checksum, left = zlib.crc32(kind), length
            while left and (part := file.read(min(left, _PIECE_BYTES))):
                checksum, left = zlib.crc32(part, checksum), left - len(part)
            stored = file.read(4)
            if len(stored) < 4:
                raise _unreadable(path, "is cut short")
            if int.from_bytes(stored, "big") != checksum:
                raise _unreadable(path, "is damaged: a checksum in it is wrong")


def _require_bounded(dataset: DatasetReader, path: Path) -> None:
    """Refuse a file whose decoded size, or that of one block, is beyond the bounds."""
    pixel = sum(_bytes_of(dtype) for dtype in dataset.dtypes)
    rows, columns = dataset.block_shapes[0]
    if dataset.width * dataset.height * pixel > MOST_DECODED_BYTES or rows * columns * pixel > MOST_BLOCK_BYTES:
        raise _unreadable(path, f"is too large for an image of a data set: {dataset.width} x {dataset.height} pixels")


def _unreadable(path: Path, what: str) -> RasterUnreadable:
    return RasterUnreadable(f"{path.name} {what}.", remedy="Fetch the file again, or take it out of the data set.")


def _bytes_of(dtype: str) -> int:
    return 4 if dtype == "complex_int16" else np.dtype(dtype).itemsize
