"""A question over a grid of tiles: layout, counts, missing sensors, stopping, memory."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from engine.errors import Cancelled, InputRefused, UsageError
from engine.jobs.ask import Asker
from engine.jobs.ask_tiles import TileAsker
from engine.protocol import from_json
from engine.records import AskRequest, AskTilesRequest, PixelWindow, TiledAnswer, TileGrid
from engine.records.tiles import NO_ANSWER, TILE_STATES
from tests.engine.jobs.brightness import ByBrightness, asker_with, write_halves
from tests.engine.jobs.child import write_raster

sizes = st.integers(1, 90)


@pytest.fixture
def halves(tmp_path) -> tuple[str, str]:
    return write_halves(tmp_path)


@pytest.fixture
def request_of(halves, tiny_model, tmp_path):
    def make(tile_gsd_m=None, max_tiles=4096, **changes) -> AskTilesRequest:
        fields = {"optical": halves[0], "sar": halves[1], "folder": str(tmp_path / "job"), "model": tiny_model}
        return AskTilesRequest(AskRequest("Is it bright?", **{**fields, **changes}), tile_gsd_m, max_tiles)

    return make


@pytest.fixture
def by_brightness(tiny_model) -> ByBrightness:
    return ByBrightness(tiny_model)


@pytest.fixture
def tile_asker(by_brightness, monkeypatch) -> TileAsker:
    return TileAsker(asker_with(by_brightness, monkeypatch))


def arrays_of(answer: TiledAnswer) -> dict[str, np.ndarray]:
    paths = answer.arrays
    return {
        name: np.load(getattr(paths, name), allow_pickle=False)
        for name in ("answer", "confidence", "state", "valid_optical", "valid_sar")
    }


def words_of(answer: TiledAnswer) -> list[list[str]]:
    """The map of answers in words, “” where there is none."""
    names = [count.answer for count in answer.counts]
    return [["" if i == NO_ANSWER else names[i] for i in row] for row in arrays_of(answer)["answer"]]


@given(st.integers(-99, 99), st.integers(-99, 99), sizes, sizes, st.integers(1, 120))
def test_tiles_cover_the_window_exactly_and_without_overlap(col_off, row_off, width, height, side):
    window = PixelWindow(col_off, row_off, width, height)
    tiles = TileGrid.over(window, side)
    covered = np.zeros((height, width), int)
    for row, column in tiles.positions():
        tile = tiles.tile(row, column)
        top, left = tile.row_off - row_off, tile.col_off - col_off
        assert 0 <= top <= height - tile.height
        assert 0 <= left <= width - tile.width
        covered[top : top + tile.height, left : left + tile.width] += 1
        assert (tile.width, tile.height) == (side, side) or row == tiles.rows - 1 or column == tiles.columns - 1
    assert (covered == 1).all()
    assert tiles.tiles == len(list(tiles.positions()))


def test_a_grid_that_does_not_fit_its_window_cannot_be_made():
    with pytest.raises(UsageError, match="do not make up"):
        TileGrid(PixelWindow(0, 0, 100, 100), 64, 2, 3)
    with pytest.raises(UsageError, match="no tile in row 2"):
        TileGrid.over(PixelWindow(0, 0, 100, 100), 64).tile(2, 0)


def test_the_map_of_answers_is_that_of_the_ground(tile_asker, request_of):
    """320 x 200 px of 10 m, tiles of 64 px: bright to column 160, so half of the third tile."""
    answer = tile_asker.answer(request_of())
    assert (answer.grid.rows, answer.grid.columns, answer.grid.side_px) == (4, 5, 64)
    for row in words_of(answer):
        assert (row[:2], row[3:]) == (["yes"] * 2, ["no"] * 2)
    assert answer.area.model_gsd_m == pytest.approx(10.0)
    assert answer.area.window == PixelWindow(0, 0, 320, 200)
    found = arrays_of(answer)
    assert (found["state"] == TILE_STATES.index("answered")).all()
    assert (found["valid_optical"] == 1).all()
    assert (found["valid_sar"] == 1).all()
    assert (answer.area.valid_optical, answer.area.valid_sar) == (1.0, 1.0)
    assert found["confidence"].dtype == np.float32
    assert answer.messages == ()


def test_counts_add_up_over_cut_tiles(tile_asker, request_of):
    """The last row is 8 px high of 64: an eighth of a tile's ground."""
    answer = tile_asker.answer(request_of())
    found = arrays_of(answer)["answer"]
    assert sum(count.tiles for count in answer.counts) == answer.grid.tiles == found.size
    assert sum(count.share for count in answer.counts) == pytest.approx(1)
    assert sum(count.area_m2 for count in answer.counts) == pytest.approx(3200 * 2000)
    for place, count in enumerate(answer.counts):
        assert count.tiles == np.count_nonzero(found == place)
    yes = next(count for count in answer.counts if count.answer == "yes")
    columns = yes.tiles / 4  # of 64 px each, the rows alike
    assert yes.share == pytest.approx(columns * 64 / 320)
    assert answer.states == {"answered": 20, "single-sensor": 0, "not-answerable": 0}


