"""``rsqa scenes`` end to end: files that open, lie on the map, and do not change when made again."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.cli.main import main
from engine.jobs.make_scenes import make_sample_pair, make_scenes
from engine.raster import open_raster
from engine.records import PixelWindow
from engine.scenes import make_sample
from engine.text import ANSWERS, QUESTION_TYPES


def pixels(path: Path) -> np.ndarray:
    with open_raster(path) as raster:
        info = raster.info
        return raster.read(PixelWindow(0, 0, info.width, info.height), info.width, info.height).values


def test_pairs_open_and_lie_apart(tmp_path: Path) -> None:
    made = make_scenes(tmp_path, 3, 7, size=128)
    assert made.pairs == 3
    bounds = []
    for index in range(3):
        with (
            open_raster(tmp_path / "optical" / f"00{index}.tif") as optical,
            open_raster(tmp_path / "sar" / f"00{index}.tif") as sar,
        ):
            assert optical.info.sensor == "optical"
            assert (sar.info.sensor, sar.info.sar_unit) == ("sar", "db")
            assert optical.info.grid == sar.info.grid
            assert optical.info.acquired == "2024-06-14"
            assert optical.info.grid.gsd_m == pytest.approx(make_sample(7 + index, size=128).gsd_m, rel=1e-3)
            bounds.append(optical.info.grid.bounds)
    assert all(a[2] <= b[0] for a, b in pairwise(bounds))


def test_files_hold_the_sample(tmp_path: Path) -> None:
    make_scenes(tmp_path, 1, 11)
    sample = make_sample(11, sar_unit="db")
    np.testing.assert_array_equal(pixels(tmp_path / "optical" / "000.tif"), sample.optical)
    np.testing.assert_array_equal(pixels(tmp_path / "sar" / "000.tif")[0], sample.sar_db)


def test_questions_are_listed(tmp_path: Path) -> None:
    made = make_scenes(tmp_path, 4, 0)
    rows = [json.loads(line) for line in (tmp_path / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == made.questions > 16
    for row in rows:
        assert set(row) == {"image", "question", "answer", "type"}
        assert (tmp_path / "optical" / row["image"]).is_file()
        assert row["answer"] in ANSWERS
        assert row["type"] in QUESTION_TYPES


@pytest.mark.parametrize(("word", "unit"), [("db", "db"), ("amplitude", "amplitude"), ("8bit", "stretched-8bit")])
def test_the_unit_is_recognised_when_opened(word: str, unit: str, tmp_path: Path) -> None:
    assert main(["scenes", "make", "--out", str(tmp_path), "--count", "1", "--seed", "3", "--delivery", word]) == 0
    with open_raster(tmp_path / "sar" / "000.tif") as sar:
        assert sar.info.sar_unit == unit


def test_the_sample_pair_is_the_same_twice(tmp_path: Path) -> None:
    first = make_sample_pair(tmp_path)
    before = pixels(Path(first.optical)), pixels(Path(first.sar))
    assert make_sample_pair(tmp_path) == first
    for was, path in zip(before, (first.optical, first.sar), strict=True):
        np.testing.assert_array_equal(was, pixels(Path(path)))
    with open_raster(first.sar) as sar:
        assert (sar.info.width, sar.info.height, sar.info.grid.crs) == (1024, 1024, "EPSG:32631")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["optical.tif", "sar.tif"]


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine.cli.main", "scenes", "make", "--count", "1", "--seed", "0", "--json"]
    done = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["pairs"] == 1


@pytest.mark.parametrize("options", [["--count", "0"], ["--count", "1", "--size", "20"], ["--count", "x"]])
def test_nonsense_is_refused(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["scenes", "make", "--out", str(tmp_path / "new"), "--seed", "0", *options]
    try:
        code = main(command)
    except SystemExit as stopped:  # argparse's own way
        code = int(stopped.code or 0)
    assert code == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert main(["scenes", "sample", "--out", str(blocked)]) == 3
    assert "cannot be written" in capsys.readouterr().err
