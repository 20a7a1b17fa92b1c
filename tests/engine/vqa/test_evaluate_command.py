"""``rsqa evaluate`` as it is called: a whole model folder on scenes, on the exam, on a folder, beside the guess."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from engine.catalog import file_sha256, read_card
from engine.catalog.card import write_card
from engine.cli.main import main
from engine.nn.weights import save_weights
from engine.scenes import WORLD_VERSION
from engine.scenes.exam import exam_truth, find_exam
from engine.text import ANSWERS, QUESTION_TYPES
from engine.vqa.build import build_network
from engine.vqa.calibration import fit_calibration
from engine.vqa.scored import Scored
from tests.engine.vqa.tiny import CONFIG, WordHashes, tiny_card

SIZES = ["--guess-scenes", "4", "--workers", "1", "--device", "cpu"]


@pytest.fixture(autouse=True)
def _words_in_place_of_the_encoder(monkeypatch):
    monkeypatch.setattr("engine.vqa.predictor.TextEncoder", lambda folder, max_tokens: WordHashes(max_tokens))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained model with the whole vocabulary and a calibration."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("models") / "untrained"
    config = replace(CONFIG, answers=len(ANSWERS))
    weights = save_weights(build_network(config), place)
    rng = np.random.default_rng(0)
    none = np.zeros((60, 0), np.float32)
    scored = Scored(
        rng.normal(0, 1, (60, len(ANSWERS))).astype(np.float32), none[:, :, None], none, none.astype(bool),
        rng.integers(0, len(ANSWERS), 60),
    )  # fmt: skip
    text = torch.from_numpy(rng.normal(0, 1, (60, CONFIG.text_width))).float()
    calibration = fit_calibration(scored, ["number", "presence"] * 30, text)
    facts = {"sha256": file_sha256(weights), "size_bytes": weights.stat().st_size, **calibration.save(place)}
    write_card(tiny_card(config=config.as_json(), answers=ANSWERS, **facts), place)
    return place


def test_the_report_is_one_object_with_what_the_design_promises(folder, tmp_path, capsys):
    out, data = tmp_path / "report", tmp_path / "data"
    words = ["evaluate", str(folder), "--scenes", "4", "--data", str(data), *SIZES]
    assert main([*words, "--json", "--out", str(out)]) == 0
    said = capsys.readouterr()
    printed = json.loads(said.out)
    assert {"metrics", "guess", "subsets", "report"} <= set(printed)
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.csv", "evaluation.html", "evaluation.json"]
    assert printed["report"] == str(out / "evaluation.html")
    assert str(out) in said.err
    written = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert printed == written | {name: printed[name] for name in ("report", "world", "trained_on_world")}
    metrics = printed["metrics"]
    assert metrics["scenes"] == 4
    assert (printed["world"], printed["trained_on_world"]) == (str(WORLD_VERSION), "")
    assert set(metrics["per_type"]) <= set(QUESTION_TYPES)
    assert set(metrics["per_type"]) == set(printed["guess"]["per_type"])
    assert set(printed["subsets"]) == {"optical-only", "sar-only"}
    assert set(metrics["calibration"]["sets"]) == {"0.05", "0.1", "0.2"}
    assert main([*words, "--out", str(out)]) == 0
    table = capsys.readouterr().out
    assert "presence" in table
    assert f"{metrics['OA']:.3f}" in table
    assert "trained on other data" in table
    assert f"Report: {out / 'evaluation.html'}" in table


def test_the_exam_asks_its_own_questions(folder, tmp_path, capsys):
    assert main(["evaluate", str(folder), "exam-v1", "--limit", "5", "--json", "--out", str(tmp_path), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    exam = find_exam("exam-v1")
    truths = [exam_truth(exam, number) for number in range(5)]
    assert printed["dataset"] == "exam-v1"
    assert printed["metrics"]["questions"] == sum(len(truth.questions) for truth in truths)
    # Weathers are dealt in turn.
    assert set(printed["metrics"]["per_weather"]) == {truth.condition.weather for truth in truths}
    assert any("not a score of exam-v1" in note for note in printed["notes"])


@pytest.fixture
def pairs(tmp_path):
    """A folder of OSVQA's layout with six pairs of noise."""
    rng, place = np.random.default_rng(0), tmp_path / "pairs"
    for sensor, shape in (("optical", (64, 64, 3)), ("sar", (64, 64))):
        (place / sensor).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(place / sensor / f"{number}.png")
    for split, numbers in (("train", range(3)), ("test", range(3, 6))):
        lines = [
            {"image": f"{number}.png", "question": f"Is there a {thing}?", "answer": answer, "type": "presence"}
            for number in numbers
            for thing, answer in (("road", "yes"), ("lake", "no"), ("whale", "certainly not"))
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (place / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return place


def test_a_folder_of_any_layout(folder, pairs, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["evaluate", str(folder), str(pairs), "--limit", "2", "--json", "--out", str(out), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["dataset"] == "osvqa"
    metrics = printed["metrics"]
    assert (metrics["scenes"], metrics["questions"], metrics["unknown_answers"]) == (2, 6, 2)
    assert printed["guess"]["per_type"] == {"presence": 1.0}  # learned from the folder's training split
    assert any("not a score of the whole split" in note for note in printed["notes"])
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "cannot be compared" not in page
    assert main(["evaluate", str(folder), str(pairs), "--split", "train", "--json", "--out", str(out), *SIZES]) == 0
    assert json.loads(capsys.readouterr().out)["guess"] == {}  # nobody may learn from what is asked


def test_what_makes_no_sense_is_refused_in_a_sentence(folder, pairs, tmp_path, capsys):
    assert main(["evaluate", str(folder), "--scenes", "0"]) == 2
    assert main(["evaluate", str(folder), "--limit", "-1"]) == 2
    assert main(["evaluate", str(folder), "exam-v0", *SIZES]) == 2
    assert "no data set “exam-v0”" in capsys.readouterr().err
    assert main(["evaluate", str(folder), str(tmp_path), *SIZES]) == 3
    assert main(["evaluate", str(folder), str(pairs), "--split", "val", *SIZES]) == 3
    assert "no questions in a split" in capsys.readouterr().err
    assert main(["evaluate", "nonsense"]) == 3
    assert "no model" in capsys.readouterr().err


def test_a_damaged_calibration_is_refused(folder, tmp_path):
    card = read_card(folder)
    write_card(replace(card, extra_files=dict.fromkeys(card.extra_files, "0" * 64)), folder)
    try:
        assert main(["evaluate", str(folder), "--scenes", "1", "--out", str(tmp_path), *SIZES]) == 3
    finally:
        write_card(card, folder)