def test_the_folder_has_all_of_it(tile_asker, request_of, tmp_path):
    request = request_of()
    answer = tile_asker.answer(request)
    folder = tmp_path / "job"
    assert from_json((folder / "request.json").read_bytes(), AskTilesRequest) == request
    assert from_json((folder / "result.json").read_bytes(), TiledAnswer) == answer
    assert {path.name for path in folder.iterdir()} == {
        "request.json", "result.json", "tile-answer.npy", "tile-confidence.npy", "tile-state.npy",
        "tile-valid-optical.npy", "tile-valid-sar.npy",
    }  # fmt: skip


def test_cut_tiles_are_seen_at_the_scale_of_the_others(tile_asker, by_brightness, request_of):
    tile_asker.answer(request_of(window=PixelWindow(0, 0, 100, 70)))
    assert [area.optical.shape for area in by_brightness.seen] == [(3, 64, 64)] * 4
    whole, right, below, corner = (area.optical_valid for area in by_brightness.seen)
    assert whole.all()
    assert np.flatnonzero(right.any(0)).tolist() == list(range(14, 50)), "36 columns in the middle of 64"
    assert np.flatnonzero(below.any(1)).tolist() == list(range(29, 35)), "6 rows in the middle of 64"
    assert corner.sum() == 36 * 6
    for area in by_brightness.seen:
        assert np.isnan(area.optical[:, ~area.optical_valid]).all()


def test_a_coarser_scale_has_fewer_tiles(tile_asker, by_brightness, request_of):
    answer = tile_asker.answer(request_of(tile_gsd_m=20.0))
    assert (answer.grid.side_px, answer.grid.rows, answer.grid.columns) == (128, 2, 3)
    assert answer.area.model_gsd_m == pytest.approx(20.0)
    assert all(area.sar.shape == (1, 64, 64) for area in by_brightness.seen)
    answer = tile_asker.answer(request_of(tile_gsd_m=50.0))
    assert any("50.0 m per pixel at the model, outside its range (5 to 20 m)" in said for said in answer.messages)


def test_the_nearest_trained_scale_is_taken_for_a_raster_outside_of_it(tile_asker, request_of, halves, tmp_path):
    """The same rasters told to be of 40 m; the model was trained for 5 to 20 m."""
    for path in halves:
        with rasterio.open(path, "r+") as target:
            target.transform = rasterio.Affine(40, 0, 500000, 0, -40, 5400000)
    answer = tile_asker.answer(request_of())
    assert (answer.grid.side_px, answer.area.model_gsd_m) == (32, 20.0)
    assert not any("range" in said for said in answer.messages)


