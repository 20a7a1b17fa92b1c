"""``rsqa train grounding_dino`` from weights to a row in Table I; its recipe, and what it refuses."""

from __future__ import annotations

import json

import pytest

from engine.catalog import WEIGHTS_FILE, file_sha256, read_card
from engine.cli.main import main
from engine.errors import ModelNotFound, UsageError
from engine.grounding.rivals.dino_recipe import GroundingDinoRecipe
from engine.grounding.rivals.dino_run import published_weights
from engine.grounding.rivals.dino_training import save_grounding_dino
from engine.grounding.rivals.grounding_dino import FOLDER_VARIABLE, HUB_ID, IMAGENET, GroundingDino
from engine.training.trainer import load_recipe
from tests.engine.datasets.fabricate import optsar_rsvg
from tests.engine.grounding.recipes import FEW_STEPS, TINY_WORDS
from tests.engine.grounding.rivals.tiny_dino import bert_tokenizer, tiny_dino

FEW_WORDS = [word for change in (*FEW_STEPS, "model.image_size=128") for word in ("--set", change)]


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder as that of the published weights, small and random, and named in the environment."""
    folder = tmp_path / "published"
    save_grounding_dino(GroundingDino(tiny_dino(), bert_tokenizer()), folder)
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def recipe_with(*changes: str) -> GroundingDinoRecipe:
    recipe = load_recipe("grounding_dino", list(changes), data="scenes")
    assert isinstance(recipe, GroundingDinoRecipe)
    return recipe


def test_its_sets_are_those_of_ours():
    recipe = recipe_with("preprocess.sar_db=[-30.0, 0.0]", "batch.share=0.5")
    assert (recipe.preprocess.mean, recipe.preprocess.std) == (IMAGENET.mean, IMAGENET.std)
    assert recipe.augment.sar_range_db == 30.0
    ours = recipe.sets
    assert (ours.data, ours.batch, ours.preprocess) == (recipe.data, recipe.batch, recipe.preprocess)
    assert ours.model.image_size == recipe.model.image_size == 640
    assert recipe.settings(33).steps == 12 * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("preprocess.mean=0.5", "preprocess.mean"),
        ("augment.sar_range_db=30", "preprocess.sar_db"),
        ("model.experts=8", "experts"),
        ("slots.texts=8", "slots"),
        ("model.image_size=96", "128 px"),
        ("recipe.start=optisar-compact", "published weights"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        recipe_with(change)


def test_without_weights_nothing_is_read_and_the_command_says_what_to_fetch(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("engine.grounding.rivals.grounding_dino._places", lambda: iter([tmp_path / "nowhere"]))
    optsar_rsvg.fabricate(tmp_path / "data")
    words = ["train", "grounding_dino", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(words) == ModelNotFound.exit_code
    said = capsys.readouterr().err
    assert "not on this machine" in said
    assert HUB_ID in said
    assert not (tmp_path / "out" / "data").exists()


@pytest.mark.slow
def test_the_command_tunes_published_weights_and_table_i_says_what_they_learned_from(tmp_path, published, monkeypatch):
    data = tmp_path / "OptSAR-RSVG"
    data.mkdir()
    optsar_rsvg.fabricate(data)
    run = tmp_path / "dino"
    assert main(["train", "grounding_dino", "--data", str(data), *FEW_WORDS, "--out", str(run)]) == 0
    model = run / "model"
    card = read_card(model)
    assert card.task == "grounding_dino"
    assert card.pretrained[0].files_sha256[WEIGHTS_FILE] == file_sha256(published / WEIGHTS_FILE)
    assert card.sha256 == file_sha256(model / WEIGHTS_FILE) != file_sha256(published / WEIGHTS_FILE)
    assert (run / "report" / "evaluation.html").is_file()

    monkeypatch.setenv(FOLDER_VARIABLE, str(model))
    table = ["train", "optisar_table_i", "--base", "optisar_small_scenes", "--data", str(data), *TINY_WORDS]
    assert main([*table, "--set", "model.image_size=128", "--out", str(tmp_path / "table")]) == 0
    record = json.loads((tmp_path / "table" / "study.json").read_text(encoding="utf-8"))
    (row,) = [row for row in record["rows"] if row["name"] == "G-DINO"]
    assert row["ours"]["all meanIoU"] == pytest.approx(100 * card.metrics["meanIoU"])
    assert row["paper"]["all meanIoU"] == 74.84
    trained_on = record["facts"]["trained on"]
    assert trained_on == "optsar-rsvg in OptSAR-RSVG, train: 3 views"
    assert any(f"fine-tuned on {trained_on}" in note for note in record["notes"])

    with pytest.raises(UsageError, match="fine-tuned already, on optsar-rsvg"):
        published_weights()
    assert main(["evaluate", str(model), str(data), "--out", str(tmp_path / "scores")]) == UsageError.exit_code
