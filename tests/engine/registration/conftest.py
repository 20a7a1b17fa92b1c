"""Small GeoTIFFs of one made-up place, written into the test's own folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

from tests.engine.registration.structured import pair

ORIGIN = 600_000.0, 5_700_000.0
STEP = 10.0
CRS = "EPSG:32631"


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """``write(name, image, x=…, y=…, step=…, crs=…, nodata=…, date=…, gcps=…)`` -> path.

    ``crs=None`` is a file without georeference, or with only the ``gcps``.
    """

    def to_file(
        name, image, *, x=ORIGIN[0], y=ORIGIN[1], step=STEP, crs="EPSG:32631", nodata=None, date=None, gcps=()
    ) -> Path:
        path = tmp_path / name
        profile = {"driver": "GTiff", "height": image.shape[0], "width": image.shape[1], "count": 1}
        if crs is not None:
            profile |= {"crs": crs, "transform": Affine(step, 0, x, 0, -step, y)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # that is what crs=None is for
            with rasterio.open(path, "w", dtype=image.dtype, nodata=nodata, **profile) as file:
                file.write(image, 1)
                if date:
                    file.update_tags(ACQUISITION_DATE=date)
                if gcps:
                    file.gcps = (gcps, CRS)
        return path

    return to_file


@pytest.fixture
def files(write) -> Callable[..., tuple[str, str]]:
    """``files(dx=…, dy=…, optical={…}, sar={…})`` -> two paths; the dictionaries are options of ``write``."""

    def pair_of_files(*, dx=0, dy=0, optical=None, sar=None) -> tuple[str, str]:
        images = pair(11, dx=dx, dy=dy)
        return (
            str(write("optical.tif", images[0].round().astype("uint8"), **(optical or {}))),
            str(write("sar_vv.tif", images[1], **(sar or {}))),
        )

    return pair_of_files
