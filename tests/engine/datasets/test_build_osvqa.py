"""OSVQA built from annotated pairs: whole, right, in proportion, and the same again with the same seed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.main import main
from engine.datasets.building.build_osvqa import Choices, build_osvqa, under_weather
from engine.datasets.building.build_report import REPORT
from engine.datasets.building.osvqa_annotations import Annotation
from engine.datasets.building.osvqa_pairs import Pair, View
from engine.datasets.check import check_dataset
from engine.errors import Cancelled, DataSetUnreadable, UsageError
from engine.jobs.build_dataset import build_dataset
from engine.raster import open_raster
from engine.records import PixelWindow
from engine.text import ANSWERS, LOCATION_ANSWERS, QUESTION_TYPES, SENSOR_ANSWERS, Description, Subject, number_answer
from tests.engine.datasets.fabricate.osvqa_annotations import PAIRS, annotation, fabricate
from tests.engine.datasets.fabricate.pictures import write_picture

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def given_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty annotated pairs."""
    folder = tmp_path_factory.mktemp("given")
    fabricate(folder / "pairs")
    (folder / "pairs" / "annotations.jsonl").rename(folder / "annotations.jsonl")
    return folder


@pytest.fixture(scope="module")
def built(given_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OSVQA made of them by the command, half of the clear ones under weather."""
    out = tmp_path_factory.mktemp("built") / "osvqa"
    assert main([*command(given_pairs, out), "--adverse", "0.5", "--strength", "0.9..1", "--seed", "7"]) == 0
    return out


def command(given_pairs: Path, out: Path) -> list[str]:
    paths = ["--images", str(given_pairs / "pairs"), "--annotations", str(given_pairs / "annotations.jsonl")]
    return ["dataset", "build", "osvqa", *paths, "--out", str(out)]


def rows(folder: Path) -> list[dict[str, str]]:
    """All questions, each with its split and the number of its pair."""
    found = []
    for split in SPLITS:
        for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(row | {"split": split, "pair": Path(row["image"]).stem})
    return found


def adverse_of(folder: Path) -> dict[str, dict[str, Any]]:
    """What was done to which pair."""
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    return {Path(line["image"]).stem: line for line in report["lists"]["adverse"]}


def pixels(path: Path) -> np.ndarray:
    with open_raster(path) as raster:
        bands = tuple(band.index for band in raster.info.bands)
        return raster.read(PixelWindow(0, 0, 256, 256), 256, 256, bands=bands).values


def test_the_check_finds_nothing_wrong_and_all_sixteen_types_occur(built: Path) -> None:
    report = check_dataset(built)
    assert report.faults == ()
    assert report.images == PAIRS
    questions = rows(built)
    assert {row["type"] for row in questions} == set(QUESTION_TYPES)
    assert {row["answer"] for row in questions} <= set(ANSWERS)
    assert (built / "answers.txt").read_text(encoding="utf-8").split("\n")[:-1] == list(ANSWERS)
    asked = Counter((row["image"], row["question"]) for row in questions)
    assert asked.total() == len(questions)


def test_the_split_is_three_to_one_to_one_with_half_of_each_urban(built: Path) -> None:
    split_of = {row["pair"]: row["split"] for row in rows(built)}
    assert Counter(split_of.values()) == {"train": 12, "val": 4, "test": 4}
    urban = Counter(split for pair, split in split_of.items() if annotation(int(pair))["urban"])
    assert urban == {"train": 6, "val": 2, "test": 2}


def test_half_of_the_clear_pictures_are_under_each_weather_in_turn(built: Path) -> None:
    done = adverse_of(built)
    assert len(done) == 8
    assert all(annotation(int(pair))["fog_dark"] == "clear" for pair in done)
    assert sorted(Counter(line["weather"] for line in done.values()).values()) == [2, 3, 3]
    assert all(0.9 <= line["strength"] <= 1 for line in done.values())


def test_pictures_without_weather_and_all_radar_pictures_are_what_they_were(built: Path, given_pairs: Path) -> None:
    done = adverse_of(built)
    for number in range(1, PAIRS + 1):
        optical, sar = (given_pairs / "pairs" / sensor / f"{number}.png" for sensor in ("optical", "sar"))
        suffix = ".tif" if str(number) in done else ".png"
        after, echo = (built / sensor / f"{number}{suffix}" for sensor in ("optical", "sar"))
        np.testing.assert_array_equal(pixels(echo), pixels(sar))
        if str(number) in done:
            assert not np.array_equal(pixels(after), pixels(optical))
        else:
            assert after.read_bytes() == optical.read_bytes()


def test_answers_are_those_of_the_annotations_and_of_the_weather(built: Path) -> None:
    """A recount from the annotation files: numbers, themes, match, states of the picture, and the quality by night."""
    done, judged = adverse_of(built), Counter[str]()
    for row in rows(built):
        told, text, answer = annotation(int(row["pair"])), row["question"].lower(), row["answer"]
        weather = done.get(row["pair"], {"fog_dark": told["fog_dark"]})["fog_dark"]
        expected = None
        if row["type"] == "match":
            expected = "yes" if told["match"] else "no"
        elif row["type"] == "fog-dark" and answer not in ("yes", "no"):
            expected = weather
        elif row["type"] == "urban" and answer not in ("yes", "no"):
            expected = "urban" if told["urban"] else "rural"
        elif row["type"] == "number" and "tennis court" in text:
            expected = number_answer(int(row["pair"]) % 3)
        elif row["type"] == "number" and "building" in text:
            expected = number_answer(3 + int(row["pair"]))
        elif row["type"] == "quality" and "building" in text and answer not in ("yes", "no"):
            expected = "SAR image" if weather in ("dark", "foggy") and row["pair"] in done else "both"
        if expected is not None:
            judged[row["type"]] += 1
            assert answer == expected, row
    assert set(judged) == {"match", "fog-dark", "urban", "number", "quality"}
    assert judged["fog-dark"] == PAIRS


def test_figures_stand_beside_the_papers_and_plots_beside_the_data(
    built: Path, given_pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command(given_pairs, built.parent / "again"), "--per-type", "2"]) == 0
    printed = capsys.readouterr().out
    for told in ("1,036,694", "72,195", "140", "172.6", "50.3%", "3,602"):
        assert told in printed
    assert "No annotation tells a place" in printed
    counts = Counter((row["image"], row["type"]) for row in rows(built.parent / "again"))
    assert max(counts.values()) == 2
    files = {path.name for path in (built / "statistics").iterdir()}
    assert {"statistics.html", "statistics.json", "question_types.png", "words_per_question.png"} <= files


def test_the_same_seed_gives_the_same_files_and_another_one_does_not(
    built: Path, given_pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--adverse", "0.5", "--strength", "0.9..1", "--json"]
    again, other = built.parent / "same", built.parent / "other"
    assert main([*command(given_pairs, again), *options, "--seed", "7"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == str(again)
    assert main([*command(given_pairs, other), *options, "--seed", "8"]) == 0
    names = sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for name in names:
        if name.parts[0] != "statistics":  # its page bears the folder's name
            assert (built / name).read_bytes() == (again / name).read_bytes(), name
    assert (built / "train.jsonl").read_bytes() != (other / "train.jsonl").read_bytes()


def test_held_out_wordings_are_for_the_test_alone(given_pairs: Path, tmp_path: Path) -> None:
    annotations = given_pairs / "annotations.jsonl"
    for name, held_out in (("usual", False), ("held", True)):
        (tmp_path / name).mkdir()
        build_osvqa(given_pairs / "pairs", annotations, tmp_path / name, Choices(held_out=held_out))
    usual, held = rows(tmp_path / "usual"), rows(tmp_path / "held")
    for one, other in zip(usual, held, strict=True):
        assert (one["image"], one["answer"], one["type"]) == (other["image"], other["answer"], other["type"])
        if one["split"] != "test":
            assert one["question"] == other["question"]
    said = {row["question"] for row in held if row["split"] != "test" and row["type"] != "deduce"}
    assert said.isdisjoint(row["question"] for row in held if row["split"] == "test" and row["type"] != "deduce")


def test_pairs_of_one_place_stay_together(tmp_path: Path) -> None:
    fabricate(tmp_path / "in")
    lines = [json.dumps(annotation(n) | {"gsd_m": 1, "place": n // 3}) for n in range(1, PAIRS + 1)]
    (tmp_path / "annotations.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "out").mkdir()
    build_osvqa(tmp_path / "in", tmp_path / "annotations.jsonl", tmp_path / "out", Choices(per_type=1))
    splits: dict[int, set[str]] = {}
    for row in rows(tmp_path / "out"):
        splits.setdefault(int(row["pair"]) // 3, set()).add(row["split"])
    assert all(len(of_place) == 1 for of_place in splits.values())


def test_what_cannot_be_used_is_left_out_and_told(tmp_path: Path) -> None:
    fabricate(tmp_path / "in", pairs=8)
    (tmp_path / "in" / "sar" / "2.png").write_bytes(b"cut")
    (tmp_path / "in" / "sar" / "3.png").unlink()
    write_picture(tmp_path / "in" / "sar" / "4.png", 1, bands=1, side=128)
    lines = (tmp_path / "in" / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].replace('"main_cover"', '"main_colour"')
    (tmp_path / "in" / "annotations.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "out").mkdir()
    report = build_osvqa(tmp_path / "in", tmp_path / "in" / "annotations.jsonl", tmp_path / "out")
    told = {(Path(fault["file"]).name, fault["line"]) for fault in report.lists["left_out"]}
    assert told == {
        ("2.png", None),
        ("3.png", None),
        ("4.png", None),
        ("annotations.jsonl", 3),
        ("annotations.jsonl", 5),
    }
    assert {row["pair"] for row in rows(tmp_path / "out")} == {"1", "5", "6", "7", "8"}
    assert check_dataset(tmp_path / "out").ok


def test_nothing_is_left_of_what_was_stopped(given_pairs: Path, tmp_path: Path) -> None:
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 2 * PAIRS + 5  # each image was looked at, a few pairs were written

    images, annotations = given_pairs / "pairs", given_pairs / "annotations.jsonl"
    with pytest.raises(Cancelled):
        build_dataset(
            tmp_path / "out",
            (images, annotations),
            lambda folder: build_osvqa(images, annotations, folder, cancelled=cancelled),
        )

    def interrupt(stage: str, fraction: float | None) -> None:
        if stage == "Asking questions" and fraction:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset(
            tmp_path / "out",
            (images, annotations),
            lambda folder: build_osvqa(images, annotations, folder, progress=interrupt),
        )
    assert list(tmp_path.iterdir()) == []


def test_what_makes_no_sense_is_refused(given_pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ({"adverse": 1.5}, {"strengths": (0.9, 0.5)}, {"strengths": (0.0, 0.5)}, {"per_type": 0}):
        with pytest.raises(UsageError, match="out of range"):
            Choices(**wrong)  # type: ignore[arg-type]
    assert main([*command(given_pairs, tmp_path / "out"), "--weathers", "cloud,snow"]) == 2
    assert "snow" in capsys.readouterr().err
    assert main([*command(given_pairs, tmp_path / "out"), "--strength", "much"]) == 2
    (tmp_path / "none").mkdir()
    with pytest.raises(DataSetUnreadable, match="no pair"):
        build_osvqa(tmp_path / "none", given_pairs / "annotations.jsonl", tmp_path / "out")


# ---- what weather does to the truth


def one_pair(subject: Subject, boxes: tuple[tuple[float, float, float, float], ...] = ()) -> Annotation:
    pair = Pair("1", "all", Path("o"), Path("s"))
    about = Description(match=True, weather="clear", urban=True, subjects=(subject,))
    return Annotation(pair, View(90, 90, None), about, {subject.name: boxes} if boxes else {}, "")


def quality(subject: Subject, weather: Any, strength: float, hidden: np.ndarray, boxes: Any = ()) -> str | None:
    return under_weather(one_pair(subject, boxes), weather, strength, hidden).subjects[0].quality


OPEN, COVERED = np.zeros((90, 90), bool), np.ones((90, 90), bool)
LEFT_HALF = OPEN.copy()
LEFT_HALF[:, :45] = True


@pytest.mark.parametrize(
    ("box", "told"), [((10, 10, 30, 30), "SAR image"), ((50, 10, 70, 30), "both"), ((40, 10, 50, 30), None)]
)
def test_boxes_tell_what_a_cloud_hides(box: tuple[float, float, float, float], told: str | None) -> None:
    assert quality(Subject("ship", quality="both"), "cloud", 0.8, LEFT_HALF, (box,)) == told


@pytest.mark.parametrize(
    ("cells", "told"),
    [(("top left",), "SAR image"), (("right", "bottom right"), "both"), (("center",), None), (("left", "right"), None)],
)
def test_cells_tell_it_where_there_are_no_boxes(cells: tuple[str, ...], told: str | None) -> None:
    spread = tuple((cell, cell in cells) for cell in LOCATION_ANSWERS)
    assert quality(Subject("ship", cells=spread, quality="both"), "cloud", 0.8, LEFT_HALF) == told


@settings(max_examples=80)
@given(
    st.sampled_from(["cloud", "fog", "dark"]),
    st.sampled_from([None, *SENSOR_ANSWERS]),
    st.sampled_from([0.2, 0.44, 0.5, 0.6, 0.9, 1.0]),
    st.sampled_from(["open", "covered"]),
    st.booleans(),
)
def test_weather_takes_the_optical_picture_and_nothing_else(
    weather: Any, before: str | None, strength: float, sky: str, known_place: bool
) -> None:
    subject = Subject("ship", count=1, location="left", quality=before)
    annotated = one_pair(subject, ((1.0, 1.0, 9.0, 9.0),) if known_place else ())
    after = under_weather(annotated, weather, strength, COVERED if sky == "covered" else OPEN)
    word = {"cloud": "cloudy", "fog": "foggy", "dark": "dark"}[weather]
    assert after.weather == (word if strength >= 0.45 else None)
    told = after.subjects[0].quality
    assert replace(after.subjects[0], quality=before) == subject
    assert replace(after, weather="clear", subjects=(subject,)) == annotated.description
    if before in (None, "SAR image", "neither"):
        assert told == before
    elif weather == "cloud" and known_place:
        lost = {"both": "SAR image", "optical image": "neither"}[str(before)]
        assert told == (lost if sky == "covered" else before)
    elif weather != "cloud" and strength >= 0.9:
        assert told == {"both": "SAR image", "optical image": "neither"}[str(before)]
    else:
        assert told is None
