"""The processes of a run: one, or as many as ``accelerate launch`` or ``torchrun`` started, on one or more machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
from torch import nn

from engine.errors import OutOfDeviceMemory, UsageError
from engine.training.settings import TrainSettings

if TYPE_CHECKING:
    from accelerate import Accelerator

PATIENCE = timedelta(hours=6)
"""How long processes wait for each other: for as long as the main one may validate."""


def is_main_process() -> bool:
    """Whether this process is the one that writes files and talks; always so in a run of one process."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def main_process_first(settings: TrainSettings) -> Iterator[None]:
    """What is inside happens in the main process, then in the others: they find the files that it wrote."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState(cpu=torch.device(settings.device).type == "cpu", timeout=PATIENCE).main_process_first():
        yield


def start(settings: TrainSettings) -> Accelerator:
    """Join the other processes, if any, and take a device. Raises UsageError for a device that is not there."""
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState
    from accelerate.utils import GradientAccumulationPlugin

    device = torch.device(settings.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "The run is to train on cuda, but torch finds no GPU on this machine.", remedy="Set train.device to cpu."
        )
    if settings.precision == "float16" and device.type == "cpu":
        raise UsageError("The precision float16 needs a GPU.", remedy="Set train.precision to bfloat16 or float32.")
    if device.index is not None:
        torch.cuda.set_device(device)
    # accelerate keeps one state per process and refuses other settings; a study trains several times in one process.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision={"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[settings.precision],
        gradient_accumulation_plugin=GradientAccumulationPlugin(settings.accumulation, sync_with_dataloader=False),
        kwargs_handlers=[
            # Networks leave parameters unused: a sensor nobody asked for, an expert that nobody chose, a tower whose
            # features are stored. Buffers are the main process's from step to step: where batch norms do not share
            # their statistics (on CPUs), all go on with those that a checkpoint keeps.
            DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=True),
            InitProcessGroupKwargs(timeout=PATIENCE),
        ],
    )


def share_statistics(model: nn.Module, accelerator: Accelerator) -> None:
    """Let the batch norms inside ``model`` see the share of every process, where several train it on GPUs.

    Their parameters and buffers stay the same objects, and with one process, or in evaluation, they compute as before.
    On CPUs torch cannot do this: each process normalises by its own share, as an accumulated part does.
    """
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        for name, child in model.named_children():
            shared = nn.SyncBatchNorm.convert_sync_batchnorm(child)  # type: ignore[no-untyped-call]
            setattr(model, name, shared)


@contextmanager
def memory_errors_said() -> Iterator[None]:
    """Turns torch's out-of-memory error into OutOfDeviceMemory, which says what to make smaller."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(
            "The device has too little memory for this training.",
            remedy="Make batch.views smaller, raise train.accumulation, or set train.precision to bfloat16; then "
            "resume from the last checkpoint.",
        ) from error
