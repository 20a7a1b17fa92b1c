"""The check as a whole: every layout recognised and whole, order of faults, progress, cancel, and no crash ever."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import seeing, table
from engine.datasets.check import check_dataset
from engine.errors import Cancelled, DataSetUnreadable, UsageError
from tests.engine.datasets.damage import fabricator
from tests.engine.datasets.fabricate.pictures import write_picture

LAYOUTS = sorted(table.READERS)
FOLDERS = {"opt-rsvg": "OPT-RSVG", "coco-grounding": "RSVGD", "risbench": "RISBench"}
"""Layouts that are recognised by the name of their folder."""


def fabricated(folder: Path, layout: str) -> Path:
    target = folder / FOLDERS.get(layout, layout)
    target.mkdir()
    fabricator(layout).fabricate(target)
    return target


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_reader_names_itself_and_its_source(layout: str) -> None:
    reader = table.reader_of(layout)
    assert reader.LAYOUT.name == layout
    assert reader.LAYOUT.title
    assert reader.LAYOUT.source
    assert table.READERS[layout].signs
    assert len((reader.__doc__ or "").splitlines()) >= 10, "a reader's docstring is a page"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_fabricated_copy_is_recognised_and_whole(tmp_path: Path, layout: str) -> None:
    folder = fabricated(tmp_path, layout)
    assert table.recognise_layout(folder) == layout
    report = check_dataset(folder)
    assert report.faults == ()
    assert report.ok
    assert report.layout == layout
    assert report.images > 0


def test_a_copy_is_made_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.engine.datasets.fabricate", "qxs-saropt", str(tmp_path / "new" / "qxs")]
    subprocess.run(command, check=True)
    assert check_dataset(tmp_path / "new" / "qxs").ok


def test_no_layout_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataSetUnreadable) as caught:
        check_dataset(tmp_path)
    assert str(caught.value) == f"The folder {tmp_path.name} has none of the layouts that are known."
    for name, entry in table.READERS.items():
        assert f"{name}: {entry.signs}" in caught.value.remedy
    with pytest.raises(DataSetUnreadable, match="There is no folder"):
        check_dataset(tmp_path / "none")


def test_several_layouts_have_to_be_told_apart(tmp_path: Path) -> None:
    for layout in ("osvqa", "own"):
        fabricator(layout).fabricate(tmp_path)
    with pytest.raises(DataSetUnreadable, match="more than one layout: osvqa, own"):
        check_dataset(tmp_path)
    assert check_dataset(tmp_path, "own").layout == "own"
    with pytest.raises(UsageError, match="There is no layout “oswqa”"):
        check_dataset(tmp_path, "oswqa")


def test_the_wrong_layout_is_a_report_and_no_crash(tmp_path: Path) -> None:
    folder = fabricated(tmp_path, "osvqa")
    for layout in LAYOUTS:
        if layout != "osvqa":
            report = check_dataset(folder, layout)
            assert report.faults or report.samples == 0


def test_faults_are_in_the_order_of_file_and_line(tmp_path: Path) -> None:
    folder = fabricated(tmp_path, "osvqa")
    for name in ("test", "train"):
        path = folder / f"{name}.jsonl"
        path.write_text(path.read_text() * 3 + "{}\n" * 2)
    (folder / "sar" / "1.png").unlink()
    keys = [(fault.file, fault.line or 0) for fault in check_dataset(folder).faults]
    assert keys == sorted(keys)
    assert [file for file, _ in keys] == ["sar/1.png", *["test.jsonl"] * 8, *["train.jsonl"] * 8]


def test_progress_rises_and_names_its_stages(tmp_path: Path) -> None:
    folder = fabricated(tmp_path, "rrsis-d")
    told: list[tuple[str, float | None]] = []
    check_dataset(folder, progress=lambda stage, fraction: told.append((stage, fraction)))
    assert told[0] == ("Reading the annotations", None)
    stages = ["Reading the annotations", "Decoding the images", "Comparing the truth with the images"]
    assert list(dict.fromkeys(stage for stage, _ in told)) == stages
    for stage in stages[1:]:
        fractions = [fraction for name, fraction in told if name == stage]
        assert fractions == sorted(fractions, key=lambda fraction: fraction or 0)


def test_cancel_works_between_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "many"
    fabricator("qxs-saropt").fabricate(folder)
    for number in range(20, 80):
        for name in ("opt_256_oc_0.2", "sar_256_oc_0.2"):
            shutil.copy(folder / name / "1.png", folder / name / f"{number}.png")
    seen: list[Path] = []
    real = seeing._see
    monkeypatch.setattr(seeing, "_see", lambda path: (seen.append(path), real(path))[1])
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        check_dataset(folder, cancelled=lambda: next(answers))
    assert len(seen) <= seeing._AHEAD + 3


@pytest.mark.parametrize("side", [0, 1])
def test_images_decoded_out_of_turn_are_reported_in_turn(tmp_path: Path, side: int) -> None:
    folder = fabricated(tmp_path, "qxs-saropt")
    paths = sorted((folder / ("opt_256_oc_0.2", "sar_256_oc_0.2")[side]).iterdir())
    for path in paths:
        path.write_bytes(b"")
    report = check_dataset(folder)
    assert [(fault.file, fault.what) for fault in report.faults] == [
        (path.relative_to(folder).as_posix(), f"{path.name} is empty.") for path in paths
    ]


def annotations(folder: Path) -> list[Path]:
    """All files of a fabricated copy that are not pictures."""
    pictures = {".png", ".jpg", ".tif"}
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in pictures)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All fabricated copies, to be copied and damaged."""
    folder = tmp_path_factory.mktemp("originals")
    for layout in LAYOUTS:
        fabricated(folder, layout)
    return folder


BYTES = st.binary(min_size=1, max_size=3) | st.sampled_from([b"\0", b"\n", b'"', b"[", b"}", b"-", b"9" * 30, b"\xff"])
DAMAGE = st.lists(st.tuples(st.floats(0, 1), BYTES, st.booleans()), min_size=1, max_size=4)
"""Where (as a share of the file), what, and whether it is put in or written over."""


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=12)
@given(data=st.data())
def test_no_damage_to_an_annotation_crashes_the_check(
    originals: Path, tmp_path_factory: pytest.TempPathFactory, layout: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("fuzz") / FOLDERS.get(layout, layout)
    shutil.copytree(originals / folder.name, folder)
    files = annotations(folder)
    if not files:
        return
    path = data.draw(st.sampled_from(files))
    damaged = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del damaged[int(len(damaged) * data.draw(st.floats(0, 1))) :]
    for share, content, insert in data.draw(DAMAGE):
        place = int(share * len(damaged))
        damaged[place : place if insert else place + len(content)] = content
    path.write_bytes(damaged)
    report = check_dataset(folder, layout)
    text = "\n".join(f"{fault.file}:{fault.line}: {fault.what}" for fault in report.faults)
    text.encode("utf-8")  # a terminal can show it
    assert all(fault.line is None or fault.line >= 1 for fault in report.faults)


def test_a_picture_that_is_larger_than_told_is_not_compared_with_boxes_of_its_own(tmp_path: Path) -> None:
    folder = fabricated(tmp_path, "optsar-rsvg")
    write_picture(folder / "images" / "train" / "opt_000001.jpg", 3, side=56)
    assert [(fault.file, fault.what) for fault in check_dataset(folder).faults] == [
        ("images/train/opt_000001.jpg", "The image has 56 x 56 pixels, not 48 x 48 as it should.")
    ]
