"""Optimisers, their groups of parameters, and the averaged weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from engine.errors import UsageError
from engine.training.settings import TrainSettings
from engine.training.task import GroupedTask, SparingTask, Task


def build_optimiser(task: Task, settings: TrainSettings) -> torch.optim.Optimizer:
    """AdamW or Adam over the parameters that require a gradient; each group has its ``rate_factor``.

    AdamW decays matrices and kernels, but no biases, norms and single-row tables, nor what a
    :class:`~engine.training.task.SparingTask` names. Raises UsageError where nothing is left to train.
    """
    factors: dict[nn.Parameter, float] = {}
    for factor, parameters in task.groups() if isinstance(task, GroupedTask) else ():
        factors |= dict.fromkeys(parameters, factor)
    spared = set(task.undecayed()) if isinstance(task, SparingTask) else set()
    grouped: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in trained(task.model).values():
        matrix = parameter.ndim > 1 and parameter.shape[0] > 1 and parameter not in spared
        grouped.setdefault((factors.get(parameter, 1.0), matrix), []).append(parameter)
    if not grouped:
        raise UsageError("There is nothing to train: all parameters of the network are frozen.")
    groups = [
        {"params": parameters, "rate_factor": factor, "weight_decay": settings.weight_decay if matrix else 0.0}
        for (factor, matrix), parameters in grouped.items()
    ]
    if settings.optimiser == "adam":
        plain = [group | {"weight_decay": 0.0} for group in groups]
        return torch.optim.Adam(plain, lr=settings.learning_rate, betas=settings.betas)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas)


def set_rate(optimiser: torch.optim.Optimizer, rate: float, beta: float) -> None:
    """Give every group the rate times its own factor, and the first of its betas, the momentum."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate_factor"]
        group["betas"] = (beta, group["betas"][1])


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that require a gradient, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def averaged(model: nn.Module) -> dict[str, Tensor]:
    """What an average follows, by name: the trained parameters, and the floating-point buffers that are stored.

    The latter are the statistics of batch norms. Those of the weights as they are would be stale for averaged weights;
    averaged as the weights are, they are those of the same stretch of steps. (Counters have no mean: they stay.)
    """
    stored = model.state_dict(keep_vars=True)
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in stored and buffer.is_floating_point()}
    return {**trained(model), **buffers}


class AveragedWeights:
    """A running mean of what is :func:`averaged` (exponential, ``decay`` per step); with ``decay`` 0 there is none."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._own = averaged(model)
        self.values = {name: value.detach().clone() for name, value in self._own.items()} if decay else {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the weights after step ``step`` (from 0)."""
        # Young averages follow faster, so that the random start is soon forgotten.
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in self.values.items():
            value.lerp_(self._own[name], 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has its averaged weights for a while, and its own to the last bit afterwards."""
        own = {name: self._own[name].detach().clone() for name in self.values}
        self._fill(self.values)
        try:
            yield
        finally:
            self._fill(own)

    @torch.no_grad()
    def _fill(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._own[name].copy_(value)
