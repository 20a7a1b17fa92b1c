"""Rasters written whole or not at all: a temporary file beside the target, then a rename."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from engine.errors import ExportRefused, RasterUnreadable
from engine.raster.gdal import gdal, without_georeference_warning
from engine.raster.grids import parse_crs
from engine.records import Grid


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of ``path``, which replaces it if the block ends well and vanishes if not.

    Raises :class:`ExportRefused` with the system's or GDAL's reason.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=folder)
        os.close(handle)
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # mkstemp's 0600 would hide an export from colleagues on a shared disk
        temporary.replace(path)
    except RasterUnreadable as error:
        raise _refused(path, str(error)) from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _refused(path: Path, reason: str) -> ExportRefused:
    return ExportRefused(
        f"{path.name} cannot be written: {reason.rstrip('.')}.",
        remedy=f"Check the free space of and the permission to write in {path.parent}.",
    )


def write_geotiff(
    path: str | Path,
    array: NDArray[np.generic],
    grid: Grid,
    *,
    nodata: float | None = None,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] | None = None,
) -> None:
    """Write ``array`` [bands, rows, columns] or [rows, columns] on ``grid`` as a tiled, deflated GeoTIFF.

    Raises :class:`ExportRefused` if it cannot be written or does not have the grid's shape; then nothing is left.
    """
    _write(Path(path), array, grid, "GTiff", nodata, tags, descriptions)


def write_cog(
    path: str | Path,
    array: NDArray[np.generic],
    grid: Grid,
    *,
    nodata: float | None = None,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] | None = None,
    colours: Mapping[int, tuple[int, int, int]] | None = None,
) -> None:
    """As :func:`write_geotiff`, laid out as a cloud-optimised GeoTIFF with overviews.

    ``colours`` (value to red, green, blue) is a colour table for one band of classes.
    """
    _write(Path(path), array, grid, "COG", nodata, tags, descriptions, colours)


def _write(
    path: Path,
    array: NDArray[np.generic],
    grid: Grid,
    driver: str,
    nodata: float | None,
    tags: Mapping[str, str] | None,
    descriptions: Sequence[str] | None,
    colours: Mapping[int, tuple[int, int, int]] | None = None,
) -> None:
    bands = _checked(path, array, grid)
    profile = {
        "width": grid.width,
        "height": grid.height,
        "count": len(bands),
        "dtype": bands.dtype.name,
        "crs": None if grid.crs is None else parse_crs(grid.crs),
        "transform": Affine(*grid.transform),
        "nodata": nodata,
        "compress": "deflate",
        "BIGTIFF": "IF_SAFER",
    }
    layout = {"blocksize": 256} if driver == "COG" else {"tiled": True, "blockxsize": 256, "blockysize": 256}
    # GDAL reports a full disk only when the file is closed, and then without an error: so the bytes are made in memory
    # and written by Python, whose errors are certain.
    with (
        replacing(path) as temporary,
        gdal(path, "written"),
        without_georeference_warning(),
        MemoryFile(ext=".tif") as memory,
    ):
        with memory.open(driver=driver, **profile, **layout) as dataset:
            dataset.write(bands)
            dataset.update_tags(**(tags or {}))
            for index, description in enumerate(descriptions or (), start=1):
                dataset.set_band_description(index, description)
            if colours:
                dataset.write_colormap(1, {value: (*colour, 255) for value, colour in colours.items()})
        with temporary.open("wb") as file:
            file.write(memory.getbuffer())
            file.flush()
            os.fsync(file.fileno())


def write_png(path: str | Path, rgba: NDArray[np.uint8], grid: Grid) -> tuple[Path, ...]:
    """Write ``rgba`` [rows, columns, 4] as a PNG with a world file (``.pgw``) beside it; returns both paths.

    A world file places the centre of the first pixel and knows no CRS. Raises :class:`ExportRefused`.
    """
    path = Path(path)
    bands = _checked(path, rgba.transpose(2, 0, 1), grid)
    a, b, _, d, e, _ = grid.transform
    x, y = grid.to_map(0.5, 0.5)
    world = path.with_suffix(".pgw")
    with gdal(path, "written"), without_georeference_warning(), MemoryFile(ext=".png") as memory:
        profile = {"driver": "PNG", "width": grid.width, "height": grid.height, "count": len(bands), "dtype": "uint8"}
        with memory.open(**profile) as dataset:
            dataset.write(bands)
        content = bytes(memory.getbuffer())
    with replacing(world) as temporary:
        temporary.write_text("".join(f"{number!r}\n" for number in (a, d, b, e, x, y)), encoding="ascii")
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path, world


def _checked(path: Path, array: NDArray[np.generic], grid: Grid) -> NDArray[np.generic]:
    bands = array[np.newaxis] if array.ndim == 2 else array
    if bands.ndim != 3 or bands.shape[1:] != (grid.height, grid.width):
        raise ExportRefused(
            f"{path.name} cannot be written: an array of {array.shape} does not fit a grid of "
            f"{grid.height} rows and {grid.width} columns."
        )
    return bands
