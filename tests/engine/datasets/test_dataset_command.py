"""``rsqa dataset build`` and ``import`` as a user runs them: one JSON object, exit codes, nothing left by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.datasets.check import check_dataset
from tests.engine.datasets.fabricate import class_map, four_sources, osvqa

COMMAND = [sys.executable, "-m", "engine.cli.main", "dataset"]


def source_options(folders: dict[str, Path]) -> list[str]:
    return [word for name, folder in folders.items() for word in ("--source", f"{name}={folder}")]


def test_build_optsar_rsvg_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = four_sources.fabricate(tmp_path / "in", pictures=8)
    out = tmp_path / "out"
    argv = ["dataset", "build", "optsar-rsvg", *source_options(folders), "--seed", "3", "--out", str(out), "--json"]
    assert main(argv) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["layout"] == "optsar-rsvg"
    assert printed["settings"]["seed"] == 3
    assert {"dropped", "flagged", "refused", "augmented"} == printed["lists"].keys()
    assert printed["statistics"]["task"] == "grounding"
    assert check_dataset(out).ok


def test_build_optsar_rsvg_prints_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = four_sources.fabricate(tmp_path / "in", pictures=8)
    del folders["tacmt"]
    out = tmp_path / "out"
    assert main(["dataset", "build", "optsar-rsvg", *source_options(folders), "--no-copies", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    for part in ("What was done", "Classes", "Beside the paper", "46,825", "Not among the sources: SARVG1.0 (TACMT)"):
        assert part in printed


def test_build_refsegrs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One crop of the paper's size, told by a list; the map is coarse so that the test is quick."""
    class_map.fabricate(tmp_path, tiles=1, side=1200)
    keep, out = tmp_path / "keep.txt", tmp_path / "out"
    keep.write_text("tile0_0_0 car\ntile0_0_0 road\n", encoding="utf-8")
    options = ["--tiles", str(tmp_path / "tiles"), "--maps", str(tmp_path / "maps")]
    options += ["--classes", str(tmp_path / "classes.toml"), "--keep", str(keep), "--out", str(out), "--json"]
    assert main(["dataset", "build", "refsegrs", *options]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["lists"]["crops"] == [{"crop": "tile0_0_0", "tile": "tile0", "split": "train", "expressions": 2}]
    assert check_dataset(out).ok


def test_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    osvqa.fabricate(tmp_path / "in")
    out = tmp_path / "out"
    assert main(["dataset", "import", str(tmp_path / "in"), "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["written"], printed["left_out"]) == ("osvqa", [])
    assert main(["dataset", "import", str(tmp_path / "in"), "--out", str(out)]) == 0
    assert "0 things were left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (["build", "optsar-rsvg"], 2, "No source is given"),
        (["build", "optsar-rsvg", "--source", "rsvgd"], 2, "is not a new NAME=DIR"),
        (["build", "optsar-rsvg", "--source", "dota=x"], 2, "There is no source “dota”"),
        (["build", "optsar-rsvg", "--source", "rsvgd=missing"], 3, "There is no folder"),
        (["build", "refsegrs", "--tiles", "a", "--maps", "b", "--classes", "c.toml"], 3, "c.toml"),
        (["import", "missing"], 3, "There is no folder"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    options: list[str], code: int, what: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", *options, "--out", "out"]) == code
    printed = capsys.readouterr()
    assert what in printed.err
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def interrupted(folder: Path, argv: Sequence[str]) -> None:
    """Run the command, press Ctrl-C once its hidden folder has something in it, and see that nothing is left."""
    before = sorted(folder.iterdir())
    process = subprocess.Popen(
        [*COMMAND, *argv, "--out", str(folder / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob(".out-*/*/*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    printed, error = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT), error
    assert "stopped" in error
    assert "Traceback" not in error
    assert printed == ""
    assert sorted(folder.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no SIGINT of its own")
def test_ctrl_c_while_optsar_rsvg_is_built(tmp_path: Path) -> None:
    folders = four_sources.fabricate(tmp_path / "in", pictures=120)
    interrupted(tmp_path, ["build", "optsar-rsvg", *source_options(folders)])


@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no SIGINT of its own")
def test_ctrl_c_while_refsegrs_is_built(tmp_path: Path) -> None:
    class_map.fabricate(tmp_path / "in", tiles=1, side=1800)
    tiles, maps, classes = (str(tmp_path / "in" / name) for name in ("tiles", "maps", "classes.toml"))
    interrupted(tmp_path, ["build", "refsegrs", "--tiles", tiles, "--maps", maps, "--classes", classes])


@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no SIGINT of its own")
def test_ctrl_c_during_an_import(tmp_path: Path) -> None:
    folders = four_sources.fabricate(tmp_path / "in", pictures=120)
    interrupted(tmp_path, ["import", str(folders["rsvgd"])])
