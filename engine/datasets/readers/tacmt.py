"""SARVG1.0 of TACMT: sentences that name one transmission tower each in high-resolution SAR images.

Source: "TACMT: Text-Aware Cross-Modal Transformer for Visual Grounding on High-Resolution SAR Images", ISPRS Journal
2025 (doi 10.1016/j.isprsjprs.2025.02.022); https://github.com/CAESAR-Radi/TACMT. Images are crops of Capella, GF-3 and
ICEYE scenes, stretched to 0..255.

Layout::

    images/...                      one band, 8 bit
    sarvg_train.pth sarvg_val.pth sarvg_testA.pth sarvg_testB.pth
                                    each a pickled list of (image, bbox, phrase), bbox = left, top, width, height

Quirks:

- ``.pth`` files are pickles, which can run programs when they are loaded. Here they go through
  :mod:`.restricted_pickle`, which builds plain data and refuses everything else (a list with NumPy arrays or tensors in
  it is refused too).
- The lists may lie in the folder itself, in ``sarvg`` or in ``data/sarvg``, and the images beside them or in
  ``sarvg/images``: the loader asks for both roots by name.
- There is no class; all rows are "transmission tower". Image sizes are not in the lists, so whether a box leaves its
  image is the check's to say.
- A list may also lie there as JSON lines with the fields ``image``, ``bbox``, ``phrase``: ``sarvg_train.jsonl`` is read
  before a ``.pth`` of the same name, so that nobody has to pass pickles on. ``rsqa dataset import`` writes neither: its
  copy is an OptSAR-RSVG.
- Splits are named as in the files: ``train``, ``val``, ``testA``, ``testB`` (``test`` where there is one).

Figures: not in what is public to us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.datasets.boxes import xyxy
from engine.datasets.dataset import DataSet, Faults, Layout, Origin
from engine.datasets.figures import Published
from engine.datasets.readers.box_rows import BoxRows, image_of
from engine.datasets.readers.restricted_pickle import load_plain
from engine.errors import DataSetUnreadable
from engine.formats.records import Record, read_json_lines

LAYOUT = Layout("tacmt", "SARVG1.0 (TACMT)", "grounding", "https://github.com/CAESAR-Radi/TACMT")

FIGURES: tuple[Published, ...] = ()

CATEGORY = "transmission tower"

_FILE = re.compile(r"sarvg_(train|val|test|testA|testB)\.(jsonl|pth)")
_PLACES = ("", "sarvg", "data/sarvg")
_IMAGES = ("images", "sarvg/images")


def recognise(folder: Path) -> bool:
    """A list of one split, as a pickle or as JSON lines."""
    return bool(_lists(folder))


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and line or place in the list."""
    found = _collect(folder, faults)
    return DataSet(LAYOUT.name, LAYOUT.task, folder, tuple(found.images.values()), tuple(found.rows))


def _collect(folder: Path, faults: Faults) -> BoxRows:
    images = next((folder / place for place in _IMAGES if (folder / place).is_dir()), folder / _IMAGES[0])
    found = BoxRows()
    for split, file in _lists(folder).items():
        for record in _records(file, faults):
            name, box, phrase = record.text("image"), record.numbers("bbox", 4), record.text("phrase")
            if name is None or box is None or phrase is None:
                continue
            path = faults.inside(name, images, file, record.line)
            if path is not None:
                edges = xyxy((box[0], box[1], box[2], box[3]))
                image, origin = image_of(name, split, path, "sar"), Origin(file, record.line)
                found.add(image, edges, phrase, CATEGORY, "sar", origin, record.report)
    return found


def _lists(folder: Path) -> dict[str, Path]:
    """The list of each split, in the order of the splits' names; JSON lines before a pickle."""
    found: dict[str, Path] = {}
    for place in _PLACES:
        for file in sorted((folder / place).glob("sarvg_*")):
            match = _FILE.fullmatch(file.name)
            if match:
                found.setdefault(match.group(1), file)  # "jsonl" sorts before "pth"
    return {split: found[split] for split in sorted(found)}


def _records(file: Path, faults: Faults) -> Iterator[Record]:
    """Every record of a list, with its line, or with its place in the pickled list (from 0)."""
    if file.suffix == ".jsonl":
        yield from read_json_lines(file, faults)
        return
    try:
        listed = load_plain(file)
    except DataSetUnreadable as error:
        faults.add(file, None, error.sentence)
        return
    if not isinstance(listed, list | tuple):
        faults.add(file, None, "The pickle holds no list.")
        return
    for index, entry in enumerate(listed):
        if isinstance(entry, list | tuple) and len(entry) == 3:
            yield Record(dict(zip(("image", "bbox", "phrase"), entry, strict=True)), file, None, f"Row {index}", faults)
        else:
            faults.add(file, None, f"Row {index} is not an image, a box and a phrase.")
