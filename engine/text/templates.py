"""The record of one meaning and the ways to say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """One meaning and the ways to say it; ``train`` and ``held_out`` share no wording.

    ``led`` says that an introduction ("In this scene, ...") may stand before it.
    """

    name: str
    type: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    led: bool = True
