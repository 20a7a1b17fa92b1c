"""RSVQA-LR: questions about Sentinel-2 images of the Netherlands.

Source: Lobry et al., IEEE TGRS 2020, arXiv:2003.07333; https://zenodo.org/records/6344334 (CC-BY-4.0). Layout as
published, see :mod:`engine.datasets.readers.rsvqa` for the files' fields and quirks::

    LR_split_{train,val,test}_{images,questions,answers}.json
    Images_LR/ID.tif                                            256 x 256 px, three bands, 10 m

Types: ``presence``, ``comp`` (comparison), ``count``, ``rural_urban``. The truth comes from OpenStreetMap and is noisy.

Counts are published as numbers and learnt as the paper's ranges: 0, 1 to 10, 11 to 100, 101 to 1,000, and above. The
words of the ranges, "between 0 and 10", are those of the authors' code, where 0 is a class of its own.

Facts: 772 images, 572 / 100 / 100; 77,232 questions; nine answers.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.rsvqa import Variant, read_variant, recognise_variant

LAYOUT = Layout(
    name="rsvqa-lr",
    title="RSVQA-LR (questions on Sentinel-2 images)",
    task="vqa",
    source="arXiv:2003.07333, https://zenodo.org/records/6344334",
)
FIGURES = (
    Published("the paper", {"train": 57_223, "val": 10_005, "test": 10_004}, {"train": 572, "val": 100, "test": 100}),
)

COUNT_ANSWERS = ("0", "between 0 and 10", "between 10 and 100", "between 100 and 1000", "more than 1000")
ANSWERS = ("yes", "no", "rural", "urban", *COUNT_ANSWERS)
_LIMITS = (0, 10, 100, 1000)


def count_range(count: int) -> str:
    """The range of :data:`COUNT_ANSWERS` that ``count`` is in; upper limits belong to their range."""
    return COUNT_ANSWERS[sum(count > limit for limit in _LIMITS)]


def _learnt(answer: str) -> str | None:
    if answer.isdecimal() and len(answer) < 10:
        return count_range(int(answer))
    return answer if answer in ANSWERS else None


_VARIANT = Variant(LAYOUT, "Images_LR", 256, _learnt, ANSWERS)


def recognise(folder: Path) -> bool:
    """``Images_LR`` and the files of a split."""
    return recognise_variant(folder, _VARIANT.images)


def read(folder: Path, faults: Faults) -> DataSet:
    """All splits that are there."""
    return read_variant(folder, faults, _VARIANT)
