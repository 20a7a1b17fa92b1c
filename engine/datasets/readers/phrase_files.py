"""What RefSegRS and RISBench share: text files of ``ID expression`` lines, and masks that bear the ID of the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, ImageFiles, Layout, MaskRow, MaskSource, Origin
from engine.datasets.readers.published_splits import SPLITS, WHOLE, splits_to_read
from engine.formats.records import read_text

SUFFIXES = (".tif", ".tiff", ".png", ".jpg")


def phrase_file(folder: Path, split: str) -> Path:
    """The list of one split: ``output_phrase_train.txt``."""
    return folder / f"output_phrase_{split}.txt"


def has_phrases(folder: Path) -> bool:
    """Whether the list of any split is there."""
    return any(phrase_file(folder, split).is_file() for split in (*SPLITS, WHOLE))


def first_folder(folder: Path, names: Sequence[str]) -> Path:
    """The first of ``names`` that is a folder in ``folder``, or the first name where none is."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder / names[0])


def read_phrases(layout: Layout, folder: Path, images: Path, masks: Path, faults: Faults) -> DataSet:
    """Rows of all splits; images and masks are the files named ID (with ``.tif`` where it has no suffix).

    Every row is optical and has no category. Whether the files are there and of one size is the check's to say.
    """
    files: dict[tuple[str, str], ImageFiles] = {}
    rows: list[MaskRow] = []
    for split in splits_to_read(lambda split: phrase_file(folder, split)):
        file = phrase_file(folder, split)
        for line, key, expression in _lines(file, faults):
            name = key if key.lower().endswith(SUFFIXES) else f"{key}.tif"
            image = faults.inside(name, images, file, line)
            mask = None if image is None else faults.inside(name, masks, file, line)
            if image is None or mask is None:
                continue
            files.setdefault((key, split), ImageFiles(key, split, image))
            rows.append(MaskRow(key, split, expression, MaskSource(mask), "", "optical", Origin(file, line)))
    return DataSet(layout.name, layout.task, folder, tuple(files.values()), tuple(rows))


def _lines(file: Path, faults: Faults) -> Iterator[tuple[int, str, str]]:
    """Line, ID and expression of every line that has both."""
    text = read_text(file, faults)
    for line, whole in enumerate((text or "").split("\n"), start=1):
        words = whole.split()
        if len(words) == 1:
            faults.add(file, line, f"After the ID {words[0][:40]!r} there is no expression.")
        elif "\0" in whole:
            faults.add(file, line, "The line has characters that are no text.")
        elif words:
            yield line, words[0], " ".join(words[1:])
