"""DIOR-RSVG and OPT-RSVG: numbers of objects over all files, and what can be wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.dataset import BoxRow, DataSet, Fault, Faults
from engine.datasets.readers import dior_rsvg, opt_rsvg
from tests.engine.datasets.fabricate import dior_rsvg as fabricated
from tests.engine.datasets.fabricate import opt_rsvg as fabricated_opt


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fabricated.fabricate(tmp_path / "DIOR_RSVG")
    return tmp_path / "DIOR_RSVG"


def read(folder: Path) -> tuple[DataSet, list[Fault]]:
    faults = Faults(folder)
    return dior_rsvg.read(folder, faults), faults.found


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_rows_are_the_objects_with_the_listed_numbers(folder):
    assert dior_rsvg.recognise(folder)
    assert not opt_rsvg.recognise(folder)
    data, faults = read(folder)
    assert faults == []
    things = [(stem, *thing) for stem, listed in fabricated.THINGS.items() for thing in listed]
    for split, numbers in fabricated.NUMBERS.items():
        rows = [row for row in data.of_split(split) if isinstance(row, BoxRow)]
        assert [(row.image, row.box_xyxy_px, row.expression) for row in rows] == [
            (f"{things[number][0]}.jpg", things[number][2], things[number][3]) for number in numbers
        ]
        assert {row.sensor for row in rows} == {"optical"}
    assert [row.category for row in data.of_split("train")] == [
        "storage tank",
        "expressway service area",
        "tennis court",
        "airplane",
        "airport",
    ]


def test_images_in_several_splits_are_expected_and_listed_once_in_each(folder):
    data, _ = read(folder)
    assert data.shared_images_expected
    keys = [(image.id, image.split) for image in data.images]
    assert len(set(keys)) == len(keys)
    assert [split for name, split in keys if name == "00001.jpg"] == ["train", "val", "test"]
    image = data.images[0]
    assert (image.width, image.height, image.sar) == (48, 48, None)
    assert image.optical is not None
    assert image.optical.is_file()


def test_origins_are_lines_of_the_objects(folder):
    data, _ = read(folder)
    row = next(row for row in data.rows if isinstance(row, BoxRow) and row.expression == "A white ship")
    lines = row.origin.file.read_text(encoding="utf-8").split("\n")
    assert row.origin.line is not None
    assert lines[row.origin.line - 1].strip() == "<object>"
    assert lines[row.origin.line].strip() == "<name>ship</name>"


def test_files_are_in_the_order_of_their_names_not_of_their_numbers(tmp_path):
    folder = tmp_path / "OPT-RSVG"
    fabricated_opt.fabricate(folder)
    assert opt_rsvg.recognise(folder)
    assert not dior_rsvg.recognise(folder)
    faults = Faults(folder)
    data = opt_rsvg.read(folder, faults)
    assert faults.found == []
    assert data.layout == "opt-rsvg"
    first, second = list(data.of_split("train"))[:2]  # numbers 0 and 3: 1.xml has one object, 10.xml six
    assert (first.image, second.image) == ("1.jpg", "10.jpg")
    assert isinstance(second, BoxRow)
    assert second.expression == "Pool number 2"
    assert isinstance(first, BoxRow)
    assert first.category == "T junction"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("0\nfour\n", 2, "'four' is not the number of an object."),
        ("0\n-1\n", 2, "'-1' is not the number of an object."),
        ("0\n\n9\n", 3, "There is no object 9: the files have 9."),
        ("3\n0\n3\n", 3, "Object 3 is listed before, in train.txt at line 1."),
    ],
)
def test_bad_numbers_are_faults_at_their_line(folder, text, line, what):
    (folder / "train.txt").write_text(text, encoding="ascii")
    _, faults = read(folder)
    assert faults == [Fault("train.txt", line, what)]


def test_a_number_in_two_splits_is_a_fault_and_stays_in_the_first(folder):
    (folder / "val.txt").write_text("1\n0\n", encoding="ascii")
    data, faults = read(folder)
    assert faults == [Fault("val.txt", 2, "Object 0 is listed before, in train.txt at line 1.")]
    assert len(list(data.of_split("val"))) == 1


def test_a_missing_list(folder):
    (folder / "val.txt").unlink()
    data, faults = read(folder)
    assert faults == [Fault("val.txt", None, "The file is missing.")]
    assert data.splits == ("test", "train")


def test_a_file_that_cannot_be_parsed_ends_the_numbering(folder):
    broken = folder / "Annotations" / "00010.xml"
    broken.write_bytes(broken.read_bytes()[:300])
    data, faults = read(folder)
    assert [fault.file for fault in faults] == ["Annotations/00010.xml"] * 2
    assert faults[0].what.startswith("This is not XML: ")
    assert faults[0].line is not None
    assert "numbers from 4 on cannot be told" in faults[1].what
    assert {row.image for row in data.rows} == {"00001.jpg", "00002.jpg"}


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        (
            "<xmax>12<",
            "<xmax>49<",
            7,
            "The object 'storagetank': The box 3, 4, 49, 14 leaves the image of 48 x 48 pixels.",
        ),
        (
            "<xmin>3<",
            "<xmin>-1<",
            7,
            "The object 'storagetank': The box -1, 4, 12, 14 leaves the image of 48 x 48 pixels.",
        ),
        ("<xmax>12<", "<xmax>3<", 10, "The box of 'storagetank' ends before it begins: 3, 4, 3, 14."),
        ("<ymin>4<", "<ymin>four<", 10, "The box of 'storagetank' has no number for ymin."),
        ("<ymin>4<", "<ymin>nan<", 10, "The box of 'storagetank' has no number for ymin."),
        ("bndbox>", "box>", 7, "The object 'storagetank' has no 'bndbox'."),
        ("<name>storagetank</name>", "", 7, "An object has no name."),
        ("The storage tank on the upper left", " ", 7, "The object 'storagetank': There is no description."),
    ],
)
def test_a_bad_object_is_a_fault_at_its_line_and_keeps_its_number(folder, old, new, line, what):
    file = folder / "Annotations" / "00001.xml"
    replace(file, old, new)
    if old == "bndbox>":
        replace(file, "</bndbox>", "</box>")
    data, faults = read(folder)
    assert faults == [Fault("Annotations/00001.xml", line, what)]
    assert len(data.rows) == 8
    assert [row.expression for row in data.of_split("val") if isinstance(row, BoxRow)] == [
        "The storage tank on the upper right",
        "The largest airplane",
    ]


def test_a_picture_outside_the_folder_is_not_named(folder):
    replace(folder / "Annotations" / "00001.xml", "00001.jpg", "../../secret.jpg")
    data, faults = read(folder)
    what = "The path '../../secret.jpg' leads out of the data set's folder; it is not opened."
    assert faults == [Fault("Annotations/00001.xml", None, what)]
    assert "00001.jpg" not in {image.id for image in data.images}


def test_a_bomb_of_entities_is_not_unfolded(folder):
    entities = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(30))
    bomb = f'<!DOCTYPE annotation [<!ENTITY e0 "boom">{entities}]><annotation>&e30;</annotation>'
    (folder / "Annotations" / "00011.xml").write_text(bomb, encoding="ascii")
    _, faults = read(folder)
    assert faults[0] == Fault(
        "Annotations/00011.xml", None, "The XML declares entities or names other files; it is not read."
    )


@settings(max_examples=60)
@given(data=st.data())
def test_no_bytes_crash_the_reader(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "JPEGImages").mkdir()
    (folder / "Annotations").mkdir()
    whole = fabricated.xml("a.jpg", fabricated.THINGS["00001"]).encode()
    place = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=8))
    (folder / "Annotations" / "a.xml").write_bytes(
        whole[:place] + junk + whole[place + data.draw(st.integers(0, 40)) :]
    )
    (folder / "train.txt").write_bytes(b"0\n1\n" + junk)
    read_back, _ = read(folder)
    assert len(read_back.rows) <= 3
    shutil.rmtree(folder)
