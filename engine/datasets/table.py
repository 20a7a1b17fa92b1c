"""The layouts there are, as names and lazy strings, and which of them a folder has.

A reader module has ``LAYOUT``, the published ``FIGURES``, ``recognise(folder) -> bool`` and
``read(folder, faults) -> DataSet``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from engine.datasets.dataset import DataSet, Faults, Layout
from engine.datasets.figures import Published
from engine.errors import DataSetUnreadable, UsageError


class Reader(Protocol):
    """What a reader module offers."""

    LAYOUT: Layout
    FIGURES: tuple[Published, ...]

    def recognise(self, folder: Path) -> bool:
        """Whether the folder looks like this layout; looks at names only."""
        ...

    def read(self, folder: Path, faults: Faults) -> DataSet:
        """The images and rows; whatever is wrong goes to ``faults``."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A reader's module in :mod:`engine.datasets.readers`, and the signs it is recognised by, in words."""

    module: str
    signs: str


READERS: dict[str, Entry] = {
    "osvqa": Entry("osvqa", "optical/, sar/ and train.jsonl (or val, test, questions)"),
    "qxs-saropt": Entry("qxs_saropt", "opt_256_oc_0.2/ and sar_256_oc_0.2/"),
    "ogsod": Entry("ogsod", "rgb/images/train/ and sar/images/train/"),
    "rsvqa-lr": Entry("rsvqa_lr", "Images_LR/ and …_train_questions.json"),
    "rsvqa-hr": Entry("rsvqa_hr", "Data/ and …_train_questions.json"),
    "rsvqaxben": Entry("rsvqaxben", "Images/ and …_train_questions.json"),
    "optsar-rsvg": Entry("optsar_rsvg", "images/train/ and train.json, or VOC files by split"),
    "dior-rsvg": Entry("dior_rsvg", "Annotations/, JPEGImages/ and train.txt with numbers"),
    "opt-rsvg": Entry("opt_rsvg", "the same, in a folder named after OPT-RSVG"),
    "coco-grounding": Entry("coco_grounding", "a folder named after RSVGD or SARVG with COCO JSON"),
    "tacmt": Entry("tacmt", "a split's list as .pth or .jsonl"),
    "refsegrs": Entry("refsegrs", "images/, masks/ and output_phrase_train.txt"),
    "risbench": Entry("risbench", "img_rgb/ and output_phrase_train.txt, or a folder named RISBench"),
    "rrsis-d": Entry("rrsis_d", "refs(unc).p and instances.json"),
    "own": Entry("own_pairs", "optical/ or sar/, and annotations.json or questions.csv (or train, …)"),
    "corrections": Entry("corrections", "corrections.jsonl"),
}


def reader_of(layout: str) -> Reader:
    """The reader module of a layout. Raises :class:`UsageError` for a name that is not in :data:`READERS`."""
    if layout not in READERS:
        raise UsageError(f"There is no layout “{layout}”.", remedy=f"Layouts: {', '.join(READERS)}.")
    return cast(Reader, import_module(f"engine.datasets.readers.{READERS[layout].module}"))


def recognise_layouts(folder: Path) -> tuple[str, ...]:
    """The names of all layouts that ``folder`` looks like."""
    return tuple(name for name in READERS if reader_of(name).recognise(folder))


def recognise_layout(folder: Path) -> str:
    """The one layout that ``folder`` has.

    Raises :class:`DataSetUnreadable`, with all that was looked for, where it has none or looks like several.
    """
    if not folder.is_dir():
        raise DataSetUnreadable(f"There is no folder {folder}.", remedy="Give the folder of a data set.")
    found = recognise_layouts(folder)
    if len(found) > 1:
        raise DataSetUnreadable(
            f"The folder {folder.name} looks like more than one layout: {', '.join(found)}.",
            remedy="Say which one it is with --layout.",
        )
    if not found:
        signs = "; ".join(f"{name}: {entry.signs}" for name, entry in READERS.items())
        raise DataSetUnreadable(
            f"The folder {folder.name} has none of the layouts that are known.", remedy=f"Looked for were {signs}."
        )
    return found[0]


def read_dataset(folder: Path, faults: Faults, layout: str | None = None) -> DataSet:
    """Read ``folder`` with the reader of ``layout``, or of the one it has."""
    return reader_of(layout or recognise_layout(folder)).read(folder, faults)
