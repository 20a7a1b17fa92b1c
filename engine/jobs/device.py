"""What to compute on, why not a GPU where it is not one, and who has the GPU.

A GPU is used by one process at a time. The arbiter is one lock file per device in the user's runtime folder: whoever
holds the operating system's lock on it has the device, and a process that dies gives it back by dying. Beside it
lies a note that says who it is, for others to show.
"""

from __future__ import annotations

import os
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
from filelock import FileLock, Timeout
from platformdirs import user_runtime_path

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Device:
    """``name`` is PyTorch's (``cpu``, ``cuda:0``), ``title`` for people; ``reason`` why no GPU, "" on a GPU."""

    name: str
    title: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a device: a process id and what it is."""

    pid: int
    process: str


class Lease:
    """The right to use one device until :meth:`release` or the end of this process.

    ``folder`` holds the lock files; the default is the user's runtime folder.
    """

    def __init__(self, device: str, process: str, folder: Path | None = None) -> None:
        self.device = device
        self._process = process
        base = folder or user_runtime_path("rsqa", appauthor=False, ensure_exists=True)
        stem = device.replace(":", "-")
        self._lock = FileLock(base / f"{stem}.lock")
        self._note = base / f"{stem}.json"

    def take(self) -> bool:
        """Whether this process has the device now; never waits."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self._note.write_bytes(msgspec.json.encode(Holder(os.getpid(), self._process)))
        return True

    def holder(self) -> Holder | None:
        """Who has it, as far as the note tells; None where nobody does or the note cannot be read."""
        if not self._lock.is_locked:
            try:
                with self._lock.acquire(timeout=0):
                    return None
            except Timeout:
                pass  # somebody has it: their note says who
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=Holder)
        except (OSError, msgspec.MsgspecError):
            return None

    def release(self) -> None:
        """Give the device back; harmless where it is not held."""
        if self._lock.is_locked:
            with suppress(OSError):  # the note is only a courtesy to readers
                self._note.unlink()
            self._lock.release()


class Devices:
    """The devices this process computes on; a GPU is claimed at its first use and kept until the process ends."""

    def __init__(self, process: str, folder: Path | None = None) -> None:
        self._process = process
        self._folder = folder
        self._leases: dict[str, Lease] = {}

    def claim(self, asked: str) -> Device:
        """What to compute on for ``asked``. Raises as :func:`choose`, and for a named GPU that another process has."""
        device = choose(asked)
        if device.name == "cpu" or device.name in self._leases:
            return device
        lease = Lease(device.name, self._process, self._folder)
        if lease.take():
            self._leases[device.name] = lease
            return device
        holder = lease.holder()
        reason = f"{device.title} is in use by {f'{holder.process} ({holder.pid})' if holder else 'another process'}."
        if asked != "auto":
            raise UsageError(reason, remedy="Wait for it, or choose auto or cpu.")
        return Device("cpu", "CPU", reason)


def usable_cores() -> int:
    """The processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def leave_room_for_the_window() -> None:
    """Use all cores but one, at lowered priority. To be called before torch or numpy's BLAS are imported."""
    threads = str(max(1, usable_cores() - 1))
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, threads)
    this_process = psutil.Process()
    this_process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if psutil.WINDOWS else max(10, this_process.nice()))


def choose(asked: str = "auto") -> Device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Imports torch unless it is ``cpu``.

    Raises :class:`UsageError` for another word, and for a GPU that was asked for by name and cannot be used.
    """
    if asked == "cpu":
        return Device("cpu", "CPU", "The CPU was asked for.")
    kind, _, index = asked.partition(":")
    if (kind, index) != ("auto", "") and (kind != "cuda" or not (asked == "cuda" or index.isdigit())):
        raise UsageError(f"“{asked}” is no device.", remedy="Choose auto, cpu, cuda or cuda:N.")
    name = f"cuda:{index or 0}"
    reason = why_not_cuda(name)
    if not reason:
        import torch

        return Device(name, torch.cuda.get_device_name(name))
    if asked == "auto":
        return Device("cpu", "CPU", reason)
    raise UsageError(f"The device {asked} cannot be used: {reason}", remedy="Choose auto or cpu.")


def why_not_cuda(name: str = "cuda:0") -> str:
    """One sentence why the GPU ``name`` cannot compute, with what to install; "" where it can. Imports torch."""
    import torch

    if torch.version.cuda is None:
        return "This PyTorch was built without CUDA; install the CUDA build to use an NVIDIA GPU."
    if find_library("cuda") is None and find_library("nvcuda") is None:
        return "No NVIDIA driver was found; install one if this machine has an NVIDIA GPU."
    try:
        count = torch.cuda.device_count()
        index = torch.device(name).index or 0
        if count <= index:
            return f"The NVIDIA driver shows {count} GPUs, so there is no {name}."
        # Whether kernels exist for this GPU is known for certain only by running one.
        torch.ones(2, device=name).sum().item()
    except RuntimeError as error:
        first_line = str(error).strip().splitlines()[0].rstrip(".")
        return f"PyTorch {torch.__version__} (CUDA {torch.version.cuda}) cannot use {name}: {first_line}."
    return ""
