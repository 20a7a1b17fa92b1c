"""QXS-SAROPT: twenty thousand pairs of optical and SAR patches, without truth.

Source: Huang et al., The QXS-SAROPT Dataset for Deep Learning in SAR-Optical Data Fusion, arXiv:2103.08259, and
https://github.com/yaoxu008/QXS-SAROPT. Layout as published::

    opt_256_oc_0.2/N.png    optical, 256 x 256 px, three bands (Google Earth)
    sar_256_oc_0.2/N.png    SAR of the same place, one band (GaoFen-3 spotlight, 1 m)

N counts from 1. There are no questions and no boxes: the rows are empty, and every pair is an image of the split "all".
OSVQA takes 3,008 of these pairs.

Quirks: ``oc_0.2`` is the overlap of neighbouring patches, 20 %, so a random split leaks; keep numbers that follow each
other together.

Facts: 20,000 pairs of San Diego, Shanghai and Qingdao.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, ImageFiles, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.files import images_in, natural

LAYOUT = Layout(
    name="qxs-saropt",
    title="QXS-SAROPT (pairs without truth)",
    task="vqa",
    source="arXiv:2103.08259",
)
FIGURES: tuple[Published, ...] = ()

OPTICAL_FOLDER, SAR_FOLDER = "opt_256_oc_0.2", "sar_256_oc_0.2"
_SIDE_PX = 256


def recognise(folder: Path) -> bool:
    """The two folders with their published names."""
    return (folder / OPTICAL_FOLDER).is_dir() and (folder / SAR_FOLDER).is_dir()


def read(folder: Path, faults: Faults) -> DataSet:
    """All pairs; one of which a sensor is missing is an image with that sensor alone."""
    optical, sar = images_in(folder / OPTICAL_FOLDER, faults), images_in(folder / SAR_FOLDER, faults)
    images = tuple(
        ImageFiles(stem, "all", optical.get(stem), sar.get(stem), _SIDE_PX, _SIDE_PX)
        for stem in sorted(optical.keys() | sar.keys(), key=natural)
    )
    return DataSet(LAYOUT.name, LAYOUT.task, folder, images, (), pairs_expected=True)
