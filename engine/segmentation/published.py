"""Figures of the LGCE paper as data (``published.toml``): its Tables II to IV. None of them is ours."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.training.published import PublishedTable, published_table


def lgce_table(number: str) -> PublishedTable:
    """Table "II" to "IV" of the paper. Raises UsageError for another."""
    return published_table(Path(str(files("engine.segmentation"))) / "published.toml", number)
