"""Clean copies: of every layout, the same rows again; of damaged ones, what is whole, and a list of the rest."""

from __future__ import annotations

import json
import os
import pickle
from collections import Counter
from collections.abc import Hashable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.datasets.building.importing import REPORT, import_dataset
from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow, DataSet, Faults, MaskRow, QuestionRow, Row
from engine.datasets.masks import read_mask
from engine.datasets.table import READERS, read_dataset, recognise_layout
from engine.errors import Cancelled, DataSetUnreadable, ExportRefused, UsageError
from engine.raster import open_raster
from engine.records import PixelWindow

FOLDERS = {"coco-grounding": "RSVGD", "opt-rsvg": "OPT-RSVG", "risbench": "RISBench"}

WRITTEN = {
    "osvqa": "osvqa",
    "ogsod": "own",
    "rsvqa-lr": "own",
    "rsvqa-hr": "own",
    "rsvqaxben": "own",
    "optsar-rsvg": "optsar-rsvg",
    "dior-rsvg": "own",
    "opt-rsvg": "optsar-rsvg",
    "coco-grounding": "optsar-rsvg",
    "tacmt": "optsar-rsvg",
    "refsegrs": "refsegrs",
    "risbench": "refsegrs",
    "rrsis-d": "refsegrs",
    "own": "own",
    "corrections": "corrections",
}
"""The layout that a copy of each layout's fabricated set gets."""


def fabricate(folder: Path, layout: str) -> Path:
    """A tiny copy of the layout in a folder below ``folder``, which is made."""
    source = folder / FOLDERS.get(layout, layout)
    source.mkdir(parents=True)
    import_module(f"tests.engine.datasets.fabricate.{READERS[layout].module}").fabricate(source)
    return source


def read(folder: Path, layout: str) -> DataSet:
    return read_dataset(folder, Faults(folder), layout)


def facts(data: DataSet) -> Counter[Hashable]:
    """What the rows say, without names of files; masks by their pixels."""
    images = {(image.id, image.split): image.optical or image.sar for image in data.images}
    return Counter(_fact(row, images[row.image, row.split]) for row in data.rows)


def _fact(row: Row, path: Path | None) -> Hashable:
    if isinstance(row, QuestionRow):
        return row.question, row.answer, row.type
    if isinstance(row, BoxRow):
        return row.expression, row.box_xyxy_px, row.category, row.sensor
    assert path is not None
    with open_raster(path) as raster:
        mask = read_mask(row.mask, raster.info.width, raster.info.height)
    return row.expression, mask.tobytes(), row.sensor


@pytest.mark.parametrize("layout", WRITTEN)
def test_a_copy_says_the_same_and_passes_the_check(tmp_path: Path, layout: str) -> None:
    source = fabricate(tmp_path / "in", layout)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    made = import_dataset(source, tmp_path / "out", layout)
    assert (made.layout, made.written) == (layout, WRITTEN[layout])
    report = check_dataset(tmp_path / "out")
    assert (report.layout, report.faults) == (made.written, ())
    assert report.samples == sum(made.rows.values())
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    if layout not in ("dior-rsvg", "opt-rsvg"):  # these two share images between splits
        assert made.left_out == ()
        assert facts(read(tmp_path / "out", made.written)) == facts(read(source, layout))


@pytest.mark.parametrize("layout", ["dior-rsvg", "opt-rsvg"])
def test_an_image_of_several_splits_stays_in_the_test(tmp_path: Path, layout: str) -> None:
    source = fabricate(tmp_path / "in", layout)
    import_dataset(source, tmp_path / "out", layout)
    before, after = read(source, layout), read(tmp_path / "out", WRITTEN[layout])
    assert [row.expression for row in after.of_split("test")] == [row.expression for row in before.of_split("test")]
    told = json.loads((tmp_path / "out" / REPORT).read_text(encoding="utf-8"))["left_out"]
    assert told
    assert all("stays there" in one["what"] for one in told)


def test_images_are_the_same_bytes(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "osvqa")
    import_dataset(source, tmp_path / "out")
    for path in (tmp_path / "out" / "optical").iterdir():
        assert path.read_bytes() == (source / "optical" / path.name).read_bytes()


def test_a_jpeg_with_masks_becomes_a_geotiff_of_the_same_pixels(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "rrsis-d")
    import_dataset(source, tmp_path / "out", "rrsis-d")
    picture = min(source.rglob("*.jpg"))
    copy = tmp_path / "out" / "images" / f"{picture.stem}_0.tif"
    with open_raster(picture) as first, open_raster(copy) as second:
        grid = first.info.grid
        window = PixelWindow(0, 0, grid.width, grid.height)
        assert second.info.bands[0].dtype == "uint8"
        values = [raster.read(window, grid.width, grid.height).values for raster in (first, second)]
    assert np.array_equal(*values)


