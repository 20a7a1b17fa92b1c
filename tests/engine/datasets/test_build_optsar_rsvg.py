"""OptSAR-RSVG built from four fabricated sources: clean, unified, split in proportion, turned with its sentences."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.datasets.building.build_optsar_rsvg import FLAGGED_FILE, Choices, build_optsar_rsvg
from engine.datasets.building.build_report import BuildReport
from engine.datasets.check import check_dataset
from engine.datasets.dataset import BoxRow, DataSet, Faults
from engine.datasets.table import read_dataset
from engine.errors import Cancelled, DataSetUnreadable, InputRefused, UsageError
from engine.jobs.build_dataset import Built, build_dataset
from engine.text.directions import agrees
from tests.engine.datasets.fabricate.four_sources import HEIGHT, LEVELS, WIDTH, fabricate

MOVED = {
    "flip-horizontal": lambda pixels: pixels[:, ::-1],
    "flip-vertical": lambda pixels: pixels[::-1],
    "turn-180": lambda pixels: pixels[::-1, ::-1],
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return fabricate(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def built(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("out") / "optsar"
    return build_dataset(out, sources.values(), lambda folder: build_optsar_rsvg(sources, folder, Choices()))


def read(folder: Path) -> DataSet:
    faults = Faults(folder)
    data = read_dataset(folder, faults, "optsar-rsvg")
    assert faults.found == []
    return data


def figure(report: BuildReport, title: str, name: str) -> object:
    table = next(table for table in report.tables if table.title == title)
    return next(row[1] for row in table.rows if row[0] == name)


def test_what_is_built_passes_the_check_and_is_described(built: Built) -> None:
    report = check_dataset(built.folder)
    assert (report.layout, report.faults) == ("optsar-rsvg", ())
    assert report.samples == sum(table.rows[-1][2] for table in built.found.tables if table.title == "Splits")
    titles = {plot.title for plot in built.found.plots}
    assert {"Boxes: width", "Boxes: height", "Boxes: square root of area", "Words per expression"} <= titles
    assert built.page.is_file()
    assert json.loads((built.folder / "build_report.json").read_text(encoding="utf-8"))["layout"] == "optsar-rsvg"
    assert [path.name for path in built.folder.parent.iterdir()] == ["optsar"]


def test_voc_says_the_same_as_coco(built: Built) -> None:
    coco = read(built.folder)
    for split in coco.splits:
        (built.folder / f"{split}.json").rename(built.folder / f"{split}.away")
    try:
        voc = read(built.folder)
    finally:
        for split in coco.splits:
            (built.folder / f"{split}.away").rename(built.folder / f"{split}.json")
    facts = [Counter((r.image, r.split, r.expression, r.box_xyxy_px, r.category) for r in d.rows) for d in (coco, voc)]
    assert facts[0] == facts[1]


def test_ships_are_one_class_in_sentences_too(built: Built) -> None:
    rows = [row for row in read(built.folder).rows if isinstance(row, BoxRow)]
    assert {(row.sensor, row.category) for row in rows} >= {("optical", "ship"), ("sar", "ship")}
    text = " ".join(row.expression.lower() for row in rows)
    assert "burke" not in text
    assert "carrier" not in text
    assert "cargo" not in text
    assert figure(built.report, "What was done", "sentences in which a kind of ship became a ship") == 40


def test_splits_are_8_1_1_and_keep_classes_and_sensors(sources: dict[str, Path], tmp_path: Path) -> None:
    """40 pictures of each of two sensors, and copies: sizes to the picture, classes to two pictures."""
    for seed in range(4):
        folder = tmp_path / str(seed)
        build_optsar_rsvg(sources, folder, Choices(seed))
        data = read(folder)
        images = Counter(image.split for image in data.images)
        for split, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
            assert images[split] == pytest.approx(share * images.total(), abs=4)
            for sensor in ("optical", "sar"):
                of_sensor = [row for row in data.rows if isinstance(row, BoxRow) and row.sensor == sensor]
                held = sum(row.split == split for row in of_sensor)
                assert held == pytest.approx(share * len(of_sensor), abs=9)


def digest(pixels: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).tobytes()).digest()


def test_no_picture_and_no_copy_of_one_is_in_two_splits(tmp_path: Path) -> None:
    """Told by pixels: a picture turned back is its original. Many are in two sources under two names."""
    sources = fabricate(tmp_path / "sources", pictures=16)
    twice = sorted((sources["rsvgd"] / "images" / "train").iterdir())[1:]
    for number, path in enumerate(twice, start=1):
        (sources["opt-rsvg"] / "JPEGImages" / f"{number}.png").write_bytes(path.read_bytes())
    for seed in range(6):
        build_optsar_rsvg(sources, tmp_path / str(seed), Choices(seed))
        splits: dict[bytes, set[str]] = {}
        paths = sorted((tmp_path / str(seed) / "images").glob("*/*"))
        for path in paths:
            move = next((move for move in MOVED if path.stem.endswith(move)), "")
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("L"))
            splits.setdefault(digest(MOVED[move](pixels) if move else pixels), set()).add(path.parent.name)
        assert all(len(found) == 1 for found in splits.values())
        assert sum(path.suffix == ".tif" for path in paths) >= len(paths) - len(splits) - len(twice) > 0
        assert check_dataset(tmp_path / str(seed), "optsar-rsvg").ok


def test_a_turned_picture_shows_the_thing_in_its_moved_box_and_the_sentence_is_true(built: Built) -> None:
    data = read(built.folder)
    files = {(image.id, image.split): image.optical or image.sar for image in data.images}
    copies = 0
    for row in data.rows:
        assert isinstance(row, BoxRow)
        assert agrees(row.expression, row.box_xyxy_px, WIDTH, HEIGHT), row.expression
        with Image.open(files[row.image, row.split]) as image:
            pixels = np.asarray(image.convert("L"))
        left, top, right, bottom = (int(edge) for edge in row.box_xyxy_px)
        assert {int(level) for level in np.unique(pixels[top:bottom, left:right])} in ({LEVELS[0]}, {LEVELS[1]})
        # The first thing of each picture is "on the left", the second "to the right of" it, before it is turned.
        swapped = row.image.endswith(("flip-horizontal.tif", "turn-180.tif"))
        first = pixels[top, left] == LEVELS[0]
        expected = {True: ("left of the image", "right of the image"), False: ("to the right of", "to the left of")}
        assert expected[bool(first)][swapped] in row.expression
        copies += swapped
    assert copies > 4


def test_rare_classes_are_brought_up_to_half_of_the_mean(built: Built) -> None:
    table = next(table for table in built.report.tables if table.title == "Classes")
    before = Counter({name: count for name, count, *_ in table.rows})
    augmented = built.report.lists["augmented"]
    assert {one["of"].partition("/")[0] for one in augmented} == {"opt-rsvg"}
    goal = 0.5 * (before.total() - sum(one["expressions"] for one in augmented)) / len(before)
    assert min(before.values()) >= goal
    assert figure(built.report, "Beside the paper", "images that are turned copies") == len(augmented)


def test_some_sources_are_enough_and_that_is_said(sources: dict[str, Path], tmp_path: Path) -> None:
    report = build_optsar_rsvg({"tacmt": sources["tacmt"]}, tmp_path / "out", Choices())
    assert "Not among the sources: RSVGD, OPT-RSVG, SARVG. The paper has all four." in report.as_text()
    assert {image.optical for image in read(tmp_path / "out").images} == {None}


def test_clashing_names_get_their_source_and_others_keep_theirs(built: Built) -> None:
    names = {image.id for image in read(built.folder).images}
    assert {"rsvgd_0.png", "opt-rsvg_0.png", "sarvg_0.png", "tacmt_0.png"} <= names
    assert "19.png" in names


def test_bad_records_are_dropped_and_told(sources: dict[str, Path], tmp_path: Path) -> None:
    broken = fabricate(tmp_path, pictures=8)["opt-rsvg"]
    xml = broken / "Annotations" / "00001.xml"
    xml.write_text(xml.read_text(encoding="utf-8").replace("<name>vehicle", "<name>windmill"), encoding="utf-8")
    (broken / "JPEGImages" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = [("0.png", [90, 3, 30, 10], "The tower that is not in the picture"), ("0.png", [3, 3, 9, 9], "The tower")]
    (tmp_path / "SARVG1.0" / "sarvg_train.pth").write_bytes(pickle.dumps(rows))
    report = build_optsar_rsvg({"opt-rsvg": broken, "tacmt": tmp_path / "SARVG1.0"}, tmp_path / "out", Choices())
    told = [(one["source"], one["what"]) for one in report.lists["dropped"]]
    assert any("'optical windmill' is none of the sixteen" in what for _, what in told)
    assert any("2.png" in what for _, what in told)
    assert any(source == "tacmt" and "leaves the image" in what for source, what in told)
    assert len(told) == 4  # both sentences of the broken picture
    assert check_dataset(tmp_path / "out").ok


# ---- detections


def detections(sources: dict[str, Path], wrong: str) -> list[dict[str, object]]:
    """What a perfect detector says of RSVGD's training images, but for one picture."""
    coco = json.loads((sources["rsvgd"] / "train.json").read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    return [
        {
            "image_id": f"images/train/{names[one['image_id']]}",
            "bbox": [0, 0, 5, 5] if names[one["image_id"]] == wrong else one["bbox"],
            "score": 0.9,
        }
        for one in coco["annotations"]
    ]


def test_flagged_pictures_are_listed_and_left_out_only_when_asked(sources: dict[str, Path], tmp_path: Path) -> None:
    only = {"rsvgd": sources["rsvgd"]}
    found = tmp_path / "found.json"
    found.write_text(json.dumps(detections(sources, "2.png")), encoding="utf-8")
    listed = tmp_path / "listed.txt"
    first = build_optsar_rsvg(only, tmp_path / "a", Choices(detections=found, flagged=listed))
    assert [(one["picture"], one["removed"]) for one in first.lists["flagged"]] == [("rsvgd/images/train/2.png", False)]
    assert "rsvgd/images/train/2.png  # IoU 0.0" in listed.read_text(encoding="utf-8")
    assert listed.read_text(encoding="utf-8") == (tmp_path / "a" / FLAGGED_FILE).read_text(encoding="utf-8")
    assert "2.png" in {image.id for image in read(tmp_path / "a").images}

    keep = tmp_path / "keep.txt"
    keep.write_text("# nothing of it is right\n", encoding="utf-8")
    second = build_optsar_rsvg(only, tmp_path / "b", Choices(detections=found, keep=keep))
    assert second.lists["flagged"][0]["removed"]
    assert "2.png" not in {image.id for image in read(tmp_path / "b").images}

    third = build_optsar_rsvg(only, tmp_path / "c", Choices(detections=found, keep=listed))
    assert not third.lists["flagged"][0]["removed"]


def test_detections_as_a_coco_file_flag_pictures_in_which_nothing_was_found(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    coco = json.loads((sources["rsvgd"] / "val.json").read_text(encoding="utf-8"))
    empty = coco["images"][0]
    coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] != empty["id"]]
    coco["images"] = [one | {"file_name": f"images/val/{one['file_name']}"} for one in coco["images"]]
    found = tmp_path / "found.json"
    found.write_text(json.dumps(coco), encoding="utf-8")
    report = build_optsar_rsvg({"rsvgd": sources["rsvgd"]}, tmp_path / "out", Choices(detections=found))
    assert [one["picture"] for one in report.lists["flagged"]] == [f"rsvgd/images/val/{empty['file_name']}"]


