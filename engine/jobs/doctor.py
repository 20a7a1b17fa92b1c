"""What this machine computes on, and why: the facts behind ``rsqa doctor``.

Everything here is read-only and survives a machine on which half of it is broken: what cannot be found out is named
as such. The verdict on the GPU itself is ``engine.jobs.device``'s, the same that the worker acts on; this page adds
the evidence (driver, compute capability, which build of PyTorch) and what to install.
"""

from __future__ import annotations

import platform
import re
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import psutil

from engine.catalog import installed_models, read_card
from engine.errors import RsqaError
from engine.jobs.device import choose, usable_cores

# Distribution names of what decides how this program behaves, beside the libraries that report for themselves.
_PACKAGES = {
    "rsqa": "rsqa-desktop",
    "qt": "PySide6-Essentials",
    "numpy": "numpy",
    "pyproj": "pyproj",
}
_GPU_FIELDS = "name,driver_version,memory.total,memory.free,compute_cap"
_NVIDIA_SMI_SECONDS = 20
_HOW_TO_INSTALL = "Install the program's own packages again: python3 installer/bootstrap.py run."


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA GPU as its driver describes it; ``compute_capability`` is ``8.6``, or "" with an old driver."""

    name: str
    memory_mb: int
    free_mb: int
    compute_capability: str


@dataclass(frozen=True, slots=True)
class Driver:
    """NVIDIA's driver, asked through nvidia-smi. ``cuda`` is the newest it runs; ``problem``: why nothing is known."""

    version: str = ""
    cuda: str = ""
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """The installed PyTorch; ``cuda`` is "" in a CPU-only build, ``architectures`` are the GPUs it has kernels for."""

    version: str = ""
    cuda: str = ""
    architectures: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ModelFound:
    """A model folder; ``problem`` is "" where its card can be read."""

    name: str
    path: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything. ``device`` is ``cuda:0``, ``cpu`` or ``none``; ``reason`` why not a GPU; ``advice`` what to do."""

    device: str
    reason: str
    versions: dict[str, str]
    driver: Driver
    torch: TorchBuild
    cores: int
    memory_total_bytes: int
    memory_available_bytes: int
    models: tuple[ModelFound, ...]
    advice: tuple[str, ...] = field(default=())


def examine() -> Report:
    """Look at this machine. Imports torch, and asks it to compute one sum on the GPU if there is one."""
    driver, torch = read_driver(), read_torch()
    if torch.problem:
        device, reason = "none", torch.problem
    else:
        chosen = choose("auto")
        device, reason = chosen.name, chosen.reason
    memory = psutil.virtual_memory()
    models, damage = _models()
    return Report(
        device=device,
        reason=reason,
        versions=_versions(),
        driver=driver,
        torch=torch,
        cores=usable_cores(),
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        models=models,
        advice=(*advise(device, driver, torch, windows=platform.system() == "Windows"), *damage),
    )


def advise(device: str, driver: Driver, torch: TorchBuild, *, windows: bool) -> tuple[str, ...]:
    """What to install or update so that the GPU is used; nothing where it is, or where there is none."""
    if torch.problem:
        return (_HOW_TO_INSTALL,)
    if device.startswith("cuda") or not driver.gpus:
        return ()
    gpu = driver.gpus[0]
    if not torch.cuda:
        source = "PyPI's Windows package never has CUDA. " if windows else ""
        limit = f" for CUDA {driver.cuda} or older" if driver.cuda else ""
        return (
            f"PyTorch {torch.version} is a CPU-only build, so {gpu.name} is unused. {source}"
            f"Install PyTorch's CUDA build{limit}: pytorch.org gives the command under “Get started”.",
        )
    if driver.cuda and _major(driver.cuda) < _major(torch.cuda):
        return (
            f"Driver {driver.version} runs CUDA up to {driver.cuda}, but PyTorch {torch.version} was built with "
            f"CUDA {torch.cuda}. Update the NVIDIA driver, or install PyTorch built with CUDA {driver.cuda} or older.",
        )
    if gpu.compute_capability and torch.architectures and not _has_kernels(gpu.compute_capability, torch):
        return (
            f"{gpu.name} has compute capability {gpu.compute_capability}; PyTorch {torch.version} has kernels for "
            f"{', '.join(torch.architectures)} only. Install a PyTorch release that supports this GPU.",
        )
    return ()


def _has_kernels(capability: str, torch: TorchBuild) -> bool:
    """Binary code runs on GPUs of its major version and an equal or higher minor one; PTX on any newer GPU."""
    wanted = tuple(int(part) for part in capability.split("."))
    for architecture in torch.architectures:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)[af]?", architecture)
        if match is None:
            continue
        built = int(match[2]), int(match[3])
        if built <= wanted and (match[1] == "compute" or built[0] == wanted[0]):
            return True
    return False


def _major(release: str) -> int:
    return int(release.split(".", maxsplit=1)[0])


def read_torch() -> TorchBuild:
    """The installed PyTorch, or why there is none that works."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an old driver is told in our own words
            import torch

            architectures = tuple(torch.cuda.get_arch_list()) if torch.version.cuda else ()
    except ModuleNotFoundError as error:
        return TorchBuild(problem=f"PyTorch is not installed ({error}).")
    except Exception as error:  # a half-installed PyTorch fails in as many ways as it has libraries
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        return TorchBuild(problem=f"PyTorch cannot be loaded: {first_line}.")
    return TorchBuild(str(torch.__version__), torch.version.cuda or "", architectures)


