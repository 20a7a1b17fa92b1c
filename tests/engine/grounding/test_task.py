"""Batches of grounding: pure, the same however they are cut, true of their pictures; and training to the last bit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.grounding import task as task_module
from engine.grounding.augment import AugmentSettings
from engine.grounding.data.drawing import BatchSettings
from engine.grounding.losses import LossWeights
from engine.grounding.scored import true_boxes
from engine.grounding.scoring import score_set
from engine.grounding.slots import SlotSettings
from engine.grounding.task import GroundingTask, TrainedGrounding
from engine.metrics import box_overlap
from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec
from engine.training import TrainSettings, read_events, train
from engine.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, read_tensors
from engine.training.events import EVENTS_FILE
from engine.training.loop import STOP_FILE
from tests.engine.grounding.known_set import WordSums, known_set
from tests.engine.grounding.tiny import CONFIG, EMBED, SIZE, tiny_network

SLOTS = 8
STILL = AugmentSettings(
    mosaic=0, scale=0, translate=0, flip_horizontal=0, hue=0, saturation=0, value=0,
    sar_gain=0, sar_offset=0, sar_looks=0,
)  # fmt: skip


def made(pictures=None, *, augment=None, steps=0, **batch):
    pictures = known_set(8, SIZE) if pictures is None else pictures
    return GroundingTask(
        TrainedGrounding(tiny_network(), LossWeights()),
        replace(CONFIG, texts=SLOTS),
        PreprocessSpec(),
        pictures,
        known_set(4, SIZE, seed=9),
        WordSums(EMBED),
        batch=BatchSettings(**({"pictures": 4} | batch)),
        slots=SlotSettings(texts=SLOTS),
        augment=augment or AugmentSettings(),
        seed=5,
        steps=steps,
    )


def test_a_batch_is_a_function_of_its_items():
    task = made()
    torch.manual_seed(1)
    first = task.collate(task.draw(3), 3)
    np.random.default_rng().random()
    torch.manual_seed(2)
    again = made().collate(made().draw(3), 3)
    for one, other in zip(first, again, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_batch_is_the_same_however_it_is_cut():
    task = made()
    items = task.draw(2)
    whole = task.collate(items, 2)
    parts = [task.collate(items[:1], 2), task.collate(items[1:], 2)]
    start = 0
    for part in parts:
        rows = slice(start, start + len(part.pictures))
        things = part.boxes.shape[1]
        assert not whole.box_mask[rows, things:].any()  # it has room for the fullest picture of its own
        assert not whole.names[rows, things:].any()
        for name, value in part._asdict().items():
            wanted = getattr(whole, name)[rows]
            wanted = wanted[:, :things] if name in ("boxes", "box_mask", "names") else wanted
            torch.testing.assert_close(value, wanted, rtol=0, atol=0)
        start += len(part.pictures)


def test_a_batch_says_what_is_true_of_its_pictures():
    """Without augmentation each picture comes as it is, with its boxes, and every text that names a thing does."""
    pictures = known_set(8, SIZE)
    task = made(pictures, augment=STILL)
    items = task.draw(0)
    batch = task.collate(items, 0)
    assert batch.texts.shape == (4, SLOTS, EMBED)
    assert batch.names.shape == (4, 3, SLOTS)
    texts = {one.text for one in pictures.expressions}
    vectors = dict(zip(texts, WordSums(EMBED).embed(list(texts)), strict=True))
    for row, item in enumerate(items):
        pixels = torch.from_numpy(pictures.pixels[item.picture]).float() / 255
        wanted = normalise(pixels, torch.ones(SIZE, SIZE, dtype=torch.bool), PreprocessSpec())
        torch.testing.assert_close(batch.pictures[row], wanted)
        things = [n for n, thing in enumerate(pictures.things) if thing.picture == item.picture]
        torch.testing.assert_close(
            batch.boxes[row], torch.tensor([pictures.things[thing].box_xyxy_px for thing in things]).float()
        )
        said = 0
        for slot in range(SLOTS):
            named = {things[k] for k in batch.names[row, :, slot].nonzero().flatten().tolist()}
            vector = batch.texts[row, slot]
            if not batch.text_mask[row, slot]:
                assert not named
                assert not vector.any()
            elif named:
                text = next(text for text, known in vectors.items() if torch.allclose(known, vector, atol=1e-6))
                own = [e for e in pictures.expressions if (e.picture, e.text) == (item.picture, text)]
                assert named == {thing for one in own for thing in one.things}
                said += 1
        assert said > 1


def test_pixels_without_data_are_the_mean(monkeypatch):
    pictures = known_set(8, SIZE)
    valid = np.ones((8, SIZE, SIZE), bool)
    valid[:, : SIZE // 3] = False
    batch = made(replace(pictures, valid=valid), augment=STILL).collate(made().draw(0), 0)
    assert not batch.valid[:, : SIZE // 3].any()
    assert not batch.pictures[:, :, : SIZE // 3].any()
    assert batch.pictures[:, :, SIZE // 3 :].any()


def test_a_smaller_share_reads_no_text_of_the_other_pictures():
    """Not as a negative either: a run on 30 % of the data knows 30 % of the sentences."""
    pictures = known_set(8, SIZE)  # with classes of its own each, so that any text of another is a negative
    things = tuple(replace(one, category=f"{one.category} {one.picture}") for one in pictures.things)
    named = tuple(
        replace(one, text=f"{one.text} {one.picture}", category=f"{one.category} {one.picture}")
        for one in pictures.expressions
    )
    closed = tuple(sorted({thing.category for thing in things}))
    task = made(replace(pictures, things=things, expressions=named, closed=closed), share=0.25)
    items = task.draw(0)
    shared = {item.picture for item in items}
    assert len(shared) == 2
    asked: list[str] = []
    own = task._embedder.embed
    task._embedder.embed = lambda texts: (asked.extend(texts), own(texts))[1]
    task.collate(items, 0)
    assert len(asked) == 4 * SLOTS, "all slots are filled, with negatives of the other picture"
    assert {int(text.split()[-1]) for text in asked} == shared


@pytest.mark.parametrize(("step", "partners"), [(0, 3), (7, 3), (8, 0), (9, 0)])
def test_mosaics_end_before_the_training_does(monkeypatch, step, partners):
    seen = []
    own = task_module.augment
    monkeypatch.setattr(
        task_module, "augment", lambda v, mates, s, r: (seen.append(len(mates)), own(v, mates, s, r))[1]
    )
    task = made(steps=10, mosaic_until=0.8)
    task.collate(task.draw(step), step)
    assert set(seen) == {partners}


def test_the_loss_is_the_mean_over_pictures():
    """With the statistics of the batch norms fixed: then nothing mixes pictures."""
    task = made()
    model = task.model.eval()
    items = task.draw(0)
    whole, _ = model(task.collate(items, 0))
    halves = [model(task.collate(part, 0))[0] for part in (items[:2], items[2:])]
    torch.testing.assert_close(whole, torch.stack(halves).mean())


def test_validation_asks_each_expression_alone_and_no_class():
    task = made()
    task.model.eval()
    found = task.validate(task.model)
    pictures = known_set(4, SIZE, seed=9)
    scored = score_set(task.model.network, pictures, WordSums(EMBED), task.config, PreprocessSpec())
    truths = true_boxes(pictures, scored.expression).tolist()
    ious = [
        0.0 if np.isnan(box).any() else box_overlap(box.tolist(), truth).iou
        for box, truth in zip(scored.boxes, truths, strict=True)
    ]
    assert len(ious) == 16
    assert found.score == found.metrics["meanIoU"] == pytest.approx(np.mean(ious))
    by_sensor = [found.metrics[f"meanIoU {sensor}"] for sensor in ("optical", "sar")]
    assert np.mean(by_sensor) == pytest.approx(found.score)  # as many expressions in either
    assert {"Pr@0.5", "cumIoU"} <= found.metrics.keys()


def test_nothing_to_train_on_is_refused():
    with pytest.raises(UsageError, match="nothing to train on"):
        made(replace(known_set(4, SIZE), expressions=()))


def settings(**changes):
    return TrainSettings(
        **({"steps": 6, "learning_rate": 2e-3, "warmup_steps": 2, "log_every": 1, "validate_every": 3} | changes),
        tensorboard=False,
    )


def test_a_run_learns_and_resumes_to_the_last_bit(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(made(steps=6), settings(), whole)
    stopped = made(steps=6)
    own = stopped.collate

    def collate(items, step):
        if step == 3:
            (broken / STOP_FILE).touch()
        return own(items, step)

    stopped.collate = collate
    assert not train(stopped, settings(), broken).finished
    assert train(made(steps=6), settings(), broken, resume=True).finished
    for name in (CHECKPOINT_FILE, BEST_FILE):
        first, second = (read_tensors(folder / name)[0] for folder in (whole, broken))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    steps = [event for event in read_events(whole / EVENTS_FILE) if event["kind"] == "step"]
    assert {"loss", "box", "cls", "dfl", "region", "balance"} <= steps[0].keys()
    assert steps[-1]["loss"] < steps[0]["loss"]


BARE = """
import sys
from engine.grounding.data.scenes import render_expressions
from engine.nn.preprocess import PreprocessSpec
from engine.training.scene_sets import SceneSetSpec
from engine.grounding import task
assert render_expressions(SceneSetSpec(10_000_000, 1, "train", 128, 64), PreprocessSpec(), None).names
print(sorted({name.split(".")[0] for name in sys.modules}
             & {"rasterio", "open_clip", "pyogrio", "transformers", "PySide6"}))
"""


def test_data_from_scenes_need_no_raster_library_no_clip_and_no_window():
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
