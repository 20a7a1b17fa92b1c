"""A run from recipe to model: small enough for a test, resumed, refused, started from another; and what a card says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import ModelNotFound, UsageError
from engine.nn.swin_weights import SWIN
from engine.segmentation.materials import SegmentationMaterials
from engine.segmentation.predictor import SegmentationPredictor
from engine.segmentation.recipe import SegmentationRecipe
from engine.segmentation.run import begun_with, limits_of, started_network
from engine.segmentation.scored import SCORED_FILE, Scored
from engine.segmentation.swin import build_swin
from engine.segmentation.trainer import SegmentationTrainer
from engine.segmentation.words import TRAINED, build_words
from engine.training.events import read_events
from engine.training.loop import STOP_FILE
from engine.training.run import train_recipe
from engine.training.trainer import load_recipe
from tests.engine.datasets.fabricate import refsegrs
from tests.engine.segmentation.recipes import FEW_STEPS, SMALL, TINY_CHANGES


def tiny_recipe(*changes: str, name: str = "lgce_small_scenes", data: str | None = None) -> SegmentationRecipe:
    recipe = load_recipe(name, [*TINY_CHANGES, *changes], data)
    assert isinstance(recipe, SegmentationRecipe)
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
    return recipe, out, train_recipe(recipe, out, command="rsqa train it", resume=True, report=heard.append), heard


def test_a_run_that_was_stopped_goes_on_to_a_model(finished):
    _, out, result, heard = finished
    assert result.training.steps == 2
    assert not [event for event in heard if event.get("stage", "").startswith("rendering")]  # found again
    assert heard[-1]["kind"] == "scored"
    assert {path.name for path in (out / "model").iterdir()} == {"card.json", "model.safetensors"}
    record = json.loads((result.report / "evaluation.json").read_text(encoding="utf-8"))
    assert record["metrics"]["mIoU"] == result.card.metrics["mIoU"]
    assert (result.report / "evaluation.html").is_file()
    assert Scored.read(result.report / SCORED_FILE).expression.size == result.card.metrics["samples"]


def test_a_run_that_was_stopped_learns_what_one_that_was_not_does(finished, tmp_path):
    recipe, out, result, _ = finished
    at_once = train_recipe(recipe, tmp_path, command="test")
    assert at_once.card.sha256 == result.card.sha256
    losses = [[e["loss"] for e in read_events(folder) if e["kind"] == "step"] for folder in (out, tmp_path)]
    assert losses[0] == losses[1]


def test_its_card_says_what_it_is(finished):
    recipe, _, result, _ = finished
    card = result.card
    assert (card.task, card.command, card.config) == ("segmentation", "rsqa train it", recipe.model.as_json())
    assert [part.name for part in card.pretrained] == ["all-MiniLM-L6-v2"]
    assert 0 < card.trained_gsd_m[0] <= card.trained_gsd_m[1]
    assert 0 < card.training_data.samples <= 6
    assert {"subsets", "mIoU", "oIoU", "Pr@0.5"} <= set(card.guess)
    assert {"subsets", "argmax", "calibration"} <= set(card.metrics)
    assert "synthetic" in card.limits[0]
    assert card.metrics_split.endswith("held-out wordings")


def test_its_model_is_what_use_loads(finished):
    recipe, _, result, _ = finished
    predictor = SegmentationPredictor.load(result.model)
    assert predictor.config == recipe.model
    assert predictor.card == result.card


def test_a_finished_run_is_not_repeated_and_not_written_over(finished):
    recipe, out, result, _ = finished
    again = train_recipe(recipe, out, command="test", resume=True)
    assert again.training is None
    assert again.card == result.card
    for other in (recipe, replace(recipe, train=replace(recipe.train, seed=9))):
        with pytest.raises(UsageError, match="finished run"):
            train_recipe(other, out, command="test", resume=other is not recipe)


def test_a_run_starts_from_another_whole_or_from_its_swin(finished):
    _, _, result, _ = finished
    words = build_words(tiny_recipe().model)
    vision = ("sensors.", "sensor_gate.", "stages.")

    def started(*changes: str) -> dict[str, torch.Tensor]:
        return started_network(tiny_recipe(*changes), words).state_dict()

    fresh = started("train.seed=7")
    for parts, same in (("all", ("",)), ("vision", vision)):
        start = (f'recipe.start="{result.model}"', f'recipe.start_parts="{parts}"')
        one, other = started(*start, "train.seed=7"), started(*start, "train.seed=8")
        learned = [name for name in fresh if not torch.equal(one[name], fresh[name])]
        assert learned
        assert all(name.startswith(same) for name in learned)
        assert all(torch.equal(one[name], other[name]) for name in fresh if name.startswith(same))
    for parts, change in (("all", "model.decoder_width=8"), ("vision", "model.window=2")):
        with pytest.raises(UsageError, match="other sizes"):
            started(f'recipe.start="{result.model}"', f'recipe.start_parts="{parts}"', change)


def test_a_run_starts_from_published_swin(tmp_path, monkeypatch):
    recipe = tiny_recipe('tune.swin="published"', "model.window=12")
    words = build_words(recipe.model)
    monkeypatch.setenv("RSQA_SWIN", str(tmp_path / "nowhere"))
    monkeypatch.setattr("engine.nn.published_weights.model_folders", lambda: (tmp_path / "models",))
    with pytest.raises(ModelNotFound, match="not on this machine"):
        started_network(recipe, words)
    torch.manual_seed(5)
    swin = build_swin(recipe.model)
    (tmp_path / "models" / SWIN.name).mkdir(parents=True)
    save_file(swin.state_dict(), tmp_path / "models" / SWIN.name / SWIN.file)
    network = started_network(recipe, words)
    for sensor in network.sensors.values():
        assert torch.equal(sensor.patch_embed.proj.weight, swin.patch_embed.proj.weight)
    (part,) = begun_with(recipe)
    assert (part.name, part.licence, part.role) == (SWIN.name, "MIT", "image encoder, trained on")
    assert begun_with(tiny_recipe()) == ()


@pytest.mark.slow
def test_a_text_encoder_that_is_trained_lies_with_the_model(tmp_path):
    """The paper's recipe in small: one sensor, a BERT that learns, a folder; and a run that starts from the result."""
    (tmp_path / "data").mkdir()
    refsegrs.fabricate(tmp_path / "data")
    small = (*SMALL, "data.gsd_m=[0.13, 0.33]", 'model.text_encoder="all-MiniLM-L6-v2"', "model.text_width=384")
    changes = (*FEW_STEPS, *small, 'tune.swin="random"', "train.epochs=1", "train.learning_rate=1e-3")
    recipe = load_recipe("lgce_paper_refsegrs", [c for c in changes if "steps" not in c], str(tmp_path / "data"))
    result = train_recipe(recipe, tmp_path / "run", command="test")
    assert result.training.steps == 2  # three expressions in batches of two
    assert [part.role for part in result.card.pretrained] == [TRAINED]
    assert result.card.trained_gsd_m == (0.13, 0.33)
    predictor = SegmentationPredictor.load(result.model)
    learned = predictor.words.words(["a road"], 8).vectors
    assert not torch.allclose(learned, build_words(recipe.model).words(["a road"], 8).vectors, atol=1e-3)
    head = replace(recipe.recipe, start=str(result.model))
    words = SegmentationMaterials(tmp_path, lambda event: None).words(replace(recipe, recipe=head))
    started_network(replace(recipe, recipe=head), words)
    words.eval()
    assert torch.equal(words.words(["a road"], 8).vectors, learned)


