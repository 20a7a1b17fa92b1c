from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.errors import EngineFailed, ModelDamaged, ModelNotFound, UsageError
from engine.training import TrainSettings, Validation, train
from engine.training.checkpoint import CHECKPOINT_FILE, read_tensors
from engine.training.loop import BEST_FILE, EVENTS_FILE, STOP_FILE, parameter_groups

SETTINGS = TrainSettings(steps=12, learning_rate=1e-2, warmup_steps=3, log_every=1, validate_every=4, seed=7)


class Line:
    """A task with everything that could break exact resuming: random batches, dropout, an average, AdamW."""

    def __init__(self, at_step=None):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.at_step = at_step or {}
        self.calls = 0

    def loss(self, rng):
        self.calls += 1
        self.at_step.get(self.calls, lambda: None)()
        x = torch.from_numpy(rng.normal(size=(4, 3))).float()
        error = (self.model(x) - x.sum(1, keepdim=True)).square().mean()
        return error, {"error": error.detach()}

    def validate(self):
        score = -float(self.model(torch.ones(1, 3)).square().sum())
        return Validation(score, {"score_again": score})


def losses(folder):
    events = [json.loads(line) for line in (folder / EVENTS_FILE).read_text().splitlines()]
    return {event["step"]: event["loss"] for event in events if event["kind"] == "step"}


def test_a_run_writes_its_log_its_best_and_its_checkpoint(tmp_path):
    heard = []
    result = train(Line(), SETTINGS, tmp_path, report=heard.append)
    assert (result.steps, result.finished) == (12, True)
    kinds = [event["kind"] for event in heard]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert kinds.count("validated") == 3
    assert {p.name for p in tmp_path.iterdir()} == {EVENTS_FILE, CHECKPOINT_FILE, BEST_FILE}
    _, state = read_tensors(result.best)
    assert state["score"] == result.best_score


def test_stopped_and_resumed_equals_uninterrupted_to_the_last_bit(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(Line(), SETTINGS, whole)
    first = train(Line({5: (broken / STOP_FILE).touch}), SETTINGS, broken)
    assert (first.steps, first.finished) == (5, False)
    second = train(Line(), SETTINGS, broken, resume=True)
    assert second.finished
    assert losses(broken) == losses(whole)
    for name in (CHECKPOINT_FILE, BEST_FILE):
        one, two = read_tensors(whole / name)[0], read_tensors(broken / name)[0]
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(tmp_path, number):
    before = signal.getsignal(number)
    result = train(Line({3: lambda: os.kill(os.getpid(), number)}), SETTINGS, tmp_path)
    assert (result.steps, result.finished) == (3, False)
    assert read_tensors(tmp_path / CHECKPOINT_FILE)[1]["step"] == 3
    assert signal.getsignal(number) is before


def test_a_finished_run_resumed_does_nothing_more(tmp_path):
    best = train(Line(), SETTINGS, tmp_path).best_score
    task = Line()
    again = train(task, SETTINGS, tmp_path, resume=True)
    assert again.finished
    assert task.calls == 0
    assert again.best_score == best


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    task = Line({2: lambda: nn.init.constant_(task.model[0].weight, float("nan"))})
    with pytest.raises(EngineFailed, match="step 1"):
        train(task, SETTINGS, tmp_path)


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    train(Line(), SETTINGS, tmp_path)

    def half(tensors, path, metadata):
        path.write_bytes(b"half a fi")
        raise OSError("disk full")

    monkeypatch.setattr("engine.training.checkpoint.save_file", half)
    with pytest.raises(OSError, match="disk full"):
        train(Line(), replace(SETTINGS, steps=24), tmp_path, resume=True)
    assert read_tensors(tmp_path / CHECKPOINT_FILE)[1]["step"] == 12


def test_what_cannot_be_resumed_is_refused(tmp_path):
    with pytest.raises(ModelNotFound, match="no checkpoint"):
        train(Line(), SETTINGS, tmp_path, resume=True)
    train(Line(), SETTINGS, tmp_path)
    other = Line()
    other.model = nn.Linear(3, 1)
    with pytest.raises(ModelDamaged, match="another network"):
        train(other, SETTINGS, tmp_path, resume=True)
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"not safetensors")
    with pytest.raises(ModelDamaged, match="cannot be read"):
        train(Line(), SETTINGS, tmp_path, resume=True)


def test_the_average_follows_the_weights(tmp_path):
    train(Line(), replace(SETTINGS, ema_decay=0.0), tmp_path / "none")
    tensors, _ = read_tensors(tmp_path / "none" / CHECKPOINT_FILE)
    assert torch.equal(tensors["average.0.weight"], tensors["model.0.weight"])
    train(Line(), SETTINGS, tmp_path / "some")
    tensors, _ = read_tensors(tmp_path / "some" / CHECKPOINT_FILE)
    assert not torch.equal(tensors["average.0.weight"], tensors["model.0.weight"])


def test_schedule_by_hand():
    settings = TrainSettings(steps=110, learning_rate=1.0, warmup_steps=10, final_rate_share=0.1)
    assert settings.rate(0) == pytest.approx(0.1)
    assert settings.rate(9) == pytest.approx(1.0)
    assert settings.rate(60) == pytest.approx(0.55)
    assert settings.rate(110) == pytest.approx(0.1)


def test_norms_and_biases_do_not_decay():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    decayed, free = parameter_groups(model, 0.1)
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 4)]
    assert len(free["params"]) == 3
    assert free["weight_decay"] == 0.0


@pytest.mark.parametrize("change", [{"steps": 0}, {"ema_decay": 1.0}], ids=str)
def test_settings_without_sense_are_refused(change):
    with pytest.raises(UsageError):
        replace(SETTINGS, **change)
