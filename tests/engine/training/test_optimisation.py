from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.errors import UsageError
from engine.training import TrainSettings, Validation, train
from engine.training.checkpoint import CHECKPOINT_FILE, read_tensors
from engine.training.optimisation import AveragedWeights, build_optimiser, set_rate
from tests.engine.training.toys import SETTINGS, Line


class Bowl(nn.Module):
    """A quadratic: the mean of (w · x)² over a batch, and a bias that wants to be 1."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.weight = nn.Parameter(torch.randn(4, 3))
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        loss = (x @ self.weight.T).square().mean() + (self.bias - 1).square().sum()
        return loss, {}


class BowlTask:
    def __init__(self):
        self.model = Bowl()

    def draw(self, step):
        generator = torch.Generator().manual_seed(step)
        return list(torch.randn(4, 3, generator=generator))

    def collate(self, items, step):
        return torch.stack(items)

    def validate(self, model):
        return Validation(0.0, {})


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_a_run_is_torchs_own_optimiser(tmp_path, kind):
    settings = TrainSettings(
        steps=20,
        optimiser=kind,
        learning_rate=0.05,
        schedule="constant",
        warmup_steps=0,
        betas=(0.9, 0.999),
        clip_norm=0,
        ema_decay=0,
        weight_decay=0.1,
        tensorboard=False,
    )
    train(BowlTask(), settings, tmp_path)
    task = BowlTask()
    model = task.model
    if kind == "adam":
        optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    else:
        groups = [{"params": [model.weight], "weight_decay": 0.1}, {"params": [model.bias], "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW(groups, lr=0.05)
    for step in range(20):
        optimiser.zero_grad()
        model(task.collate(task.draw(step), step))[0].backward()
        optimiser.step()
    tensors, _ = read_tensors(tmp_path / CHECKPOINT_FILE)
    torch.testing.assert_close(tensors["model.weight"], model.weight.detach())
    torch.testing.assert_close(tensors["model.bias"], model.bias.detach())
    assert not [name for name in tensors if name.startswith("average.")]


def test_clipping_bounds_the_first_step_of_the_gradient(tmp_path):
    task = BowlTask()
    optimiser = torch.optim.AdamW([task.model.weight, task.model.bias])
    optimiser.zero_grad()
    task.model(task.collate(task.draw(0), 0))[0].backward()
    norm = float(nn.utils.clip_grad_norm_(task.model.parameters(), 0.5))
    heard = []
    train(
        BowlTask(),
        replace(SETTINGS, steps=1, optimiser="adam", clip_norm=0.5),
        tmp_path,
        report=heard.append,
    )
    (step,) = [event for event in heard if event["kind"] == "step"]
    assert step["gradient_norm"] == pytest.approx(norm)
    first_moment = read_tensors(tmp_path / CHECKPOINT_FILE)[0]["optimiser.weight.exp_avg"]
    torch.testing.assert_close(first_moment, 0.1 * task.model.weight.grad)


def test_norms_and_biases_do_not_decay_and_adam_never_does():
    task = BowlTask()
    task.model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    decayed, free = build_optimiser(task, replace(SETTINGS, weight_decay=0.1)).param_groups
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 4)]
    assert (len(free["params"]), free["weight_decay"]) == (3, 0.0)
    adam = build_optimiser(task, replace(SETTINGS, optimiser="adam", weight_decay=0.1))
    assert {group["weight_decay"] for group in adam.param_groups} == {0.0}


def test_groups_learn_at_their_own_rate():
    class Grouped(BowlTask):
        def groups(self):
            return [(0.1, [self.model.weight])]

    task = Grouped()
    optimiser = build_optimiser(task, SETTINGS)
    set_rate(optimiser, 0.5, 0.8)
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert rates == {id(task.model.weight): 0.05, id(task.model.bias): 0.5}
    assert {group["betas"] for group in optimiser.param_groups} == {(0.8, SETTINGS.betas[1])}


def test_what_a_task_spares_does_not_decay():
    class Sparing(BowlTask):
        def undecayed(self):
            return [self.model.weight]

    (group,) = build_optimiser(Sparing(), replace(SETTINGS, weight_decay=0.1)).param_groups
    assert group["weight_decay"] == 0.0
    assert len(group["params"]) == 2


def test_nothing_to_train_is_refused():
    task = BowlTask()
    task.model.requires_grad_(requires_grad=False)
    with pytest.raises(UsageError, match="frozen"):
        build_optimiser(task, SETTINGS)


def test_the_average_by_hand():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    average = AveragedWeights(model, 0.5)
    nn.init.constant_(model.weight, 2.0)
    average.update(0)  # young: keeps (1 + 0) / (10 + 0)
    assert average.values["weight"].item() == pytest.approx(0.1 * 1 + 0.9 * 2)
    nn.init.constant_(model.weight, 3.0)
    average.update(1000)  # grown: keeps the decay
    assert average.values["weight"].item() == pytest.approx(0.5 * 1.9 + 0.5 * 3)
    with average.in_place():
        assert model.weight.item() == pytest.approx(2.45)
    assert model.weight.item() == 3.0


def test_without_decay_there_is_no_average():
    model = nn.Linear(2, 2)
    average = AveragedWeights(model, 0.0)
    average.update(3)
    assert average.values == {}
    with average.in_place():
        pass


def test_statistics_of_batch_norms_are_averaged_as_the_weights_are():
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    model.register_buffer("scratch", torch.zeros(1), persistent=False)
    average = AveragedWeights(model, 0.5)
    assert set(average.values) == {*dict(model.named_parameters()), "1.running_mean", "1.running_var"}
    model.train()
    for step in range(1000, 1003):
        model(torch.full((2, 1), float(step)))
        average.update(step)
    own = {name: value.clone() for name, value in model.state_dict().items()}
    running, wanted = 0.0, 0.0
    for step in range(1000, 1003):
        seen = model[0](torch.tensor([[float(step)]])).item()
        running += 0.1 * (seen - running)  # torch's momentum
        wanted += 0.5 * (running - wanted)
    assert average.values["1.running_mean"].item() == pytest.approx(wanted, rel=1e-5)
    with average.in_place():
        assert model[1].running_mean.item() == pytest.approx(wanted, rel=1e-5)
        assert int(model[1].num_batches_tracked) == 3  # a count has no mean
    assert all(torch.equal(own[name], value) for name, value in model.state_dict().items())


def test_momentum_warms_up_by_hand(tmp_path):
    settings = replace(SETTINGS, warmup_steps=4, betas=(0.9, 0.98), warmup_beta=0.8)
    assert [settings.beta(step) for step in (0, 1, 2, 4, 9)] == pytest.approx([0.8, 0.825, 0.85, 0.9, 0.9])
    assert {replace(settings, warmup_beta=None).beta(step) for step in range(9)} == {0.9}
    train(BowlTask(), replace(settings, steps=1, clip_norm=0), tmp_path)
    task = BowlTask()
    task.model(task.collate(task.draw(0), 0))[0].backward()
    first_moment = read_tensors(tmp_path / CHECKPOINT_FILE)[0]["optimiser.weight.exp_avg"]
    torch.testing.assert_close(first_moment, 0.2 * task.model.weight.grad)


def test_what_is_frozen_stays_and_has_no_state(tmp_path):
    task = Line()
    before = task.model.frozen.weight.clone()
    train(task, SETTINGS, tmp_path)
    tensors, _ = read_tensors(tmp_path / CHECKPOINT_FILE)
    assert torch.equal(tensors["model.frozen.weight"], before)
    kept = {name.split(".")[0] for name in tensors if "frozen" in name}
    assert kept == {"model"}
    assert "optimiser.net.0.weight.exp_avg" in tensors
    assert "average.net.0.weight" in tensors
