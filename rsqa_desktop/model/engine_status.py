"""What the engine's processes are doing, as the status bar says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """``device`` is what the worker computes on (empty until it said so), ``reason`` why not a GPU.

    ``stage`` and ``fraction`` (0..1 or None) are the progress of the question that runs, empty while none does;
    ``steps`` is how many tiles or windows its stage has, where the engine said so.
    """

    state: Literal["not started", "starting", "ready", "restarting", "stopped"] = "not started"
    device: str = ""
    reason: str = ""
    stage: str = ""
    fraction: float | None = None
    steps: int | None = None

    @property
    def sentence(self) -> str:
        """For example ``engine ready · CPU`` or ``engine starting``."""
        parts = [f"engine {self.state}"]
        if self.device:
            parts.append(self.device.upper() if self.device in ("cpu", "cuda", "mps") else self.device)
        return " · ".join(parts)
