"""What a network has to offer so that the loop can train it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import nn


@dataclass(frozen=True, slots=True)
class Validation:
    """``score`` decides which weights are best (higher is better); ``metrics`` are for the log."""

    score: float
    metrics: dict[str, float]


class Task(Protocol):
    """Model, batches and validation behind one small interface.

    ``model(batch)`` runs a batch forward and returns the scalar loss and a dictionary of its parts (scalars, for the
    log; the same names every time). The loss has to be a mean over the batch's items, each weighing the same: then the
    loss of a batch is the mean of those of its equal parts, and several processes or accumulated parts train as one
    large batch does. That holds to the last bit where nothing in the forward pass mixes samples. Batch norms do: they
    see the share of all processes on GPUs, but of one accumulated part, and of one process on CPUs, at a time.
    """

    @property
    def model(self) -> nn.Module:
        """The module whose parameters are trained; those that do not require a gradient stay as they are."""

    def draw(self, step: int) -> Sequence[Any]:
        """The items of the whole batch of step ``step`` (from 0), over all processes: a pure function of the step.

        An item carries whatever random numbers its preparation needs, so that it does not matter who prepares it.
        """

    def collate(self, items: Sequence[Any], step: int) -> Any:
        """Items as the model's input: tensors on the CPU, in dictionaries, lists or (named) tuples.

        Runs in a thread while the model computes the step before, as ``draw`` does; so both must change nothing that
        others read, and draw nothing from global random generators.
        """

    def validate(self, model: nn.Module) -> Validation:
        """Score ``model``, which is :attr:`model` with averaged weights, on data that it is not trained on.

        Only the main process is asked, in float32 as the model will be used, and inside ``torch.inference_mode``.
        """


@runtime_checkable
class GroupedTask(Protocol):
    """A task that also has ``groups``: some of its parameters learn at a rate of their own."""

    def groups(self) -> Sequence[tuple[float, Sequence[nn.Parameter]]]:
        """Factors of the learning rate, each with its parameters; for those in no group the factor is 1."""


@runtime_checkable
class SparingTask(Protocol):
    """A task that also has ``undecayed``: parameters that weight decay is not to touch, beside those it never does."""

    def undecayed(self) -> Sequence[nn.Parameter]:
        """Such as tables of positions, whose rows are looked up and multiply nothing."""
