"""Studies of LGCE as the command runs them, on fabricated folders and on a few scenes, beside the paper."""

from __future__ import annotations

import csv
import json

import pytest

from engine.catalog.recipe_files import recipe_path
from engine.cli.main import main
from engine.export.study import write_study
from engine.training.study import load_study, study_report
from tests.engine.datasets.fabricate import refsegrs, rrsis_d
from tests.engine.segmentation.recipes import TINY_WORDS
from tests.engine.vqa.tiny import tiny_card

SCORES = ("Pr@0.5", "Pr@0.6", "Pr@0.7", "Pr@0.8", "Pr@0.9", "oIoU", "mIoU")


def card_of(recipe, share):
    """A card with ``share`` for every figure, and half of it by the paper's rule."""
    part = {**dict.fromkeys(SCORES, share), "samples": 5}
    values = {
        "sensor": ("optical", "sar"), "scatter": ("small and scattered",),
        "size": ("tiny", "small", "medium", "large"), "hidden": ("in sight", "partly hidden", "mostly hidden"),
    }  # fmt: skip
    subsets = {label: dict.fromkeys(names, part) for label, names in values.items()}
    guess = part | {"subsets": subsets}
    metrics = guess | {"argmax": dict.fromkeys(SCORES, share / 2)}
    return tiny_card(name=recipe.recipe.name, task="segmentation", config=recipe.model.as_json(), metrics=metrics,
                     guess=guess, metrics_split="a split")  # fmt: skip


def written(name, out):
    """The study's CSV as dictionaries and its page, with cards that have half of everything in all runs."""
    study = load_study(recipe_path(name), data="scenes", base="lgce_small_scenes")
    cards = {key: card_of(recipe, 0.5) for key, recipe in study.recipes.items()}
    files = {path.suffix: path for path in write_study(study_report(study, cards, "a command"), out)}
    with files[".csv"].open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream)), files[".html"].read_text(encoding="utf-8")


def test_table_ii_has_ours_by_the_papers_rule_and_everybody_elses_as_theirs(tmp_path):
    lines, page = written("lgce_table_ii", tmp_path)
    by_whose = {
        whose: {line["name"]: line for line in lines if line["whose"] == whose} for whose in ("ours", "paper", "others")
    }
    assert set(by_whose["ours"]) == {"No picture", "LAVT", "LGCE"}
    assert set(by_whose["paper"]) == {"LSTM-CNN", "ConvLSTM", "CMSA", "BRINet", "LAVT", "LGCE"}
    assert set(by_whose["others"]) == {"RMSIN", "DiCoR", "EviSAM3"}
    assert (by_whose["ours"]["LGCE"]["mIoU"], by_whose["ours"]["No picture"]["mIoU"]) == ("25.00", "50.00")
    assert by_whose["paper"]["LGCE"]["mIoU"] == "59.96"
    assert by_whose["others"]["DiCoR"]["Pr@0.5"] == ""
    assert "nor the paper" in page
    assert "the small preset at 192 px" in page
    assert "optical ones alone" in page
    assert "only the order" in page


def test_table_iv_is_counted_from_the_sizes(tmp_path):
    lines, page = written("lgce_table_iv", tmp_path)
    ours = {line["name"]: float(line["PARAMs (M)"]) for line in lines if line["whose"] == "ours" and line["PARAMs (M)"]}
    assert set(ours) == {
        "Baseline (LAVT)", "w/o Language Guidance", "w/o Cross-scale Fusion", "Full Model (LGCE)",
    }  # fmt: skip
    assert ours["Baseline (LAVT)"] < ours["w/o Cross-scale Fusion"] < ours["Full Model (LGCE)"]
    assert "At a glance" not in page


def test_studies_of_ours_show_the_parts_that_they_are_about(tmp_path):
    for name, rows in (("lgce_against_lavt", {"LAVT", "LGCE"}), ("lgce_sensors", {"Optical alone", "Both sensors"})):
        lines, page = written(name, tmp_path / name)
        assert {line["name"] for line in lines} == {"No picture", *rows}
        columns = load_study(recipe_path(name)).head.columns
        assert all(line[column] in ("25.00", "50.00") for line in lines for column in columns)
        assert f"{columns[0]}, percent" in page
        assert "threshold" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lgce_table_ii", "lgce_table_iii", "lgce_table_iv"])
@pytest.mark.parametrize("fabricate", [refsegrs, rrsis_d, None], ids=["refsegrs", "rrsis-d", "scenes"])
def test_the_command_runs_every_table(name, fabricate, tmp_path, capsys):
    data, runs = "scenes", 2 if name == "lgce_table_ii" else 4
    if fabricate is not None:
        (tmp_path / "data").mkdir()
        fabricate.fabricate(tmp_path / "data")
        data = str(tmp_path / "data")
    words = ["train", name, "--data", data, "--base", "lgce_small_scenes", *TINY_WORDS]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert f"Finished: {runs} of {runs} runs" in capsys.readouterr().out
    check_reports(tmp_path, runs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lgce_against_lavt", "lgce_sensors"])
def test_the_command_runs_studies_of_ours(name, tmp_path, capsys):
    assert main(["train", name, *TINY_WORDS, "--set", "study.seeds=[1, 2]", "--out", str(tmp_path / "out")]) == 0
    assert "Finished: 4 of 4 runs" in capsys.readouterr().out
    check_reports(tmp_path, 2)


def check_reports(folder, rows):
    """So many rows of the study below ``folder`` are ours, each with a report and a card that names no folder."""
    record = json.loads((folder / "out" / "study.json").read_text(encoding="utf-8"))
    ours = [row for row in record["rows"] if row["folders"]]
    assert len(ours) == rows
    for row in ours:
        run = folder / "out" / row["folders"][0]
        assert (run / "report" / "evaluation.html").is_file()
        assert str(folder) not in (run / "model" / "card.json").read_text(encoding="utf-8")
