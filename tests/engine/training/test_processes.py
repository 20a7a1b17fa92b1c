"""Runs in processes of their own: several that train together, and ones that are killed.

Most are forked from a server that has imported torch once; the launcher itself is tried in the slow tests.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from engine.training import is_main_process, main_process_first, read_events, train
from engine.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, read_tensors
from engine.training.events import EVENTS_FILE
from engine.training.loop import STOP_FILE
from engine.training.processes import share_statistics
from tests.engine.training.toys import SETTINGS, Line, history, losses, run, same_tensors, told

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are forked and killed by POSIX signals")

ROOT = Path(__file__).resolve().parents[3]
FINISHED, STOPPED = 0, 3
FORK = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
FORK.set_forkserver_preload(["tests.engine.training.toys", "accelerate", "torch.utils.tensorboard"])


def start(target, *arguments):
    """A process of its own that calls ``target``."""
    process = FORK.Process(target=target, args=arguments)
    process.start()
    return process


def start_two(target, *arguments):
    """Two processes that find each other as the launcher would have told them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        start(target, *arguments, {**shared, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"})
        for rank in ("0", "1")
    ]


def ends(*processes):
    """How the processes ended."""
    for process in processes:
        process.join(200)
    return [process.exitcode for process in processes]


def wait_for_step(folder, step, alive):
    """Until the run has logged ``step``."""
    while alive():
        events = read_events(folder / EVENTS_FILE)
        if any(event["kind"] == "step" and event["step"] >= step for event in events):
            return
        time.sleep(0.002)
    pytest.fail(f"the run ended before step {step}")


def same_run(one, two):
    """Whether two runs tell the same and end with the same, to the last bit."""
    return history(one) == history(two) and all(same_tensors(one / n, two / n) for n in (CHECKPOINT_FILE, BEST_FILE))


@pytest.mark.parametrize("accumulation", [1, 2])
def test_two_processes_train_as_one_with_the_same_batch(tmp_path, accumulation):
    """With accumulation 2 each process uses a parameter in its first part alone, before gradients are exchanged."""
    both, one = tmp_path / "both", tmp_path / "one"
    what = told(both, dropout=0.0, accumulation=accumulation)
    assert ends(*start_two(run, what)) == [FINISHED, FINISHED]
    assert ends(start(run, told(one, dropout=0.0, accumulation=2 * accumulation))) == [FINISHED]
    torch.testing.assert_close(torch.tensor(losses(both)), torch.tensor(losses(one)))
    first, second = (read_tensors(folder / CHECKPOINT_FILE)[0] for folder in (both, one))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)
    kinds = [event["kind"] for event in read_events(both / EVENTS_FILE)]
    assert kinds.count("finished") == 1  # one process alone writes


def test_two_processes_with_batch_norms_and_idle_experts_train_as_two_parts(tmp_path):
    """Each half of a batch is normalised by itself; gradients of experts that one half chose alone are shared."""
    both, one = tmp_path / "both", tmp_path / "one"
    assert ends(*start_two(run, told(both, sparse=True))) == [FINISHED, FINISHED]
    assert ends(start(run, told(one, sparse=True, accumulation=2))) == [FINISHED]
    torch.testing.assert_close(torch.tensor(losses(both)), torch.tensor(losses(one)))
    first, second = (read_tensors(folder / CHECKPOINT_FILE)[0] for folder in (both, one))
    weights = [name for name in first if name.startswith("model.") and "running" not in name and "num_" not in name]
    for name in weights:
        torch.testing.assert_close(first[name], second[name], rtol=1e-4, atol=1e-6)
    start_values = Line(sparse=True).model.state_dict()
    idle = {name for name in weights if torch.equal(first[name], start_values[name.removeprefix("model.")])}
    assert idle == {"model.experts.2.weight", "model.experts.2.bias"}


