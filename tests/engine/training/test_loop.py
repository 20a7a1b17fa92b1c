from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.errors import EngineFailed, ModelDamaged, ModelNotFound, OutOfDeviceMemory, UsageError
from engine.training import read_events, train
from engine.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, read_tensors
from engine.training.events import EVENTS_FILE
from engine.training.loop import STOP_FILE
from tests.engine.training.toys import SETTINGS, Line, history, losses, same_tensors


def test_a_run_writes_its_log_its_best_and_its_checkpoint(tmp_path):
    heard = []
    threads = threading.active_count()
    result = train(Line(), SETTINGS, tmp_path, report=heard.append)
    assert (result.steps, result.finished) == (12, True)
    kinds = [event["kind"] for event in heard]
    assert kinds[:2] == ["started", "checkpoint"]
    assert kinds[-1] == "finished"
    assert kinds.count("validated") == 3
    assert {p.name for p in tmp_path.iterdir()} == {EVENTS_FILE, CHECKPOINT_FILE, BEST_FILE}
    assert read_events(tmp_path / EVENTS_FILE) == heard
    step = heard[kinds.index("step")]
    assert step.keys() == {
        *("time", "kind", "step", "steps", "loss", "error", "size"),
        *("rate", "gradient_norm", "seconds_per_step", "seconds_left"),
    }
    assert threading.active_count() == threads


def test_the_model_stays_a_plain_module(tmp_path):
    task = Line()
    train(task, replace(SETTINGS, precision="bfloat16"), tmp_path)
    assert task.model(task.collate(task.draw(0), 0))[0].dtype == torch.float32
    assert "forward" not in vars(task.model)


def test_training_learns_in_bfloat16_too(tmp_path):
    settings = replace(SETTINGS, steps=60, precision="bfloat16")
    train(Line(dropout=0.0), settings, tmp_path)
    loss = losses(tmp_path)
    assert sum(loss[-10:]) < 0.5 * sum(loss[:10])


@pytest.mark.parametrize("stop_in", [4, 7, 11])  # after 5 steps, where a validation is due, and in the last step
def test_stopped_and_resumed_equals_uninterrupted_to_the_last_bit(tmp_path, stop_in):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = replace(SETTINGS, accumulation=2, validate_every=4)
    train(Line(), settings, whole)
    first = train(Line(at_step={stop_in: (broken / STOP_FILE).touch}), settings, broken)
    assert (first.steps, first.finished) == (stop_in + 1, False)
    torch.manual_seed(99)  # nothing may hang on what was drawn before
    second = train(Line(), settings, broken, resume=True)
    assert second.finished
    assert not (broken / STOP_FILE).exists()
    assert history(broken) == history(whole)
    assert same_tensors(whole / CHECKPOINT_FILE, broken / CHECKPOINT_FILE)
    assert same_tensors(whole / BEST_FILE, broken / BEST_FILE)


