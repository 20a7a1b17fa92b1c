"""Weather on files: type, place and empty pixels stay, what is hidden is white or gone, and a folder is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.main import main
from engine.datasets.building import adverse
from engine.datasets.building.adverse import LINES, REPORT, build_adverse, weathered
from engine.errors import Cancelled, InputRefused, UsageError
from engine.raster import open_raster, write_geotiff
from engine.records import Grid, PixelWindow
from tests.engine.datasets.fabricate.pictures import write_picture

GRID = Grid(96, 64, (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0), "EPSG:32631", 10.0)


def write(path: Path, dtype: Any = np.uint8, *, bands: int = 3, nodata: float | None = None) -> np.ndarray:
    """An image of soft noise that fills the range of 8 bits, or 200 to 3000, or 0.02 to 0.5; the first rows empty."""
    coarse = np.random.default_rng(1).random((bands, 8, 12)).repeat(8, 1).repeat(8, 2)
    low, high = {"u1": (1, 255), "u2": (200, 3000), "f4": (0.02, 0.5)}[np.dtype(dtype).str[1:]]
    values = (low + (high - low) * coarse).astype(dtype)
    if nodata is not None:
        values[:, :8] = nodata
    write_geotiff(path, values, GRID, nodata=nodata)
    return values


def stored(path: Path) -> np.ndarray:
    with open_raster(path, sensor="optical") as raster:
        bands = tuple(band.index for band in raster.info.bands)
        return raster.read(PixelWindow(0, 0, 96, 64), 96, 64, bands=bands).values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("weather", ["cloud", "fog", "dark"])
def test_type_place_and_empty_pixels_stay(weather: Any, dtype: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    before = write(tmp_path / "in" / "a.tif", dtype, nodata=0)
    made = build_adverse(tmp_path / "in", tmp_path / "out", weather, 0.8)
    with open_raster(tmp_path / "out" / "a.tif") as raster:
        assert raster.info.grid == GRID
        assert [(band.dtype, band.nodata) for band in raster.info.bands] == [(np.dtype(dtype).name, 0.0)] * 3
    after = stored(tmp_path / "out" / "a.tif")
    assert np.isnan(after[:, :8]).all()
    assert np.isfinite(after[:, 8:]).all()  # darkness makes no holes
    assert not np.array_equal(after[:, 8:], before[:, 8:])
    assert after[:, 8:].max() <= before.max()
    brighter = after[:, 8:].mean() > before[:, 8:].mean()
    assert brighter == (weather != "dark")
    (line,) = made.done
    low, high = line["stretch"]
    assert (low, high) == (0, 255) if dtype == np.uint8 else before[:, 8:].min() <= low < high <= before.max()
    assert bool(made.notes) == (dtype != np.uint8)


def test_hidden_ground_is_the_same_white_whatever_lies_there(tmp_path: Path) -> None:
    picture = write(tmp_path / "a.tif")
    write_geotiff(tmp_path / "b.tif", np.ascontiguousarray(255 - picture + 1), GRID)
    one, other = (weathered(tmp_path / name, "cloud", 0.8, 3, 0) for name in ("a.tif", "b.tif"))
    assert 0.1 < one.hidden.mean() < 0.9
    np.testing.assert_array_equal(one.hidden, other.hidden)
    apart = np.abs(one.pixels.astype(float) - other.pixels.astype(float))
    assert apart[:, one.hidden].max() <= 0.13 * 255  # 12 % of the ground shines through at most
    assert one.pixels[:, one.hidden].mean() > 0.8 * 255


@settings(max_examples=12)
@given(st.sampled_from(["cloud", "fog", "dark"]), st.floats(0.1, 0.9), st.integers(0, 1 << 30))
def test_stronger_weather_leaves_less(
    tmp_path_factory: pytest.TempPathFactory, weather: Any, strength: float, seed: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "one.tif"
    write(path)
    weak, strong = (weathered(path, weather, one, seed, 0) for one in (strength, strength + 0.1))
    assert weak.hidden.mean() <= strong.hidden.mean()
    if weather == "dark":
        assert strong.pixels.mean() <= weak.pixels.mean()


def test_seed_and_place_in_the_set_decide_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a.tif")
    first = weathered(tmp_path / "a.tif", "cloud", 0.7, 5, 2)
    np.testing.assert_array_equal(first.pixels, weathered(tmp_path / "a.tif", "cloud", 0.7, 5, 2).pixels)
    for seed, number in ((6, 2), (5, 3)):
        assert not np.array_equal(first.hidden, weathered(tmp_path / "a.tif", "cloud", 0.7, seed, number).hidden)


def test_one_grey_band_stays_one(tmp_path: Path) -> None:
    write(tmp_path / "pan.tif", np.uint16, bands=1)
    assert weathered(tmp_path / "pan.tif", "fog", 0.5, 0, 0).pixels.shape == (1, 64, 96)


def test_what_cannot_be_used_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = tmp_path / "in"
    write_picture(images / "good.png", 1, side=64)
    (images / "notes.txt").write_text("no image", encoding="utf-8")
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    small = Grid(48, 48, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    write_geotiff(images / "phase.tif", np.ones((1, 48, 48), np.complex64), small)
    write_geotiff(images / "decibels.tif", np.full((1, 48, 48), -12, np.float32), small)
    write_geotiff(images / "scaled.tif", np.ones((3, 48, 48), np.uint16), small)
    with rasterio.open(images / "scaled.tif", "r+") as dataset:
        dataset.scales = (0.0001,) * 3
    write(images / "large.tif")
    monkeypatch.setattr(adverse, "MOST_PIXELS", 64 * 64)
    made = build_adverse(images, tmp_path / "out", "cloud", 0.6)
    told = {line["source"]: line["why"] for line in made.left_out}
    assert [line["image"] for line in made.done] == ["good.tif"]
    assert sorted(told) == ["broken.png", "decibels.tif", "large.tif", "phase.tif", "scaled.tif"]
    assert "96 x 64 pixels, more than the 4,096" in told["large.tif"]
    for name, why in {"phase": "complex", "decibels": "no brightness", "scaled": "a scale of their own"}.items():
        assert why in told[f"{name}.tif"]
    report = json.loads((tmp_path / "out" / REPORT).read_text(encoding="utf-8"))
    assert report["left_out"] == [dict(line) for line in made.left_out]


@pytest.mark.parametrize(
    ("weather", "strength", "error"),
    [("cloud", 0.0, UsageError), ("clear", 0.5, UsageError), ("snow", 0.5, UsageError), ("fog", 1.5, UsageError)],
)
def test_what_makes_no_sense_is_refused(weather: Any, strength: float, error: Any, tmp_path: Path) -> None:
    with pytest.raises(error, match="no adverse weather"):
        build_adverse(tmp_path, tmp_path / "out", weather, strength)


def test_nothing_is_left_of_what_was_stopped_or_found_nothing(tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / "in" / f"{number}.png", number)
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        build_adverse(tmp_path / "in", tmp_path / "out", "fog", 0.5, cancelled=cancelled)
    (tmp_path / "empty").mkdir()
    for empty in ("empty", "nowhere"):
        with pytest.raises(InputRefused, match="no image"):
            build_adverse(tmp_path / empty, tmp_path / "out", "fog", 0.5)
    with pytest.raises(UsageError, match="in one another"):
        build_adverse(tmp_path / "in", tmp_path / "in" / "out", "fog", 0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "in"]


def test_the_command_tells_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        write_picture(tmp_path / "in" / f"{number}.png", number)
    command = [
        "dataset",
        "build",
        "adverse",
        "--images",
        str(tmp_path / "in"),
        "--weather",
        "dark",
        "--strength",
        "0.3",
    ]
    assert main([*command, "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    lines = [json.loads(line) for line in (tmp_path / "out" / LINES).read_text(encoding="utf-8").splitlines()]
    assert told["done"] == lines
    assert [line["image"] for line in lines] == ["0.tif", "1.tif"]
    assert {line["fog_dark"] for line in lines} == {None}  # too weak for a word
    first = (tmp_path / "out" / "1.tif").read_bytes()
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "2 images" in capsys.readouterr().out
    assert (tmp_path / "out" / "1.tif").read_bytes() == first


@pytest.mark.real
def test_real_images_of_16_bits_keep_place_type_and_what_the_sky_leaves_open(shared_data: Path, tmp_path: Path) -> None:
    paths = sorted((shared_data / "pairs" / "bigearthnet_120").glob("*/optical*.tif"))
    for number, path in enumerate(paths):
        made = weathered(path, "cloud", 0.6, 1, number)
        with open_raster(path, sensor="optical") as raster:
            before = raster.read(PixelWindow(0, 0, 120, 120), 120, 120).values
            assert made.grid == raster.info.grid
        assert made.pixels.dtype == np.uint16
        low, high = made.stretch
        inside = (before >= low) & (before <= high)
        unchanged = np.abs(made.pixels.astype(float) - before) <= 1 + (high - low) / 255
        open_sky = unchanged.all(axis=0)
        assert 0.02 < open_sky.mean() < 1 - made.hidden.mean()
        assert (unchanged | ~inside)[:, open_sky].all()
        assert made.pixels[:, made.hidden].mean() > low + 0.8 * (high - low)
