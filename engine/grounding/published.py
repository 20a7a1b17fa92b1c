"""Figures of the OptiSAR-Net++ paper as data (``published.toml``): its Tables I to VI. None of them is ours."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.training.published import PublishedTable, published_table


def optisar_table(number: str) -> PublishedTable:
    """Table "I" to "VI" of the paper. Raises UsageError for another."""
    return published_table(Path(str(files("engine.grounding"))) / "published.toml", number)
