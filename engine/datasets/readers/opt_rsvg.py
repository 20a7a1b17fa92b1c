"""OPT-RSVG: sentences that name one object each in optical images of fourteen kinds of things.

Source: Li, Wang, Xu, Zhong and Wang, "Language-Guided Progressive Attention for Visual Grounding in Remote Sensing
Images", IEEE TGRS 2024 (doi 10.1109/TGRS.2024.3423663); https://github.com/like413/OPT-RSVG.

Layout and quirks are those of DIOR-RSVG (:mod:`.dior_rsvg`): VOC files, and splits that list **numbers of objects**
counted through all files, so that one image can be in several splits. A folder is taken for OPT-RSVG where its name has
that in it, as nothing else tells the two apart.

Figures: 25,452 images, 48,952 sentences, 19,580 / 4,895 / 24,477 of them in train / val / test, 14 categories (the
optical ones of OptSAR-RSVG, which was built from it), 10.10 words on average.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.voc_grounding import has_layout, is_named_opt_rsvg, read_numbered

LAYOUT = Layout("opt-rsvg", "OPT-RSVG", "grounding", "https://github.com/like413/OPT-RSVG")

FIGURES = (Published("the authors' page", {"train": 19_580, "val": 4_895, "test": 24_477}),)


def recognise(folder: Path) -> bool:
    """VOC files with lists of numbers, in a folder named after OPT-RSVG."""
    return has_layout(folder) and is_named_opt_rsvg(folder)


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and line."""
    return read_numbered(LAYOUT, folder, faults)
