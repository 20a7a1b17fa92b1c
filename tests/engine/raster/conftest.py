"""Rasters made to order for these tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from engine.raster.gdal import without_georeference_warning

UTM = Affine(10, 0, 500_000, 0, -10, 4_000_000)

MakeTiff = Callable[..., Path]


@pytest.fixture
def make_tiff(tmp_path: Path) -> MakeTiff:
    """``make_tiff(array, name="a.tif", **options)``: a GeoTIFF of [rows, columns] or [bands, rows, columns].

    Options are rasterio's, and ``descriptions``, ``tags``, ``scales``, ``offsets``, ``mask``, ``gcps``, ``colours``,
    ``colormap`` and ``overviews``. The CRS is UTM 31N and pixels have 10 m unless told otherwise.
    """

    def make(array: NDArray[Any], name: str = "a.tif", **options: Any) -> Path:
        bands = array[np.newaxis] if array.ndim == 2 else array
        after = {
            key: options.pop(key)
            for key in ("descriptions", "tags", "scales", "offsets", "mask", "gcps", "colours", "colormap", "overviews")
            if key in options
        }
        profile = {"crs": "EPSG:32631", "transform": UTM} if "gcps" not in after else {}
        profile |= {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
        profile |= {"dtype": bands.dtype.name, **options}
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            without_georeference_warning(),
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", **profile) as dataset,
        ):
            if "gcps" in after:
                dataset.gcps = after["gcps"]
            if "colours" in after:
                dataset.colorinterp = after["colours"]
            if "colormap" in after:
                dataset.write_colormap(1, after["colormap"])
            dataset.write(bands)
            for index, text in enumerate(after.get("descriptions", ()), start=1):
                dataset.set_band_description(index, text)
            dataset.update_tags(**after.get("tags", {}))
            if "scales" in after:
                dataset.scales, dataset.offsets = after["scales"], after["offsets"]
            if "mask" in after:
                dataset.write_mask(after["mask"])
            if "overviews" in after:
                dataset.build_overviews(after["overviews"])
        return path

    return make


@pytest.fixture
def ramp() -> NDArray[np.uint16]:
    """Every pixel its own number: ``row * 100 + column``, 60 rows of 80 columns."""
    return (np.arange(60)[:, None] * 100 + np.arange(80)).astype(np.uint16)