@pytest.mark.slow
def test_two_processes_with_batch_norms_resume_to_the_last_bit(tmp_path):
    """Both go on with the main process's statistics, which alone are kept."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = {"sparse": True, "schedule": "constant", "validate_every": 2}
    assert ends(*start_two(run, told(whole, **settings))) == [FINISHED, FINISHED]
    assert ends(*start_two(run, told(broken, **settings, steps=6))) == [FINISHED, FINISHED]
    assert ends(*start_two(run, told(broken, **settings, resume=True))) == [FINISHED, FINISHED]
    assert losses(whole) == losses(broken)
    assert all(same_tensors(whole / name, broken / name) for name in (CHECKPOINT_FILE, BEST_FILE))


def test_batch_norms_share_their_statistics_on_gpus_alone():
    """What torch does with them there needs two GPUs; that they are exchanged, and stay what they were, does not."""
    for kind, processes, shared in (("cuda", 2, True), ("cuda", 1, False), ("cpu", 2, False)):
        model = Line(sparse=True).model
        before, weight = model.state_dict(), model.norm.weight
        share_statistics(model, SimpleNamespace(num_processes=processes, device=torch.device(kind)))
        assert isinstance(model.norm, nn.SyncBatchNorm) == shared
        assert model.norm.weight is weight
        assert model.state_dict().keys() == before.keys()


def test_two_processes_stop_together_and_resume(tmp_path):
    """By a signal to the one that writes nothing, then by the file, then on as if nothing had been."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = {"steps": 30, "accumulation": 2}
    assert ends(*start_two(run, told(whole, **settings))) == [FINISHED, FINISHED]
    two = start_two(run, told(broken, seconds=0.02, **settings))
    wait_for_step(broken, 4, two[0].is_alive)
    os.kill(two[1].pid, signal.SIGTERM)
    assert ends(*two) == [STOPPED, STOPPED]
    two = start_two(run, told(broken, resume=True, seconds=0.02, **settings))
    wait_for_step(broken, len(losses(broken)) + 4, two[0].is_alive)
    (broken / STOP_FILE).touch()
    assert ends(*two) == [STOPPED, STOPPED]
    assert 8 <= len(losses(broken)) < 30
    assert ends(*start_two(run, told(broken, resume=True, **settings))) == [FINISHED, FINISHED]
    assert same_run(whole, broken)


def kill_after(folder, step, settings, *, resume):
    """Start or resume a run, and kill it without warning some moments after ``step``."""
    process = start(run, told(folder, resume=resume, **settings))
    wait_for_step(folder, step, process.is_alive)
    time.sleep(random.random() * 0.02)
    process.kill()
    assert ends(process) == [-signal.SIGKILL]


def test_a_killed_run_resumes_to_the_last_bit(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = {"steps": 24, "accumulation": 2}
    always = settings | {"checkpoint_minutes": 0}
    kill_after(broken, 6, always, resume=False)
    with (broken / EVENTS_FILE).open("a") as log:
        log.write('{"time": 1, "kind": "st')  # as if it had been killed while it wrote
    (broken / "checkpoint.part").write_bytes(b"half a fi")
    assert ends(start(run, told(broken, resume=True, **always))) == [FINISHED]
    assert ends(start(run, told(whole, **settings))) == [FINISHED]
    assert same_run(whole, broken)
    assert not list(broken.glob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_minutes", [0, 0.002], ids=["every step", "now and then"])
def test_a_run_killed_ten_times_resumes_to_the_last_bit(tmp_path, checkpoint_minutes):
    """Checkpoints after every step take most of a step's time, so many of the kills fall into one."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = {"steps": 130, "accumulation": 2, "validate_every": 7}
    saving = settings | {"checkpoint_minutes": checkpoint_minutes, "tensorboard": True}
    for kill in range(10):
        kill_after(broken, 12 * kill + random.randrange(1, 12), saving, resume=kill > 0)
    assert ends(start(run, told(broken, resume=True, **saving))) == [FINISHED]
    assert ends(start(run, told(whole, **settings))) == [FINISHED]
    assert same_run(whole, broken)


def launched(what):
    """The toy's program in two processes of torchrun, which accelerate's launcher starts where there are GPUs."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "tests.engine.training.toys", what],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_launcher_starts_processes_that_train_together_and_stops_them(tmp_path):
    """SIGTERM to the launcher, as a cluster's scheduler sends it, and on."""
    together, one = tmp_path / "together", tmp_path / "one"
    settings = {"steps": 40, "accumulation": 1, "dropout": 0.0}
    first = launched(told(together, seconds=0.2, **settings))
    wait_for_step(together, 3, lambda: first.poll() is None)
    first.terminate()
    first.communicate(timeout=100)
    assert read_events(together / EVENTS_FILE)[-1]["kind"] == "stopped"
    second = launched(told(together, resume=True, **settings))
    _, errors = second.communicate(timeout=200)
    assert second.returncode == 0, errors
    assert ends(start(run, told(one, **settings | {"accumulation": 2}))) == [FINISHED]
    torch.testing.assert_close(torch.tensor(losses(together)), torch.tensor(losses(one)))


def test_the_main_process_goes_first(tmp_path):
    assert ends(*start_two(make_or_find, tmp_path / "made")) == [0, 0]
    with main_process_first(SETTINGS):
        assert is_main_process()


def make_or_find(path, environment):
    """The main process finds nothing and makes it, slowly; the other one finds it."""
    os.environ.update(environment)
    with main_process_first(SETTINGS):
        assert path.exists() == (not is_main_process())
        if is_main_process():
            time.sleep(0.3)
            path.touch()
    task = Line()
    train(task, SETTINGS, path.parent / "run")  # the processes that have met train together
    assert is_main_process() == (environment["RANK"] == "0")
