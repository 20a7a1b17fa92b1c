"""The awkward files of the shared data: each opened and shown, or refused in one sentence that names it and why.

Every file is tried in a process of its own, whose memory and time are limited: none may crash, hang or swell.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_SECONDS = 40
MOST_MEGABYTES = 1500

SCRIPT = textwrap.dedent("""
    import json, resource, sys
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    from engine.errors import InputRefused
    from engine.raster import default_display, identify, open_raster, render
    from engine.records import PixelWindow
    from tests.peak_memory import peak_megabytes
    said = {}
    try:
        with open_raster(sys.argv[1]) as raster:
            info = raster.info
            whole = PixelWindow(0, 0, info.width, info.height)
            display = default_display(raster)
            for draft in (True, False):
                rgba, sparse = render(raster, whole, 256, 256, display, draft=draft)
            raster.read(whole, 256, 256)
            identify(raster, info.width // 2, info.height // 2)
            said = {"opened": True, "valid": float((rgba[..., 3] > 0).mean()), "georeference": info.georeference,
                    "crs": info.grid.crs, "notices": info.notices, "bands": len(info.bands), "sensor": info.sensor}
    except InputRefused as error:
        said = {"opened": False, "reason": str(error), "error": type(error).__name__}
    said["megabytes"] = peak_megabytes()
    print(json.dumps(said))
""")

# One or two of each kind: huge, GCP, RPC, rotated, palette, masks, Mars, dateline, scale, NaN, complex, bombs, damage.
FAST = (
    "rasterio/RGB.byte.gcp.vrt",
    "rasterio/rotated.tif",
    "rasterio/all-nodata.tif",
    "rio_tiler/cog_world.tif",
    "rio_tiler/cog_cmap.tif",
    "rio_tiler/cog_hirise_mars.tif",
    "rio_tiler/cog_dateline.tif",
    "rio_tiler/cog_scale.tif",
    "rioxarray/cint16.tif",
    "rioxarray/test_rpcs.tif",
    "enmapbox/enmap_potsdam_tile_160_160_224bands.tif",
    "xarray_sentinel_sparse/s1b-iw-grd-vv-20210401t052623-20210401t052648-026269-032297-001.tiff",
    "geotrellis/jpeg-test-deflate-small.tif",
    "image_tiff_fuzz/inf_loop_050.tif",
    "image_tiff_fuzz/oom_crash_114.tif",
    "pillow/seek_too_large.tif",
)


def attempt(path: Path) -> dict:
    command = [sys.executable, "-c", SCRIPT, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    assert done.returncode == 0, f"{path.name} ended the process with {done.returncode}: {done.stderr[-800:]}"
    assert done.stderr == "", f"{path.name} let GDAL talk to the terminal: {done.stderr[:300]}"
    return json.loads(done.stdout)


def judge(name: str, expected: str, said: dict) -> None:
    assert said["megabytes"] < MOST_MEGABYTES, name
    plain = expected.split(maxsplit=1)[0]
    if plain in ("OK", "HUGE"):
        assert said["opened"], f"{name} is read by a plain open, and was refused: {said.get('reason')}"
    else:
        assert not said["opened"], f"{name} is damaged ({expected}), and nobody noticed"
        assert said["error"] == "RasterUnreadable"
        assert said["reason"].startswith(Path(name).name), said["reason"]
        assert len(said["reason"]) > len(Path(name).name) + 25, "the reason is in the sentence"
        assert said["reason"].endswith(".")


def outcomes(shared_data: Path, names: list[str]) -> dict[str, dict]:
    folder = shared_data / "io"
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(lambda name: attempt(folder / name), names), strict=True))


@pytest.fixture(scope="module")
def expected(shared_data) -> dict[str, str]:
    return json.loads((shared_data / "io" / "EXPECTED_rasterio_1.4.4.json").read_text())


@pytest.mark.real
def test_one_of_each_kind(shared_data, expected):
    tried = outcomes(shared_data, list(FAST))
    for name, said in tried.items():
        judge(name, expected[name], said)
    assert tried["rasterio/RGB.byte.gcp.vrt"]["georeference"] == "gcps"
    assert tried["rioxarray/test_rpcs.tif"]["georeference"] == "rpc"
    assert tried["rioxarray/cint16.tif"]["sensor"] == "sar"
    assert tried["rasterio/all-nodata.tif"]["valid"] == 0
    assert any("not of the Earth" in notice for notice in tried["rio_tiler/cog_hirise_mars.tif"]["notices"])
    assert any("pixels" in notice for notice in tried["rasterio/rotated.tif"]["notices"])
    assert "ZIPDecode" in tried["geotrellis/jpeg-test-deflate-small.tif"]["reason"]


@pytest.mark.real
@pytest.mark.slow
def test_every_file(shared_data, expected):
    for name, said in outcomes(shared_data, list(expected)).items():
        judge(name, expected[name], said)
