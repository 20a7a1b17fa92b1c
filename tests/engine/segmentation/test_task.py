"""Batches of LGCE: pure, the same however they are cut, true of their areas; and training to the last bit."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.nn import bert
from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.augment import AugmentSettings
from engine.segmentation.data.drawing import BatchSettings
from engine.segmentation.losses import LossWeights
from engine.segmentation.network import PairInput, Words
from engine.segmentation.task import SegmentationTask, TrainedSegmentation, as_read
from engine.segmentation.words import TrainedBert, WordSource, build_words
from engine.training import SparingTask, TrainSettings, read_events, train
from engine.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, read_tensors
from engine.training.events import EVENTS_FILE
from engine.training.loop import STOP_FILE
from engine.training.optimisation import build_optimiser
from tests.engine.nn.tiny_bert import TINY
from tests.engine.segmentation.known_set import known_set
from tests.engine.segmentation.tiny import CONFIG, SIZE, TEXT, TOKENS, tiny_network
from tests.engine.training.test_processes import FINISHED, ends, start_two
from tests.engine.training.toys import losses

STILL = AugmentSettings(
    hue=0, saturation=0, value=0, sar_gain=0, sar_offset=0, sar_looks=0, flip_horizontal=0, flip_vertical=0, turn=0,
    scale=0, translate=0, crop=0, shift_px=0, cloud=0, drop_optical=0, drop_sar=0,
)  # fmt: skip


class Letters:
    """A frozen source of words whose vectors follow from the word's letters."""

    name, width, pretrained = "letters", TEXT, None

    def words(self, texts, tokens):
        vectors, mask = torch.zeros(len(texts), tokens, TEXT), torch.zeros(len(texts), tokens, dtype=torch.bool)
        for row, text in enumerate(texts):
            for place, word in enumerate(text.split()[:tokens]):
                drawn = np.random.default_rng(list(word.encode())).standard_normal(TEXT)
                vectors[row, place], mask[row, place] = torch.from_numpy(drawn), True
        return Words(vectors, mask)


def made(areas=None, *, words=None, augment=STILL, dice=0.0, network=None, **batch):
    config = replace(CONFIG, **(network or {}))
    return SegmentationTask(
        TrainedSegmentation(tiny_network(**(network or {})), words or Letters(), LossWeights(dice=dice)),
        config,
        PreprocessSpec(),
        known_set(8, SIZE) if areas is None else areas,
        known_set(4, SIZE, seed=9),
        batch=BatchSettings(**({"areas": 2, "expressions": 2} | batch)),
        augment=augment,
        seed=5,
    )


def learning_words() -> TrainedBert:
    torch.manual_seed(5)
    return build_words(replace(CONFIG, text_width=TINY["hidden_size"], train_text=True), stored=True)


@pytest.fixture
def small(monkeypatch):
    """MiniLM, where it is trained, is small."""
    monkeypatch.setitem(bert.SIZES, "all-MiniLM-L6-v2", TINY)


def learning_task(**changes):
    return made(words=learning_words(), network={"text_width": TINY["hidden_size"], "train_text": True}, **changes)


def tensors(batch):
    """A batch's tensors by name, those of the pair among them."""
    named = batch._asdict()
    return named.pop("pair")._asdict() | named


def test_a_batch_is_a_function_of_its_items():
    task = made(augment=AugmentSettings())
    torch.manual_seed(1)
    first = task.collate(task.draw(3), 3)
    np.random.default_rng().random()
    torch.manual_seed(2)
    again = made(augment=AugmentSettings()).collate(made(augment=AugmentSettings()).draw(3), 3)
    for name, value in tensors(first).items():
        torch.testing.assert_close(value, tensors(again)[name], rtol=0, atol=0)


def test_a_batch_is_the_same_however_it_is_cut():
    task = made(augment=AugmentSettings())
    items = task.draw(2)
    whole = tensors(task.collate(items, 2))
    for row, item in enumerate(items):
        for name, value in tensors(task.collate([item], 2)).items():
            if name == "area_of":
                assert value.tolist() == [0, 0]
                assert whole[name][2 * row : 2 * row + 2].tolist() == [row, row]
            else:
                size = 1 if name in PairInput._fields else 2
                torch.testing.assert_close(whole[name][row * size : (row + 1) * size], value, rtol=0, atol=0)


