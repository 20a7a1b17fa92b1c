"""``rsqa ask`` as a user runs it: a process of its own, a real network (untrained and tiny), files on a disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely

from tests.engine.jobs.conftest import Pair, pair, tiny_model  # noqa: F401  (fixtures)

COMMAND = [sys.executable, "-m", "engine.cli.main", "ask"]


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}


def ask(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *argv], capture_output=True, text=True, env=environment(folder), check=False, timeout=120
    )


@pytest.mark.real
def test_a_real_pair_is_answered_and_its_exports_lie_on_it(shared_data: Path, tiny_model: str, tmp_path: Path) -> None:  # noqa: F811
    optical, sar = (str(shared_data / f"pairs/sentinel_1024/059_{sensor}.tif") for sensor in ("opt", "sar"))
    out = tmp_path / "out"
    done = ask(
        tmp_path, optical, sar, "Is there a harbour?", "--weights", tiny_model, "--device", "cpu",
        "--area", "100,100,900,800", "--out", str(out), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said["experts"]) == {"optical", "sar", "fusion"}
    assert said["gate"]["verdict"] == "aligned"
    assert sorted(said["files"]) == sorted(map(str, out.iterdir()))
    with rasterio.open(optical) as dataset:
        to_pixel, crs = ~dataset.transform, pyproj.CRS(dataset.crs.to_wkt())
    (geopackage,) = out.glob("*.gpkg")
    meta, _, (wkb,), _ = pyogrio.raw.read(geopackage, layer="answers")
    assert pyproj.CRS(meta["crs"]).equals(crs, ignore_axis_order=True)
    corners = np.array([to_pixel @ point for point in shapely.from_wkb(wkb).exterior.coords])
    assert [*corners.min(axis=0), *corners.max(axis=0)] == pytest.approx([100, 100, 900, 800], abs=0.01)
    for name, path in said["explanations"].items():
        extent = said["explanation_maps"][name]["extent_px"]
        with rasterio.open(path) as dataset:
            left, top = to_pixel @ (dataset.transform @ (0, 0))
            right, bottom = to_pixel @ (dataset.transform @ (dataset.width, dataset.height))
            assert [left, top, right, bottom] == pytest.approx([extent[k] for k in ("x0", "y0", "x1", "y1")], abs=0.01)
            assert np.isfinite(dataset.read(1)).any()


def test_one_sensor_is_enough(pair: Pair, tmp_path: Path) -> None:  # noqa: F811
    done = ask(
        tmp_path,
        "-",
        pair.sar,
        "Is there water?",
        "--weights",
        pair.model,
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    assert "single-sensor" in done.stdout
    assert not list(tmp_path.glob("rsqa-ask-*"))  # the arrays went with the process
    assert not list((tmp_path / "out").glob("*optical*"))


def test_what_is_no_raster_exits_3_with_one_sentence(pair: Pair, tmp_path: Path) -> None:  # noqa: F811
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0" + bytes(40))
    done = ask(tmp_path, str(broken), pair.sar, "Is there water?", "--weights", pair.model, "--device", "cpu", "--json")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "broken.tif" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no SIGINT of its own")
def test_ctrl_c_exits_130_and_leaves_nothing(pair: Pair, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "out"
    argv = [pair.optical, pair.sar, "Is there water?", "--weights", pair.model, "--device", "cpu", "--out", str(out)]
    process = subprocess.Popen(
        [*COMMAND, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path)
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("rsqa-ask-*")) and time.monotonic() < deadline:
        time.sleep(0.01)  # until the command has begun its work
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    # Both are 130 to a shell. CPython ends itself by the signal although the interrupt was handled, where that fell
    # into an exec() of a string (a dataclass being made while a module is imported).
    assert process.returncode in (130, -signal.SIGINT), error
    assert "stopped" in error
    assert "Traceback" not in error
    assert not out.exists()
    assert not list(tmp_path.glob("rsqa-ask-*"))
