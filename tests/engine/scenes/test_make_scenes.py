"""``rsqa scenes`` end to end: data sets that pass their check, lie on the map, and do not change when made again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.cli.main import main
from engine.datasets.categories import OPTSAR_CATEGORIES
from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow, Faults, MaskRow, QuestionRow
from engine.datasets.masks import read_mask
from engine.datasets.table import read_dataset
from engine.errors import ExportRefused, UsageError
from engine.jobs import make_scenes as job
from engine.jobs.dataset_stats import dataset_statistics
from engine.jobs.make_scenes import disk_need, make_sample_pair, make_scenes
from engine.jobs.scene_files import LAYOUTS, SceneOrder, grid_of
from engine.raster import open_raster
from engine.records import PixelWindow
from engine.scenes import make_sample, referral_mask
from engine.text import ANSWERS

OPTSAR_NAMES = {sensor: {name for of, name in OPTSAR_CATEGORIES if of == sensor} for sensor in ("optical", "sar")}
ORDER = SceneOrder(5, 40, size=128, splits=(("train", 3), ("val", 1), ("test", 1)), questions_per_type=2)


def pixels(path: Path) -> np.ndarray:
    with open_raster(path) as raster:
        info = raster.info
        return raster.read(PixelWindow(0, 0, info.width, info.height), info.width, info.height).values


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "set"
    make_scenes(folder, ORDER)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_passes_its_check_and_has_statistics(layout: str, made: Path) -> None:
    report = check_dataset(made / layout)
    assert (report.layout, report.faults) == (layout, ())
    counts = json.loads((made / "scenes.json").read_bytes())["rows"][layout]
    assert sum(counts.values()) == report.samples > 0
    found = dataset_statistics(made / layout)
    assert (found.faults, found.found.unread) == (0, 0)
    assert found.found.tables
    assert found.found.plots


def test_pairs_are_the_samples_and_lie_apart_on_the_map(made: Path) -> None:
    bounds = []
    for index in range(ORDER.count):
        sample, name = ORDER.sample(index), f"{index + 1:06}.tif"
        assert sample.seed == ORDER.seed + index
        np.testing.assert_array_equal(pixels(made / "osvqa/optical" / name), sample.optical)
        np.testing.assert_array_equal(pixels(made / "osvqa/sar" / name)[0], sample.sar_db)
        with open_raster(made / "osvqa/optical" / name) as optical, open_raster(made / "osvqa/sar" / name) as sar:
            assert optical.info.sensor == "optical"
            assert (sar.info.sensor, sar.info.sar_unit) == ("sar", "db")
            assert optical.info.grid == sar.info.grid
            assert optical.info.acquired == "2024-06-14"
            assert optical.info.grid.gsd_m == pytest.approx(sample.gsd_m, rel=1e-3)
            bounds.append(optical.info.grid.bounds)
    assert all(a[2] <= b[0] for a, b in pairwise(bounds))


def test_questions_are_those_of_the_samples(made: Path) -> None:
    rows = [row for row in read_dataset(made / "osvqa", Faults(made)).rows if isinstance(row, QuestionRow)]
    expected = [
        (f"{index + 1:06}.tif", one.text, one.answer, one.type)
        for index in range(ORDER.count)
        for one in ORDER.sample(index).questions
    ]
    assert [(row.image, row.question, row.answer, row.type) for row in rows] == expected
    assert (made / "osvqa/answers.txt").read_text(encoding="utf-8").splitlines() == list(ANSWERS)


def test_boxes_and_masks_are_those_of_the_samples(made: Path) -> None:
    """Recounted here from the referrals, without the job's own sorting."""
    boxes: set[tuple[str, str, object]] = set()
    masks: dict[tuple[str, str], np.ndarray] = {}
    for index in range(ORDER.count):
        sample = ORDER.sample(index)
        for one in sample.referrals:
            mask = referral_mask(sample.facts, one)
            if one.sensor == "optical" and sample.hidden[mask].mean() > 0.5:
                continue
            if one.task == "box" and (one.sensor == "optical" or one.category in ("ship", "transmission tower")):
                assert one.category in OPTSAR_NAMES[one.sensor]
                boxes.add((f"{one.sensor[:3]}_{index + 1:06}.tif", one.text, one.box_xyxy_px))
            if one.task == "mask" and one.sensor == "optical":
                masks[f"{index + 1:06}", one.text] = mask
    found = [row for row in read_dataset(made / "optsar-rsvg", Faults(made)).rows if isinstance(row, BoxRow)]
    assert {(row.image, row.expression, row.box_xyxy_px) for row in found} == boxes
    rows = [row for row in read_dataset(made / "refsegrs", Faults(made)).rows if isinstance(row, MaskRow)]
    assert {(row.image.split("_")[0], row.expression) for row in rows} == set(masks)
    for row in rows:
        stored = read_mask(row.mask, ORDER.size, ORDER.size)
        np.testing.assert_array_equal(stored, masks[row.image.split("_")[0], row.expression])