def test_a_batch_says_what_is_true_of_its_areas():
    """Without augmentation each area comes as it is, with its expressions and what they name."""
    areas = known_set(8, SIZE)
    task = made(areas)
    items = task.draw(0)
    batch = task.collate(items, 0)
    everywhere = torch.ones(SIZE, SIZE, dtype=torch.bool)
    row = 0
    for place, item in enumerate(items):
        for picture, pixels in ((batch.pair.optical, areas.optical), (batch.pair.sar, areas.sar[:, None])):
            values = torch.from_numpy(pixels[item.area]).expand(3, SIZE, SIZE).float() / 255
            torch.testing.assert_close(picture[place], normalise(values, everywhere, PreprocessSpec()))
        for index in item.expressions:
            said = areas.expressions[index]
            assert (said.area, int(batch.area_of[row])) == (item.area, place)
            assert torch.equal(batch.mask[row], torch.from_numpy(areas.mask(said.mask)))
            wanted = Letters().words([said.text], TOKENS)
            assert torch.equal(batch.text[row], wanted.vectors[0])
            assert torch.equal(batch.text_mask[row], wanted.mask[0])
            assert batch.valid[row].all()
            row += 1
    assert row == len(batch.mask) == 4


@pytest.mark.parametrize("sensors", ["optical", "sar", "both"])
def test_what_a_network_does_not_read_is_not_there(sensors):
    areas = known_set(8, SIZE)
    holes = np.ones((2, 8, SIZE, SIZE), bool)
    holes[0, :, :9] = False
    holes[1, :, :, :5] = False
    known = replace(areas, optical_valid=holes[0], sar_valid=holes[1])
    task = made(known, network={"sensors": sensors})
    batch = task.collate(task.draw(0), 0)
    read = {"optical": holes[0], "sar": holes[1], "both": holes[0] | holes[1]}[sensors]
    assert torch.equal(batch.valid, torch.from_numpy(read[:1]).expand_as(batch.valid))
    for name in ("optical", "sar"):
        assert (
            getattr(batch.pair, f"{name}_valid").any() == getattr(batch.pair, name).any() == (sensors in (name, "both"))
        )
    seen = as_read(known, sensors)
    assert {one.sensor for one in seen.expressions} == (
        {"optical", "sar", "both"} if sensors == "both" else {sensors, "both"}
    )
    assert as_read(seen, sensors).expressions == seen.expressions


def test_no_expression_for_a_sensor_is_refused():
    areas = known_set(8, SIZE)
    of_sar = tuple(one for one in areas.expressions if one.sensor == "sar")
    with pytest.raises(UsageError, match="reads optical"):
        made(replace(areas, expressions=of_sar), network={"sensors": "optical"})


def test_the_loss_is_the_mean_over_expressions():
    """With the statistics of the batch norms fixed: then nothing mixes samples."""
    task = made(dice=0.5)
    model = task.model.eval()
    items = task.draw(0)
    whole, _ = model(task.collate(items, 0))
    halves = [model(task.collate([item], 0))[0] for item in items]
    torch.testing.assert_close(whole, torch.stack(halves).mean())


def test_validation_asks_each_expression_alone():
    task = made()
    task.model.eval()
    found = task.validate(task.model)
    areas = known_set(4, SIZE, seed=9)
    ious, drawn, together = [], 0, 0
    everywhere = torch.ones(1, SIZE, SIZE, dtype=torch.bool)
    for one in areas.expressions:
        pixels = torch.from_numpy(areas.optical[one.area]), torch.from_numpy(areas.sar[one.area]).expand(3, SIZE, SIZE)
        optical, sar = (normalise(each.float()[None] / 255, everywhere, PreprocessSpec()) for each in pixels)
        with torch.no_grad():
            first = task.model.network.encode(PairInput(optical, sar, everywhere, everywhere))
            logits = task.model.network(first, Letters().words([one.text], TOKENS)).logits
        mask, truth = (logits.argmax(1)[0] == 1).numpy(), areas.mask(one.mask)
        ious.append((mask & truth).sum() / max(1, (mask | truth).sum()))
        drawn, together = drawn + (mask & truth).sum(), together + (mask | truth).sum()
    assert found.score == found.metrics["mIoU"] == pytest.approx(np.mean(ious))
    assert found.metrics["oIoU"] == pytest.approx(drawn / together)
    assert found.metrics["Pr@0.5"] == pytest.approx(np.mean(np.array(ious) >= 0.5))
    for sensor in ("optical", "sar", "both"):
        own = [iou for iou, one in zip(ious, areas.expressions, strict=True) if one.sensor == sensor]
        assert found.metrics[f"mIoU {sensor}"] == pytest.approx(np.mean(own))


