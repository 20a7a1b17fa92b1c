"""DIOR-RSVG: sentences that name one object each in DIOR's aerial images.

Source: Zhan, Xiong and Yuan, "RSVG: Exploring Data and Models for Visual Grounding on Remote Sensing Data", IEEE TGRS
2023 (arXiv 2210.12634); data and loader at https://github.com/ZhanYang-nwpu/RSVG-pytorch.

Layout::

    Annotations/00001.xml     Pascal VOC: filename, size, object (name, bndbox, description) ...
    JPEGImages/00001.jpg      800 x 800 pixels, RGB
    train.txt val.txt test.txt    one number per line

Quirks:

- The numbers are not images. They count **objects**, from 0, through all XML files sorted by name: 3 may be the second
  object of the second file. One image can therefore be in several splits, and many are: the check says how many, in one
  line, and does not call it a fault.
- A file that is missing or cannot be parsed would shift all numbers after it; see :mod:`.voc_grounding`.
- The published loader takes children of ``object`` by position and files in the order of the file system. Here they go
  by name.
- OPT-RSVG (:mod:`.opt_rsvg`) has the very same layout; a folder with "OPT-RSVG" in its name is taken for that.

Figures: 17,402 images, 38,320 sentences, 26,991 / 3,829 / 7,500 of them in train / val / test, 20 categories, 7.47
words on average.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.voc_grounding import has_layout, is_named_opt_rsvg, read_numbered

LAYOUT = Layout("dior-rsvg", "DIOR-RSVG", "grounding", "https://github.com/ZhanYang-nwpu/RSVG-pytorch")

FIGURES = (Published("the paper", {"train": 26_991, "val": 3_829, "test": 7_500}),)


def recognise(folder: Path) -> bool:
    """VOC files with lists of numbers, in a folder that is not named after OPT-RSVG."""
    return has_layout(folder) and not is_named_opt_rsvg(folder)


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and line."""
    return read_numbered(LAYOUT, folder, faults)