def test_wordings_for_the_test_split_are_held_out_unless_told() -> None:
    wordings = []
    for order in (ORDER, SceneOrder(5, 40, size=128, splits=(("test", 1),), wording="train", questions_per_type=2)):
        texts = {question.text for question in order.sample(4).questions}
        held_out = make_sample(44, size=128, wording="held-out", questions_per_type=2, sar_unit="db").questions
        wordings.append(texts == {question.text for question in held_out})
    assert wordings == [True, False]


def test_pixels_are_stored_once(made: Path) -> None:
    links = [path.stat().st_nlink for path in (made / "osvqa/optical").iterdir()]
    together = sum({path.stat().st_ino: path.stat().st_size for path in made.rglob("*.tif")}.values())
    apart = sum(path.stat().st_size for path in made.rglob("*.tif"))
    assert max(links) > 2
    assert together < 0.6 * apart


def test_a_disk_without_links_gets_copies(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    make_scenes(tmp_path / "again", ORDER)
    assert content(tmp_path / "again") == content(made)
    assert {path.stat().st_nlink for path in (tmp_path / "again").rglob("*.tif")} == {1}


def test_the_same_order_gives_the_same_bytes_in_any_number_of_processes(made: Path, tmp_path: Path) -> None:
    make_scenes(tmp_path / "again", ORDER, workers=2)
    assert content(tmp_path / "again") == content(made)


def test_making_again_replaces_and_strangers_files_are_left_alone(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "set")
    make_scenes(tmp_path / "set", SceneOrder(1, 3, size=64, layouts=("osvqa",)))
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["osvqa", "scenes.json"]
    (tmp_path / "set" / "notes.txt").write_text("mine")
    with pytest.raises(ExportRefused, match="something else"):
        make_scenes(tmp_path / "set", SceneOrder(1, 3, size=64, layouts=("osvqa",)))
    assert (tmp_path / "set" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("splits", [(("train", 8), ("val", 1), ("test", 1)), (("val", 1),), (("train", 0), ("val", 2))])
@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_splits_have_their_shares_to_the_rounding(splits: tuple[tuple[str, int], ...], count: int) -> None:
    order = SceneOrder(count, 0, splits=splits)
    found = [order.split_of(index) for index in range(count)]
    whole = sum(share for _, share in splits)
    for name, share in splits:
        assert abs(found.count(name) - count * share / whole) < 1
    assert found == sorted(found, key=[name for name, _ in splits].index)


def test_places_never_overlap_up_to_where_the_world_is_full() -> None:
    order = SceneOrder(1_000_000, 0, size=4096)
    places = [grid_of(order, index, 10.0) for index in range(0, 60_000)]
    assert len({(grid.crs, grid.transform) for grid in places}) == len(places)
    assert min(grid.bounds[1] for grid in places) > 0
    assert {grid.crs for grid in places} >= {"EPSG:32631", "EPSG:32660", "EPSG:32601"}


@pytest.mark.parametrize(
    ("word", "units"),
    [("db", {"db"}), ("amplitude", {"amplitude"}), ("8bit", {"stretched-8bit"}), ("mixed", {"db", "amplitude"})],
)
def test_the_unit_is_recognised_when_opened(word: str, units: set[str], tmp_path: Path) -> None:
    command = ["scenes", "make", "--out", str(tmp_path / "x"), "--count", "4", "--seed", "3", "--delivery", word]
    assert main([*command, "--size", "64", "--layouts", "osvqa", "--workers", "0"]) == 0
    found = set()
    for path in (tmp_path / "x/osvqa/sar").iterdir():
        with open_raster(path) as sar:
            found.add(sar.info.sar_unit)
    assert found >= units if word == "mixed" else found == units


def test_weather_can_be_one_for_all(tmp_path: Path) -> None:
    make_scenes(tmp_path / "x", SceneOrder(3, 0, size=64, weather="fog", layouts=("osvqa",)))
    for index in range(3):
        foggy = make_sample(index, size=64, weather="fog", sar_unit="db").optical
        np.testing.assert_array_equal(pixels(tmp_path / f"x/osvqa/optical/{index + 1:06}.tif"), foggy)


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = SceneOrder(1000, 0)
    monkeypatch.setattr(job.shutil, "disk_usage", lambda path: SimpleNamespace(free=disk_need(order) - 1))
    with pytest.raises(ExportRefused, match=r"1,000 scenes need about 0\.\d GB, and 0\.\d GB are free"):
        make_scenes(tmp_path / "deep" / "x", order)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("size", "delivery"), [(256, "db"), (256, "stretched-8bit"), (400, "amplitude")])
def test_the_need_said_is_what_it_becomes(size: int, delivery: str, tmp_path: Path) -> None:
    order = SceneOrder(4, 20, size=size, delivery=delivery)  # type: ignore[arg-type]
    make_scenes(tmp_path / "x", order)
    blocks = {path.stat().st_ino: path.stat().st_size // 4096 * 4096 + 4096 for path in (tmp_path / "x").rglob("*")}
    assert 0.6 * disk_need(order) < sum(blocks.values()) < 1.1 * disk_need(order)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to interrupt like this")
def test_ctrl_c_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine.cli.main", "scenes", "make", "--count", "5000", "--seed", "0"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "x"), "--workers", "1"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 100
    while len(list(tmp_path.rglob("*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert [path.name.startswith(".x-") for path in tmp_path.iterdir()] == [True]
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "rsqa scenes: stopped."
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_fault_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*rest: object) -> dict[str, int]:
        raise ExportRefused("The disk is full.")

    monkeypatch.setattr(job, "write_layout", fail)
    with pytest.raises(ExportRefused, match="full"):
        make_scenes(tmp_path / "x", SceneOrder(1, 0, size=64))
    assert list(tmp_path.iterdir()) == []


def test_the_sample_pair_is_the_same_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "SAMPLE_SIZE", 192)
    first = make_sample_pair(tmp_path)
    before = pixels(Path(first.optical)), pixels(Path(first.sar))
    assert make_sample_pair(tmp_path) == first
    for was, path in zip(before, (first.optical, first.sar), strict=True):
        np.testing.assert_array_equal(was, pixels(Path(path)))
    with open_raster(first.sar) as sar:
        assert (sar.info.width, sar.info.height, sar.info.grid.crs) == (192, 192, "EPSG:32631")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["optical.tif", "sar.tif"]


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine.cli.main", "scenes", "make", "--count", "1", "--seed", "0", "--json"]
    command += ["--size", "64", "--workers", "1", "--splits", "8:1:1"]
    done = subprocess.run([*command, "--out", str(tmp_path / "x")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["pairs"], set(told["rows"])) == (1, set(LAYOUTS))


@pytest.mark.parametrize(
    "options",
    [
        ["--count", "0"],
        ["--count", "x"],
        ["--count", "1", "--size", "20"],
        ["--count", "1", "--seed", "-4"],
        ["--count", "1", "--layouts", "osvqa,rrsis-d"],
        ["--count", "1", "--layouts", ""],
        ["--count", "1", "--splits", "8:1"],
        ["--count", "1", "--splits", "0:0:0"],
        ["--count", "1", "--splits", "dev"],
        ["--count", "1", "--workers", "-1"],
        ["--count", "1", "--questions", "0"],
        ["--count", "1", "--weather", "snow"],
    ],
)
def test_nonsense_is_refused(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["scenes", "make", "--out", str(tmp_path / "new"), "--seed", "0", *options]
    try:
        code = main(command)
    except SystemExit as stopped:  # argparse's own way
        code = int(stopped.code or 0)
    assert code == 2
    assert capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_order_tells_what_it_cannot_be() -> None:
    with pytest.raises(UsageError, match="no splits"):
        SceneOrder(1, 0, splits=(("train", 1), ("train", 2)))
    with pytest.raises(UsageError, match="no splits"):
        SceneOrder(1, 0, splits=(("train", 1), ("all", 2)))


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "SAMPLE_SIZE", 64)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert main(["scenes", "sample", "--out", str(blocked)]) == 3
    assert "cannot be written" in capsys.readouterr().err