def test_native_scale_for_a_model_whose_scales_nobody_knows(tile_asker, by_brightness, request_of, monkeypatch):
    """The card of a model that was trained on pictures without metres."""
    unknown = replace(by_brightness.card, trained_gsd_m=(0.0, 0.0))
    by_brightness.card = unknown
    monkeypatch.setattr("engine.jobs.ask_tiles.read_card", lambda folder: unknown)
    answer = tile_asker.answer(request_of())
    assert (answer.grid.side_px, answer.area.model_gsd_m) == (64, 10.0)
    assert "The model's card does not say which scales it was trained for." in answer.messages


def test_too_many_tiles_are_refused_with_the_number_before_a_model_is_loaded(request_of):
    stages: list[str] = []
    with pytest.raises(InputRefused, match=r"20 tiles of 10 m per pixel, more than the 19 allowed") as refused:
        TileAsker(Asker("cpu")).answer(request_of(max_tiles=19), progress=lambda stage, *_: stages.append(stage))
    assert "--tile-gsd" in refused.value.remedy
    assert stages == ["check"]


def test_a_sensor_without_data_in_some_tiles(tile_asker, request_of, halves):
    """SAR ends at column 128; of optical nothing is left in the last column of tiles."""
    with rasterio.open(halves[1], "r+") as target:
        values = target.read()
        values[:, :, 128:] = np.nan
        target.write(values)
    with rasterio.open(halves[0], "r+") as target:
        values = target.read()
        values[:, :, 256:] = 0
        target.write(values)
    answer = tile_asker.answer(request_of())
    states = [[TILE_STATES[code] for code in row] for row in arrays_of(answer)["state"]]
    assert states == [["answered"] * 2 + ["single-sensor"] * 2 + ["not-answerable"]] * 4
    assert answer.states == {"answered": 8, "single-sensor": 8, "not-answerable": 4}
    assert "8 of 20 tiles were answered by the optical image alone: the SAR image has no data there." in answer.messages
    assert "4 of 20 tiles were not answerable: no sensor has data there." in answer.messages
    assert "60 % of this area has no SAR data." in answer.messages
    found = arrays_of(answer)
    assert (found["answer"][:, 4] == NO_ANSWER).all()
    assert np.isnan(found["confidence"][:, 4]).all()
    assert sum(count.tiles for count in answer.counts) == 16
    assert sum(count.share for count in answer.counts) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sar": None}, "by the optical image alone: there is no SAR image."),
        ({"mute": ("optical",)}, "by the SAR image alone: the optical image is muted."),
    ],
)
def test_one_sensor_only(tile_asker, request_of, changes, why):
    answer = tile_asker.answer(request_of(**changes))
    assert f"All 20 tiles were answered {why}" in answer.messages
    assert answer.states["single-sensor"] == 20
    assert words_of(answer)[0][0] == "yes"


def test_nothing_to_answer_from(tile_asker, by_brightness, request_of, halves):
    with pytest.raises(InputRefused, match="muted"):
        tile_asker.answer(request_of(mute=("optical",), sar=None))
    with rasterio.open(halves[0], "r+") as target:
        values = target.read()
        values[:, :, 160:] = 0
        target.write(values)
    with pytest.raises(InputRefused, match="no data in this area"):
        tile_asker.answer(request_of(sar=None, window=PixelWindow(170, 0, 100, 100)))
    by_brightness.config = replace(by_brightness.config, network="single", fusion="add", sensors="optical")
    with pytest.raises(InputRefused, match="this model looks at optical only"):
        tile_asker.answer(request_of(mute=("sar",), window=PixelWindow(170, 0, 100, 100)))


