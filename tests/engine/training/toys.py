"""A small task with everything that could break a run, and a program (``-m``) that trains it."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.training import TrainSettings, Validation, read_events, train
from engine.training.checkpoint import read_tensors
from engine.training.events import EVENTS_FILE

SETTINGS = TrainSettings(
    steps=12, learning_rate=1e-2, warmup_steps=3, log_every=1, validate_every=4, seed=7, tensorboard=False
)
BATCH = 8


class Fit(nn.Module):
    """Squared error of a small network with dropout; every other part of a batch leaves ``seldom`` without a gradient.

    ``frozen`` takes part, but is not trained.
    """

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(dropout), nn.Linear(8, 1))
        self.seldom = nn.Parameter(torch.ones(1))
        self.frozen = nn.Linear(3, 3).requires_grad_(requires_grad=False)

    def forward(self, batch):
        x, number = batch["x"], batch["number"]  # [B, 3], [B]
        guess = self.net(x + self.frozen(x)).squeeze(1)  # [B]
        if number[0] % (2 * len(number)) == 0:
            guess = guess * self.seldom
        error = (guess - x.sum(1)).square().mean()
        return error, {"error": error, "size": guess.detach().abs().mean()}


class Sparse(nn.Module):
    """Batch norms, and experts of which every half of a batch chooses another one; the last is never chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.experts = nn.ModuleList(nn.Linear(3, 1) for _ in range(3))

    def forward(self, batch):
        chosen = int(batch["number"][0]) // (BATCH // 2)
        guess = self.experts[chosen](self.norm(batch["x"])).squeeze(1)  # [B]
        error = (guess - batch["x"].sum(1)).square().mean()
        return error, {"error": error}


class Line:
    """Random batches, dropout, a parameter that is not always used, one that is frozen; or what is :class:`Sparse`."""

    def __init__(self, dropout=0.5, at_step=None, seconds=0.0, scores=None, sparse=False):
        torch.manual_seed(0)
        self.model = Sparse() if sparse else Fit(dropout)
        self.at_step = at_step or {}  # what happens in the forward pass of a step (from 0)
        self.seconds = seconds
        self.scores = iter(scores or ())
        self.model.register_forward_pre_hook(self._happen)

    def _happen(self, _model, arguments):
        if self.model.training:
            time.sleep(self.seconds)
            self.at_step.get(int(arguments[0]["step"]), lambda: None)()

    def draw(self, step):
        return list(enumerate(np.random.default_rng([3, step]).normal(size=(BATCH, 3)).astype(np.float32)))

    def collate(self, items, step):
        x = torch.from_numpy(np.stack([x for _, x in items]))
        return {"x": x, "number": torch.tensor([number for number, _ in items]), "step": torch.tensor(step)}

    def validate(self, model):
        assert not model.training
        batch = self.collate(self.draw(10**6), 0)
        loss = float(model(batch)[0])
        return Validation(next(self.scores, -loss), {"loss": loss})


def losses(folder):
    """Loss of each step, by step; every step stands in the log once and in order."""
    steps = [event for event in read_events(folder / EVENTS_FILE) if event["kind"] == "step"]
    assert [event["step"] for event in steps] == list(range(1, len(steps) + 1))
    return [event["loss"] for event in steps]


def history(folder):
    """What a run's log tells of the training, without the times and how often it was interrupted."""
    return [
        {key: value for key, value in event.items() if key not in ("time", "seconds_per_step", "seconds_left")}
        for event in read_events(folder / EVENTS_FILE)
        if event["kind"] in ("step", "validated")
    ]


def same_tensors(one, two):
    """Whether two files hold the same tensors to the last bit."""
    first, second = read_tensors(one)[0], read_tensors(two)[0]
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def told(folder, *, resume=False, dropout=0.5, seconds=0.0, sparse=False, **settings):
    """What :func:`run` is told, as JSON."""
    task = {"dropout": dropout, "seconds": seconds, "sparse": sparse}
    return json.dumps({"folder": str(folder), "resume": resume, "task": task, "settings": settings})


def run(what, environment=None):
    """Train a :class:`Line` and leave the process: with 0 when the run finished, with 3 when it was stopped."""
    os.environ.update(environment or {})
    torch.set_num_threads(1)
    words = json.loads(what)
    settings = replace(SETTINGS, **words["settings"])
    result = train(Line(**words["task"]), settings, Path(words["folder"]), resume=words["resume"])
    sys.exit(0 if result.finished else 3)


if __name__ == "__main__":
    run(sys.argv[1])
