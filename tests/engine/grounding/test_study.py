"""Studies of OptiSAR-Net++ as the command runs them, on fabricated folders and on a few scenes, beside the paper."""

from __future__ import annotations

import csv
import json

import pytest

from engine.catalog.recipe_files import recipe_path
from engine.cli.main import main
from engine.export.study import write_study
from engine.training.study import load_study, study_report
from engine.training.trainer import Rivals
from tests.engine.datasets.fabricate import dior_rsvg, optsar_rsvg
from tests.engine.grounding.recipes import TINY_WORDS
from tests.engine.vqa.tiny import tiny_card


def card_of(recipe, share):
    """A card with ``share`` for every figure."""
    part = {"Pr@0.5": share, "Pr@0.7": share, "Pr@0.9": share, "meanIoU": share, "cumIoU": share, "samples": 5}
    subsets = {"sensor": {"optical": part, "sar": part}, "told apart": {"direction or relation alone": part}}
    figures = part | {"subsets": subsets}
    return tiny_card(name=recipe.recipe.name, task="grounding", config=recipe.model.as_json(), metrics=figures,
                     guess=figures, metrics_split="a split")  # fmt: skip


def written(name, out, rivals=None):
    """The study's CSV as dictionaries and its page, with cards that have half of everything in all runs."""
    study = load_study(recipe_path(name), data="scenes", base="optisar_small_scenes")
    cards = {key: card_of(recipe, 0.5) for key, recipe in study.recipes.items()}
    files = {path.suffix: path for path in write_study(study_report(study, cards, "a command", rivals), out)}
    with files[".csv"].open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream)), files[".html"].read_text(encoding="utf-8")


def test_table_i_has_ours_the_papers_and_what_we_can_tell_of_grounding_dino(tmp_path):
    rivals = Rivals({"G-DINO": {"Params (M)": 172.25, "SAR meanIoU": 12.5}}, ("A word on G-DINO.",))
    lines, page = written("optisar_table_i", tmp_path, rivals)
    ours = {line["name"]: line for line in lines if line["whose"] == "ours"}
    paper = {line["name"]: line for line in lines if line["whose"] == "paper"}
    assert set(ours) == {"No picture", "OptiSAR-Net++", "G-DINO"}
    assert len(paper) == 7
    assert ours["OptiSAR-Net++"]["SAR Pr@0.9"] == "50.00"
    assert (ours["G-DINO"]["Params (M)"], ours["G-DINO"]["SAR meanIoU"]) == ("172.25", "12.50")
    assert paper["G-DINO"]["all cumIoU"] == "78.74"
    assert "A word on G-DINO." in page
    assert "the small preset at 256 px" in page
    assert "only the order" in page


def test_figures_stand_in_the_row_that_they_are_of(tmp_path):
    counted = {"Params (M)": 172.25}
    rivals = Rivals({"G-DINO 30 %": counted, "G-DINO 60 %": counted, "G-DINO 100 %": counted | {"SAR meanIoU": 12.5}})
    lines, _ = written("optisar_table_ii", tmp_path, rivals)
    dino = [line for line in lines if line["whose"] == "ours" and line["name"].startswith("G-DINO")]
    assert [line["name"] for line in dino] == ["G-DINO 30 %", "G-DINO 60 %", "G-DINO 100 %"]
    assert [(line["Params (M)"], line["SAR meanIoU"]) for line in dino] == [("172.25", "")] * 2 + [("172.25", "12.50")]


@pytest.mark.parametrize("name", [f"optisar_table_{number}" for number in ("i", "ii", "iii", "iv", "v", "vi")])
def test_a_mosaic_in_every_visit_is_said_where_there_is_one(name):
    """The paper's recipe has it; what it does depends on whether class expressions stand beside the sentences."""

    def notes(**asked):
        return " ".join(study_report(load_study(recipe_path(name), **asked), {}, "a command").notes)

    assert "a mosaic that would leave none is not made" in notes(data="somewhere")
    assert "leaves .6 of 3.75 sentences" in notes(data="scenes")
    assert "mosaic" not in notes(data="scenes", base="optisar_small_scenes")


def test_another_text_encoder_than_the_papers_is_said():
    changes = ["model.text_encoder=all-MiniLM-L6-v2", "model.embed_width=384"]
    for changed, said in (([], False), (changes, True), (["model.image_size=320"], True)):
        study = load_study(recipe_path("optisar_table_v"), changed, data="somewhere")
        notes = " ".join(study_report(study, {}, "a command").notes)
        assert ("Ours are the paper preset at" in notes) == said


def test_the_guess_says_whose_it_is_where_it_is_not_that_of_all_runs():
    """With less to learn from, or with masked sentences, one guesses worse."""
    study = load_study(recipe_path("optisar_table_ii"), data="scenes", base="optisar_small_scenes")
    cards = {key: card_of(recipe, 0.5) for key, recipe in study.recipes.items()}
    assert study_report(study, cards, "").rows[0].what == "the guess, from the expression alone"
    last = next(reversed(cards))
    guess = study_report(study, cards | {last: card_of(study.recipes[last], 0.6)}, "").rows[0]
    assert guess.what == "the guess, from the expression alone, for “30 %”"
    assert guess.ours["optical meanIoU"] == 50.0


def test_figures_of_others_are_marked_as_theirs(tmp_path):
    lines, page = written("optisar_table_iv", tmp_path)
    (line,) = [line for line in lines if line["name"] == "MB-ORES"]
    assert (line["whose"], line["meanIoU"], line["Pr@0.9"]) == ("others", "77.73", "")
    assert "nor the paper" in page


def test_the_study_of_negatives_shows_what_a_direction_alone_tells(tmp_path):
    lines, page = written("optisar_negatives", tmp_path)
    assert {line["name"] for line in lines} == {"No picture", "Random negatives alone", "With adversarial negatives"}
    assert all(line["told apart Pr@0.5"] == "50.00" for line in lines)
    assert "told apart Pr@0.5, percent" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fabricate", "runs"),
    [
        ("optisar_table_i", optsar_rsvg, 1),
        ("optisar_table_ii", optsar_rsvg, 3),
        ("optisar_table_iii", optsar_rsvg, 3),
        ("optisar_table_iv", dior_rsvg, 1),
        ("optisar_table_v", optsar_rsvg, 4),
        ("optisar_table_vi", optsar_rsvg, 8),
        ("optisar_table_v", None, 4),
        ("optisar_negatives", None, 2),
    ],
)
def test_the_command_runs_every_study(name, fabricate, runs, tmp_path, capsys):
    data = "scenes"
    if fabricate is not None:
        (tmp_path / "data").mkdir()
        fabricate.fabricate(tmp_path / "data")
        data = str(tmp_path / "data")
    words = ["train", name, "--data", data, "--base", "optisar_small_scenes", *TINY_WORDS]
    assert main([*words, "--set", "study.seeds=[1]", "--out", str(tmp_path / "out")]) == 0
    assert f"Finished: {runs} of {runs} runs" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))
    ours = [row for row in record["rows"] if row["folders"]]
    assert len(ours) == runs
    for row in ours:
        assert (tmp_path / "out" / row["folders"][0] / "report" / "evaluation.html").is_file()
    assert str(tmp_path) not in (tmp_path / "out" / row["folders"][0] / "model" / "card.json").read_text("utf-8")
