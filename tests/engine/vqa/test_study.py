"""A study from recipes to report: on a fabricated OSVQA and on a handful of scenes; stopped and gone on with."""

from __future__ import annotations

import csv
import json
import statistics
from dataclasses import asdict, replace

import pytest

from engine.cli.main import main
from engine.errors import UsageError
from engine.export.study import write_study
from engine.training import read_events
from engine.training.loop import STOP_FILE
from engine.training.run import recipe_tables, train_recipe, trained_gsd
from engine.training.study import load_study, run_study, study_report
from engine.training.trainer import load_recipe
from engine.vqa.materials import Materials
from engine.vqa.predictor import TgfnetPredictor
from engine.vqa.published import tgfnet_table
from engine.vqa.run import limits_of
from tests.engine.datasets.fabricate.osvqa import fabricate
from tests.engine.vqa.data.sets import noise_set
from tests.engine.vqa.recipes import TINY_CHANGES, tiny_clip_changes, tiny_recipe
from tests.engine.vqa.tiny import tiny_card

STUDY = """
base = "tgfnet_compact_scenes"
[study]
title = "Two of Table V"
paper_table = "V"
seeds = [1, 2]
[[study.runs]]
name = "Add"
paper = ["Add", "MUL"]
set = { model = { network = "single", fusion = "add" } }
[[study.runs]]
name = "SAR"
paper = ["SAR", "SAR"]
set = { model = { network = "single", fusion = "add", sensors = "sar" } }
"""


@pytest.fixture
def study_file(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def card_of(recipe, share):
    figures = {"OA": share, "AA": share / 2, "comparable": {"OA": share, "AA": share / 2}, "per_type": {"number": 0.5}}
    return tiny_card(name=recipe.recipe.name, metrics=figures, guess=figures, metrics_split="a split")


def test_the_report_has_means_and_spreads_and_the_papers_rows_marked(study_file, tmp_path):
    study = load_study(study_file)
    shares = {("Add", 1): 0.25, ("Add", 2): 0.5, ("SAR", 2): 0.75}
    cards = {key: card_of(study.recipes[key], share) for key, share in shares.items()}
    report = study_report(study, cards, "a command")
    rows = {row.name: row for row in report.rows}
    assert rows["Add"].ours["OA"] == 37.5
    assert rows["Add"].spread["OA"] == pytest.approx(statistics.stdev([25, 50]))
    assert (rows["SAR"].done, rows["SAR"].wanted, rows["SAR"].spread) == (1, 2, {})
    assert rows["No picture"].ours["OA"] == 25
    # Rows that the study does not run are the paper's alone.
    for name in ("OPT", "Concat MUL", "Transformer MUL", "TGFNet MUL"):
        assert not rows[name].ours
        assert rows[name].paper
    files = {path.suffix: path for path in write_study(report, tmp_path / "out")}
    with files[".csv"].open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    paper = {line["name"]: float(line["OA"]) for line in lines if line["whose"] == "paper"}
    assert sorted(paper.values()) == sorted(row.values["OA"] for row in tgfnet_table("V").rows)
    assert {line["data"] for line in lines if line["whose"] == "paper"} == {"OSVQA, Table V of the paper"}
    assert {line["data"] for line in lines if line["whose"] == "ours"} == {"a split"}
    page = files[".html"].read_text(encoding="utf-8")
    for row in tgfnet_table("V").rows:
        assert f"{row.values['OA']:.2f}" in page
    assert page.count("<td>paper</td>") == 6
    assert "None of these is ours." in page
    assert "only the order" in page
    assert "disagree" in page
    assert json.loads(files[".json"].read_text(encoding="utf-8"))["rows"][1]["ours"]["OA"] == 37.5


def test_a_report_of_nothing_yet(study_file, tmp_path):
    report = study_report(load_study(study_file), {}, "a command")
    page = next(path for path in write_study(report, tmp_path) if path.suffix == ".html").read_text(encoding="utf-8")
    assert page.count("ours: not run yet") == 2
    assert "no run is finished yet" in page


def test_limits_name_the_types_that_were_not_learned():
    recipe = tiny_recipe()
    said = limits_of(
        recipe,
        noise_set(),
        {"per_type": {"location": 0.13, "most": 0.98}},
        {"per_type": {"location": 0.15, "most": 0.18}},
    )
    assert "synthetic" in said[0]
    assert said[-1] == "Answered hardly better than by a guess: location (13%, the guess 15%)."


def test_the_cards_ground_sampling_distance():
    recipe, views = tiny_recipe(), noise_set()
    known = replace(views, gsd_m=tuple(2.0 + i for i in range(len(views))))
    unknown = replace(views, gsd_m=(None,) * len(views))
    assert trained_gsd(recipe.data, known.gsd_m) == (2.0, 1.0 + len(views))
    told = replace(recipe, data=replace(recipe.data, gsd_m=(1.1, 11.4)))
    assert trained_gsd(told.data, unknown.gsd_m) == (1.1, 11.4)
    assert trained_gsd(recipe.data, unknown.gsd_m) == (0.0, 0.0)


def test_a_card_has_no_path_of_this_machine(tmp_path):
    changes = (*tiny_clip_changes(tmp_path), f'recipe.start="{tmp_path / "before" / "model"}"')
    tables = recipe_tables(tiny_recipe("tgfnet_paper_osvqa", *changes, data=str(tmp_path / "mine")))
    assert tables["data"]["folder"] == "mine"
    assert (tables["recipe"]["start"], tables["model"]["clip_model"]) == ("model", "tiny.json")
    assert str(tmp_path) not in json.dumps(tables)
    named = load_recipe("tgfnet_paper_osvqa", data="mine")
    assert recipe_tables(named)["model"] == asdict(named.model) | {"stem_channels": [32, 64], "stem_blocks": [1, 2, 1]}


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["full", "lora", "frozen"])
def test_the_papers_recipe_runs_on_a_fabricated_osvqa(backbone, tmp_path, monkeypatch):
    """A CLIP of random weights stands for the real one; frozen it is not stored, else it is."""
    (tmp_path / "osvqa").mkdir()
    fabricate(tmp_path / "osvqa")
    changes = (*TINY_CHANGES[:7], *tiny_clip_changes(tmp_path), f'tune.backbone="{backbone}"', "tune.rank=2")
    recipe = tiny_recipe("tgfnet_paper_osvqa", *changes, data=str(tmp_path / "osvqa"))
    result = train_recipe(recipe, tmp_path / "run", command="test")
    assert result.card is not None
    assert result.card.config["clip_stored"] == (backbone != "frozen")
    assert result.card.size_bytes < 2e6 if backbone == "frozen" else result.card.size_bytes > 2e6
    clip = next(part for part in result.card.pretrained if "CLIP" in part.name)
    assert ("not in this model's file" in clip.role) == (backbone == "frozen")
    assert len(clip.files_sha256) == 1
    assert str(tmp_path) not in (result.model / "card.json").read_text(encoding="utf-8")
    with monkeypatch.context() as machine:
        machine.setenv("RSQA_CLIP", str(tmp_path / "tiny.safetensors"))
        machine.chdir(tmp_path / "osvqa")
        (tmp_path / "tiny.json").rename(tmp_path / "gone.json")
        assert TgfnetPredictor.load(result.model).card == result.card
    (tmp_path / "gone.json").rename(tmp_path / "tiny.json")
    assert result.card.trained_gsd_m == (1.1, 11.4)
    assert result.card.metrics["comparable"]["excluded"] == ["fog-dark", "match", "quality"]
    assert (tmp_path / "run" / "report" / "evaluation.html").is_file()
    assert (tmp_path / "run" / "features").is_dir() == (backbone == "frozen")
    again = train_recipe(recipe, tmp_path / "run", command="test", resume=True)
    assert again.training is None
    assert again.card == result.card
    with pytest.raises(UsageError, match="finished run"):
        train_recipe(recipe, tmp_path / "run", command="test")
    with pytest.raises(UsageError, match="finished run"):
        train_recipe(
            replace(recipe, train=replace(recipe.train, seed=9)), tmp_path / "run", command="test", resume=True
        )


