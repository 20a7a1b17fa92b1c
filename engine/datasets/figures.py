"""Published figures of a data set, compared with what was found: a note for the reader, never a fault.

Papers and releases differ, and an analyst may well hold a part; so a different number is said and not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.datasets.dataset import DataSet


@dataclass(frozen=True, slots=True)
class Published:
    """How many images and rows per split ``source`` says there are; empty where it does not say."""

    source: str
    rows: Mapping[str, int]
    images: Mapping[str, int] = field(default_factory=dict)


def figures_note(data: DataSet, published: Sequence[Published]) -> str:
    """One sentence: whose figures ``data`` has, or, where it has nobody's, its own beside the published ones.

    Empty where nothing is published.
    """
    if not published:
        return ""
    rows = Counter(row.split for row in data.rows)
    images = Counter(image.split for image in data.images)
    for known in published:
        if _agrees(rows, known.rows) and _agrees(images, known.images):
            return f"The figures are those of {known.source}: {_listed(known.rows)} rows."
    others = "; ".join(f"{known.source} has {_listed(known.rows)}" for known in published)
    return f"There are {_listed(rows)} rows; {others}."


def _agrees(found: Mapping[str, int], known: Mapping[str, int]) -> bool:
    return all(found.get(split, 0) == count for split, count in known.items())


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items()) or "no"
