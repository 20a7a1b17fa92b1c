"""A run's state in one safetensors file, written whole or not at all; nothing pickled.

Tensors: ``model.NAME``, ``average.NAME`` and the optimiser's ``optimiser.NAME.KEY``, these two only of parameters that
are trained; the file's metadata has the rest as JSON. There is one file: as a new one takes its place only when it is
complete on the disk, a copy of the one before would only double the space.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import ModelDamaged, ModelNotFound, UsageError
from engine.training.optimisation import AveragedWeights, trained

CHECKPOINT_FILE = "checkpoint.safetensors"
BEST_FILE = "best.safetensors"
FORMAT = "rsqa-checkpoint-2"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write beside ``path`` and put it in its place when it is on the disk: a reader sees the old file or the new."""
    temporary = path.with_suffix(".part")
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, temporary, metadata={"format": FORMAT, "state": json.dumps(state)})
    _flush_to_disk(temporary, os.O_RDWR)
    temporary.replace(path)
    if os.name == "posix":  # elsewhere folders cannot be opened
        _flush_to_disk(path.parent, os.O_RDONLY)


def _flush_to_disk(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed process was writing."""
    for name in (CHECKPOINT_FILE, BEST_FILE):
        (folder / name).with_suffix(".part").unlink(missing_ok=True)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and state as written. Raises ModelNotFound or ModelDamaged."""
    if not path.is_file():
        raise ModelNotFound(
            f"There is no checkpoint {path}.", remedy="Name the folder of a run that wrote one, or start a new run."
        )
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise ModelDamaged(
            f"The checkpoint {path} cannot be read: {error}.",
            remedy="Put a copy of it there, or start a new run in another folder.",
        ) from error
    if metadata.get("format") != FORMAT:
        raise ModelDamaged(f"{path} is not a checkpoint of this version of the program.")
    return tensors, json.loads(metadata["state"])


def gather(model: nn.Module, average: AveragedWeights, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Everything of a run that is a tensor, by name."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.values.items()}
    for name, parameter in trained(model).items():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser.{name}.{key}"] = value
    return tensors


def scatter(
    tensors: Mapping[str, Tensor], model: nn.Module, average: AveragedWeights, optimiser: torch.optim.Optimizer
) -> None:
    """Put back what :func:`gather` took. Raises ModelDamaged where the checkpoint is of another network."""
    averaged = _under("average.", tensors)
    other = averaged.keys() != average.values.keys()
    try:
        model.load_state_dict(_under("model.", tensors))
    except RuntimeError:
        other = True
    if other:
        raise ModelDamaged(
            "The checkpoint is of another network than the recipe's.",
            remedy="Resume with the recipe and settings that the run was started with.",
        )
    for name, value in averaged.items():
        average.values[name].copy_(value)
    for name, parameter in trained(model).items():
        state = _under(f"optimiser.{name}.", tensors)
        if state:
            # Adam keeps its count of steps on the CPU.
            optimiser.state[parameter] = {
                key: value if key == "step" else value.to(parameter.device) for key, value in state.items()
            }


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def refuse_other_run(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises UsageError, naming the first field in which the recipe or settings of a run have changed."""
    for name in sorted(then.keys() | now.keys()):
        old, new = then.get(name), now.get(name)
        if old != new:
            raise UsageError(
                f"The run was started with {name} = {json.dumps(old)}, and cannot go on with {json.dumps(new)}.",
                remedy="Resume with the recipe it was started with, or start a new run in another folder.",
            )


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one table of dotted names, with the values as JSON has them."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            fields |= flat(value, f"{prefix}{name}.")
        else:
            fields[prefix + name] = json.loads(json.dumps(value))
    return fields
