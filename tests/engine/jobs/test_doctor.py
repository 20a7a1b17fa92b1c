"""What ``rsqa doctor`` finds out, on machines that this one is not."""

from __future__ import annotations

import json
import subprocess
import sys
from subprocess import CompletedProcess

import pytest

from engine.jobs.doctor import Driver, Gpu, TorchBuild, advise, examine, read_driver, read_torch

HEADER = "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4     |"
CARD = Gpu("NVIDIA RTX A4000", 16376, 15800, "8.6")
DRIVER = Driver("550.54.15", "12.4", (CARD,))
CPU_BUILD = TorchBuild("2.9.0+cpu")
CUDA_BUILD = TorchBuild("2.9.0+cu124", "12.4", ("sm_75", "sm_80", "sm_90", "compute_90"))


def nvidia_smi(rows, *, old=False):
    """A stand-in for ``subprocess.run`` that answers as nvidia-smi does; an ``old`` one knows no ``compute_cap``."""

    def run(words, **options):
        assert words[0] == "nvidia-smi"
        assert options["timeout"] > 0
        if len(words) == 1:
            return CompletedProcess(words, 0, HEADER, "")
        if old and "compute_cap" in words[1]:
            return CompletedProcess(words, 2, 'Field "compute_cap" is not a valid field to query.', "")
        return CompletedProcess(words, 0, rows, "")

    return run


def test_a_driver_with_a_gpu():
    assert read_driver(nvidia_smi("NVIDIA RTX A4000, 550.54.15, 16376, 15800, 8.6\n")) == DRIVER


def test_an_old_driver_that_knows_no_compute_capability():
    driver = read_driver(nvidia_smi("Tesla K80, 470.82, 11441, 11400\n", old=True))
    assert driver.gpus == (Gpu("Tesla K80", 11441, 11400, ""),)


def test_a_gpu_that_shares_the_machines_memory():
    driver = read_driver(nvidia_smi("NVIDIA GB10, 580.95, [N/A], [N/A], 12.1\n"))
    assert driver.gpus == (Gpu("NVIDIA GB10", 0, 0, "12.1"),)


def test_two_gpus():
    row = "NVIDIA RTX A4000, 550.54.15, 16376, 15800, 8.6\n"
    assert len(read_driver(nvidia_smi(row * 2)).gpus) == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (FileNotFoundError("nvidia-smi"), "was not found"),
        (subprocess.TimeoutExpired("nvidia-smi", 20), "cannot be asked"),
        (PermissionError("denied"), "cannot be asked"),
    ],
)
def test_no_driver_is_a_sentence(fault, words):
    def run(*_, **__):
        raise fault

    driver = read_driver(run)
    assert words in driver.problem
    assert driver.gpus == ()


def test_a_driver_that_fails_is_quoted():
    driver = read_driver(lambda words, **_: CompletedProcess(words, 9, "couldn't communicate with the driver\n", ""))
    assert driver.problem == "nvidia-smi failed: couldn't communicate with the driver"


@pytest.mark.parametrize(
    ("device", "driver", "torch", "windows", "words"),
    [
        ("cpu", DRIVER, CPU_BUILD, False, ["CPU-only", "RTX A4000", "CUDA 12.4 or older"]),
        ("cpu", DRIVER, CPU_BUILD, True, ["PyPI's Windows package never has CUDA"]),
        ("cpu", Driver("470.82", "11.4", (CARD,)), CUDA_BUILD, False, ["Update the NVIDIA driver", "11.4", "12.4"]),
        ("cpu", Driver("550", "12.4", (Gpu("K80", 1, 1, "3.7"),)), CUDA_BUILD, False, ["3.7", "sm_75"]),
        ("none", DRIVER, TorchBuild(problem="PyTorch is not installed."), False, ["bootstrap.py"]),
        ("cuda:0", DRIVER, CUDA_BUILD, False, []),
        ("cpu", Driver(problem="none"), CPU_BUILD, True, []),
        ("cpu", DRIVER, CUDA_BUILD, False, []),  # some other fault: its reason is told by the device
    ],
)
def test_advice(device, driver, torch, windows, words):
    advice = advise(device, driver, torch, windows=windows)
    assert bool(advice) is bool(words)
    assert all(word in advice[0] for word in words)


@pytest.mark.parametrize(
    ("capability", "runs"), [("7.5", True), ("8.6", True), ("8.9", True), ("7.0", False), ("12.0", True)]
)
def test_which_gpus_a_build_runs_on(capability, runs):
    """8.6 by the binary for 8.0, 12.0 by the PTX for 9.0, 7.0 by nothing."""
    driver = Driver("550", "12.4", (Gpu("some GPU", 1, 1, capability),))
    assert bool(advise("cpu", driver, CUDA_BUILD, windows=False)) is not runs


def test_this_machine():
    report = examine()
    assert report.device == "cpu" or report.device.startswith("cuda")
    assert report.device != "cpu" or report.reason
    assert {"python", "rsqa", "torch", "gdal", "proj", "qt"} <= report.versions.keys()
    assert 0 < report.memory_available_bytes <= report.memory_total_bytes


BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise {error}
sys.meta_path.insert(0, Broken())
from engine.cli.main import main
sys.exit(main(["doctor", "--json"]))
"""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("ModuleNotFoundError(\"No module named 'torch'\")", "not installed"),
        ("OSError('libcudart.so.12: cannot open shared object file')", "libcudart"),
        ("RuntimeError('half installed')", "half installed"),
    ],
)
def test_a_missing_or_broken_pytorch_is_reported(error, words):
    done = subprocess.run(
        [sys.executable, "-c", BROKEN.format(error=error)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["device"] == "none"
    assert words in report["reason"]
    assert "bootstrap.py" in report["advice"][0]
    assert report["versions"]["gdal"]


def test_the_command_in_words():
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", "doctor"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Device ")
    assert read_torch().version in done.stdout
