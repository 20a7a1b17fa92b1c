"""A tiny QXS-SAROPT: three pairs, with numbers that sort differently as text."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate.pictures import write_picture

NUMBERS = (1, 2, 10)


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    for number in NUMBERS:
        write_picture(folder / "opt_256_oc_0.2" / f"{number}.png", seed + 2 * number, side=256)
        write_picture(folder / "sar_256_oc_0.2" / f"{number}.png", seed + 2 * number + 1, side=256, bands=1)