def test_detections_and_lists_that_make_no_sense_are_refused(sources: dict[str, Path], tmp_path: Path) -> None:
    only, found = {"rsvgd": sources["rsvgd"]}, tmp_path / "found.json"
    found.write_text('[{"image_id": "nowhere.png", "bbox": [0, 0, 5, 5], "score": 0.9}]', encoding="utf-8")
    with pytest.raises(InputRefused, match="none of these pictures"):
        build_optsar_rsvg(only, tmp_path / "a", Choices(detections=found))
    found.write_text('[{"image_id": "0.png", "bbox": [0, 0, 5]}]', encoding="utf-8")
    with pytest.raises(DataSetUnreadable, match=r"found.json: Result 0"):
        build_optsar_rsvg(only, tmp_path / "b", Choices(detections=found))
    found.write_text(json.dumps(detections(sources, "2.png")), encoding="utf-8")
    keep = tmp_path / "keep.txt"
    keep.write_text("\nrsvgd/images/train/99.png\n", encoding="utf-8")
    with pytest.raises(DataSetUnreadable, match=r"keep.txt, line 2: there is no picture rsvgd/images/train/99.png"):
        build_optsar_rsvg(only, tmp_path / "c", Choices(detections=found, keep=keep))
    with pytest.raises(UsageError, match="no picture is flagged"):
        Choices(keep=keep)


