"""YOLO labels, upright and oriented, and lines that are neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.datasets.dataset import Faults
from engine.formats.yolo import YoloBox, read_yolo

NAMES = ("bridge", "harbor", "storage tank")


def read(folder: Path, *lines: str) -> tuple[tuple[YoloBox, ...], Faults]:
    faults = Faults(folder)
    (folder / "a.txt").write_text("".join(f"{line}\n" for line in lines))
    return read_yolo(folder / "a.txt", faults, NAMES), faults


@pytest.mark.parametrize(
    ("line", "name", "oriented"),
    [
        ("0 0.5 0.25 0.5 0.25", "bridge", False),
        ("bridge 0.5 0.25 0.5 0.25", "bridge", False),
        ("2 0.25 0.125 0.75 0.125 0.75 0.375 0.25 0.375", "storage tank", True),
        ("50 25 150 25 150 75 50 75 storage_tank 1", "storage tank", True),
        ("50 25 150 25 150 75 50 75 storage-tank", "storage tank", True),
        ("50.0 25.0 150.0 25.0 150.0 75.0 50.0 75.0 1 0", "harbor", True),
        ("50 25 150 25 150 75 50 75 1", "harbor", True),
    ],
)
def test_one_box_in_every_way_of_writing_it(tmp_path: Path, line: str, name: str, oriented: bool) -> None:
    (box,), faults = read(tmp_path, line)
    assert box.xyxy_px(200, 200) == (50.0, 25.0, 150.0, 75.0)
    assert (box.name, box.oriented, box.line) == (name, oriented, 1)
    assert faults.found == []


def test_a_turned_box_has_the_upright_box_around_it(tmp_path: Path) -> None:
    (box,), _ = read(tmp_path, "64 56 72 64 64 72 56 64 bridge 0")
    assert box.xyxy_px(256, 256) == (56.0, 56.0, 72.0, 72.0)


def test_bad_lines_are_faults_at_their_line(tmp_path: Path) -> None:
    boxes, faults = read(
        tmp_path,
        "imagesource:GoogleEarth",
        "gsd:0.5",
        "",
        "0 0.5 0.5 0.1",
        "3 0.5 0.5 0.1 0.1",
        "0 0.5 nan 0.1 0.1",
        "0.5 0.5 0.5 0.1 0.1",
        "1 0.5 0.5 0.1 0.1",
        "-1 0.5 0.5 0.1 0.1",
        "1e400 0.5 0.5 0.1 0.1",
        "1 2 3 4 5 6 7 8 road 0",
    )
    assert [box.line for box in boxes] == [8]
    assert [(fault.line, fault.what) for fault in faults.found] == [
        (4, "The line has 4 columns; a box has 5, 9 or 10."),
        (5, "The class '3' is none of bridge, harbor, storage tank."),
        (6, "A coordinate is not a number."),
        (7, "The class '0.5' is none of bridge, harbor, storage tank."),
        (9, "The class '-1' is none of bridge, harbor, storage tank."),
        (10, "The class '1e400' is none of bridge, harbor, storage tank."),
        (11, "The class 'road' is none of bridge, harbor, storage tank."),
    ]


def test_an_empty_file_is_an_image_without_objects(tmp_path: Path) -> None:
    boxes, faults = read(tmp_path)
    assert boxes == ()
    assert faults.found == []


@given(st.lists(st.sampled_from([*"01 .-", "nan", "bridge", "1e99", "\u0661", "9" * 20]), max_size=14))
def test_no_line_is_too_odd(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    read(tmp_path_factory.mktemp("yolo"), " ".join(words))
