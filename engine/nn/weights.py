"""Weights in and out: safetensors in half precision beside a JSON card, checked before anything is built."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.catalog import WEIGHTS_FILE
from engine.errors import ModelDamaged


def save_weights(model: nn.Module, folder: Path) -> Path:
    """Write the model's parameters as float16 (other types as they are) into ``folder``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    path = folder / WEIGHTS_FILE
    temporary = path.with_suffix(".part")
    save_file(stored, temporary)
    temporary.chmod(0o644)  # safetensors writes for the owner alone; weights are for every user of a machine
    temporary.replace(path)
    return path


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill ``model`` from ``path`` as float32. Raises ModelDamaged where names or shapes do not fit exactly."""
    stored = _read(path)
    wrong = _differences(model, stored)
    if wrong:
        raise ModelDamaged(
            f"The weights {path} do not fit the network of their card: {wrong[0]} and {len(wrong) - 1} more differ.",
            remedy="Weights and card are of two different models: copy the model's folder again.",
        )
    _fill(model, stored)


def load_part(part: nn.Module, path: Path, name: str) -> bool:
    """Fill ``part`` from what ``path`` has of a model's part ``name``, "" for all of it. Whether it fits.

    Where it does not, nothing is changed. Raises ModelDamaged where ``path`` cannot be read.
    """
    before = f"{name}." if name else ""
    stored = {own.removeprefix(before): value for own, value in _read(path).items() if own.startswith(before)}
    if _differences(part, stored):
        return False
    _fill(part, stored)
    return True


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelDamaged(
            f"The weights {path} cannot be read: {error}.", remedy="Copy the model's folder again from its source."
        ) from error


def _differences(model: nn.Module, stored: dict[str, Tensor]) -> list[str]:
    """Names that only one of the two has, or else those of other shapes."""
    expected = model.state_dict()
    return sorted(set(stored) ^ set(expected)) or sorted(
        name for name, value in stored.items() if value.shape != expected[name].shape
    )


def _fill(model: nn.Module, stored: dict[str, Tensor]) -> None:
    model.load_state_dict(
        {name: value.to(torch.float32) if value.is_floating_point() else value for name, value in stored.items()}
    )
