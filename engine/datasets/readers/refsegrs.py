"""RefSegRS: expressions with masks on 13 cm aerial images of cities.

Source: Yuan, Mou, Hua and Zhu, "RRSIS: Referring Remote Sensing Image Segmentation", IEEE TGRS 2024 (arXiv 2306.08625);
https://github.com/zhu-xlab/rrsis, made from SkyScapes by the recipe of section III (see ``engine.datasets`` builders).

Layout::

    images/ID.tif    512 x 512 pixels, RGB
    masks/ID.tif     the same size, foreground above 0 (255 or 1)
    output_phrase_train.txt  output_phrase_val.txt  output_phrase_test.txt    lines "ID expression"

Quirks:

- The mask bears the name of the image, so an ID stands for a picture **with** its mask. Where an ID is on several
  lines, these are several sentences for one and the same mask; another mask on the same scene has another ID, and the
  picture is stored again under it. One scene is thus many IDs, and the ID does not tell which; the paper keeps a
  scene's IDs in one split.
- ``output_phrase_all.txt`` is a set without splits, as ``rsqa scenes make`` writes it; then the others may be absent.
- The expression is all that follows the first space. Loaders differ on trailing blanks; here words are joined by one.
- Rows have no category: expressions name one of 14, often with an attribute or a relation.

Figures: 4,420 expressions, 2,172 / 431 / 1,817 in train / val / test, from 151 / 31 / 103 scenes.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.phrase_files import has_phrases, read_phrases

LAYOUT = Layout("refsegrs", "RefSegRS", "segmentation", "https://github.com/zhu-xlab/rrsis")

FIGURES = (Published("the paper", {"train": 2_172, "val": 431, "test": 1_817}),)

IMAGES, MASKS = "images", "masks"


def recognise(folder: Path) -> bool:
    """A list of expressions beside folders ``images`` and ``masks``, not named after RISBench."""
    folders = (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()
    return has_phrases(folder) and folders and "risbench" not in folder.name.lower()


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and line."""
    return read_phrases(LAYOUT, folder, folder / IMAGES, folder / MASKS, faults)
