"""Every real pair opens, passes the gate, answers and exports; a wrong pair is refused. On imagery of ``../shared``."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from engine.errors import PairRefused
from engine.export import write_answer
from engine.jobs.ask import Asker
from engine.raster import open_raster
from engine.records import AskRequest, PixelWindow
from tests.conftest import shared_data_folder

QUESTION = "Is there water in the image?"
AREA = PixelWindow(20, 30, 80, 70)


def real_pairs() -> dict[str, tuple[Path, Path]]:
    """Name -> optical and SAR file of every pair there is."""
    data = shared_data_folder()
    if data is None:
        return {}
    pairs = data / "pairs"
    found = {
        p.name[:3]: (p, p.with_name(p.name.replace("opt", "sar"))) for p in (pairs / "sentinel_1024").glob("*opt*")
    }
    for folder in sorted((pairs / "bigearthnet_120").iterdir()):
        found[folder.name] = (folder / "optical_B02_B03_B04_B08.tif", folder / "sar_VV_VH_dB.tif")
    for path in sorted((pairs / "terramesh_224" / "S2L2A").glob("*.tif")):
        found[path.stem] = (path, pairs / "terramesh_224" / "S1RTC" / path.name)
    cloudy = pairs / "cloudy_256"
    found["cloudy"] = next(cloudy.glob("*s2_cloudy*.tif")), next(cloudy.glob("*s1_*.tif"))
    spacenet = data / "pairs_and_labels_spacenet" / "sn6_rotterdam"
    found["spacenet"] = spacenet / "rgb_unmasked.tif", spacenet / "sar_masked.tif"
    return found


PAIRS = real_pairs()
FAST = {"059", "S2A_MSIL2A_20170613T101031_87_48", "cloudy", "spacenet"}
EACH_PAIR = [
    pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow], id=name) for name in sorted(PAIRS)
] or [pytest.param("none", marks=pytest.mark.skip("real imagery is not here: ../shared/data is absent"))]


@pytest.fixture(scope="module")
def asker() -> Asker:
    return Asker("cpu", process="tests")


def request(optical: Path | None, sar: Path | None, folder: Path, **more: object) -> AskRequest:
    paths = [None if path is None else str(path) for path in (optical, sar)]
    return AskRequest(QUESTION, *paths, folder=str(folder), window=AREA, **more)  # type: ignore[arg-type]


@pytest.mark.real
@pytest.mark.parametrize("name", EACH_PAIR)
def test_a_real_pair_opens_aligns_answers_and_exports_in_place(name, asker, tmp_path):
    optical, sar = PAIRS[name]
    answer = asker.answer(request(optical, sar, tmp_path))
    assert answer.gate.verdict in ("aligned", "resampled")
    probabilities = [alternative.probability for alternative in answer.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-6
    assert (answer.answer, answer.confidence) == (answer.alternatives[0].answer, probabilities[0])
    assert set(answer.experts) == {"optical", "sar", "fusion"}
    files = write_answer(answer, tmp_path / "out", ("geojson", "gpkg", "cog", "png", "json"))

    with open_raster(optical) as raster:
        grid = raster.info.grid
    geopackage = next(f for f in files if f.suffix == ".gpkg")
    corners = np.array([grid.to_map(*corner) for corner in AREA.box.corners])
    meta = pyogrio.read_info(geopackage, layer="answers")
    bounds = pyogrio.read_bounds(geopackage, layer="answers")[1][:, 0]
    pixel = math.dist(grid.to_map(0, 0), grid.to_map(1, 0))
    assert np.abs(bounds - [*corners.min(0), *corners.max(0)]).max() < 0.01 * pixel
    assert meta["crs"] is not None
    cogs = [f for f in files if f.suffix == ".tif"]
    assert len(cogs) == len(answer.explanations)
    for cog in cogs:
        with open_raster(cog) as raster:
            assert raster.info.grid.crs == grid.crs
            left, _, right, _ = raster.info.grid.bounds
            assert left <= bounds[0] + pixel
            assert right >= bounds[2] - pixel


@pytest.mark.real
def test_the_files_of_two_places_swapped_are_refused(asker, shared_data, tmp_path):
    terramesh = shared_data / "pairs" / "terramesh_224"
    one, other = sorted((terramesh / "S2L2A").glob("*.tif"))
    with pytest.raises(PairRefused, match="different places"):
        asker.answer(request(one, terramesh / "S1RTC" / other.name, tmp_path))
    with pytest.raises(PairRefused, match="different places"):
        asker.answer(request(PAIRS["059"][0], PAIRS["cloudy"][1], tmp_path))


@pytest.mark.real
def test_a_pair_that_only_looks_co_registered_is_resampled_and_says_so(asker, shared_data, tmp_path):
    folder = shared_data / "bad_pairs" / "different_grid"
    optical = next(folder.glob("s2a/*0604*/B4.tif"))
    sar = next(folder.glob("s1/*20200607*/VV.tif"))
    answer = asker.answer(request(optical, sar, tmp_path))
    assert answer.gate.verdict == "resampled"
    assert any("resampled" in message for message in answer.gate.messages)


@pytest.mark.real
@pytest.mark.parametrize("missing", ["optical", "sar"])
def test_one_sensor_alone_answers_and_says_so(missing, asker, tmp_path):
    optical, sar = PAIRS["059"]
    answer = asker.answer(
        request(None if missing == "optical" else optical, None if missing == "sar" else sar, tmp_path)
    )
    assert answer.gate.verdict == "single-sensor"
    assert missing not in answer.experts
    assert answer.messages


@pytest.mark.real
def test_missing_data_is_told_as_a_share(asker, tmp_path):
    """39 % of the SpaceNet SAR chip is NaN without a nodata tag."""
    optical, sar = PAIRS["spacenet"]
    whole = AskRequest(QUESTION, str(optical), str(sar), folder=str(tmp_path))
    answer = asker.answer(whole)
    assert answer.area.valid_sar == pytest.approx(0.61, abs=0.03)
    assert any("no SAR data" in message for message in answer.messages)
