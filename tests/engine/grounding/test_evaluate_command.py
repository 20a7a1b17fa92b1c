"""``rsqa evaluate`` of a model that finds: on scenes, on the exam, on a folder, beside the guess."""

from __future__ import annotations

import json

import pytest

from engine.catalog import GroundingCalibration, ScoreCurve
from engine.cli.main import main
from engine.scenes import WORLD_VERSION
from engine.scenes.exam import exam_referrals, exam_truth, find_exam
from tests.engine.datasets.fabricate import optsar_rsvg
from tests.engine.grounding.finder import HashEmbedder, write_finder

SIZES = ["--guess-scenes", "4", "--workers", "1", "--device", "cpu"]
CURVES = GroundingCalibration(ScoreCurve(100, 1.2, 0.3), {}, least_score=0.3)


@pytest.fixture(autouse=True)
def _words_in_place_of_the_encoder(monkeypatch):
    monkeypatch.setattr("engine.grounding.predictor.build_embedder", lambda name, folder=None, **more: HashEmbedder())
    monkeypatch.setattr("engine.grounding.guess.STEPS", 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_finder(tmp_path_factory.mktemp("models") / "untrained", grounding_calibration=CURVES)


def test_the_report_is_one_object_with_what_the_design_promises(folder, tmp_path, capsys):
    out = tmp_path / "report"
    words = ["evaluate", str(folder), "--scenes", "3", "--data", str(tmp_path / "data"), *SIZES, "--out", str(out)]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    printed = json.loads(said.out)
    assert {"metrics", "guess", "subsets", "report"} <= set(printed)
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.csv", "evaluation.html", "evaluation.json"]
    assert printed["report"] == str(out / "evaluation.html")
    assert str(out) in said.err
    written = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert printed == written | {name: printed[name] for name in ("report", "world", "trained_on_world")}
    assert (printed["task"], printed["world"]) == ("grounding", str(WORLD_VERSION))
    metrics = printed["metrics"]
    assert {"Pr@0.5", "meanIoU", "cumIoU", "experts", "classes", "calibration"} <= set(metrics)
    assert metrics["classes"]["least_score"] == 0.3
    assert set(printed["guess"]["subsets"]) == set(printed["subsets"])
    assert main(words) == 0
    table = capsys.readouterr().out
    assert f"{metrics['meanIoU']:.3f}" in table
    assert "trained on other data" in table
    assert "AP@.5" in table
    assert f"Report: {out / 'evaluation.html'}" in table


def test_the_exam_asks_its_own_expressions(folder, tmp_path, capsys):
    assert main(["evaluate", str(folder), "exam-v1", "--limit", "3", "--json", "--out", str(tmp_path), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    exam = find_exam("exam-v1")
    asked = [r for n in range(3) for r in exam_referrals(exam_truth(exam, n)) if r.task == "box"]
    assert printed["dataset"] == "exam-v1"
    assert 0 < printed["metrics"]["samples"] <= len(asked)
    assert any("not a score of exam-v1" in note for note in printed["notes"])


def test_a_folder_with_boxes(folder, tmp_path, capsys):
    place, out = tmp_path / "optsar", tmp_path / "report"
    place.mkdir()
    optsar_rsvg.fabricate(place)
    assert main(["evaluate", str(folder), str(place), "--json", "--out", str(out), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["dataset"] == "optsar-rsvg"
    assert printed["guess"]["kind"] in ("constant", "text_only")  # learned from the folder's training split
    assert "world" not in printed
    assert "cannot be compared" not in (out / "evaluation.html").read_text(encoding="utf-8")
    assert main(["evaluate", str(folder), str(place), "--split", "train", "--json", "--out", str(out), *SIZES]) == 0
    assert json.loads(capsys.readouterr().out)["guess"] == {}  # nobody may learn from what is asked


def test_what_makes_no_sense_is_refused_in_a_sentence(folder, tmp_path, capsys):
    assert main(["evaluate", str(folder), "exam-v0", *SIZES]) == 2
    assert "no data set “exam-v0”" in capsys.readouterr().err
    assert main(["evaluate", str(folder), str(tmp_path), *SIZES]) == 3
    strange = write_finder(tmp_path / "strange", task="dancing")
    assert main(["evaluate", str(strange), *SIZES]) == 3
    assert "for the task dancing" in capsys.readouterr().err
