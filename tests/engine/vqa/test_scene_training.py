"""From scenes to batches: rendered sets, the patches' truth, augmentation, recipe."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from engine.catalog import TASKS
from engine.cli.train import describe, recipe_path
from engine.errors import UsageError
from engine.scenes import make_sample
from engine.scenes.scene import OBJECTS, Disc, Item, Polygon
from engine.text import ANSWERS
from engine.vqa.augment import AugmentSettings, augment_pair
from engine.vqa.build import build_network
from engine.vqa.dense_loss import TrainedTgfnet
from engine.vqa.evaluation import Scored, fit_temperature
from engine.vqa.guess import guess_metrics
from engine.vqa.patch_truth import CHANNELS, COUNT_STEP, COVERED, patch_truth
from engine.vqa.predictor import TgfnetPredictor
from engine.vqa.preprocess import PreprocessSpec
from engine.vqa.recipe import parse_recipe
from engine.vqa.run import limits_of
from engine.vqa.scene_data import SceneSetSpec, render_set
from engine.vqa.task import BatchSettings, QuestionTable, SceneQuestionTask, score_set
from tests.engine.vqa.tiny import CONFIG, WordHashes, tiny_card

SPEC = SceneSetSpec(first_seed=5, count=3, wording="train", questions_per_type=1, view_px=64, size_px=64, grid=4)
HERE = replace(CONFIG, answers=len(ANSWERS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scenes") / "set"


@pytest.fixture(scope="module")
def scenes(folder):
    return render_set(SPEC, PreprocessSpec(), folder)


def test_a_set_holds_what_the_scenes_say(scenes):
    assert scenes.optical.shape == (3, 3, 64, 64)
    assert scenes.sar.shape == (3, 64, 64)
    assert scenes.patches.shape == (3, 16, CHANNELS)
    for row in range(3):
        sample = make_sample(5 + row, size=64)
        asked = [q for q in scenes.questions if q.scene == row]
        assert [(q.text, q.answer) for q in asked] == [(q.text, q.answer) for q in sample.questions]
        assert scenes.weather[row] == sample.weather
        np.testing.assert_array_equal(scenes.patches[row], patch_truth(sample.scene, sample.item_map, 4))


def test_a_set_is_reused_and_a_changed_spec_renders_anew(scenes, folder, monkeypatch):
    rendered = []
    assert render_set(SPEC, PreprocessSpec(), folder, report=lambda done, of: rendered.append(done)).questions
    assert rendered == []
    fewer = render_set(replace(SPEC, count=1), PreprocessSpec(), folder.parent / "other")
    again = render_set(
        replace(SPEC, count=2), PreprocessSpec(), folder.parent / "other", report=lambda d, o: rendered.append(d)
    )
    assert (len(fewer.weather), len(again.weather), rendered) == (1, 2, [2])
    assert not (folder.parent / "other.part").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_set_in_memory_is_the_one_on_disk(scenes, workers):
    """Served from as many processes as there are, without a file."""
    done = []
    kept = render_set(
        SPEC, PreprocessSpec(), None, workers=workers, report=lambda number, of: done.append((number, of))
    )
    for name in ("optical", "sar", "patches"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(scenes, name))
    assert (kept.questions, kept.weather, kept.pair, kept.gsd_m) == (
        scenes.questions, scenes.weather, scenes.pair, scenes.gsd_m,
    )  # fmt: skip
    assert done == [(3, 3)]


def test_patch_truth_by_hand():
    scene = make_sample(1, size=64).scene
    square = Polygon(((0, 0), (1, 0), (1, 1)))
    scene = replace(
        scene,
        items=(Item("grassland", square), Item("lake", square), Item("ship", Disc((20.0, 20.0), 2.0))),
    )
    item_map = np.zeros((64, 64), np.int32)
    item_map[:16, :16] = 1  # the lake fills the first patch of 4 x 4
    item_map[16:24, 16:24] = 2  # the ship lies in the sixth, on a quarter of it
    truth = patch_truth(scene, item_map, 4)
    water, lake, grass, ship = (COVERED.index(name) for name in ("water", "lake", "grassland", "ship"))
    assert truth[0, [water, lake, grass]].tolist() == [255, 255, 0]
    assert truth[5, [ship, grass]].tolist() == [round(255 / 4), round(255 * 3 / 4)]
    counts = truth[:, len(COVERED) :] / COUNT_STEP
    assert counts[5, OBJECTS.index("ship")] == 1
    assert counts.sum() == 1


def test_dense_loss_is_least_at_the_truth():
    model = TrainedTgfnet(build_network(HERE), CHANNELS)
    model.patch_head = nn.Identity()
    truth = torch.zeros(1, 4, CHANNELS, dtype=torch.uint8)
    truth[..., 0], truth[..., -1] = 255, 32  # all water; two of the last object in each patch
    logits = torch.full((1, 4, CHANNELS), -9.0)
    logits[..., 0], logits[..., -1] = 9.0, float(np.log(2.0))
    mask = torch.tensor([[True, True, True, False]])
    right = model.patch_loss(logits, mask, truth)
    assert right < model.patch_loss(-logits, mask, truth)
    loud = logits.clone()
    loud[:, 3] = 100.0
    torch.testing.assert_close(model.patch_loss(loud, mask, truth), right)


@pytest.fixture(scope="module")
def task(scenes):
    torch.manual_seed(0)
    model = TrainedTgfnet(build_network(HERE), HERE.width)
    batch = BatchSettings(views=2, questions=2)
    return SceneQuestionTask(model, HERE, PreprocessSpec(), batch, scenes, scenes, WordHashes())


def test_a_batch_follows_from_its_generator_alone(task):
    one, two, other = (task.loss(np.random.default_rng(seed))[0].item() for seed in (1, 1, 2))
    assert one == two != other


def test_a_batch_has_a_gradient_for_every_parameter(task):
    loss, parts = task.loss(np.random.default_rng(1))
    loss.backward()
    assert {"optical", "sar", "fusion", "final", "patches", "accuracy"} == set(parts)
    for name, parameter in task.model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_training_sees_what_the_predictor_shows(task, scenes):
    """The rendered set and the analyst's raster take one path: same scene, same answer (up to 8-bit rounding)."""
    network = copy.deepcopy(task.model.network).eval()
    sample = make_sample(5, size=64)
    card = tiny_card(config=HERE.as_json(), answers=ANSWERS)
    predictor = TgfnetPredictor(network, card, WordHashes())
    view = predictor.encode(
        sample.optical.astype(np.float32), None, sample.sar[None].astype(np.float32), None, sample.sar_unit
    )
    table = QuestionTable(scenes.questions, WordHashes())
    output, questions = next(score_set(network, scenes, table, HERE, PreprocessSpec(), torch.device("cpu")))
    first = scenes.questions[int(questions[0])]
    found = predictor.answer(view, first.text)
    np.testing.assert_allclose(found.probabilities, output.logits[0].softmax(-1), atol=5e-3)


