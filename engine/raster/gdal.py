"""GDAL as this program runs it: a small block cache, no network, no chatter, and its errors in our own words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from engine.errors import RasterUnreadable

# 64 MB of decoded blocks: enough for two panes' worth of tiles. GDAL's own default, 5 % of the machine's memory,
# would be 1.2 GB here, in each of three processes.
BLOCK_CACHE_BYTES = 64 * 1024 * 1024

_OPTIONS = {
    "GDAL_CACHEMAX": BLOCK_CACHE_BYTES,
    # A VRT can name a URL; an analyst's file must not make this program call somebody.
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    # Statistics that GDAL would like to keep in "<file>.aux.xml" beside files that are not ours.
    "GDAL_PAM_ENABLED": "YES",
    "ESRI_XML_PAM": "NO",
}


def _reason(error: BaseException, path: Path) -> str:
    """GDAL's own words: the deepest cause says what was wrong, the outer ones only that something was."""
    while error.__cause__ is not None:
        error = error.__cause__
    words = " ".join(str(error).split()).removeprefix(str(path)).removeprefix(path.name).lstrip(": ").rstrip(".")
    return words or type(error).__name__


@contextmanager
def gdal(path: Path, doing: str) -> Iterator[None]:
    """Run GDAL calls on ``path``; a failure becomes :class:`RasterUnreadable` with ``doing`` and GDAL's reason."""
    with rasterio.Env(**_OPTIONS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # we say it ourselves, as a notice
        try:
            yield
        except (RasterioError, CPLE_BaseError) as error:
            raise RasterUnreadable(
                f"{path.name} cannot be {doing}: {_reason(error, path)}.",
                remedy="Check that the file is whole, for instance with gdalinfo.",
            ) from error
