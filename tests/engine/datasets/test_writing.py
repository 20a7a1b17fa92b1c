"""What is written in OptSAR-RSVG's and RefSegRS's layouts reads back as the same rows, and passes the check."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.categories import OPTSAR_CATEGORIES
from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow, Faults, MaskRow, Origin
from engine.datasets.masks import read_mask
from engine.datasets.readers import optsar_rsvg, refsegrs
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.writing_optsar import image_name, write_optsar_rsvg
from engine.datasets.writing.writing_refsegrs import NewMask, write_refsegrs
from engine.errors import ExportRefused, InputRefused
from engine.raster import open_raster
from engine.records import Grid
from tests.engine.datasets.fabricate.pictures import SIDE, box_mask, write_picture

HERE = Origin(Path("made"))
GRID = Grid(SIDE, SIDE, (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_000_000.0), "EPSG:32631", 2.0)


def new_image(number: int, split: str = "train", sensor: Any = "optical", name: str = "") -> NewImage:
    bands = 3 if sensor == "optical" else 1
    pixels = np.random.default_rng(number).integers(1, 255, (bands, SIDE, SIDE)).astype(np.uint8)
    return NewImage(name or image_name(sensor, number), split, sensor, SIDE, SIDE, pixels, GRID)


def row(image: NewImage, category: str = "ship", expression: str = "a ship", box: Any = (1, 2, 30.25, 9.5)) -> BoxRow:
    return BoxRow(image.name, image.split, expression, box, category, image.sensor, HERE)


def read_optsar(folder: Path) -> list[BoxRow]:
    faults = Faults(folder)
    data = optsar_rsvg.read(folder, faults)
    assert faults.found == []
    return [replace(one, origin=HERE) for one in data.rows if isinstance(one, BoxRow)]


EDGES = st.integers(0, 4 * SIDE).map(lambda number: number / 4)
SPANS = st.lists(EDGES, min_size=2, max_size=2, unique=True).map(sorted)
SENTENCES = st.lists(st.from_regex(r"[\w&<>'\".,é船-]{1,6}", fullmatch=True), min_size=1, max_size=5).map(" ".join)


@st.composite
def image_with_rows(draw: st.DrawFn, number: int) -> tuple[NewImage, list[BoxRow]]:
    sensor = draw(st.sampled_from(("optical", "sar")))
    image = new_image(number, draw(st.sampled_from(("train", "val", "test"))), sensor)
    categories = [category for of, category in OPTSAR_CATEGORIES if of == sensor]
    rows = []
    for _ in range(draw(st.integers(0, 3))):
        (left, right), (top, bottom) = draw(SPANS), draw(SPANS)
        rows.append(row(image, draw(st.sampled_from(categories)), draw(SENTENCES), (left, top, right, bottom)))
    return image, rows


@settings(max_examples=15)
@given(data=st.data())
def test_optsar_rows_come_back_from_json_and_from_xml(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("optsar")
    entries = [data.draw(image_with_rows(number)) for number in range(1, 4)]
    counts = write_optsar_rsvg(folder, entries)
    rows = [one for split in ("train", "val", "test") for _, listed in entries for one in listed if one.split == split]
    assert read_optsar(folder) == rows
    assert counts == {split: sum(one.split == split for one in rows) for split in ("train", "val", "test")}
    assert check_dataset(folder, "optsar-rsvg").faults == ()
    for split in counts:
        (folder / f"{split}.json").unlink()
    if any((folder / "annotations" / split).is_dir() for split in counts):
        found = [one for one in optsar_rsvg.read(folder, Faults(folder)).rows if isinstance(one, BoxRow)]
        by_file = sorted(rows, key=lambda one: (("train", "val", "test").index(one.split), one.image))
        assert [replace(one, origin=HERE) for one in found] == by_file


def test_optsar_pictures_are_as_given_ours_on_their_grid_and_others_byte_for_byte(tmp_path):
    write_picture(tmp_path / "source.jpg", 5)
    ours = new_image(1, "all", "sar")
    copied = NewImage("opt_000002.jpg", "all", "optical", SIDE, SIDE, tmp_path / "source.jpg")
    counts = write_optsar_rsvg(tmp_path / "out", iter([(ours, [row(ours)]), (copied, [])]), voc=False)
    assert counts == {"all": 1}
    images = tmp_path / "out" / "images" / "all"
    assert (images / "opt_000002.jpg").read_bytes() == (tmp_path / "source.jpg").read_bytes()
    with open_raster(images / "sar_000001.tif") as raster:
        assert raster.info.grid.transform == GRID.transform
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["all.json", "images"]
    assert check_dataset(tmp_path / "out").faults == ()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda image: [(image, [row(image, "building")])], "has a row of the class “optical building”"),
        (lambda image: [(image, [replace(row(image), sensor="sar")])], "has a row of the class “sar ship”"),
        (lambda image: [(image, [row(image, box=(1, 2, 1, 9))])], "The box 1, 2, 1, 9 has no area"),
        (lambda image: [(image, [row(image, box=(1, 2, 49, 9))])], "leaves the image of 48 x 48 pixels"),
        (lambda image: [(image, [row(image, expression=" ")])], "There is no sentence"),
        (lambda image: [(image, [replace(row(image), image="b.tif")])], "has a row of b.tif in train"),
        (lambda image: [(image, []), (image, [])], "is there twice"),
        (lambda image: [(replace(image, name="sar_000001.tif"), [])], "whose sensor is optical"),
        (lambda image: [(replace(image, name="../opt_1.tif"), [])], "is not a name of a file"),
        (lambda image: [(replace(image, split="a/b"), [])], "is not a name of a file"),
        (lambda image: [(replace(image, name="opt_1.jpg"), [])], "is written as a GeoTIFF"),
        (lambda image: [(image, [row(image, expression="a \x08bell")])], "XML cannot hold"),
    ],
)
def test_optsar_refuses_what_its_reader_would_fault(tmp_path, change: Callable[[NewImage], Any], what):
    with pytest.raises(InputRefused, match=re.escape(what)):
        write_optsar_rsvg(tmp_path, change(new_image(1)))
    assert not (tmp_path / "train.json").exists()


def test_refsegrs_expressions_and_masks_come_back(tmp_path):
    boxes = [(3, 4, 20, 9), (0, 0, 48, 48), (40, 40, 41, 41)]
    masks = [box_mask(box) > 0 for box in boxes]
    first, second = new_image(1, name="tile-a.tif"), new_image(2, "test", name="tile-b.tif")
    entries = [
        (first, [NewMask(("a road", " the  only road "), masks[0]), NewMask(("straße",), masks[1])]),
        (second, [NewMask(("one pixel",), masks[2])]),
    ]
    assert write_refsegrs(tmp_path, iter(entries)) == {"train": 3, "val": 0, "test": 1}
    faults = Faults(tmp_path)
    data = refsegrs.read(tmp_path, faults)
    assert faults.found == []
    rows = [one for one in data.rows if isinstance(one, MaskRow)]
    assert [(one.image, one.split, one.expression) for one in rows] == [
        ("tile-a_0", "train", "a road"),
        ("tile-a_0", "train", "the only road"),
        ("tile-a_1", "train", "straße"),
        ("tile-b_0", "test", "one pixel"),
    ]
    for one, index in zip(rows, (0, 0, 1, 2), strict=True):
        np.testing.assert_array_equal(read_mask(one.mask, SIDE, SIDE), masks[index])
    assert check_dataset(tmp_path).faults == ()
    pictures = [(tmp_path / "images" / f"tile-a_{index}.tif").read_bytes() for index in (0, 1)]
    assert pictures[0] == pictures[1]
    assert (tmp_path / "images" / "tile-a_0.tif").samefile(tmp_path / "images" / "tile-a_1.tif")
    with open_raster(tmp_path / "masks" / "tile-b_0.tif") as raster:
        assert raster.info.grid.transform == GRID.transform


def test_refsegrs_copies_where_the_disk_has_no_links(tmp_path, monkeypatch):
    def no_links(self: Path, target: Path) -> None:
        raise OSError("Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    masks = [NewMask((text,), box_mask((0, 0, 9, 9)) > 0) for text in ("a", "b")]
    assert write_refsegrs(tmp_path, [(new_image(1, "all", name="a.tif"), masks)]) == {"all": 2}
    assert check_dataset(tmp_path).faults == ()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda image, mask: [(image, [NewMask(("a",), mask[:-1])])], "A mask of a.tif is not of its size."),
        (lambda image, mask: [(image, [NewMask(("a",), np.zeros_like(mask))])], "A mask of a.tif is empty."),
        (lambda image, mask: [(image, [NewMask(("a", " "), mask)])], "has an expression without words"),
        (lambda image, mask: [(image, [NewMask((), mask)])], "has an expression without words"),
        (lambda image, mask: [(image, []), (replace(image, name="A.tif"), [])], "or is there twice"),
        (lambda image, mask: [(replace(image, name="a b.tif"), [])], "without blanks"),
    ],
)
def test_refsegrs_refuses_what_its_reader_would_fault(tmp_path, change: Callable[..., Any], what):
    with pytest.raises(InputRefused) as caught:
        write_refsegrs(tmp_path, change(new_image(1, name="a.tif"), box_mask((0, 0, 9, 9)) > 0))
    assert what in caught.value.sentence
    assert not (tmp_path / "output_phrase_train.txt").exists()


def test_a_source_that_is_gone_is_an_export_refused(tmp_path):
    image = NewImage("opt_000001.jpg", "train", "optical", SIDE, SIDE, tmp_path / "gone.jpg")
    with pytest.raises(ExportRefused):
        write_optsar_rsvg(tmp_path / "out", [(image, [])])
