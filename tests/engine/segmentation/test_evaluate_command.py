"""``rsqa evaluate`` of a model that outlines: on scenes, on the exam, on a folder, beside the guess."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.catalog import SegmentationCalibration
from engine.cli.main import main
from engine.jobs.evaluate_masks import _training_expressions, _unseen
from engine.scenes import WORLD_VERSION
from engine.scenes.exam import exam_referrals, exam_truth, find_exam
from tests.engine.datasets.fabricate import refsegrs
from tests.engine.segmentation.outliner import HashWords, write_outliner
from tests.engine.segmentation.tiny import CONFIG

SIZES = ["--guess-scenes", "2", "--workers", "1", "--device", "cpu"]
CALIBRATION = SegmentationCalibration(1000, 0.8, -0.2, threshold=0.3)


@pytest.fixture(autouse=True)
def _words_in_place_of_the_encoder(monkeypatch):
    monkeypatch.setattr("engine.segmentation.predictor.build_words", lambda *which, **how: HashWords())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_outliner(tmp_path_factory.mktemp("models") / "untrained", segmentation_calibration=CALIBRATION)


def test_the_report_is_one_object_with_what_the_design_promises(folder, tmp_path, capsys):
    out = tmp_path / "report"
    words = ["evaluate", str(folder), "--scenes", "2", "--data", str(tmp_path / "data"), *SIZES, "--out", str(out)]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    printed = json.loads(said.out)
    assert {"metrics", "guess", "subsets", "report"} <= set(printed)
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.csv", "evaluation.html", "evaluation.json"]
    assert printed["report"] == str(out / "evaluation.html")
    written = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert printed == written | {name: printed[name] for name in ("report", "world", "trained_on_world")}
    assert (printed["task"], printed["world"]) == ("segmentation", str(WORLD_VERSION))
    metrics = printed["metrics"]
    assert {"Pr@0.5", "mIoU", "oIoU", "calibration", "argmax", "foreground_shares"} <= set(metrics)
    assert metrics["calibration"]["threshold"] == 0.3
    assert {"sensor", "size", "parts", "category", "weather", "hidden"} <= set(printed["subsets"])
    assert set(printed["guess"]["subsets"]) == set(printed["subsets"])
    assert main(words) == 0
    table = capsys.readouterr().out
    assert f"{metrics['mIoU']:.3f}" in table
    assert "drawn from a probability of 0.300 up" in table
    assert "trained on other data" in table
    assert f"Report: {out / 'evaluation.html'}" in table


def test_the_exam_asks_its_own_expressions(folder, tmp_path, capsys):
    assert main(["evaluate", str(folder), "exam-v1", "--limit", "2", "--json", "--out", str(tmp_path), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    exam = find_exam("exam-v1")
    asked = [r for n in range(2) for r in exam_referrals(exam_truth(exam, n)) if r.task == "mask"]
    assert printed["dataset"] == "exam-v1"
    assert 0 < printed["metrics"]["samples"] <= len(asked)
    assert any("not a score of exam-v1" in note for note in printed["notes"])


def test_a_network_of_one_sensor_is_asked_about_that_one(tmp_path, capsys):
    folder = write_outliner(tmp_path / "optical", replace(CONFIG, sensors="optical"))
    assert main(["evaluate", str(folder), "--scenes", "2", "--json", "--out", str(tmp_path / "out"), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["subsets"]["sensor"]) == {"optical"}
    assert printed["metrics"]["calibration"]["fitted"] is False


def test_a_folder_with_masks(folder, tmp_path, capsys):
    place, out = tmp_path / "refsegrs", tmp_path / "report"
    place.mkdir()
    refsegrs.fabricate(place)
    assert main(["evaluate", str(folder), str(place), "--json", "--out", str(out), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["dataset"] == "refsegrs"
    assert 0 < printed["guess"]["mIoU"] <= 1  # learned from the folder's training split
    assert "world" not in printed
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "Table II of the paper" in page
    assert "cannot be compared" not in page
    assert main(["evaluate", str(folder), str(place), "--split", "train", "--json", "--out", str(out), *SIZES]) == 0
    assert json.loads(capsys.readouterr().out)["guess"] == {}  # nobody may learn from what is asked


def test_the_guess_learns_from_masks_of_the_training_scenes():
    named = [one for number in range(2) for one in _training_expressions(number)]
    areas = _unseen(named, 2)
    assert len(areas.expressions) == len(named) > 0
    for one in areas.expressions:
        assert 0 < areas.mask(one.mask).mean() < 1
        assert one.category
    assert _unseen([], 2).expressions == ()


def test_what_makes_no_sense_is_refused_in_a_sentence(folder, tmp_path, capsys):
    assert main(["evaluate", str(folder), "exam-v0", *SIZES]) == 2
    assert "no data set “exam-v0”" in capsys.readouterr().err
    assert main(["evaluate", str(folder), str(tmp_path), *SIZES]) == 3
