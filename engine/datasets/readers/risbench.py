"""RISBench: expressions with masks on satellite and aerial images of many resolutions.

Source: Dong, Sun, Gu and Liu, "Cross-Modal Bidirectional Interaction Model for Referring Remote Sensing Image
Segmentation", 2024 (arXiv 2410.08613); https://github.com/HIT-SIRS/CroBIM. Its sentences are VRSBench's.

Layout: the text files of RefSegRS (:mod:`.refsegrs`), ``output_phrase_{train,val,test}.txt`` with lines
"ID expression".

Quirks:

- Images and masks lie in ``img_rgb`` and ``mask``. ``images`` and ``masks`` are read as well, as copies have been
  renamed; then the folder's own name has to tell it from RefSegRS.
- The ID may already carry the suffix (``00001.tif``).
- Some copies come with ``refs(unc).p`` and ``instances.json`` too; those are RRSIS-D's layout (:mod:`.rrsis_d`) and
  are not needed.

Figures: 52,472 expressions, 26,300 / 10,013 / 16,159 in train / val / test, 512 x 512 pixels.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.datasets.readers.phrase_files import first_folder, has_phrases, read_phrases

LAYOUT = Layout("risbench", "RISBench", "segmentation", "https://github.com/HIT-SIRS/CroBIM")

FIGURES = (Published("the paper", {"train": 26_300, "val": 10_013, "test": 16_159}),)

IMAGES, MASKS = ("img_rgb", "images"), ("mask", "masks")


def recognise(folder: Path) -> bool:
    """A list of expressions beside ``img_rgb``, or in a folder named after RISBench."""
    return has_phrases(folder) and ((folder / IMAGES[0]).is_dir() or "risbench" in folder.name.lower())


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and line."""
    return read_phrases(LAYOUT, folder, first_folder(folder, IMAGES), first_folder(folder, MASKS), faults)