def test_tables_of_positions_do_not_decay(small):
    task = learning_task()
    assert isinstance(task, SparingTask)
    names = {parameter: name for name, parameter in task.model.named_parameters()}
    spared = {names[parameter] for parameter in task.undecayed()}
    tables = [name for name in names.values() if "relative_position_bias_table" in name]
    assert spared == {*tables, "text.bert.bert.embeddings.position_embeddings.weight"}
    assert len(tables) == 2 * 2 + 2 + 2 + 1, "one for each of Swin's layers; the first stage's are of both sensors"
    settings = TrainSettings(steps=1, weight_decay=0.01)
    for group in build_optimiser(task, settings).param_groups:
        for parameter in group["params"]:
            decays = parameter.ndim > 1 and len(parameter) > 1 and names[parameter] not in spared
            assert group["weight_decay"] == (0.01 if decays else 0.0), names[parameter]


def settings(**changes):
    return TrainSettings(
        **({"steps": 6, "learning_rate": 2e-3, "warmup_steps": 2, "log_every": 1, "validate_every": 3} | changes),
        tensorboard=False,
    )


def stopped_and_resumed(task, folder):
    """A run that is stopped in its fourth step and goes on with a task that is made anew."""
    stopped = task()
    own = stopped.collate

    def collate(items, step):
        if step == 3:
            (folder / STOP_FILE).touch()
        return own(items, step)

    stopped.collate = collate
    assert not train(stopped, settings(), folder).finished
    assert train(task(), settings(), folder, resume=True).finished


@pytest.mark.parametrize("kind", ["frozen", pytest.param("trained", marks=pytest.mark.slow)])
def test_a_run_learns_and_resumes_to_the_last_bit(small, tmp_path, kind):
    def task():
        own = learning_task if kind == "trained" else made
        return own(augment=AugmentSettings(), dice=0.5)

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    start = {name: value.clone() for name, value in task().model.state_dict().items()}
    train(task(), settings(), whole)
    stopped_and_resumed(task, broken)
    for name in (CHECKPOINT_FILE, BEST_FILE):
        first, second = (read_tensors(folder / name)[0] for folder in (whole, broken))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    steps = [event for event in read_events(whole / EVENTS_FILE) if event["kind"] == "step"]
    assert {"loss", "cross_entropy", "dice"} <= steps[0].keys()
    assert steps[-1]["loss"] < steps[0]["loss"]
    best = read_tensors(whole / BEST_FILE)[0]
    assert best.keys() == start.keys()
    moved = [name for name in best if name.startswith("text.") and not torch.equal(best[name], start[name])]
    assert bool(moved) == (kind == "trained")


def run(folder, accumulation, environment=None):
    """A short run of the frozen task in a process of its own."""
    os.environ.update(environment or {})
    torch.set_num_threads(1)
    result = train(made(), settings(steps=3, accumulation=accumulation), folder)
    sys.exit(0 if result.finished else 3)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are forked from a server")
def test_two_processes_train_as_two_parts(tmp_path):
    """The decoder's batch norms see one part each either way."""
    both, one = tmp_path / "both", tmp_path / "one"
    assert ends(*start_two(run, both, 1)) == [FINISHED, FINISHED]
    train(made(), settings(steps=3, accumulation=2), one)
    torch.testing.assert_close(torch.tensor(losses(both)), torch.tensor(losses(one)), rtol=1e-4, atol=1e-5)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_gpu_trains_network_and_text_encoder(small, tmp_path, precision):
    train(learning_task(dice=0.5), settings(device="cuda", precision=precision), tmp_path)
    told = [event["loss"] for event in read_events(tmp_path / EVENTS_FILE) if event["kind"] == "step"]
    train(learning_task(dice=0.5), settings(), tmp_path / "cpu")
    wanted = [event["loss"] for event in read_events(tmp_path / "cpu" / EVENTS_FILE) if event["kind"] == "step"]
    assert told[0] == pytest.approx(wanted[0], rel=0.05)
    assert told[-1] < told[0]


def test_the_words_are_a_source_whatever_they_are(small):
    assert isinstance(learning_task().model.words, WordSource)
    assert made().model.words.name == "letters"
    assert made().model.text is None
