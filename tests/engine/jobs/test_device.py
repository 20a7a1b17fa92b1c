"""Choosing a device, and the arbiter that hands out GPUs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from engine.errors import UsageError
from engine.jobs import device
from engine.jobs.device import Device, Devices, Holder, Lease, choose


@pytest.mark.parametrize("word", ["abacus", "cuda:", "cuda:x", "cpu:1", "auto:0", "mps", ""])
def test_a_word_that_is_no_device(word):
    with pytest.raises(UsageError, match="no device"):
        choose(word)


def test_the_cpu_needs_no_torch():
    program = "import sys; from engine.jobs.device import choose; choose('cpu'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_why_not_a_gpu_is_one_sentence_and_auto_falls_back():
    torch = pytest.importorskip("torch")
    chosen = choose("auto")
    if torch.cuda.is_available():
        assert chosen.name == "cuda:0"
        assert chosen.reason == ""
        return
    assert chosen.name == "cpu"
    assert chosen.reason.endswith(".")
    assert "\n" not in chosen.reason
    with pytest.raises(UsageError, match="cannot be used"):
        choose("cuda")


@pytest.mark.parametrize(
    ("torch_like", "driver", "words"),
    [
        ({"version": {"cuda": None}}, "libcuda.so.1", "without CUDA"),
        ({"version": {"cuda": "13.0"}}, None, "No NVIDIA driver"),
        ({"version": {"cuda": "13.0"}, "count": 0}, "libcuda.so.1", "0 GPUs"),
        (
            {"version": {"cuda": "13.0"}, "count": 1, "fault": "no kernel image is available\nmore"},
            "x",
            "no kernel image",
        ),
    ],
)
def test_each_reason_has_its_sentence(monkeypatch, torch_like, driver, words):
    def ones(*size, device):
        raise RuntimeError(torch_like["fault"])

    fake = SimpleNamespace(
        __version__="9.9",
        version=SimpleNamespace(**torch_like["version"]),
        cuda=SimpleNamespace(device_count=lambda: torch_like["count"]),
        device=lambda name: SimpleNamespace(index=0),
        ones=ones,
    )
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setattr(device, "find_library", lambda name: driver)
    reason = device.why_not_cuda("cuda:0")
    assert words in reason
    assert reason.endswith(".")
    assert "\n" not in reason


HOLD = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from engine.jobs.device import Lease
    lease = Lease("cuda:0", "a training run", Path(sys.argv[1]))
    print(lease.take(), flush=True)
    sys.stdin.read()
    """
)


def test_one_process_has_the_gpu_until_it_dies(tmp_path, monkeypatch):
    mine = Lease("cuda:0", "the interactive worker", tmp_path)
    assert mine.holder() is None
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline().strip() == "True"
        assert not mine.take()
        assert mine.holder() == Holder(other.pid, "a training run")
        assert Lease("cuda:1", "the interactive worker", tmp_path).take(), "another GPU is another matter"

        monkeypatch.setattr(device, "choose", lambda asked: Device("cuda:0", "Some GPU"))
        devices = Devices("the interactive worker", tmp_path)
        fallen_back = devices.claim("auto")
        assert fallen_back.name == "cpu"
        assert fallen_back.reason == f"Some GPU is in use by a training run ({other.pid})."
        with pytest.raises(UsageError, match="a training run"):
            devices.claim("cuda:0")
        other.kill()
    assert devices.claim("auto").name == "cuda:0", "the dead hold nothing"
    assert devices.claim("cuda:0").name == "cuda:0"
    assert mine.holder().process == "the interactive worker"


def test_released_it_is_free(tmp_path):
    one, other = Lease("cuda:0", "one", tmp_path), Lease("cuda:0", "other", tmp_path)
    assert one.take()
    assert not other.take()
    one.release()
    one.release()
    assert other.take()
    other.release()
