"""How a job tells what it is at."""

from __future__ import annotations

from typing import Protocol


class ProgressTeller(Protocol):
    """Hears of a stage as it begins: its name, the share of it that is done, 0..1 or None where nobody knows, and of
    how many steps it is where they are counted."""

    def __call__(self, stage: str, fraction: float | None, steps: int | None = None, /) -> None: ...


def tell_nobody(stage: str, fraction: float | None, steps: int | None = None, /) -> None:
    """The progress of a job that nobody follows."""
