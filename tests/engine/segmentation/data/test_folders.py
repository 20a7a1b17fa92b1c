"""Every published layout of masks as a referring set: pictures, masks in their square, faults said."""

from __future__ import annotations

import json
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from engine.datasets.dataset import Faults, MaskRow
from engine.datasets.masks import read_mask
from engine.datasets.table import read_dataset
from engine.errors import DataSetUnreadable
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.data.folders import referring_folder
from tests.engine.datasets.fabricate import corrections, dior_rsvg, own_pairs, refsegrs, risbench, rrsis_d
from tests.engine.datasets.fabricate.pictures import SIDE, write_picture

SPEC = PreprocessSpec()
LAYOUTS = {
    "refsegrs": refsegrs.fabricate,
    "risbench": risbench.fabricate,
    "rrsis-d": rrsis_d.fabricate,
    "own": own_pairs.fabricate,
    "corrections": corrections.fabricate,
}


def fabricated(tmp_path, kind):
    folder = tmp_path / kind
    folder.mkdir()
    LAYOUTS[kind](folder)
    return folder


def read(folder, split="train", cache=None, size=SIDE, **options):
    return referring_folder(folder, split, SPEC, size, cache, **options)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_layout_is_read_row_by_row(tmp_path, kind):
    """At the size of the files a mask is the file's, pixel by pixel; rows with the same one share it."""
    folder = fabricated(tmp_path, kind)
    data = read_dataset(folder, Faults(folder))
    assert data.layout == kind
    rows = [row for row in data.of_split("train") if isinstance(row, MaskRow)]
    found = read(folder)
    assert rows
    assert found.left_out == ()
    assert [(one.text, one.sensor, found.names[one.area]) for one in found.expressions] == [
        (row.expression, row.sensor, row.image) for row in rows
    ]
    for row, one in zip(rows, found.expressions, strict=True):
        mask = found.mask(one.mask)
        np.testing.assert_array_equal(mask, read_mask(row.mask, SIDE, SIDE))
        assert one.parts == ndimage.label(mask, np.ones((3, 3)))[1] > 0
        assert (one.how, one.distractors, one.hidden_share) == ("", -1, 0)
    assert len(found.masks) == len({(row.image, row.mask) for row in rows})
    images = {image.id: image for image in data.images if image.split == "train"}
    for area, name in enumerate(found.names):
        files = images[name].optical, images[name].sar
        assert found.has[area].tolist() == [file is not None for file in files]
        assert found.optical[area].any() == (files[0] is not None)
        assert found.sar[area].any() == (files[1] is not None)


def test_two_sentences_about_one_file_share_its_mask(tmp_path):
    found = read(fabricated(tmp_path, "refsegrs"))
    assert [(one.text, one.mask) for one in found.expressions] == [
        ("road", 0),
        ("paved road in the middle", 0),
        ("vehicle on the road", 1),
    ]
    assert [one.category for one in found.expressions] == ["road", "road", "vehicle"]  # read from the sentence


def test_a_set_of_one_sensor_keeps_nothing_of_the_other(tmp_path):
    found = read(fabricated(tmp_path, "refsegrs"), cache=tmp_path / "cache")
    assert sorted(path.name for path in (tmp_path / "cache" / "pictures").glob("*.npy")) == [
        "optical.npy",
        "optical_valid.npy",
    ]
    assert found.sar.shape == (len(found), SIDE, SIDE)
    assert found.sar_valid is None
    assert found.optical_valid.all()


def test_a_pair_is_one_area_and_its_expressions_have_their_sensor(tmp_path):
    found = read(fabricated(tmp_path, "own"))
    assert found.names == ("port",)
    assert found.has.tolist() == [[True, True]]
    assert [(one.text, one.sensor, one.category) for one in found.expressions] == [("ship", "sar", "ship")]
    river = read(tmp_path / "own", "validation")
    assert [(one.sensor, one.category, one.parts) for one in river.expressions] == [("both", "river", 1)]


