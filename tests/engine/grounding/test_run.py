"""A run from recipe to model: small enough for a test, resumed, refused, started from another; and what a card says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.catalog.card import GroundingCalibration, ScoreCurve, TrainingData, write_card
from engine.errors import ModelNotFound, UsageError
from engine.grounding.materials import GroundingMaterials
from engine.grounding.recipe import GroundingRecipe
from engine.grounding.run import limits_of, started_network
from engine.grounding.scored import Scored
from engine.grounding.trainer import GroundingTrainer
from engine.training.loop import STOP_FILE
from engine.training.run import train_recipe
from engine.training.trainer import load_recipe
from tests.engine.grounding.recipes import TINY_CHANGES
from tests.engine.vqa.tiny import tiny_card

MEANT = GroundingCalibration(common=ScoreCurve(40, 1.5, -0.5), sensors={}, least_score=0.3)
"""What the validation set says of scores; a tiny network has learned too little in two steps to say anything."""


def tiny_recipe(*changes: str, name: str = "optisar_small_scenes", data: str | None = None) -> GroundingRecipe:
    recipe = load_recipe(name, [*TINY_CHANGES, *changes], data)
    assert isinstance(recipe, GroundingRecipe)
    return recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run on scenes that was stopped after its first step and gone on with."""
    out, heard = tmp_path_factory.mktemp("run"), []

    def stop_at_once(event):
        heard.append(event)
        if event["kind"] == "started" and not event["resumed"]:
            (out / STOP_FILE).touch()

    recipe = tiny_recipe()
    stopped = train_recipe(recipe, out, command="test", report=stop_at_once)
    assert stopped.stopped
    assert stopped.card is None
    heard.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.grounding.run.fit_calibration", lambda scored, pictures: MEANT)
        result = train_recipe(recipe, out, command="rsqa train it", resume=True, report=heard.append)
    return recipe, out, result, heard


def test_a_run_that_was_stopped_goes_on_to_a_model(finished):
    _, out, result, heard = finished
    assert result.training.steps == 2
    assert not [event for event in heard if event.get("stage", "").startswith("rendering")]  # found again
    assert heard[-1]["kind"] == "scored"
    assert {path.name for path in (out / "model").iterdir()} == {"card.json", "model.safetensors"}
    record = json.loads((result.report / "evaluation.json").read_text(encoding="utf-8"))
    assert record["metrics"]["meanIoU"] == result.card.metrics["meanIoU"]
    assert (result.report / "evaluation.html").is_file()


def test_its_card_says_what_it_is(finished):
    recipe, _, result, _ = finished
    card = result.card
    assert (card.task, card.command, card.config) == ("grounding", "rsqa train it", recipe.model.as_json())
    assert card.grounding_calibration == MEANT
    assert [part.name for part in card.pretrained] == ["all-MiniLM-L6-v2"]
    assert 0 < card.trained_gsd_m[0] <= card.trained_gsd_m[1]
    assert {"kind", "subsets", "meanIoU"} <= set(card.guess)
    loads = card.metrics["experts"]["load"]
    assert all(len(load) == recipe.model.experts and sum(load) == pytest.approx(1, abs=1e-5) for load in loads.values())
    assert "synthetic" in card.limits[0]
    assert card.metrics_split.endswith("held-out wordings")


def test_a_finished_run_is_not_repeated_and_not_written_over(finished):
    recipe, out, result, _ = finished
    again = train_recipe(recipe, out, command="test", resume=True)
    assert again.training is None
    assert again.card == result.card
    for other in (recipe, replace(recipe, train=replace(recipe.train, seed=9))):
        with pytest.raises(UsageError, match="finished run"):
            train_recipe(other, out, command="test", resume=other is not recipe)


def test_a_run_starts_from_another_whole_or_from_its_backbone(finished):
    _, _, result, _ = finished
    fresh = started_network(tiny_recipe("train.seed=7")).state_dict()
    for parts, same in (("all", ""), ("vision", "backbone.")):
        start = (f'recipe.start="{result.model}"', f'recipe.start_parts="{parts}"', "train.seed=7")
        started = started_network(tiny_recipe(*start)).state_dict()
        other = started_network(tiny_recipe(*start, "train.seed=8")).state_dict()
        learned = [name for name in fresh if not torch.equal(started[name], fresh[name])]
        assert learned
        assert all(name.startswith(same) for name in learned)
        assert all(torch.equal(started[name], other[name]) for name in fresh if name.startswith(same))
    with pytest.raises(UsageError, match="other sizes"):
        started_network(tiny_recipe(f'recipe.start="{result.model}"', "model.experts=4"))


def test_figures_have_the_names_of_the_papers_columns(finished):
    recipe, _, result, _ = finished
    trainer = GroundingTrainer()
    figures = trainer.figures(result.card)
    assert figures["all meanIoU"] == figures["meanIoU"] == 100 * result.card.metrics["meanIoU"]
    own = sum(parameter.numel() for parameter in started_network(recipe).parameters())
    assert figures["Params (M)"] == pytest.approx(own / 1e6 + 22.7)  # the paper counts the frozen text encoder, too
    for number in ("I", "II", "III", "IV", "V", "VI"):
        missing = set(trainer.published(number).columns) - set(figures)
        assert not {name for name in missing if not name.startswith(("SAR ", "optical "))}
    assert "Params (M)" not in trainer.guessed(result.card)