@pytest.mark.slow
def test_a_study_shares_what_it_can_stops_and_goes_on(study_file, tmp_path):
    study = load_study(study_file, ["study.seeds=[1]", *TINY_CHANGES])
    out = tmp_path / "out"
    heard = []

    def stop_the_second(event):
        heard.append(event)
        if event["kind"] == "started" and event["number"] == 2:
            (out / study.folder("SAR", 1) / STOP_FILE).touch()

    first = run_study(study, out, command="test", report=stop_the_second)
    assert (first.stopped, first.done, first.wanted) == (True, 1, 2)
    rendered = [e for e in heard if e["kind"] == "working" and e["stage"].startswith("rendering")]
    assert {e["number"] for e in rendered} == {1}  # the second run found them
    begun = (out / study.folder("Add", 1) / "model" / "card.json").stat().st_mtime_ns
    heard.clear()
    second = run_study(study, out, command="test", report=heard.append)
    assert (second.stopped, second.done) == (False, 2)
    assert {e["number"] for e in heard} == {2}
    assert not [e for e in heard if e["kind"] == "working" and e["stage"].startswith("rendering")]
    assert (out / study.folder("Add", 1) / "model" / "card.json").stat().st_mtime_ns == begun
    logged = read_events(out / study.folder("SAR", 1) / "events.jsonl")
    assert [e["step"] for e in logged if e["kind"] == "step"] == [1, 2]
    assert "ours: not run yet" not in (out / "study.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_runs_of_a_study_share_sets_texts_and_tokens(tmp_path):
    start = train_recipe(tiny_recipe(), tmp_path / "start", command="test").model
    recipe = tiny_recipe("tgfnet_compact_frozen", f'recipe.start="{start}"', 'data.variants=["cloud"]')
    other = replace(recipe, train=replace(recipe.train, seed=5))
    materials = Materials(tmp_path / "shared", lambda event: None)
    cards = [
        train_recipe(one, tmp_path / name, command="test", materials=materials).card
        for name, one in (("a", recipe), ("b", other))
    ]
    assert cards[0].sha256 != cards[1].sha256
    assert sorted(path.name.split("-")[0] for path in (tmp_path / "shared" / "features").iterdir()) == [
        "test", "train", "validation",
    ]  # fmt: skip
    assert not (tmp_path / "a" / "data").exists()
    assert any("start: image encoder" in part.role for part in cards[0].pretrained)


@pytest.mark.slow
def test_the_command_runs_a_study_on_a_folder(tmp_path, capsys):
    (tmp_path / "osvqa").mkdir()
    fabricate(tmp_path / "osvqa")
    sizes = [word for change in TINY_CHANGES for word in ("--set", change)]
    command = ["train", "table_iv", "--data", str(tmp_path / "osvqa"), "--base", "tgfnet_compact_scenes", *sizes]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "Finished: 4 of 4 runs" in said.out
    assert "[run 4 of 4: Exp4, seed 1]" in said.err
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert page.count("<td>paper</td>") == 4
    assert "osvqa" in page
