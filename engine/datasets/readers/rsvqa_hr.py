"""RSVQA-HR: questions about aerial images of the north-east of the United States.

Source: Lobry et al., IEEE TGRS 2020, arXiv:2003.07333; https://zenodo.org/records/6344367 (CC-BY-4.0). Layout as
published, see :mod:`engine.datasets.readers.rsvqa` for the files' fields and quirks::

    USGS_split_{train,val,test,test_phili}_{images,questions,answers}.json
    Data/ID.tif                                                              512 x 512 px, three bands, 15 cm

Types: ``presence``, ``comp`` (comparison), ``count``, ``area``. ``test_phili`` is a second test set, Philadelphia, of
which training saw nothing.

Areas are published in whole square metres (``123m2``) and learnt as the paper's ranges: 0, 1 to 10, 11 to 100, 101 to
1,000, and above; the words are those of the authors' code. Counts stay numbers, so the list of answers is open.

Facts: 10,659 images; 1,066,316 questions; split 61.5 / 11.2 / 20.5 / 6.8 %.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.rsvqa import Variant, read_variant, recognise_variant

LAYOUT = Layout(
    name="rsvqa-hr",
    title="RSVQA-HR (questions on aerial images)",
    task="vqa",
    source="arXiv:2003.07333, https://zenodo.org/records/6344367",
)
FIGURES: tuple[Published, ...] = ()

AREA_ANSWERS = ("0m2", "between 0m2 and 10m2", "between 10m2 and 100m2", "between 100m2 and 1000m2", "more than 1000m2")
_LIMITS_M2 = (0, 10, 100, 1000)


def area_range(area_m2: int) -> str:
    """The range of :data:`AREA_ANSWERS` that ``area_m2`` is in; upper limits belong to their range."""
    return AREA_ANSWERS[sum(area_m2 > limit for limit in _LIMITS_M2)]


def _learnt(answer: str) -> str | None:
    number = answer.removesuffix("m2")
    if number.isdecimal() and len(number) < 10:
        return answer if answer == number else area_range(int(number))
    return answer if answer in ("yes", "no") else None


_VARIANT = Variant(LAYOUT, "Data", 512, _learnt)


def recognise(folder: Path) -> bool:
    """``Data`` and the files of a split."""
    return recognise_variant(folder, _VARIANT.images)


def read(folder: Path, faults: Faults) -> DataSet:
    """All splits that are there."""
    return read_variant(folder, faults, _VARIANT)