def test_validation_scores_between_none_and_all(task):
    task.model.eval()
    with torch.inference_mode():
        validation = task.validate()
    assert 0 <= validation.score <= 1
    assert set(validation.metrics) == {"accuracy", "optical", "sar", "fusion", "cross_entropy"}


def test_the_guess_is_the_better_of_two_per_type(scenes):
    table = QuestionTable(scenes.questions, WordHashes())
    guess = guess_metrics(scenes.questions, table, scenes.questions, table, answers=len(ANSWERS))
    for kind, best in guess["per_type"].items():
        assert best == max(guess[name]["per_type"][kind] for name in ("majority", "text_only"))
    assert guess["OA"] >= max(guess["majority"]["OA"], guess["text_only"]["OA"]) - 1e-9


def test_a_type_that_was_not_learned_is_a_limit_of_the_card():
    said = limits_of({"per_type": {"location": 0.13, "most": 0.98}}, {"per_type": {"location": 0.15, "most": 0.18}})
    assert any("location" in line and "13%" in line for line in said)
    assert not any("most" in line.split("”")[0] for line in said if "no better" in line)


def test_temperature_is_recovered():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 4)).astype(np.float32)
    shares = torch.from_numpy(logits).softmax(-1).numpy()
    answer = (rng.random((4000, 1)) > shares.cumsum(1)).sum(1).clip(max=3)
    scored = Scored(2.5 * logits, np.zeros((4000, 3, 4), np.float32), np.zeros((4000, 3), np.float32), answer)
    assert fit_temperature(scored) == pytest.approx(2.5, rel=0.1)


def test_augmentation_masks_what_it_takes_away():
    rng = np.random.default_rng(0)
    optical, sar = rng.integers(1, 255, (3, 32, 32), np.uint8), rng.integers(1, 255, (32, 32), np.uint8)
    dropped = holes = 0
    for _ in range(200):
        pair = augment_pair(optical, sar, AugmentSettings(), rng)
        assert pair.optical.shape == (3, 32, 32)
        assert 0 <= pair.optical.min() <= pair.optical.max() <= 1
        assert pair.optical_valid.any() or pair.sar_valid.any()
        dropped += not (pair.optical_valid.any() and pair.sar_valid.any())
        holes += 0 < pair.optical_valid.mean() < 1
    assert 8 <= dropped <= 50
    assert holes > 0


def test_no_augmentation_is_the_picture_itself():
    rng = np.random.default_rng(0)
    still = AugmentSettings(gain=0, offset=0, colour=0, noise=0, shift_px=0, drop_sensor=0, hole=0)
    optical, sar = rng.integers(0, 256, (3, 8, 8), np.uint8), rng.integers(0, 256, (8, 8), np.uint8)
    pair = augment_pair(optical, sar, still, rng)
    np.testing.assert_allclose(pair.optical * 255, optical, atol=1e-3)
    np.testing.assert_allclose(pair.sar * 255, sar, atol=1e-3)
    assert pair.sar_valid.all()


def shipped() -> str:
    return recipe_path("tgfnet_compact_scenes").read_text(encoding="utf-8")


def test_the_shipped_recipe_is_whole():
    recipe = parse_recipe(shipped(), ["train.steps=7", "batch.augment.noise=0.5"])
    assert recipe.recipe.task in TASKS
    assert recipe.model.answers == len(ANSWERS)
    assert recipe.train.steps == 7
    assert recipe.batch.augment.noise == 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.stepz=7", "stepz"),
        ("trian.steps=7", "trian"),
        ("batch.augment.flip=true", "flip"),
        ("train.steps=many", "steps"),
        ("steps=7", "changes nothing"),
        ("train.steps", "changes nothing"),
    ],
)
def test_a_misspelt_change_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        parse_recipe(shipped(), [change])


def test_an_unknown_recipe_names_the_known():
    with pytest.raises(UsageError, match="no recipe") as caught:
        recipe_path("nonsense")
    assert "tgfnet_compact_scenes" in caught.value.remedy
    with pytest.raises(UsageError, match="TOML"):
        parse_recipe("[broken")


def test_progress_lines():
    event = {"kind": "step", "step": 3, "steps": 9, "loss": 1.5, "accuracy": 0.25, "seconds_left": 125}
    assert describe(event) == "step 3 of 9   loss 1.500   accuracy 0.250   2:05 left"
    assert describe(json.loads('{"kind": "checkpoint", "step": 3}')) is None
