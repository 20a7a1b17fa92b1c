"""GDAL as this program runs it: a small block cache, no network, no chatter, and its errors in our own words."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from engine.errors import RasterUnreadable

# Megabytes of decoded blocks that GDAL keeps: two panes' worth of tiles. Its own default, 5 % of the memory, would be
# gigabytes on a large machine, in each of our processes. It is in the environment because GDAL reads it once for all
# threads, where a rasterio.Env would set it back on leaving while another thread is still reading.
os.environ.setdefault("GDAL_CACHEMAX", "64")

_OPTIONS = {
    # A VRT can name a URL; an analyst's file must not make this program call somebody.
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
}


# Python's warning filters belong to the whole process, and two threads may open files at once.
_filters = threading.Lock()


@contextmanager
def gdal(path: Path, doing: str) -> Iterator[None]:
    """Run GDAL calls on ``path``; a failure becomes :class:`RasterUnreadable` with ``doing`` and GDAL's reason."""
    with rasterio.Env(**_OPTIONS):
        try:
            yield
        except (RasterioError, CPLE_BaseError) as error:
            raise RasterUnreadable(
                f"{path.name} cannot be {doing}: {_reason(error, path)}.",
                remedy="Check that the file is whole, for instance with gdalinfo.",
            ) from error


@contextmanager
def without_georeference_warning() -> Iterator[None]:
    """Keep rasterio from warning about files without a georeference: we say it ourselves, as a notice."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _reason(error: BaseException, path: Path) -> str:
    """GDAL's own words: the deepest cause says what was wrong, the outer ones only that something was."""
    while error.__cause__ is not None:
        error = error.__cause__
    words = " ".join(str(error).split()).replace(f"{path}: ", "").replace(str(path), path.name)
    return words.removeprefix(path.name).lstrip(":, ").rstrip(".") or type(error).__name__
