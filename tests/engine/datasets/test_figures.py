"""Published figures beside what was found."""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import BoxRow, DataSet, ImageFiles, Origin
from engine.datasets.figures import Published, figures_note


def data_set(**rows: int) -> DataSet:
    """A data set of one image a row."""
    keys = [(f"{split}{index}", split) for split, count in rows.items() for index in range(count)]
    return DataSet(
        "any",
        "grounding",
        Path("folder"),
        tuple(ImageFiles(key, split) for key, split in keys),
        tuple(BoxRow(key, split, "a", (0, 0, 1, 1), "", "sar", Origin(Path("file"))) for key, split in keys),
    )


def test_whose_figures_they_are():
    paper = Published("the paper", {"train": 3, "test": 1})
    release = Published("the release", {"train": 2, "test": 1}, {"train": 2})
    assert figures_note(data_set(train=3, test=1), (paper, release)).startswith(
        "The figures are those of the paper: 3 "
    )
    assert figures_note(data_set(train=2, test=1), (paper, release)) == (
        "The figures are those of the release: 2 train, 1 test rows."
    )
    assert figures_note(data_set(test=1), (paper,)) == "There are 1 test rows; the paper has 3 train, 1 test."
    assert figures_note(data_set(train=3, test=1), ()) == ""
    other_images = Published("the release", {"train": 2}, {"train": 7})
    assert figures_note(data_set(train=2), (other_images,)) == "There are 2 train rows; the release has 2 train."