def test_a_missing_text_encoder_is_said_before_pictures_are_read(tmp_path, monkeypatch):
    def missing(*_, **__):
        raise ModelNotFound("It is not here.")

    monkeypatch.setattr("engine.grounding.materials.build_embedder", missing)
    with pytest.raises(ModelNotFound):
        GroundingTrainer().open(tiny_recipe(), GroundingMaterials(tmp_path, lambda event: None), lambda event: None)
    assert not list(tmp_path.iterdir())


def test_sets_are_masked_in_every_split_and_kept_once(tmp_path):
    materials = GroundingMaterials(tmp_path, lambda event: None)
    recipe, masked = tiny_recipe(), tiny_recipe("slots.mask_directions=1.0")
    for split in ("train", "validation", "test"):
        plain, bare = materials.expressions(recipe, split), materials.expressions(masked, split)
        assert plain.pixels is bare.pixels
        scored = [(was, now) for was, now in zip(plain.expressions, bare.expressions, strict=True) if was.scored]
        assert scored
        assert all(now.text == was.category and now.things == was.things for was, now in scored)
    assert len(list((tmp_path / "data").iterdir())) == 3


def test_limits_name_what_was_not_learned():
    recipe = tiny_recipe()
    materials = GroundingMaterials(None, lambda event: None)
    training = materials.expressions(replace(recipe, data=replace(recipe.data, keep="memory")), "train")

    def part(right: float, samples: int = 50) -> dict[str, float]:
        return {"Pr@0.5": right, "samples": samples}

    alone = "direction or relation alone"
    ours = {
        "category": {"ship": part(0.5), "bridge": part(0.13), "harbor": part(0.0, 3)},
        "sensor": {"optical": part(0.4), "sar": part(0.2)},
        "told apart": {alone: part(0.25)},
    }
    blindly = {
        "category": {"ship": part(0.1), "bridge": part(0.1), "harbor": part(0.1)},
        "sensor": {"optical": part(0.1), "sar": part(0.1)},
        "told apart": {alone: part(0.05)},
    }
    said = limits_of(recipe, training, {"subsets": ours}, {"subsets": blindly})
    assert said[-1] == "Found hardly better than by a guess: bridge (13%, the guess 10%)."
    assert "optical 40%, SAR 20%" in said[2]
    assert "25% of cases, the guess's in 5%" in said[3]


@pytest.mark.slow
def test_grounding_dino_stands_beside_with_its_parameters(tmp_path, monkeypatch):
    """172.3 M, as the paper prints; scores only where its weights are found, and those once."""
    monkeypatch.setattr("engine.grounding.rivals.grounding_dino._places", lambda: iter([tmp_path]))
    trainer, recipe = GroundingTrainer(), tiny_recipe()
    materials = GroundingMaterials(tmp_path, lambda event: None)
    assert trainer.rivals(recipe, {"GLIP"}, materials).figures == {}
    told = trainer.rivals(recipe, {"G-DINO", "GLIP"}, materials)
    assert told.figures["G-DINO"] == {"Params (M)": pytest.approx(172.3, abs=0.1)}
    assert "no weights" in told.notes[0]


def test_grounding_dinos_weights_are_asked_once(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("engine.grounding.rivals.grounding_dino.find_grounding_dino", lambda: tmp_path)
    asked = []

    class Stub:
        @classmethod
        def load(cls, folder, *, device):
            return cls()

        def score_set(self, pictures, *, report):
            asked.append(pictures)
            from engine.grounding.scored import scored_boxes, scored_expressions, true_boxes

            return scored_boxes(pictures, true_boxes(pictures, scored_expressions(pictures)))

    monkeypatch.setattr("engine.grounding.rivals.grounding_dino.GroundingDino", Stub)
    recipe = tiny_recipe()
    for _ in range(2):
        materials = GroundingMaterials(tmp_path, lambda event: None)
        scored = materials.grounding_dino(recipe)
        assert isinstance(scored, Scored)
        assert np.allclose(scored.ious, 1)
    assert len(asked) == 1
    shares = GroundingTrainer().rivals(tiny_recipe(), {"G-DINO 30 %", "G-DINO 100 %", "GLIP 30 %"}, materials)
    assert set(shares.figures) == {"G-DINO 30 %", "G-DINO 100 %"}
    assert all(set(told) == {"Params (M)"} for told in shares.figures.values())
    assert "each row would be a training of its own" in shares.notes[0]
    told = GroundingTrainer().rivals(recipe, {"G-DINO"}, materials)
    assert told.figures["G-DINO"]["all meanIoU"] == pytest.approx(100)
    assert "as published" in told.notes[0]
    write_card(tiny_card(training_data=TrainingData("500 scenes", "none", 900)), tmp_path)
    told = GroundingTrainer().rivals(recipe, {"G-DINO"}, materials)
    assert "fine-tuned on 500 scenes: 900 views" in told.notes[0]
