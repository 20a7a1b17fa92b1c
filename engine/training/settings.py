"""The numbers of one training run, whatever the network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Optimiser, schedule and housekeeping. A step is one batch."""

    steps: int
    learning_rate: float = 1e-3  # at the top of the schedule
    final_rate_share: float = 0.01  # what the cosine comes down to, as a share of the top
    warmup_steps: int = 200  # linear from 0
    weight_decay: float = 0.05  # AdamW's, on matrices only: not on biases, norms and tables
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0  # of the whole gradient
    ema_decay: float = 0.999  # the averaged weights are the ones validated and kept; 0 turns averaging off
    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16: autocast
    device: str = "cpu"
    threads: int = 0  # CPU threads; 0 leaves torch's own choice
    seed: int = 0
    log_every: int = 20  # steps
    validate_every: int = 500  # steps
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"A run of {self.steps} steps trains nothing.")
        if not 0 <= self.ema_decay < 1:
            raise UsageError(f"The averaging decay {self.ema_decay} is not in 0..1.")

    def rate(self, step: int) -> float:
        """Learning rate of step ``step`` (from 0): linear warm-up, then half a cosine."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        share = self.final_rate_share
        return self.learning_rate * (share + (1 - share) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
