"""RefSegRS built from fabricated maps: masks recounted by other means, whole tiles in splits, nothing left behind."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.measure import label
from skimage.morphology import dilation, disk

from engine.datasets.building.build_refsegrs import Cropping, Inputs, build_refsegrs
from engine.datasets.building.referring_masks import BUFFER_PX, LEAST_PX, MOST_SHARE, is_informative, masks_of
from engine.datasets.building.referring_templates import (
    ATTRIBUTES,
    CATEGORIES,
    GENERAL_CLASSES,
    MAP_CLASSES,
    RELATIONS,
    templates,
)
from engine.datasets.check import check_dataset
from engine.errors import Cancelled, DataSetUnreadable, InputRefused
from engine.jobs.build_dataset import Built, build_dataset
from tests.engine.datasets.fabricate.class_map import CLASSES, GSD_M, class_map, fabricate
from tests.engine.datasets.fabricate.pictures import write_raster

SMALL = Cropping(120, 60, 120)
NUMBERS = {name: [number] for number, name in CLASSES.items()}
BUFFER = 3  # pixels: 1.5 m at the fabricated 0.5 m


def inputs(folder: Path, keep: Path | None = None) -> Inputs:
    return Inputs(folder / "tiles", folder / "maps", folder / "classes.toml", keep, SMALL)


@pytest.fixture(scope="module")
def given_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    fabricate(folder)
    return folder


@pytest.fixture(scope="module")
def built(given_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    out, data = tmp_path_factory.mktemp("out") / "refsegrs", inputs(given_data)
    return build_dataset(out, (data.tiles, data.maps), lambda folder: build_refsegrs(data, folder))


def masks(classes: np.ndarray) -> dict[str, np.ndarray]:
    found = masks_of(classes.astype(np.int64), NUMBERS, BUFFER, len(classes))
    return {template.text: mask for template, mask in found.items()}


# ---- templates


def test_the_words_are_those_of_table_i() -> None:
    assert (len(CATEGORIES), len(ATTRIBUTES), len(RELATIONS), len(MAP_CLASSES)) == (14, 5, 7, 20)
    assert {relation.words for relation in RELATIONS} == {
        "in the parking area", "with a parking lot", "driving on the road", "along the road", "along with tree",
        "on the road", "surrounded by building",
    }  # fmt: skip
    texts = [template.text for template in templates()]
    assert len(set(texts)) == len(texts)
    examples = {"road marking", "light-duty vehicle in the parking area", "building along the road",
                "low vegetation surrounded by building", "long truck", "sidewalk along with tree"}  # fmt: skip
    assert examples <= set(texts)
    known = {*MAP_CLASSES, *GENERAL_CLASSES}
    assert {name for template in templates() for name in template.classes} <= known
    assert {name for relation in RELATIONS for name in relation.reference} <= known


# ---- masks


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((120, 120), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_masks_by_identity_inclusion_and_relation_by_hand() -> None:
    classes = class_map(120)
    found = masks(classes)
    on_road, in_lot, on_grass = rectangle(10, 52, 18, 56), rectangle(45, 15, 53, 19), rectangle(60, 112, 66, 116)
    truck = rectangle(60, 63, 80, 68)
    assert np.array_equal(found["car"], on_road | in_lot | on_grass)
    assert np.array_equal(found["light-duty vehicle"], found["car"])
    assert np.array_equal(found["vehicle"], found["car"] | truck)
    assert np.array_equal(found["long truck"], truck)
    assert np.array_equal(found["car in the parking area"], in_lot)
    assert np.array_equal(found["vehicle driving on the road"], on_road | truck)
    assert np.array_equal(found["heavy-duty vehicle on the road"], truck)
    assert np.array_equal(found["building with a parking lot"], rectangle(10, 10, 40, 40))
    assert np.array_equal(found["low vegetation surrounded by building"], rectangle(97, 97, 103, 103))
    assert np.array_equal(found["tree along the road"], rectangle(20, 72, 30, 80))
    assert np.array_equal(found["road"], classes == 1)
    assert np.array_equal(found["road along with tree"], classes == 1)  # the line in its middle does not cut it
    assert "bikeway" not in found
    assert "building along the road" not in found  # both houses are further from it than the buffer


def relation_by_dilation(classes: np.ndarray, subject: list[int], reference: list[int]) -> np.ndarray:
    """Adjacency as the paper has it: the instance with its buffer meets the reference."""
    whole, there = np.isin(classes, subject), np.isin(classes, reference)
    labels = label(whole, connectivity=2)
    kept = [n for n in range(1, labels.max() + 1) if (dilation(labels == n, disk(BUFFER)) & there).any()]
    return np.isin(labels, kept)


def things_of(classes: list[int], furthest: int, largest: int) -> st.SearchStrategy[list[tuple[int, ...]]]:
    """Class, left, top, width and height of rectangles."""
    places, sizes = st.integers(0, furthest), st.integers(2, largest)
    return st.lists(st.tuples(st.sampled_from(classes), places, places, sizes, sizes), max_size=12)


@settings(max_examples=40)
@given(things_of([1, 4, 5, 6], 36, 12))
@example([(4, 0, 0, 10, 10), (1, 12, 0, 2, 10)])  # pixels whose centres are as far apart as the buffer is wide
@example([(4, 0, 0, 10, 10), (1, 13, 0, 2, 10)])
def test_adjacency_is_a_dilated_instance_that_meets_the_reference(things: list[tuple[int, ...]]) -> None:
    classes = np.zeros((40, 40), np.int64)
    for number, x, y, width, height in things:
        classes[y : y + height, x : x + width] = number
    found = masks(classes)
    pairs = {
        "building along the road": (4, [1]),
        "building with a parking lot": (4, [5]),
        "tree along the road": (6, [1]),
    }
    for text, (subject, reference) in pairs.items():
        expected = relation_by_dilation(classes, [subject], reference)
        assert np.array_equal(
            found.get(text, np.zeros_like(expected)), expected if is_informative(expected) else False * expected
        )


@settings(max_examples=30)
@given(things_of(list(range(9)), 50, 25))
def test_every_mask_is_informative_and_a_part_of_its_category(things: list[tuple[int, ...]]) -> None:
    classes = np.zeros((60, 60), np.int64)
    for number, x, y, width, height in things:
        classes[y : y + height, x : x + width] = number
    for template, mask in masks_of(classes, NUMBERS, BUFFER, 60).items():
        assert LEAST_PX <= mask.sum() <= MOST_SHARE * mask.size
        named = [NUMBERS[name][0] for name in template.classes if name in NUMBERS]
        assert np.isin(classes[mask], named).all()
        labels = label(np.isin(classes, named), connectivity=2)  # instances are kept whole
        assert np.array_equal(np.isin(labels, np.unique(labels[mask])), mask)


def test_masks_show_the_nearest_pixel_of_the_map() -> None:
    classes = np.zeros((120, 120), np.int64)
    classes[:, 60:] = 4
    found = masks_of(classes, NUMBERS, BUFFER, 50)
    mask = next(mask for template, mask in found.items() if template.text == "building")
    assert np.array_equal(mask, np.tile(np.arange(50) >= 25, (50, 1)))


# ---- the data set


def test_what_is_built_passes_the_check_and_is_described(built: Built) -> None:
    report = check_dataset(built.folder)
    assert (report.layout, report.faults) == ("refsegrs", ())
    crops = built.report.lists["crops"]
    assert report.samples == sum(crop["expressions"] for crop in crops)
    assert {plot.title for plot in built.found.plots} == {
        "Foreground", "Words, the most frequent", "Words per expression",
    }  # fmt: skip
    assert built.found.unread == 0
    assert built.report.settings["gsd_m"] == GSD_M
    assert json.loads((built.folder / "build_report.json").read_text(encoding="utf-8"))["lists"]["crops"] == crops
    assert [path.name for path in built.folder.parent.iterdir()] == ["refsegrs"]


def test_masks_on_the_disk_are_those_of_the_map(built: Built) -> None:
    """Crop (1, 1) of tile 3 begins at column 60, row 60."""
    expected = masks(class_map(180, 3)[60:180, 60:180])
    told = {}
    for split in ("train", "val", "test"):
        for line in (built.folder / f"output_phrase_{split}.txt").read_text(encoding="utf-8").splitlines():
            key, _, text = line.partition(" ")
            if key.startswith("tile3_1_1_"):
                with Image.open(built.folder / "masks" / f"{key}.tif") as image:
                    told[text] = np.asarray(image) > 0
    assert told.keys() == expected.keys()
    assert all(np.array_equal(told[text], mask) for text, mask in expected.items())


def test_tiles_are_split_whole_in_proportion(given_data: Path, tmp_path: Path) -> None:
    for seed in range(2):
        report = build_refsegrs(inputs(given_data), tmp_path / str(seed), seed)
        crops = report.lists["crops"]
        splits = {
            tile: {crop["split"] for crop in crops if crop["tile"] == tile} for tile in map("tile{}".format, range(6))
        }
        assert all(len(found) == 1 for found in splits.values())
        counts = Counter(crop["split"] for crop in crops)
        for split, share in (("train", 151), ("val", 31), ("test", 103)):
            assert counts[split] == pytest.approx(24 * share / 285, abs=4)  # a tile has four crops


def test_the_paper_s_tiles_make_640_crops(tmp_path: Path) -> None:
    """16 tiles of 5616 x 3744 pixels at 1200 and 600; here a tenth of each."""
    fabricate(tmp_path, tiles=1)
    write_raster(tmp_path / "tiles" / "tile0.tif", np.zeros((3, 374, 561), np.uint8))
    write_raster(tmp_path / "maps" / "tile0.tif", np.resize(class_map(120), (374, 561)))
    report = build_refsegrs(inputs(tmp_path), tmp_path / "out")
    assert len(report.lists["crops"]) == 640 // 16
    assert any("There is nothing in" in note for note in report.notes)


def test_a_list_of_crops_to_keep_stands_for_the_manual_filter(given_data: Path, tmp_path: Path) -> None:
    keep = tmp_path / "keep.txt"
    keep.write_text("tile0_0_0 # all of it\ntile1_0_1 car\ntile1_0_1 road\ntile5_1_1\n", encoding="utf-8")
    report = build_refsegrs(inputs(given_data, keep), tmp_path / "out")
    counts = {crop["crop"]: crop["expressions"] for crop in report.lists["crops"]}
    assert counts.keys() == {"tile0_0_0", "tile1_0_1", "tile5_1_1"}
    assert counts["tile1_0_1"] == 2
    assert counts["tile0_0_0"] > 20
    keep.write_text("tile0_0_0\ntile9_0_0\n", encoding="utf-8")
    with pytest.raises(DataSetUnreadable, match=r"keep.txt, line 2: there is no crop tile9_0_0"):
        build_refsegrs(inputs(given_data, keep), tmp_path / "other")


def test_tiles_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    fabricate(tmp_path, tiles=4)
    (tmp_path / "maps" / "tile0.tif").unlink()
    write_raster(tmp_path / "maps" / "tile1.tif", class_map(170))
    for folder in ("tiles", "maps"):
        write_raster(tmp_path / folder / "tile2.tif", np.zeros((100, 100), np.uint8))
    (tmp_path / "tiles" / "tile9.tif").write_bytes(b"II*\0")
    (tmp_path / "maps" / "tile9.tif").write_bytes(b"II*\0")
    report = build_refsegrs(inputs(tmp_path), tmp_path / "out")
    told = {Path(str(one["file"])).name: str(one["what"]) for one in report.lists["dropped"]}
    assert told["tile0.tif"] == "The tile has no map."
    assert "its map not" in told["tile1.tif"]
    assert "no room for a crop" in told["tile2.tif"]
    assert "tile9.tif" in told
    assert {crop["tile"] for crop in report.lists["crops"]} == {"tile3"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[classes", "cannot be read"),
        ("gsd_m = 0.1", "no table"),
        ('[classes]\n1 = "spaceship"', "1 = 'spaceship'"),
        ('[classes]\nx = "car"', "x = 'car'"),
        ('gsd_m = -1\n[classes]\n1 = "car"', "gsd_m"),
        ('gsd_m = nan\n[classes]\n1 = "car"', "gsd_m"),
    ],
)
def test_a_class_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, what: str) -> None:
    fabricate(tmp_path, tiles=1)
    (tmp_path / "classes.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataSetUnreadable, match=what):
        build_refsegrs(inputs(tmp_path), tmp_path / "out")


def test_without_a_pixel_size_the_buffer_is_in_pixels_and_that_is_said(tmp_path: Path) -> None:
    fabricate(tmp_path, tiles=1)
    table = tmp_path / "classes.toml"
    table.write_text(table.read_text(encoding="utf-8").replace(f"gsd_m = {GSD_M}\n", ""), encoding="utf-8")
    report = build_refsegrs(inputs(tmp_path), tmp_path / "out")
    assert f"1 tiles do not tell their pixels' size: the buffer was {BUFFER_PX} pixels." in report.notes
    counted = {row[0] for table in report.tables if table.title == "Expressions" for row in table.rows}
    assert "building along the road" in counted  # 10 pixels away


def test_nothing_informative_is_refused(tmp_path: Path) -> None:
    fabricate(tmp_path, tiles=1)
    write_raster(tmp_path / "maps" / "tile0.tif", np.zeros((180, 180), np.uint8))
    with pytest.raises(InputRefused, match="No informative expression"):
        build_refsegrs(inputs(tmp_path), tmp_path / "out")


@pytest.mark.parametrize("after", [0, 3, 30])
def test_stopped_on_the_way_leaves_nothing(given_data: Path, tmp_path: Path, after: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    data = inputs(given_data)
    with pytest.raises(Cancelled):
        build_dataset(
            tmp_path / "out",
            (data.tiles, data.maps),
            lambda folder: build_refsegrs(data, folder, cancelled=cancelled),
            cancelled=cancelled,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_full_size_crops(tmp_path: Path) -> None:
    fabricate(tmp_path, tiles=1, side=1300)
    data = Inputs(tmp_path / "tiles", tmp_path / "maps", tmp_path / "classes.toml")
    build_refsegrs(data, tmp_path / "out")
    report = check_dataset(tmp_path / "out")
    assert report.ok
    assert report.samples > 30
