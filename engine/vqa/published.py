"""Figures of the TGFNet paper as data (``published.toml``): its Tables III to V. None of them is ours."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.training.published import PublishedTable, published_table


def tgfnet_table(number: str) -> PublishedTable:
    """Table "III", "IV" or "V" of the paper. Raises UsageError for another."""
    return published_table(Path(str(files("engine.vqa"))) / "published.toml", number)