class Harmful:
    def __reduce__(self):
        return os.system, ("echo harmed > harmed.txt",)


def test_a_harmful_pickle_is_listed_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = fabricate(tmp_path, "tacmt")
    (source / "sarvg_val.pth").write_bytes(pickle.dumps([("gf3_3.png", [0, 0, 1, 1], Harmful())]))
    made = import_dataset(source, tmp_path / "out")
    assert not (tmp_path / "harmed.txt").exists()
    assert [fault.file for fault in made.left_out] == ["sarvg_val.pth"]
    assert made.rows == {"train": 3, "val": 0, "test": 1}
    assert made.notes == ("Splits have other names now: testA is test.",)
    assert not list((tmp_path / "out").rglob("*.pth"))


def test_faulty_rows_and_images_are_left_out_and_listed(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "coco-grounding")
    coco = json.loads((source / "train.json").read_text(encoding="utf-8"))
    coco["annotations"] += [
        {"id": 7, "image_id": 7, "bbox": [40, 40, 20, 20], "description": "out of the picture"},
        {"id": 8, "image_id": 9, "bbox": [1, 1, 5, 5], "description": "of another size"},
        {"id": 9, "image_id": 10, "bbox": [1, 1, 5, 5], "description": "missing"},
    ]
    coco["images"] += [
        {"id": 9, "file_name": "small.png", "width": 30, "height": 30},
        {"id": 10, "file_name": "missing.png", "width": 30, "height": 30},
    ]
    (source / "train.json").write_text(json.dumps(coco), encoding="utf-8")
    Image.new("L", (20, 20)).save(source / "images" / "train" / "small.png")
    (source / "images" / "val" / "val.jpg").write_bytes(b"\xff\xd8\xff")
    made = import_dataset(source, tmp_path / "out")
    told = [fault.what for fault in made.left_out]
    assert len(told) == 4
    for part in ("leaves the image", "not of 30 x 30 pixels", "The file is missing. Its row is left out.", "val.jpg"):
        assert any(part in what for what in told), part
    assert made.rows == {"train": 2, "val": 0, "test": 1}
    assert check_dataset(tmp_path / "out").ok


def test_answers_outside_the_list_and_pairs_without_partner_are_left_out(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "osvqa")
    rows = [row for row in read(source, "osvqa").rows if isinstance(row, QuestionRow)]
    answers = (source / "answers.txt").read_text(encoding="utf-8").splitlines()
    answers.remove(rows[0].answer)
    (source / "answers.txt").write_text("\n".join(answers), encoding="utf-8")
    (source / "sar" / rows[-1].image).unlink()
    made = import_dataset(source, tmp_path / "out")
    assert any(f"The answer '{rows[0].answer}' is not in the list" in fault.what for fault in made.left_out)
    assert any("The file is missing." in fault.what for fault in made.left_out)
    assert sum(made.rows.values()) < len(rows)
    assert check_dataset(tmp_path / "out").ok


def test_questions_boxes_and_masks_of_an_own_folder_stay_together(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "own")
    import_dataset(source, tmp_path / "out")
    copy = read(tmp_path / "out", "own")
    assert {type(row) for row in copy.rows} == {QuestionRow, BoxRow, MaskRow}
    assert facts(copy) == facts(read(source, "own"))


def test_a_set_without_rows_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "qxs-saropt")
    with pytest.raises(DataSetUnreadable, match="no question, box or mask"):
        import_dataset(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_only_an_unchanged_copy_of_its_own_is_replaced(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "osvqa")
    out = tmp_path / "out"
    first = import_dataset(source, out)
    assert import_dataset(source, out) == first
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ExportRefused, match="something else"):
        import_dataset(source, out)
    assert (out / "mine.txt").is_file()
    with pytest.raises(UsageError, match="lie in one another"):
        import_dataset(source, source / "copy")


def test_a_copy_of_a_copy_is_the_same(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "ogsod")
    import_dataset(source, tmp_path / "a")
    import_dataset(tmp_path / "a", tmp_path / "b")
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "a", tmp_path / "b")
    )
    del first[Path(REPORT)], second[Path(REPORT)]
    assert first == second


def test_a_name_that_misleads_is_told(tmp_path: Path) -> None:
    source = fabricate(tmp_path, "coco-grounding")
    made = import_dataset(source, tmp_path / "rsvgd-clean")
    assert made.notes[-1].endswith("use it with --layout optsar-rsvg.")
    assert recognise_layout(tmp_path / "rsvgd-clean") != "optsar-rsvg"


@pytest.mark.parametrize("after", [0, 5, 13])
def test_stopped_on_the_way_leaves_nothing(tmp_path: Path, after: int) -> None:
    source = fabricate(tmp_path, "osvqa")
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Cancelled):
        import_dataset(source, tmp_path / "out", cancelled=cancelled)
    assert [path.name for path in tmp_path.iterdir()] == ["osvqa"]