@pytest.mark.parametrize(("width", "height"), [(90, 30), (31, 77), (200, 200), (20, 11)])
def test_a_mask_lies_in_the_square_where_its_pixels_do(tmp_path, width, height):
    """Where the picture is bright the mask is, whatever the shape of the file."""
    folder = tmp_path / "refsegrs"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    bright = np.zeros((height, width), np.uint8)
    bright[height // 3 : height // 3 + height // 2, width // 4 : width // 4 + width // 2] = 255
    Image.fromarray(np.stack([bright] * 3, 2)).save(folder / "images" / "0.tif")
    Image.fromarray(bright).save(folder / "masks" / "0.tif")
    (folder / "output_phrase_train.txt").write_text("0 the roof\n")
    found = read(folder, size=64)
    mask = found.mask(0)
    np.testing.assert_array_equal(mask, found.optical[0, 0] >= 128)
    assert mask.sum() == pytest.approx(64 * 64 * min(width, height) / max(width, height) / 4, rel=0.15)
    assert not (mask & ~found.optical_valid[0]).any()


def test_an_empty_mask_is_kept_without_parts(tmp_path):
    """Published scores count its expression; training passes it over (``test_drawing``)."""
    folder = fabricated(tmp_path, "refsegrs")
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(folder / "masks" / "1.tif")
    found = read(folder)
    assert [one.parts for one in found.expressions] == [1, 1, 0]
    assert not found.mask(found.expressions[2].mask).any()
    assert found.left_out == ()


def test_what_is_broken_is_left_out_and_said(tmp_path):
    folder = fabricated(tmp_path, "refsegrs")
    (folder / "masks" / "1.tif").write_bytes(b"no mask")
    found = read(folder)
    assert [one.text for one in found.expressions] == ["road", "paved road in the middle"]
    assert [one.startswith("1, “vehicle on the road”: ") for one in found.left_out] == [True]
    (folder / "images" / "0.tif").write_bytes(b"no picture")
    with pytest.raises(DataSetUnreadable, match="can be used; the first") as caught:
        read(folder)
    assert caught.value.remedy


def test_a_picture_that_cannot_be_read_leaves_an_empty_row(tmp_path):
    folder = fabricated(tmp_path, "refsegrs")
    (folder / "images" / "0.tif").write_bytes(b"no picture")
    found = read(folder)
    assert found.names == ("0", "1")
    assert found.has.tolist() == [[False, False], [True, False]]
    assert not found.optical_valid[0].any()
    assert [one.text for one in found.expressions] == ["vehicle on the road"]
    assert [one.startswith("0: ") for one in found.left_out] == [True]


def test_a_mask_of_another_size_is_said(tmp_path):
    folder = fabricated(tmp_path, "refsegrs")
    Image.fromarray(np.ones((SIDE, SIDE - 1), np.uint8)).save(folder / "masks" / "1.tif")
    assert "47 x 48" in read(folder).left_out[0]


def test_a_pair_of_two_sizes_is_said(tmp_path):
    folder = fabricated(tmp_path, "own")
    write_picture(folder / "sar" / "port.jpg", 1, bands=1, side=2 * SIDE)
    with pytest.raises(DataSetUnreadable, match="do not show one area"):
        read(folder)


def test_a_set_is_kept_until_a_file_changes(tmp_path):
    folder = fabricated(tmp_path, "refsegrs")
    told: list[int] = []
    for _ in range(2):
        kept = read(folder, cache=tmp_path / "cache", report=lambda done, of: told.append(of))
    assert told == [2, 2]  # two pictures, two masks, once
    fresh = read(folder)
    for name in ("optical", "sar", "optical_valid", "masks", "has"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(fresh, name))
    assert (kept.key, kept.expressions) == (fresh.key, fresh.expressions)
    os.utime(folder / "masks" / "1.tif", ns=(1, 1))
    assert read(folder, cache=tmp_path / "cache").key != kept.key


def test_a_mask_in_the_annotation_decides_the_set_too(tmp_path):
    folder = fabricated(tmp_path, "own")
    before = read(folder).key
    file = folder / "train.json"
    coco = json.loads(file.read_text())
    coco["annotations"][1]["segmentation"] = [[0, 0, 20, 0, 20, 11]]
    file.write_text(json.dumps(coco))
    assert read(folder).key != before


@pytest.mark.slow
def test_workers_change_nothing(tmp_path):
    folder = fabricated(tmp_path, "rrsis-d")
    one, two = read(folder), read(folder, workers=2)
    np.testing.assert_array_equal(one.masks, two.masks)
    assert one.expressions == two.expressions
    assert Counter(one.sensor for one in one.expressions) == {"optical": 3}


def test_what_is_not_there_is_refused(tmp_path):
    folder = fabricated(tmp_path, "refsegrs")
    with pytest.raises(DataSetUnreadable, match="no masks in a split") as caught:
        read(folder, "nosuch")
    assert "train" in caught.value.remedy
    boxes = tmp_path / "boxes"
    boxes.mkdir()
    dior_rsvg.fabricate(boxes)
    with pytest.raises(DataSetUnreadable, match="which has no masks"):
        read(boxes)
