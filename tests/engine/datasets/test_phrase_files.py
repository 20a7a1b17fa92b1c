"""RefSegRS and RISBench: text files of expressions, masks under the image's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.datasets.dataset import DataSet, Fault, Faults, MaskRow
from engine.datasets.masks import read_mask
from engine.datasets.readers import refsegrs, risbench
from tests.engine.datasets.fabricate import refsegrs as fabricated
from tests.engine.datasets.fabricate import risbench as fabricated_risbench
from tests.engine.datasets.fabricate.pictures import SIDE, box_mask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path / "RefSegRS")
    return tmp_path / "RefSegRS"


def read(folder: Path) -> tuple[DataSet, list[Fault]]:
    faults = Faults(folder)
    return refsegrs.read(folder, faults), faults.found


def masks_of(data: DataSet) -> list[tuple[str, np.ndarray]]:
    rows = [row for row in data.rows if isinstance(row, MaskRow)]
    return [(row.expression, read_mask(row.mask, SIDE, SIDE)) for row in rows]


def test_every_line_is_a_row_with_its_mask(folder):
    assert refsegrs.recognise(folder)
    assert not risbench.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    lines = [line for listed in fabricated.LINES.values() for line in listed]
    assert [f"{row.image} {row.expression}" for row in data.rows if isinstance(row, MaskRow)] == lines
    for line, (_, mask) in zip(lines, masks_of(data), strict=True):
        np.testing.assert_array_equal(mask, box_mask(fabricated.BOXES[line.split()[0]]) > 0)
    assert [(image.id, image.split) for image in data.images] == [
        ("0", "train"),
        ("1", "train"),
        ("2", "val"),
        ("10", "test"),
    ]
    assert data.rows[1].origin.line == 2


def test_risbench_has_other_folders_and_suffixes(tmp_path):
    fabricated_risbench.fabricate(tmp_path)
    assert risbench.recognise(tmp_path)
    assert not refsegrs.recognise(tmp_path)
    faults = Faults(tmp_path)
    data = risbench.read(tmp_path, faults)
    assert faults.found == []
    assert data.images[0].optical == tmp_path / "img_rgb" / "0.tif"
    assert [mask.any() for _, mask in masks_of(data)] == [True] * 6


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        ("0 road\n1\n", 2, "After the ID '1' there is no expression."),
        (
            "0 road\n\n../../etc/passwd all of it\n",
            3,
            "The path '../../etc/passwd.tif' leads out of the data set's folder; it is not opened.",
        ),
        ("0 road\n1 a\0b\n", 2, "The line has characters that are no text."),
    ],
)
def test_bad_lines_are_faults_at_their_line(folder, lines, line, what):
    (folder / "output_phrase_train.txt").write_text(lines, encoding="utf-8")
    data, faults = read(folder)
    assert faults == [Fault("output_phrase_train.txt", line, what)]
    assert len(list(data.of_split("train"))) == 1


def test_a_list_that_is_missing_or_no_text(folder):
    (folder / "output_phrase_val.txt").unlink()
    (folder / "output_phrase_test.txt").write_bytes(b"0 road\n1 stra\xdfe\n")
    data, faults = read(folder)
    assert faults == [
        Fault("output_phrase_val.txt", None, "The file is missing."),
        Fault("output_phrase_test.txt", 2, "The file is not UTF-8 text."),
    ]
    assert data.splits == ("train",)


def test_line_ends_of_windows_and_odd_blanks(folder):
    (folder / "output_phrase_train.txt").write_bytes("\ufeff0  road \r\n1\tthe  car\r\n".encode())
    data, faults = read(folder)
    assert faults == []
    rows = [row for row in data.of_split("train") if isinstance(row, MaskRow)]
    assert [(row.image, row.expression) for row in rows] == [("0", "road"), ("1", "the car")]


def test_a_set_without_splits(folder):
    for split in ("val", "test"):
        (folder / f"output_phrase_{split}.txt").unlink()
    (folder / "output_phrase_train.txt").rename(folder / "output_phrase_all.txt")
    assert refsegrs.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    assert data.splits == ("all",)