def read_driver(run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> Driver:
    """What nvidia-smi says. ``run`` is ``subprocess.run`` or a stand-in for it."""

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(["nvidia-smi", *arguments], capture_output=True, text=True, timeout=_NVIDIA_SMI_SECONDS, check=False)

    try:
        answer = ask(f"--query-gpu={_GPU_FIELDS}", "--format=csv,noheader,nounits")
        if answer.returncode != 0 and "compute_cap" in answer.stdout:  # drivers before 2022 do not know this field
            answer = ask(f"--query-gpu={_GPU_FIELDS.removesuffix(',compute_cap')}", "--format=csv,noheader,nounits")
        if answer.returncode != 0:
            said = " ".join((answer.stdout or answer.stderr).split()) or f"exit code {answer.returncode}"
            return Driver(problem=f"nvidia-smi failed: {said}")
        header = ask().stdout
    except FileNotFoundError:
        return Driver(problem="nvidia-smi was not found: there is no NVIDIA driver, or it is not on the PATH.")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Driver(problem=f"nvidia-smi cannot be asked: {error}")
    rows = [[cell.strip() for cell in line.split(",")] for line in answer.stdout.splitlines() if line.strip()]
    cuda = re.search(r"CUDA Version:\s*([\d.]+)", header)
    gpus = tuple(Gpu(row[0], _number(row[2]), _number(row[3]), row[4] if len(row) > 4 else "") for row in rows)
    return Driver(rows[0][1] if rows else "", cuda[1] if cuda else "", gpus)


def _number(text: str) -> int:
    """Megabytes; 0 for “[N/A]”, which GPUs that share the machine's memory say."""
    return int(text) if text.isdigit() else 0


def _versions() -> dict[str, str]:
    """Versions by name; what is missing or broken says so in its place."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name, distribution in _PACKAGES.items():
        try:
            found[name] = version(distribution)
        except PackageNotFoundError:
            found[name] = "not installed"
    try:
        found["torch"] = version("torch")
    except PackageNotFoundError:
        found["torch"] = "not installed"
    try:
        from engine.raster.versions import library_versions
    except (ImportError, OSError) as error:  # a GDAL whose shared libraries do not load
        return {**found, "gdal": f"cannot be loaded: {error}"}
    return {**found, **library_versions()}


def _models() -> tuple[tuple[ModelFound, ...], tuple[str, ...]]:
    """Installed models, and advice about damaged ones. Hashes are left to ``rsqa models verify``."""
    found, advice = [], []
    try:
        folders = installed_models()
    except RsqaError as error:
        return (), (error.sentence,)
    for folder in folders:
        try:
            read_card(folder)
        except RsqaError as error:
            found.append(ModelFound(folder.name, str(folder), str(error)))
            advice.append(error.sentence)
        else:
            found.append(ModelFound(folder.name, str(folder)))
    return tuple(found), tuple(advice)