def test_progress_is_told_in_shares(sources: dict[str, Path], tmp_path: Path) -> None:
    told: list[tuple[str, float | None]] = []
    only = {"tacmt": sources["tacmt"]}
    build_dataset(
        tmp_path / "out",
        only.values(),
        lambda folder: build_optsar_rsvg(only, folder, Choices(), progress=lambda *one: told.append(one)),
    )
    assert {"Decoding the images", "Writing images"} <= {stage for stage, _ in told}
    assert all(share is None or 0 <= share <= 1 for _, share in told)


def test_no_source_a_strange_one_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No source is given"):
        build_optsar_rsvg({}, tmp_path / "out", Choices())
    with pytest.raises(UsageError, match="There is no source “dior”"):
        build_optsar_rsvg({"dior": tmp_path}, tmp_path / "out", Choices())
    with pytest.raises(DataSetUnreadable, match="There is nothing to use"):
        build_optsar_rsvg({"tacmt": tmp_path}, tmp_path / "out", Choices())


@pytest.mark.parametrize("after", [0, 30, 90])
def test_stopped_on_the_way_leaves_nothing(sources: dict[str, Path], tmp_path: Path, after: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Cancelled):
        build_dataset(
            tmp_path / "out",
            sources.values(),
            lambda folder: build_optsar_rsvg(sources, folder, Choices(), cancelled=cancelled),
            cancelled=cancelled,
        )
    assert list(tmp_path.iterdir()) == []


def test_same_seed_same_bytes(sources: dict[str, Path], tmp_path: Path) -> None:
    only = {"opt-rsvg": sources["opt-rsvg"], "tacmt": sources["tacmt"]}
    for name in ("a", "b"):
        build_optsar_rsvg(only, tmp_path / name, Choices(3))
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        for folder in (tmp_path / "a", tmp_path / "b")
    )
    assert first == second
    without = build_optsar_rsvg(only, tmp_path / "c", replace(Choices(3), augment=False))
    assert without.lists["augmented"] == []
