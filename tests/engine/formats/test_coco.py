"""COCO JSON: written and read back, bent as data sets bend it, and damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.dataset import Fault, Faults
from engine.formats.coco import CocoAnnotation, CocoFile, CocoImage, CocoMask, read_coco, write_coco
from engine.formats.records import Record

IMAGE = {"id": 1, "file_name": "a.png", "width": 10, "height": 20}


def written(folder: Path, annotations: list[object], **parts: object) -> Path:
    path = folder / "a.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": annotations, **parts}))
    return path


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path)


def test_the_letter_of_it(faults: Faults) -> None:
    annotation = {"id": 9, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "segmentation": [[0, 0, 5, 0, 5, 5]]}
    coco = read_coco(written(faults.folder, [annotation], categories=[{"id": 3, "name": "ship"}]), faults)
    (image,), (found,) = coco.images, coco.annotations
    assert (image.id, image.file_name, image.width, image.height) == ("1", "a.png", 10, 20)
    assert (found.id, found.image, found.category, found.caption) == ("9", "1", "ship", "")
    assert found.box_xywh_px == (1.0, 2.0, 3.0, 4.0)
    assert found.mask == CocoMask(polygons_px=((0.0, 0.0, 5.0, 0.0, 5.0, 5.0),))
    assert faults.found == []


def test_bent_as_data_sets_bend_it(faults: Faults) -> None:
    annotation = {"image_id": "1", "category_name": "ship", "phrase": "the ship", "bbox": [1, 2, 3, 4.5]}
    coco = read_coco(written(faults.folder, [annotation]), faults, renamed={"phrase": "caption"})
    assert coco.annotations[0].caption == "the ship"
    assert coco.annotations[0].category == "ship"
    assert coco.annotations[0].id is None
    assert faults.found == []


def test_run_lengths(faults: Faults) -> None:
    masks = [{"counts": [0, 200], "size": [20, 10]}, {"counts": "PPYo0", "size": [20, 10]}]
    annotations = [{"image_id": 1, "segmentation": mask} for mask in masks]
    coco = read_coco(written(faults.folder, annotations), faults)
    assert [annotation.mask for annotation in coco.annotations] == [
        CocoMask(rle_counts=(0, 200), rle_size=(20, 10)),
        CocoMask(rle_counts="PPYo0", rle_size=(20, 10)),
    ]


@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        ({}, "The field 'image_id' is missing."),
        ({"image_id": 2}, "There is no image with the id 2."),
        ({"image_id": 1, "category_id": 4}, "There is no category with the id 4."),
        ({"image_id": 1, "bbox": [1, 2, 3]}, "The field 'bbox' is not a list of 4 numbers."),
        ({"image_id": 1, "bbox": [1, 2, 3, "4"]}, "The field 'bbox' is not a list of 4 numbers."),
        ({"image_id": 1, "caption": 5}, "The field 'caption' is not a text."),
        ({"image_id": 1, "segmentation": "x"}, "neither polygons nor run lengths"),
        ({"image_id": 1, "segmentation": {"counts": 5, "size": [1, 1]}}, "neither polygons nor run lengths"),
        ({"image_id": 1, "segmentation": {"counts": [1], "size": [0, 1]}}, "neither polygons nor run lengths"),
        ({"image_id": 1, "segmentation": [[0, 0, 1, 1]]}, "has a polygon that is not three or more points"),
        ({"image_id": 1, "segmentation": [[0, 0, 1, 1, 2, 2, 3]]}, "has a polygon that is not three or more points"),
    ],
)
def test_a_bad_annotation_is_left_out_with_one_fault(faults: Faults, annotation: object, what: str) -> None:
    good = {"image_id": 1, "caption": "a"}
    coco = read_coco(written(faults.folder, [good, annotation, good]), faults)
    assert len(coco.annotations) == 2
    (fault,) = faults.found
    assert fault.file == "a.json"
    assert fault.what.startswith("Annotation 1: ")
    assert what in fault.what


def test_the_line_is_told_where_there_are_lines(faults: Faults) -> None:
    path = faults.folder / "a.json"
    image = CocoImage("1", "a.png", 10, 20)
    write_coco(path, CocoFile((image,), tuple(CocoAnnotation(None, "1", "", None, None, "a") for _ in range(3))))
    lines = path.read_text().splitlines()
    bad = next(number for number, line in enumerate(lines) if '"id": 1, "image_id"' in line)
    lines[bad] = lines[bad].replace('"image_id": 1', '"image_id": 7')
    path.write_text("\n".join(lines))
    assert len(read_coco(path, faults).annotations) == 2
    assert faults.found == [Fault("a.json", bad + 1, "Annotation 1: There is no image with the id 7.")]


def test_ids_that_occur_twice(faults: Faults) -> None:
    path = faults.folder / "a.json"
    annotations = [{"id": 1, "image_id": 1}, {"id": 1, "image_id": 1}]
    categories = [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]
    parts = {"images": [IMAGE, IMAGE], "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(parts))
    coco = read_coco(path, faults)
    assert (len(coco.images), len(coco.annotations), dict(coco.categories)) == (1, 1, {"1": "a"})
    assert [fault.what for fault in faults.found] == [
        "Image 1: The id 1 occurs twice.",
        "Category 1: The id 1 occurs twice.",
        "Annotation 1: The id 1 occurs twice.",
    ]


@pytest.mark.parametrize("text", ["[]", "{}", '{"images": 5, "annotations": []}', "5"])
def test_files_without_the_lists(faults: Faults, text: str) -> None:
    (faults.folder / "a.json").write_text(text)
    assert read_coco(faults.folder / "a.json", faults) == CocoFile()
    assert Fault("a.json", None, "There is no list 'images' in it.") in faults.found


PIXELS = st.integers(0, 1000).map(lambda quarters: quarters / 4)


@settings(max_examples=40)
@given(
    boxes=st.lists(st.none() | st.tuples(PIXELS, PIXELS, PIXELS, PIXELS), max_size=4),
    caption=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10).map(str.strip),
    polygon=st.lists(PIXELS, min_size=6, max_size=6).map(tuple),
    names=st.lists(st.sampled_from(["ship", "wide road", "Hafen ü"]), unique=True, min_size=1),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    boxes: list[tuple[float, float, float, float] | None],
    caption: str,
    polygon: tuple[float, ...],
    names: list[str],
) -> None:
    path = tmp_path_factory.mktemp("coco") / "a.json"
    faults = Faults(path.parent)
    record = Record({}, path, None, "", faults)
    annotations = tuple(
        CocoAnnotation(
            str(index), "seven", names[index % len(names)], box, CocoMask(polygons_px=(polygon,)), caption, record
        )
        for index, box in enumerate(boxes)
    )
    categories = {str(index): name for index, name in enumerate(names)}
    coco = CocoFile((CocoImage("seven", "a b.png", 5, None, record),), annotations, categories)
    write_coco(path, coco)
    assert read_coco(path, faults) == coco
    assert faults.found == []
