"""Grounding and segmentation layouts through the check: told from all others, whole, and with damaged pictures."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from engine.datasets.check import check_dataset
from engine.datasets.dataset import Fault
from engine.datasets.table import recognise_layouts
from tests.engine.datasets.fabricate.pictures import SIDE, box_mask, write_picture, write_raster

FOLDERS = {
    "OptSAR-RSVG": "optsar-rsvg",
    "DIOR_RSVG": "dior-rsvg",
    "OPT-RSVG": "opt-rsvg",
    "RSVGD": "coco-grounding",
    "SARVG": "coco-grounding",
    "SARVG1.0": "tacmt",
    "RefSegRS": "refsegrs",
    "RISBench": "risbench",
    "RRSIS-D": "rrsis-d",
}


def copy_of(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    import_module(f"tests.engine.datasets.fabricate.{FOLDERS[name].replace('-', '_')}").fabricate(folder)
    return folder


@pytest.mark.parametrize(("name", "layout"), FOLDERS.items())
def test_a_whole_copy_is_recognised_and_passes(tmp_path, name, layout):
    folder = copy_of(tmp_path, name)
    assert recognise_layouts(folder) == (layout,)
    report = check_dataset(folder)
    assert report.faults == ()
    assert report.samples > 0
    shared = [note for note in report.notes if "more than one split" in note]
    assert bool(shared) == (layout in ("dior-rsvg", "opt-rsvg"))


def an_image(folder: Path) -> Path:
    """The first picture in the order of names; masks are not pictures."""
    pictures = [path for path in folder.rglob("*") if path.suffix in (".jpg", ".png", ".tif")]
    return min(path for path in pictures if not path.parent.name.startswith("mask"))


@pytest.mark.parametrize("name", FOLDERS)
def test_a_missing_picture_is_one_fault(tmp_path, name):
    folder = copy_of(tmp_path, name)
    picture = an_image(folder)
    picture.unlink()
    (fault,) = check_dataset(folder).faults
    assert fault.file == picture.relative_to(folder).as_posix()
    assert fault.what.startswith("The file is missing. It is named in ")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_truncated_picture_is_one_fault(tmp_path, name):
    folder = copy_of(tmp_path, name)
    picture = an_image(folder)
    content = picture.read_bytes()
    picture.write_bytes(content[: len(content) * 2 // 3])
    (fault,) = check_dataset(folder).faults
    assert fault.file == picture.relative_to(folder).as_posix()


def test_one_picture_under_two_names_in_two_splits(tmp_path):
    folder = copy_of(tmp_path, "RefSegRS")
    shutil.copyfile(folder / "images" / "0.tif", folder / "images" / "10.tif")
    (fault,) = check_dataset(folder).faults
    assert fault.file == "images/10.tif"
    assert "in two splits" in fault.what


@pytest.mark.parametrize(("name", "masks"), [("RefSegRS", "masks"), ("RISBench", "mask")])
def test_masks_of_another_size_missing_empty_or_cut(tmp_path, name, masks):
    folder = copy_of(tmp_path, name)
    write_raster(folder / masks / "0.tif", box_mask((1, 1, 9, 9), side=SIDE + 8))
    (folder / masks / "1.tif").unlink()
    write_raster(folder / masks / "2.tif", np.zeros((SIDE, SIDE), np.uint8))
    (folder / masks / "10.tif").write_bytes((folder / masks / "10.tif").read_bytes()[:200])
    faults = check_dataset(folder).faults
    assert [(fault.file, fault.line) for fault in faults] == [
        ("output_phrase_test.txt", 1),
        ("output_phrase_test.txt", 2),
        ("output_phrase_train.txt", 1),
        ("output_phrase_train.txt", 2),
        ("output_phrase_train.txt", 3),
        ("output_phrase_val.txt", 1),
    ]
    assert [fault.what for fault in faults[2:]] == [
        "0.tif has 56 x 56 pixels, its image 48 x 48.",
        "0.tif has 56 x 56 pixels, its image 48 x 48.",
        "The mask 1.tif is missing.",
        "The mask is empty.",
    ]


def test_run_lengths_of_another_size(tmp_path):
    folder = copy_of(tmp_path, "RRSIS-D")
    text = (folder / "instances.json").read_text(encoding="utf-8")
    (folder / "instances.json").write_text(text.replace('"size": [48, 48]', '"size": [24, 96]', 1), encoding="utf-8")
    (fault,) = check_dataset(folder).faults
    assert fault == Fault("refs(unc).p", None, "Reference 0: The mask has 96 x 24 pixels, its image 48 x 48.")


def test_a_box_outside_its_picture_where_the_annotation_tells_no_size(tmp_path):
    folder = copy_of(tmp_path, "SARVG1.0")
    (folder / "sarvg_val.jsonl").write_text('{"image": "gf3_3.png", "bbox": [40, 1, 20, 5], "phrase": "a"}\n')
    (fault,) = check_dataset(folder).faults
    assert fault == Fault("sarvg_val.jsonl", 1, "The box 40, 1, 60, 6 leaves the image of 48 x 48 pixels.")


def test_a_picture_of_another_size_than_the_annotation_says(tmp_path):
    folder = copy_of(tmp_path, "DIOR_RSVG")
    write_picture(folder / "JPEGImages" / "00002.jpg", 1, side=64)
    faults = check_dataset(folder).faults
    assert faults[0].file == "JPEGImages/00002.jpg"
    assert faults[0].what == "The image has 64 x 64 pixels, not 48 x 48 as it should."
