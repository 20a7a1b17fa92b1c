"""RSVQAxBEN: questions about the land cover of BigEarthNet's Sentinel-2 patches.

Source: Lobry et al., RSVQA Meets BigEarthNet: A New, Large-Scale, Visual Question Answering Dataset for Remote Sensing,
IGARSS 2021; https://github.com/syvlo/RSVQAxBEN. Layout as published, see :mod:`engine.datasets.readers.rsvqa` for the
files' fields and quirks::

    …_{train,val,test}_{images,questions,answers}.json
    Images/ID.tif                                        120 x 120 px, three bands, 10 m

Answers are yes and no, or a list of land covers of the CORINE nomenclature with commas between ("Pastures,Mixed
forest"), or "None". Lists make the answers open: some 26,000 occur, of which networks learn the most frequent.

Facts: 590,326 images; 14,758,150 questions, 25 for each image. The rows alone take about 3 GB of memory.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.rsvqa import Variant, read_variant, recognise_variant

LAYOUT = Layout(
    name="rsvqaxben",
    title="RSVQAxBEN (questions on BigEarthNet's land cover)",
    task="vqa",
    source="IGARSS 2021, https://github.com/syvlo/RSVQAxBEN",
)
FIGURES: tuple[Published, ...] = ()


def _learnt(answer: str) -> str:
    return answer


_VARIANT = Variant(LAYOUT, "Images", 120, _learnt)


def recognise(folder: Path) -> bool:
    """``Images`` and the files of a split."""
    return recognise_variant(folder, _VARIANT.images)


def read(folder: Path, faults: Faults) -> DataSet:
    """All splits that are there."""
    return read_variant(folder, faults, _VARIANT)
