"""``rsqa evaluate`` as it is called: a whole model folder, real scenes, the guess beside the model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from engine.catalog import file_sha256
from engine.catalog.card import write_card
from engine.cli.main import main
from engine.nn.minilm import WIDTH
from engine.nn.weights import save_weights
from engine.scenes import WORLD_VERSION
from engine.text import ANSWERS, QUESTION_TYPES
from engine.vqa.build import build_network
from tests.engine.vqa.tiny import CONFIG, tiny_card

SIZES = ["--scenes", "4", "--guess-scenes", "4", "--workers", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained model with the real text encoder's width and the real vocabulary."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("models") / "untrained"
    config = replace(CONFIG, answers=len(ANSWERS), text_width=WIDTH)
    weights = save_weights(build_network(config), place)
    facts = {"sha256": file_sha256(weights), "size_bytes": weights.stat().st_size}
    write_card(tiny_card(config=config.as_json(), answers=ANSWERS, **facts), place)
    return place


def test_the_report_is_one_object_with_what_the_design_promises(folder, tmp_path, capsys):
    out = tmp_path / "report.json"
    data = tmp_path / "data"
    assert main(["evaluate", str(folder), "--json", "--out", str(out), "--data", str(data), *SIZES]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text(encoding="utf-8"))
    assert {"metrics", "guess", "subsets", "report"} <= set(printed)
    metrics = printed["metrics"]
    assert metrics["scenes"] == 4
    assert (printed["world"], printed["trained_on_world"]) == (str(WORLD_VERSION), "")
    assert set(metrics["per_type"]) <= set(QUESTION_TYPES)
    assert set(metrics["per_type"]) == set(printed["guess"]["per_type"])
    assert 0 <= metrics["OA"] <= 1
    assert 0 <= metrics["ECE"] <= 1
    assert set(printed["subsets"]) == {"optical-only", "sar-only"}
    assert main(["evaluate", str(folder), "--data", str(data), *SIZES]) == 0
    table = capsys.readouterr().out
    assert "presence" in table
    assert f"{metrics['OA']:7.3f}" in table


def test_no_scenes_and_no_model_are_refused(folder, capsys):
    assert main(["evaluate", str(folder), "--scenes", "0"]) == 2
    assert main(["evaluate", "nonsense"]) == 3
    assert "no model" in capsys.readouterr().err
