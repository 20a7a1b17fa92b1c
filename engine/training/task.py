"""What a network has to offer so that the loop can train it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Validation:
    """``score`` decides which weights are best (higher is better); ``metrics`` are for the log."""

    score: float
    metrics: dict[str, float]


class Task(Protocol):
    """Model, loss and validation behind one small interface."""

    @property
    def model(self) -> nn.Module:
        """The module whose parameters are trained."""

    def loss(self, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """A batch drawn with ``rng`` alone, run forward: the scalar loss, and its parts for the log."""

    def validate(self) -> Validation:
        """Score the model as it stands, on data that it is not trained on."""
