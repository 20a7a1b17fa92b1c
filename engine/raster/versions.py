"""Which GDAL and PROJ read the rasters, for ``rsqa doctor``."""

from __future__ import annotations

import rasterio


def library_versions() -> dict[str, str]:
    """Versions of the libraries inside rasterio's wheel. Other packages bring copies of their own."""
    return {"rasterio": rasterio.__version__, "gdal": rasterio.__gdal_version__, "proj": rasterio.__proj_version__}
