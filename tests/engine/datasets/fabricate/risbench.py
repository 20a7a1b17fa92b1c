"""A tiny RISBench: RefSegRS's text files, the folders' other names, IDs with their suffix."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate import refsegrs


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    refsegrs.fabricate(folder, seed=seed, images="img_rgb", masks="mask", suffix=".tif")
