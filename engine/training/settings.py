"""The numbers of one training run, whatever the network."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.errors import UsageError

FREE_TO_CHANGE = frozenset(
    {"steps", "patience", "device", "threads", "accumulation", "log_every", "checkpoint_minutes", "tensorboard"}
)
"""Fields that a resumed run may have otherwise: how long and where it runs, and what it says, not what it learns."""

LEAST = dict.fromkeys(("accumulation", "log_every", "validate_every"), 1) | dict.fromkeys(
    ("learning_rate", "warmup_steps", "weight_decay", "clip_norm", "patience", "threads", "seed", "checkpoint_minutes"),
    0,
)
"""The least value of fields that count or measure something."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Optimiser, schedule and housekeeping. A step is one batch of the task, over all processes.

    The defaults are the modern recipe: AdamW, warm-up, cosine, averaged weights. The papers' Adam at a constant rate is
    ``optimiser="adam", schedule="constant", warmup_steps=0, betas=(0.9, 0.999), clip_norm=0, ema_decay=0``.
    OptiSAR-Net++'s is ``learning_rate=2e-3, weight_decay=0.025, betas=(0.9, 0.999), warmup_beta=0.8`` with three epochs
    of warm-up; that its biases warm up from a rate of 0 needs no setting, as all parameters do here.
    Raises UsageError for numbers that make no sense.
    """

    steps: int
    optimiser: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 1e-3  # at the top of the schedule
    schedule: Literal["cosine", "constant", "polynomial"] = "cosine"  # after the warm-up
    power: float = 0.9  # of the polynomial schedule
    final_rate_share: float = 0.01  # what cosine and polynomial come down to, as a share of the top
    warmup_steps: int = 200  # linear from 0
    weight_decay: float = 0.05  # AdamW's, on matrices only: not on biases, norms and tables; Adam has none
    betas: tuple[float, float] = (0.9, 0.98)
    warmup_beta: float | None = None  # the first beta (momentum) at step 0, rising to its own by the warm-up's end
    clip_norm: float = 1.0  # of the whole gradient; 0: never clipped
    ema_decay: float = 0.999  # the averaged weights are the ones validated and kept; 0: the weights as they are
    precision: Literal["float32", "bfloat16", "float16"] = "float32"  # autocast; float16 with a scaled loss, on a GPU
    accumulation: int = 1  # parts that a process cuts its share of a batch into, one forward pass each
    device: str = "cpu"  # or "cuda", "cuda:1"; with several processes each takes a GPU of its own
    threads: int = 0  # CPU threads; 0 leaves torch's own choice
    seed: int = 0
    log_every: int = 20  # steps
    validate_every: int = 500  # steps
    patience: int = 0  # validations without gain after which the run ends; 0: it never ends early
    checkpoint_minutes: float = 5.0  # 0: after every step
    tensorboard: bool = True  # scalars for TensorBoard beside the log

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"A run of {self.steps} steps trains nothing.")
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"The setting {name} is {getattr(self, name)}, but has to be at least {least}.")
        if self.warmup_beta is not None and not 0 <= self.warmup_beta < 1:
            raise UsageError(f"The momentum {self.warmup_beta} at the start is not in 0..1.")
        if not 0 <= self.ema_decay < 1:
            raise UsageError(f"The averaging decay {self.ema_decay} is not in 0..1.")

    def rate(self, step: int) -> float:
        """Learning rate of step ``step`` (from 0): linear warm-up, then the schedule down to the final share."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = min(1.0, (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps))
        left = 0.5 * (1 + math.cos(math.pi * done)) if self.schedule == "cosine" else (1 - done) ** self.power
        return self.learning_rate * (self.final_rate_share + (1 - self.final_rate_share) * left)

    def beta(self, step: int) -> float:
        """The first beta (momentum) of step ``step``: over the warm-up linear from ``warmup_beta``, if that is set."""
        if self.warmup_beta is None or step >= self.warmup_steps:
            return self.betas[0]
        return self.warmup_beta + (self.betas[0] - self.warmup_beta) * step / self.warmup_steps

    def that_bind(self) -> dict[str, Any]:
        """The settings that a resumed run has to share with the run that it goes on with."""
        return {name: value for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}