def test_figures_have_the_names_of_the_papers_columns(finished):
    recipe, _, result, _ = finished
    trainer = SegmentationTrainer()
    figures, guessed = trainer.figures(result.card), trainer.guessed(result.card)
    for number in ("II", "III", "IV"):
        assert set(trainer.published(number).columns) <= set(figures)
    assert figures["mIoU"] == 100 * result.card.metrics["argmax"]["mIoU"]
    assert figures["in use mIoU"] == 100 * result.card.metrics["mIoU"]
    network = started_network(recipe, build_words(recipe.model))
    assert figures["PARAMs (M)"] == pytest.approx(sum(one.numel() for one in network.parameters()) / 1e6)
    assert figures["FLOPs (G)"] == 2 * figures["MACs (G)"] > 0
    assert {"mIoU", "optical mIoU"} <= set(guessed)
    assert "PARAMs (M)" not in guessed
    said = trainer.said(result.card)
    assert f"{100 * result.card.metrics['oIoU']:.1f}" in said


def test_runs_of_a_study_share_sets_and_words(tmp_path):
    materials = SegmentationMaterials(tmp_path, lambda event: None)
    both, optical = (
        SegmentationTrainer().open(tiny_recipe(f'model.sensors="{sensors}"'), materials, lambda event: None)
        for sensors in ("both", "optical")
    )
    assert both.training is optical.training
    assert both.words is optical.words
    assert len(list((tmp_path / "data").iterdir())) == 3


def test_limits_name_what_was_not_learned():
    recipe = tiny_recipe('data.keep="memory"')
    training = SegmentationMaterials(None, lambda event: None).referrals(recipe, "train")

    def part(mean: float, samples: int = 50) -> dict[str, float]:
        return {"mIoU": mean, "samples": samples}

    ours = {
        "category": {"ship": part(0.5), "bridge": part(0.13), "harbor": part(0.0, 3)},
        "sensor": {"optical": part(0.4), "sar": part(0.2)},
        "hidden": {"in sight": part(0.41), "mostly hidden": part(0.22)},
        "scatter": {"small and scattered": part(0.25)},
    }
    blindly = {label: {value: part(0.1) for value in values} for label, values in ours.items()}
    said = limits_of(recipe, training, {"subsets": ours}, {"subsets": blindly})
    assert said[-1] == "Outlined hardly better than by a guess: bridge (13%, the guess 10%)."
    assert "Its mean IoU by sensor: optical 40%, SAR 20%." in said
    assert "in sight 41%, mostly hidden 22%" in said[3]
    assert "25%, the guess's 10%" in said[4]
