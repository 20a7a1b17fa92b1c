"""Corrections: added one by one, read as a data set, and nothing lost when the program or the disk dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow, MaskRow, QuestionRow
from engine.datasets.readers.corrections import Correction, append_correction
from engine.datasets.table import recognise_layouts
from engine.errors import ExportRefused, UsageError
from tests.engine.datasets.damage import checked, read
from tests.engine.datasets.fabricate import corrections as fabricated
from tests.engine.datasets.fabricate.pictures import box_mask, write_raster

GOOD = fabricated.corrections()[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path)
    return tmp_path


def add(folder: Path, **fields: Any) -> int:
    """Write a line by hand, as a damaged or foreign program would; its number. None takes a field away."""
    path = folder / "corrections.jsonl"
    values = json.loads(path.read_text().splitlines()[0]) | {"id": "x"} | fields
    line = json.dumps({name: value for name, value in values.items() if value is not None})
    path.write_text(path.read_text() + line + "\n")
    return path.read_text().count("\n")


def test_the_last_word_on_each_id_is_a_row(folder: Path) -> None:
    assert recognise_layouts(folder) == ("corrections",)
    data, faults = read(folder, "corrections")
    assert faults == []
    ships, pier, wood = data.rows
    assert isinstance(ships, QuestionRow)
    assert (ships.image, ships.question, ships.answer, ships.type) == (
        "optical/a.png sar/a.png",
        "How many ships?",
        "3",
        "number",
    )
    assert isinstance(pier, BoxRow)
    assert (pier.expression, pier.box_xyxy_px, pier.category, pier.sensor) == (
        "the pier",
        (1, 2, 30, 9),
        "harbor",
        "sar",
    )
    assert isinstance(wood, MaskRow)
    assert (wood.expression, wood.mask.path, wood.sensor) == ("the wood", folder / "masks" / "c3.tif", "optical")
    assert [(image.id, image.split, image.sar is None) for image in data.images] == [
        ("optical/a.png sar/a.png", "train", False),
        ("optical/b.png", "train", True),
    ]
    assert data.task == "vqa"
    report = check_dataset(folder)
    assert (report.faults, report.samples, report.images) == ((), 3, 2)


def test_it_can_be_moved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "corrections"
    shutil.move(folder, target)
    assert check_dataset(target).ok


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"version": 2}, "The version is 2; this program reads 1."),
        ({"verdict": "maybe"}, "The verdict 'maybe' is none of right, wrong, withdrawn."),
        ({"made": None}, "The field 'made' is missing."),
        ({"task": "painting"}, "The task 'painting' is none of vqa, grounding, segmentation."),
        ({"optical": None, "sar": None}, "It has no picture."),
        ({"optical": "../../x.tif"}, "The path '../../x.tif' leads out of the data set's folder; it is not opened."),
        ({"query": ""}, "The field 'query' is empty."),
        ({"answer": None}, "The field 'answer' is missing."),
        ({"type": None}, "The field 'type' is missing."),
        ({"id": 1.5}, "The field 'id' is neither a whole number nor a text."),
        ({"task": "grounding"}, "The field 'box_xyxy_px' is missing."),
        ({"task": "grounding", "box_xyxy_px": [1, 2, 3, 4], "sensor": "x"}, "The field 'sensor' is none of optical"),
        ({"task": "grounding", "box_xyxy_px": [1, 2, 3, 99], "sensor": "sar"}, "The box 1, 2, 3, 99 leaves the image"),
        ({"task": "segmentation", "sensor": "sar", "mask": "../../m.png"}, "The path '../../m.png' leads out of"),
        ({"task": "segmentation", "sensor": "sar", "mask": "masks/no.png"}, "The mask no.png is missing."),
    ],
)
def test_a_bad_line_has_its_line(folder: Path, fields: dict[str, Any], what: str) -> None:
    line = add(folder, **fields)
    faults = checked(folder, "corrections")
    assert {(file, number) for file, number, _ in faults} == {("corrections.jsonl", line)}
    assert faults[0][2].startswith(what)
    assert len(read(folder, "corrections")[0].rows) in (3, 4)


def test_a_missing_picture_and_a_mask_of_another_size(folder: Path) -> None:
    (folder / "sar" / "a.png").unlink()
    write_raster(folder / "masks" / "c3.tif", box_mask((0, 0, 9, 9), side=40))
    assert checked(folder, "corrections") == [
        ("corrections.jsonl", 3, "c3.tif has 40 x 40 pixels, its image 48 x 48."),
        ("sar/a.png", None, "The file is missing. It is named in corrections.jsonl, line 5."),
    ]


@settings(max_examples=60)
@given(cut=st.integers(0, 400), texts=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3))
def test_after_a_crash_in_any_byte_nothing_else_is_lost(
    tmp_path_factory: pytest.TempPathFactory, cut: int, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("crash")
    fabricated.fabricate(folder)
    path = folder / "corrections.jsonl"
    lines = path.read_bytes().splitlines()
    torn = b"\n".join(lines[:2]) + b"\n" + lines[2][: min(cut, len(lines[2]))]
    path.write_bytes(torn)
    for number, text in enumerate(texts):
        append_correction(folder, with_fields(GOOD, id=f"new {number}", source=text, model="\ud800"))
    data, faults = read(folder, "corrections")
    found = [json.loads(line)["source"] for line in path.read_bytes().splitlines() if b'"new ' in line]
    assert found == texts
    whole = 2 + (cut >= len(lines[2]))
    assert len(data.rows) == whole + len(texts)
    assert len(faults) == (0 if cut == 0 or cut >= len(lines[2]) else 1)
    assert all(line == 3 for _, line, _ in faults)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"query": " "}, "The field 'query' is empty."),
        ({"id": ""}, "The field 'id' is empty."),
        ({"id": "", "verdict": "withdrawn"}, "The field 'id' is empty."),
        ({"answer": None}, "The field 'answer' is missing."),
        ({"optical": "optical/none.png"}, "The file none.png is missing."),
        ({"optical": "../a.png"}, "leads out of the data set's folder"),
        ({"task": "grounding", "box_xyxy_px": (0, 0, float("nan"), 4), "sensor": "sar"}, "not a list of 4 numbers"),
        ({"task": "segmentation", "mask": "masks/none.png", "sensor": "sar"}, "The file none.png is missing."),
    ],
)
def test_what_could_not_be_read_is_not_saved(folder: Path, fields: dict[str, Any], what: str) -> None:
    before = (folder / "corrections.jsonl").read_bytes()
    with pytest.raises(UsageError, match=what):
        append_correction(folder, with_fields(GOOD, **fields))
    assert (folder / "corrections.jsonl").read_bytes() == before


def test_a_disk_that_takes_half_a_line_gives_it_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "corrections.jsonl").read_bytes()
    real_open = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *about: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            return int(self.file.write(data[: len(data) // 2]))

    def opened(path: Path, mode: str = "r", **options: Any) -> Any:
        file = real_open(path, mode, **options)
        return Full(file) if mode == "a+b" else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(ExportRefused, match="the disk is full"):
        append_correction(folder, GOOD)
    assert (folder / "corrections.jsonl").read_bytes() == before


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    (folder / "corrections.jsonl").unlink()
    (folder / "corrections.jsonl").mkdir()
    with pytest.raises(ExportRefused, match="The correction cannot be saved"):
        append_correction(folder, GOOD)


def test_two_processes_do_not_mix_their_lines(folder: Path) -> None:
    program = (
        "import sys, pathlib; from dataclasses import replace\n"
        "from engine.datasets.readers.corrections import append_correction\n"
        "from tests.engine.datasets.fabricate.corrections import corrections\n"
        "for n in range(100):\n"
        "    append_correction(pathlib.Path(sys.argv[1]), replace(corrections()[0], id=f'{sys.argv[2]} {n}'))\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(folder), name], env={**os.environ, "PYTHONPATH": "."})
        for name in ("a", "b")
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    data, faults = read(folder, "corrections")
    assert faults == []
    assert len(data.rows) == 3 + 200


def test_a_correction_that_is_taken_back_needs_nothing_else(folder: Path) -> None:
    append_correction(folder, Correction("c2", fabricated.MADE, "grounding", "withdrawn", "the pier"))
    data, faults = read(folder, "corrections")
    assert faults == []
    assert [row.origin.line for row in data.rows] == [5, 3]
