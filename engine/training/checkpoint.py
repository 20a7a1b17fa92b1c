"""A run's state in one safetensors file, written whole or not at all; nothing pickled.

Tensors: ``model.NAME``, ``average.NAME`` and AdamW's ``optimiser.NAME.KEY``; the file's metadata has the rest as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import ModelDamaged, ModelNotFound

CHECKPOINT_FILE = "checkpoint.safetensors"
FORMAT = "rsqa-checkpoint-1"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write beside ``path``, then put in its place: a reader sees the old file or the new one."""
    temporary = path.with_suffix(".part")
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, temporary, metadata={"format": FORMAT, "state": json.dumps(state)})
    temporary.replace(path)


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
        raise ModelDamaged(f"The checkpoint {path} cannot be read: {error}.") from error
    if metadata.get("format") != FORMAT:
        raise ModelDamaged(f"{path} is not a checkpoint of this program.")
    return tensors, json.loads(metadata["state"])


def gather(model: nn.Module, average: Mapping[str, Tensor], optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Everything of a run that is a tensor, by name."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser.{name}.{key}"] = value
    return tensors


def scatter(
    tensors: Mapping[str, Tensor], model: nn.Module, average: dict[str, Tensor], optimiser: torch.optim.Optimizer
) -> None:
    """Put back what :func:`gather` took. Raises ModelDamaged where the checkpoint is of another network."""
    weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelDamaged(
            "The checkpoint is of another network than the recipe's.",
            remedy="Resume with the recipe and settings that the run was started with.",
        ) from error
    for name, value in tensors.items():
        if name.startswith("average."):
            average[name.removeprefix("average.")].copy_(value)
    for name, parameter in model.named_parameters():
        prefix = f"optimiser.{name}."
        state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if state:
            optimiser.state[parameter] = {
                key: value if key == "step" else value.to(parameter.device) for key, value in state.items()
            }
