"""The task: batches that add up, gradients everywhere, validation, and one path from picture to network."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.scenes import make_sample
from engine.text import ANSWERS as SCENE_ANSWERS
from engine.vqa.augment import AugmentSettings
from engine.vqa.build import build_network
from engine.vqa.data.features import FeatureCache
from engine.vqa.data.scenes import SceneSetSpec, render_set
from engine.vqa.data.table import QuestionTable
from engine.vqa.network import ViewFeatures, plain_output
from engine.vqa.patch_truth import CHANNELS
from engine.vqa.predictor import TgfnetPredictor
from engine.vqa.task import BatchSettings, TrainedVqa, VqaTask, score_set
from tests.engine.vqa.data.sets import TYPES, noise_set
from tests.engine.vqa.tiny import ANSWERS, CONFIG, WordHashes, tiny_card, tiny_model

SPEC = PreprocessSpec()
STILL = AugmentSettings(gain=0, offset=0, colour=0, noise=0, shift_px=0, drop_sensor=0, hole=0)
PARTS = {"optical", "sar", "fusion", "final", "patches", "accuracy"}


def task_on(views, *, model=None, augment=None, features=None, config=CONFIG, **batch):
    model = model or TrainedVqa(tiny_model(), patch_width=CONFIG.width)
    settings = BatchSettings(views=4, questions=3, augment=augment or AugmentSettings(), **batch)
    return VqaTask(
        model, config, SPEC, settings, views, views, WordHashes(), ANSWERS,
        seed=1, steps=10, features=features, validation_features=features,
    )  # fmt: skip


@pytest.fixture(scope="module")
def views():
    truth = np.random.default_rng(1).integers(0, 256, (6, CONFIG.patches, CHANNELS), np.uint8)
    pair = ("exact", "other", "shifted", "exact", "other", "exact")
    return noise_set(views=6, questions=8, types=TYPES, patches=truth, pair=pair)


@pytest.mark.parametrize("parts", [2, 4])
def test_the_loss_of_a_batch_is_the_mean_of_those_of_its_equal_parts(views, parts):
    """Also where sensors are missing, pictures have holes and places differ."""
    task = task_on(views, augment=AugmentSettings(drop_sensor=0.5, hole=0.5), variant_share=0.5)
    task.model.train()
    for step in range(3):
        items = task.draw(step)
        assert any(item.missing for item in items) or step
        whole, whole_parts = task.model(task.collate(items, step))
        size = len(items) // parts
        pieces = [task.model(task.collate(items[i * size : (i + 1) * size], step)) for i in range(parts)]
        torch.testing.assert_close(torch.stack([loss for loss, _ in pieces]).mean(), whole, atol=1e-5, rtol=1e-5)
        assert set(whole_parts) == PARTS
        for name, part in whole_parts.items():
            torch.testing.assert_close(torch.stack([said[name] for _, said in pieces]).mean(), part)


@pytest.mark.parametrize("sensor", ["optical", "sar"])
def test_a_network_of_one_sensor_always_sees_it(views, sensor):
    """Else one visit in so many would teach it to answer blindly, and tables would compare unequal trainings."""
    always = AugmentSettings(drop_sensor=1.0, hole=0.0, shift_px=0)
    config = replace(CONFIG, network="rsvqa", fusion="add", sensors=sensor)
    task = task_on(views, model=TrainedVqa(build_network(config)), config=config, augment=always)
    both = task_on(views, augment=always)
    for step in range(3):
        assert all(item.missing == () for item in task.draw(step))
        assert any(item.missing for item in both.draw(step))
        assert getattr(task.collate(task.draw(step), step), f"{sensor}_mask").all()


def test_a_batch_is_the_same_however_often_it_is_prepared(views):
    one, other = task_on(views, variant_share=1.0), task_on(views, variant_share=1.0)
    for step in (5, 2):
        for left, right in zip(one.collate(one.draw(step), step), other.collate(other.draw(step), step), strict=True):
            torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_a_batch_has_a_gradient_for_every_parameter(views):
    task = task_on(views)
    loss, _ = task.model(task.collate(task.draw(0), 0))
    loss.backward()
    for name, parameter in task.model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_progress_reaches_the_networks_loss(views):
    """FETH's curriculum hears how much of the training is done."""
    task = task_on(views)
    assert [task.collate(task.draw(step), step).progress.item() for step in (0, 5, 25)] == [0.0, 0.5, 1.0]


def test_kept_tokens_train_as_pictures_without_augmentation_do(views):
    network = tiny_model()
    cache = FeatureCache.build(network, views, CONFIG, SPEC, None)
    model = TrainedVqa(network)
    plain, kept = task_on(views, model=model, augment=STILL), task_on(views, model=model, augment=STILL, features=cache)
    for step in range(2):
        loss, _ = model(plain.collate(plain.draw(step), step))
        torch.testing.assert_close(model(kept.collate(kept.draw(step), step))[0], loss, atol=2e-3, rtol=1e-3)
    assert plain.validate(model).score == kept.validate(model).score


