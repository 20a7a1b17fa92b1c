"""Which splits a layout of train, val and test files has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

SPLITS = ("train", "val", "test")
"""The three that every published layout has; a missing one is a fault."""

WHOLE = "all"
"""The split of a set without splits, as ``rsqa scenes make`` writes one."""


def splits_to_read(place_of: Callable[[str], Path]) -> tuple[str, ...]:
    """The three splits; or, where the place of the split "all" exists, that and those of the three that exist."""
    if not place_of(WHOLE).exists():
        return SPLITS
    return (*(split for split in SPLITS if place_of(split).exists()), WHOLE)
