"""Pictures on their way from single-sensor sources into OptSAR-RSVG, each with the sentences that name things in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.categories import optsar_name
from engine.datasets.dataset import BoxRow
from engine.datasets.readers.box_rows import OneSensor


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file.

    ``label`` names it for people and lists: the source and the path below its folder, ``rsvgd/images/train/1.jpg``.
    Two pictures with the same ``digest`` are the same.
    """

    source: str
    label: str
    path: Path
    sensor: OneSensor
    width: int
    height: int
    digest: bytes
    rows: tuple[BoxRow, ...]

    def classes(self) -> Counter[str]:
        """How many sentences each of OptSAR-RSVG's classes has here."""
        return Counter(optsar_name(row.sensor, row.category) for row in self.rows)