def test_kept_tokens_vary_in_weather_and_missing_sensor():
    views = noise_set(views=4, questions=8, variants=("cloud",))
    network = tiny_model()
    cache = FeatureCache.build(network, views, CONFIG, SPEC, None)
    task = task_on(views, model=TrainedVqa(network), features=cache, variant_share=0.5,
                   augment=AugmentSettings(drop_sensor=0.5))  # fmt: skip
    seen = {True: 0, False: 0}
    for step in range(4):
        items = task.draw(step)
        batch = task.collate(items, step)
        assert batch.optical.shape == (4, CONFIG.patches, CONFIG.width)
        for row, item in enumerate(items):
            expected = cache.view([item.view], [item.variant])
            torch.testing.assert_close(batch.optical[row : row + 1], expected.optical)
            assert batch.sar_mask[row].any() == ("sar" not in item.missing)
            assert batch.optical_mask[row].any() == ("optical" not in item.missing)
            seen[item.variant > 0] += 1
    assert min(seen.values()) > 0


def test_weather_that_kept_tokens_cannot_show_is_refused(views):
    """It would be drawn, questions on the weather would be left out, and the picture would be as it is."""
    network = tiny_model()
    cache = FeatureCache.build(network, views, CONFIG, SPEC, None)
    with pytest.raises(UsageError, match="no pictures in other weather") as caught:
        task_on(views, model=TrainedVqa(network), features=cache, variant_share=0.5)
    assert "data.variants" in caught.value.remedy
    task_on(views, model=TrainedVqa(network), variant_share=0.5)  # on pictures it is put over them


class SaysYes(nn.Module):
    """In place of a network: always the first answer, whatever it is shown; it remembers what that was."""

    text_tower = None

    def __init__(self):
        super().__init__()
        self.shown = []
        self.weight = nn.Parameter(torch.zeros(1))

    def encode(self, optical, optical_mask, sar, sar_mask):
        self.shown.append((optical_mask.any().item(), sar_mask.any().item(), optical))
        return ViewFeatures(optical.mean((1, 2, 3)).reshape(-1, 1, 1), optical_mask, sar[:, :1, :1, 0], sar_mask)

    def forward(self, view, question, question_mask):
        return plain_output(torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]]).repeat(len(question), 1))


def test_validation_counts_by_hand():
    """A network that always says the first answer, yes: right on half; one type is all yes, the other all no."""
    views = noise_set(views=4, questions=6)
    yes = tuple(replace(q, answer="yes" if q.type == "presence" or q.scene == 0 else "no") for q in views.questions)
    views = replace(views, questions=(*yes[:-1], replace(yes[-1], answer="nowhere")))
    model = TrainedVqa(SaysYes())
    found = task_on(views, model=model).validate(model)
    assert found.metrics["accuracy"] == found.score == pytest.approx((12 + 3) / 24)
    assert found.metrics["AA"] == pytest.approx((12 / 12 + 3 / 12) / 2)
    wrong, right = np.log(np.e + 4), np.log(np.e + 4) - 1
    assert found.metrics["cross_entropy"] == pytest.approx((15 * right + 8 * wrong) / 23)  # the unknown has none
    assert set(found.metrics) == {"accuracy", "AA", "cross_entropy"}  # it has no experts


def test_scoring_shows_the_variant_and_mutes_the_sensor_that_is_asked_for():
    views = noise_set(views=3, questions=2, variants=("cloud",))
    table = QuestionTable(views.questions, WordHashes(), ANSWERS)
    for variant, mute in ((0, ()), (1, ("sar",)), (0, ("optical",))):
        network = SaysYes()
        scored = score_set(network, views, table, CONFIG, SPEC, "cpu", mute=mute, variant=variant, views=2)
        order = torch.cat([questions for _, questions in scored])
        assert order.tolist() == list(range(6))
        optical, sar, pixels = network.shown[0]
        assert (optical, sar) == ("optical" not in mute, "sar" not in mute)
        if optical:
            expected = (views.optical[:2, variant].astype(np.float32) / 255 - 0.5) / 0.25
            np.testing.assert_allclose(pixels.numpy(), expected, atol=1e-5)
    assert len(network.shown) == 2


@pytest.fixture(scope="module")
def scenes():
    spec = SceneSetSpec(
        first_seed=5, count=2, wording="train", questions_per_type=1, view_px=64, size_px=64, grid=4
    )  # fmt: skip
    return render_set(spec, SPEC, None)


def test_training_sees_what_the_predictor_shows(scenes):
    """The rendered set and the analyst's raster take one path: same scene, same answer (up to 8-bit rounding)."""
    here = replace(CONFIG, answers=len(SCENE_ANSWERS))
    torch.manual_seed(0)
    network = build_network(here).eval()
    sample = make_sample(5, size=64)
    card = tiny_card(config=here.as_json(), answers=SCENE_ANSWERS)
    predictor = TgfnetPredictor(copy.deepcopy(network), card, WordHashes())
    view = predictor.encode(
        sample.optical.astype(np.float32), None, sample.sar[None].astype(np.float32), None, sample.sar_unit
    )
    table = QuestionTable(scenes.questions, WordHashes(), SCENE_ANSWERS)
    output, questions = next(score_set(network, scenes, table, here, SPEC, "cpu"))
    first = scenes.questions[int(questions[0])]
    found = predictor.answer(view, first.text)
    np.testing.assert_allclose(found.probabilities, output.logits[0].softmax(-1), atol=5e-3)