def test_a_tile_is_answered_as_its_window_is(pair, tiny_model, tmp_path):
    """With the real predictor: whole tiles as ``ask`` answers them, whatever shares their batch."""
    asker = Asker("cpu")
    ask = AskRequest("How many ships are there?", pair.optical, pair.sar, str(tmp_path / "job"), model=tiny_model)
    tiled = TileAsker(asker).answer(AskTilesRequest(ask))
    found = arrays_of(tiled)
    assert found["answer"].shape == (3, 4)
    for row, column in [(0, 0), (1, 2), (2, 3)]:
        window = tiled.grid.tile(row, column)
        single = asker.answer(AskRequest(ask.question, pair.optical, pair.sar, ask.folder, window, model=tiny_model))
        assert single.answer == tiled.counts[found["answer"][row, column]].answer
        assert single.confidence == pytest.approx(float(found["confidence"][row, column]), abs=1e-5)


def test_progress_is_told_and_a_stop_heeded_between_tiles(tiny_model, monkeypatch, request_of, tmp_path):
    slow = ByBrightness(tiny_model, seconds=0.1)
    told: list[tuple[str, float | None]] = []
    stopped_at: list[float] = []

    def cancelled() -> bool:
        if sum(stage == "tiles" for stage, _ in told) >= 8 and not stopped_at:
            stopped_at.append(time.perf_counter())
        return bool(stopped_at)

    with pytest.raises(Cancelled):
        TileAsker(asker_with(slow, monkeypatch)).answer(
            request_of(), progress=lambda *stage: told.append(stage[:2]), cancelled=cancelled
        )
    assert time.perf_counter() - stopped_at[0] < 1
    shares = [share for stage, share in told if stage == "tiles"]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1
    assert not list(Path(tmp_path / "job").glob("*.npy")), "a stopped question leaves no half of an answer"


def test_batches_grow_only_as_far_as_a_stop_allows(tiny_model, monkeypatch, request_of):
    lengths = []
    for predictor in (ByBrightness(tiny_model), ByBrightness(tiny_model, seconds=0.15)):
        spy = Mock(wraps=predictor.answer_each)
        monkeypatch.setattr(predictor, "answer_each", spy)
        TileAsker(asker_with(predictor, monkeypatch)).answer(request_of())
        lengths.append([len(call.args[0]) for call in spy.call_args_list])
    quick, slow = lengths
    assert sum(quick) == sum(slow) == 20
    assert max(quick) > 4
    assert max(slow) <= 2


IN_CHILD = """
import sys
from engine.jobs.ask import Asker
from engine.jobs.ask_tiles import TileAsker
from engine.records import AskRequest, AskTilesRequest, PixelWindow
from tests.engine.jobs.brightness import ByBrightness
from tests.peak_memory import peak_megabytes

optical, sar, folder, model = sys.argv[1:]
stand_in = ByBrightness(model)
stand_in.seen = type("Forgetful", (list,), {"__iadd__": lambda self, areas: self})()
asker = Asker("cpu")
asker.predictor = lambda *_: stand_in
ask = lambda window: AskTilesRequest(AskRequest("Is it bright?", optical, sar, folder, window, model=model), 40.0)
TileAsker(asker).answer(ask(PixelWindow(0, 0, 600, 600)))
before = peak_megabytes()
answer = TileAsker(asker).answer(ask(None))
print(answer.grid.tiles, answer.states["answered"], before, peak_megabytes())
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_does_not_grow_with_the_raster(tmp_path, tiny_model):
    """8,000 x 8,000 px: 448 MB of pixels, of which a batch of tiles and GDAL's cache of 64 MB are ever held."""
    options = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "zlevel": 1}
    bright = np.repeat(np.arange(8000) < 4000, 8000).reshape(8000, 8000).T
    optical = write_raster(tmp_path / "o.tif", np.stack([bright * np.uint8(150) + np.uint8(50)] * 3), **options)
    sar = write_raster(tmp_path / "s.tif", (bright * np.float32(20) - np.float32(25))[np.newaxis], **options)
    child = subprocess.run(
        [sys.executable, "-c", IN_CHILD, optical, sar, str(tmp_path / "job"), tiny_model],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    tiles, answered, before, after = map(float, child.stdout.split())
    assert tiles == answered == 32**2
    assert after - before < 150, f"{before:.0f} MB before, {after:.0f} MB after"
