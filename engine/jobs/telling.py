"""How a job tells what it is at, and hears that it shall stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.errors import Cancelled


class ProgressTeller(Protocol):
    """Hears of a stage as it begins: its name, the share of it that is done, 0..1 or None where nobody knows, and of
    how many steps it is where they are counted."""

    def __call__(self, stage: str, fraction: float | None, steps: int | None = None, /) -> None: ...


def tell_nobody(stage: str, fraction: float | None, steps: int | None = None, /) -> None:
    """The progress of a job that nobody follows."""


class Stage(Protocol):
    """Tells a stage as it begins, with the share of it that is done and the number of its steps.

    Raises :class:`engine.errors.Cancelled`.
    """

    def __call__(self, name: str, fraction: float | None = None, steps: int | None = None) -> None: ...


def stages(progress: ProgressTeller, cancelled: Callable[[], bool], stopped: str) -> Stage:
    """Tells ``progress`` of each stage, or raises :class:`Cancelled`, with the sentence ``stopped``, once ``cancelled``
    says so."""

    def stage(name: str, fraction: float | None = None, steps: int | None = None) -> None:
        if cancelled():
            raise Cancelled(stopped)
        progress(name, fraction, steps)

    return stage