def test_batch_norms_resume_to_the_last_bit(tmp_path):
    """Running statistics are in the checkpoint, their averages and the weights' in the best."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = replace(SETTINGS, accumulation=2)
    train(Line(sparse=True), settings, whole)
    train(Line(sparse=True, at_step={6: (broken / STOP_FILE).touch}), settings, broken)
    train(Line(sparse=True), settings, broken, resume=True)
    assert history(broken) == history(whole)
    for name in (CHECKPOINT_FILE, BEST_FILE):
        assert same_tensors(whole / name, broken / name)
    tensors, _ = read_tensors(whole / CHECKPOINT_FILE)
    best, state = read_tensors(whole / BEST_FILE)
    for name in ("norm.running_mean", "norm.running_var"):
        assert not torch.equal(tensors[f"average.{name}"], tensors[f"model.{name}"])
        assert torch.equal(best[name], tensors[f"average.{name}"]) == (state["step"] == 12)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(tmp_path, number):
    before = signal.getsignal(number)
    heard = []
    result = train(Line(at_step={2: lambda: os.kill(os.getpid(), number)}), SETTINGS, tmp_path, report=heard.append)
    assert (result.steps, result.finished) == (3, False)
    assert heard[-1]["kind"] == "stopped"
    assert read_tensors(tmp_path / CHECKPOINT_FILE)[1]["progress"]["step"] == 3
    assert signal.getsignal(number) is before


def test_a_run_works_outside_the_main_thread(tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(train(Line(), SETTINGS, tmp_path)))
    thread.start()
    thread.join()
    assert results[0].finished


def test_a_finished_run_resumed_does_nothing_more(tmp_path):
    best = train(Line(), SETTINGS, tmp_path).best_score
    fail = {step: lambda: pytest.fail("it trained on") for step in range(20)}
    again = train(Line(at_step=fail), SETTINGS, tmp_path, resume=True)
    assert again.finished
    assert again.best_score == best
    assert [event["kind"] for event in read_events(tmp_path / EVENTS_FILE)].count("finished") == 1


def test_a_finished_run_goes_on_for_more_steps(tmp_path):
    constant = replace(SETTINGS, schedule="constant")
    train(Line(), constant, tmp_path / "short")
    train(Line(), replace(constant, steps=20), tmp_path / "short", resume=True)
    train(Line(), replace(constant, steps=20), tmp_path / "long")
    assert losses(tmp_path / "short") == losses(tmp_path / "long")
    with pytest.raises(UsageError, match="20 steps already"):
        train(Line(), constant, tmp_path / "short", resume=True)


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_parts_train_as_one_batch(tmp_path, parts):
    for folder, accumulation in (("one", 1), ("parts", parts)):
        task = Line(dropout=0.0)
        task.model.seldom.requires_grad_(requires_grad=False)  # its use hangs on how the batch is cut
        train(task, replace(SETTINGS, accumulation=accumulation), tmp_path / folder)
    torch.testing.assert_close(torch.tensor(losses(tmp_path / "parts")), torch.tensor(losses(tmp_path / "one")))


def test_a_batch_that_cannot_be_cut_is_refused(tmp_path):
    with pytest.raises(UsageError, match="1 × 3 equal parts"):
        train(Line(), replace(SETTINGS, accumulation=3), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_before_the_weights_change(tmp_path):
    task = Line()
    seen = []

    def spoil():
        seen.append({name: p.detach().clone() for name, p in task.model.named_parameters()})
        task.model.register_forward_hook(lambda model, batch, made: (made[0] * float("nan"), made[1]))

    task.at_step = {2: spoil}
    with pytest.raises(EngineFailed, match="step 2: the loss is nan"):
        train(task, SETTINGS, tmp_path)
    assert all(torch.equal(seen[0][name], p) for name, p in task.model.named_parameters())
    assert len(losses(tmp_path)) == 2


def test_a_gradient_that_is_no_number_stops_the_run_before_the_weights_change(tmp_path):
    task = Line()
    weight = task.model.net[0].weight
    seen = []

    def spoil():
        seen.append(weight.detach().clone())
        weight.register_hook(lambda gradient: gradient * float("inf"))

    task.at_step = {2: spoil}
    with pytest.raises(EngineFailed, match="step 2: the gradient"):
        train(task, SETTINGS, tmp_path)
    assert torch.equal(seen[0], weight)


def test_a_score_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(EngineFailed, match="score is nan"):
        train(Line(scores=[float("nan")]), SETTINGS, tmp_path)


def test_the_best_by_validation_is_kept(tmp_path):
    heard = []
    result = train(Line(scores=[0.2, 0.9, 0.5]), SETTINGS, tmp_path, report=heard.append)
    assert result.best_score == 0.9
    tensors, state = read_tensors(result.best)
    assert state == {"step": 8, "score": 0.9}
    train(Line(at_step={7: (tmp_path / "8" / STOP_FILE).touch}), SETTINGS, tmp_path / "8")
    at_eight, _ = read_tensors(tmp_path / "8" / CHECKPOINT_FILE)
    assert torch.equal(tensors["net.0.weight"], at_eight["average.net.0.weight"])
    assert not torch.equal(tensors["net.0.weight"], at_eight["model.net.0.weight"])
    assert [event["best"] for event in heard if event["kind"] == "validated"] == [0.2, 0.9, 0.9]


def test_a_run_ends_after_validations_without_gain(tmp_path):
    settings = replace(SETTINGS, steps=40, validate_every=2, patience=3)
    scores = [0.1, 0.3, 0.2, 0.3, 0.35, 0.3, 0.3, 0.1, 0.9]
    heard = []
    result = train(Line(scores=scores), settings, tmp_path, report=heard.append)
    assert (result.steps, result.finished, result.best_score) == (16, True, 0.35)
    assert heard[-1]["early"]
    again = train(Line(), settings, tmp_path, resume=True)
    assert (again.steps, again.finished) == (16, True)


def test_patience_outlives_a_stop(tmp_path):
    settings = replace(SETTINGS, steps=40, validate_every=2, patience=3)
    stop = {4: (tmp_path / STOP_FILE).touch}
    train(Line(scores=[0.5, 0.1], at_step=stop), settings, tmp_path)
    result = train(Line(scores=[0.1, 0.1, 0.9]), settings, tmp_path, resume=True)
    assert (result.steps, result.best_score) == (8, 0.5)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"learning_rate": 0.5}, r"train\.learning_rate = 0\.01"), ({"betas": (0.9, 0.9)}, r"train\.betas")],
    ids=str,
)
def test_a_run_resumed_with_other_settings_is_refused(tmp_path, change, named):
    train(Line(), SETTINGS, tmp_path)
    with pytest.raises(UsageError, match=named):
        train(Line(), replace(SETTINGS, **change), tmp_path, resume=True)


def test_a_run_resumed_with_another_recipe_is_refused(tmp_path):
    recipe = {"model": {"width": 32, "blocks": (1, 2)}, "data": {"seed": 1}}
    train(Line(), SETTINGS, tmp_path, recipe=recipe)
    train(Line(), replace(SETTINGS, log_every=2), tmp_path, recipe=recipe, resume=True)
    for other in ({**recipe, "model": {"width": 64, "blocks": (1, 2)}}, {**recipe, "model": {"blocks": (1, 2)}}):
        with pytest.raises(UsageError, match=r"model\.width = 32"):
            train(Line(), SETTINGS, tmp_path, recipe=other, resume=True)


def test_a_new_run_does_not_overwrite_another(tmp_path):
    train(Line(), SETTINGS, tmp_path)
    with pytest.raises(UsageError, match="already"):
        train(Line(), SETTINGS, tmp_path)


def test_what_cannot_be_resumed_is_refused(tmp_path):
    with pytest.raises(ModelNotFound, match="no checkpoint"):
        train(Line(), SETTINGS, tmp_path, resume=True)
    train(Line(), SETTINGS, tmp_path)
    other = Line()
    other.model.net = nn.Linear(3, 1)
    with pytest.raises(ModelDamaged, match="another network"):
        train(other, SETTINGS, tmp_path, resume=True)
    freed = Line()
    freed.model.frozen.requires_grad_()
    with pytest.raises(ModelDamaged, match="another network"):
        train(freed, SETTINGS, tmp_path, resume=True)


def test_a_device_without_memory_is_said_with_what_to_do(tmp_path):
    def full():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    with pytest.raises(OutOfDeviceMemory) as refused:
        train(Line(at_step={1: full}), SETTINGS, tmp_path)
    assert "batch.views" in refused.value.remedy
    assert "train.accumulation" in refused.value.remedy


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no GPU"):
        train(Line(), replace(SETTINGS, device="cuda"), tmp_path)


def test_float16_on_a_cpu_is_refused(tmp_path):
    with pytest.raises(UsageError, match="float16 needs a GPU"):
        train(Line(), replace(SETTINGS, precision="float16"), tmp_path)


@pytest.fixture
def float16_on_cpu(monkeypatch):
    """Lets a run train in float16 on the CPU by the code of the GPU; accelerate gives it no scaler there by itself."""
    from engine.training import loop

    def start(settings):
        accelerator = plain_start(replace(settings, precision="float32"))
        accelerator.state._mixed_precision = "fp16"
        accelerator.native_amp = True
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**26)
        return accelerator

    plain_start = loop.start
    monkeypatch.setattr(loop, "start", start)


@pytest.mark.usefixtures("float16_on_cpu")
def test_a_step_that_float16_skips_leaves_weights_and_average(tmp_path):
    settings = replace(SETTINGS, precision="float16", steps=20, schedule="constant")
    whole, early, broken = tmp_path / "whole", tmp_path / "early", tmp_path / "broken"
    train(Line(), settings, whole)
    skipped = [event["step"] for event in read_events(whole / EVENTS_FILE) if event.get("gradient_norm", 0) is None]
    assert skipped[:2] == [1, 2]  # the scale was far too large
    assert 2 < len(skipped) < 19
    train(Line(at_step={0: (early / STOP_FILE).touch}), settings, early)
    tensors, _ = read_tensors(early / CHECKPOINT_FILE)
    start = dict(Line().model.named_parameters())
    for name in ("net.0.weight", "seldom"):
        assert torch.equal(tensors[f"model.{name}"], start[name])
        assert torch.equal(tensors[f"average.{name}"], start[name])
    assert not [name for name in tensors if name.startswith("optimiser.")]
    train(Line(at_step={len(skipped) + 2: (broken / STOP_FILE).touch}), settings, broken)
    train(Line(), settings, broken, resume=True)
    assert same_tensors(whole / CHECKPOINT_FILE, broken / CHECKPOINT_FILE)  # the scale was resumed as well


@pytest.mark.usefixtures("float16_on_cpu")
def test_float16_that_never_recovers_stops_the_run(tmp_path):
    task = Line()
    task.model.net[0].weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(EngineFailed, match="float16"):
        train(task, replace(SETTINGS, precision="float16", steps=100), tmp_path)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_gpu_trains_as_the_cpu_does(tmp_path, precision):
    settings = replace(SETTINGS, steps=40)
    train(Line(dropout=0.0), settings, tmp_path / "cpu")
    train(Line(dropout=0.0), replace(settings, device="cuda", precision=precision), tmp_path / "cuda")
    tolerance = 1e-3 if precision == "float32" else 0.1
    torch.testing.assert_close(
        torch.tensor(losses(tmp_path / "cuda")), torch.tensor(losses(tmp_path / "cpu")), rtol=tolerance, atol=tolerance
    )


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")
def test_a_full_gpu_is_said_with_what_to_do(tmp_path):
    def fill():
        torch.empty(2**50, device="cuda")

    with pytest.raises(OutOfDeviceMemory):
        train(Line(at_step={1: fill}), replace(SETTINGS, device="cuda"), tmp_path)
