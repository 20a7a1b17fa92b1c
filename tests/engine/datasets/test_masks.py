"""Stored masks: files, polygons and run lengths, whole and damaged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pycocotools import mask as coco_mask

from engine.datasets.dataset import MaskSource
from engine.datasets.masks import read_mask, unpack_counts
from engine.errors import DataSetUnreadable, RasterUnreadable, ReadTooLarge
from tests.engine.datasets.fabricate.pictures import box_mask, write_raster

MASKS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 40)), elements=st.integers(0, 1))


def packed(mask: np.ndarray) -> str:
    return str(coco_mask.encode(np.asfortranarray(mask))["counts"].decode("ascii"))


def runs(mask: np.ndarray) -> list[int]:
    """Run lengths down the columns, counted the slow way."""
    found, value = [0], 0
    for pixel in mask.T.ravel():
        if pixel != value:
            found.append(0)
            value = pixel
        found[-1] += 1
    return found


@settings(max_examples=60)
@given(MASKS)
def test_run_lengths_packed_and_plain(mask):
    height, width = mask.shape
    assert unpack_counts(packed(mask)) == runs(mask)
    for counts in (packed(mask), tuple(runs(mask))):
        found = read_mask(MaskSource(rle_counts=counts, rle_size=(height, width)), width, height)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, mask > 0)


@settings(max_examples=200)
@given(st.text(st.characters(codec="latin-1"), max_size=12), st.integers(1, 9), st.integers(1, 9))
def test_any_string_is_a_mask_or_refused(text, width, height):
    try:
        found = read_mask(MaskSource(rle_counts=text, rle_size=(height, width)), width, height)
    except DataSetUnreadable:
        return
    assert found.shape == (height, width)
    assert sum(unpack_counts(text)) == width * height


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (MaskSource(), "There is no mask"),
        (MaskSource(rle_counts=(5, 5), rle_size=(2, 5)), "The mask has 5 x 2 pixels, its image 5 x 4."),
        (MaskSource(rle_counts=(5, 5), rle_size=(4, 5)), "do not add up to 5 x 4 pixels"),
        (MaskSource(rle_counts=(-5, 25), rle_size=(4, 5)), "do not add up to 5 x 4 pixels"),
        (MaskSource(rle_counts="P", rle_size=(4, 5)), "cut short"),
        (MaskSource(rle_counts="\u00ff", rle_size=(4, 5)), "damaged"),
        (MaskSource(polygons_px=((0, 0, 3, 3),)), "A polygon has 4 numbers"),
        (MaskSource(polygons_px=((0, 0, 3, 3, 1e9, 0),)), "A polygon leaves the image of 5 x 4 pixels."),
        (MaskSource(polygons_px=((0, 0, 3, float("nan"), 3, 0),)), "A polygon leaves the image"),
    ],
)
def test_what_is_no_mask_is_refused(source, what):
    with pytest.raises(DataSetUnreadable, match=what):
        read_mask(source, 5, 4)


def test_polygons_are_joined_and_filled():
    squares = ((1.0, 1.0, 4.0, 1.0, 4.0, 3.0, 1.0, 3.0), (6.0, 5.0, 9.0, 5.0, 9.0, 8.0, 6.0, 8.0))
    expected = (box_mask((1, 1, 4, 3), side=10) + box_mask((6, 5, 9, 8), side=10)) > 0
    np.testing.assert_array_equal(read_mask(MaskSource(polygons_px=squares), 10, 10), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_file_counts_what_is_above_zero(tmp_path, dtype):
    mask = box_mask((3, 4, 20, 30), value=1).astype(dtype)
    write_raster(tmp_path / "mask.tif", mask)
    np.testing.assert_array_equal(read_mask(MaskSource(tmp_path / "mask.tif"), 48, 48), mask > 0)


def test_a_coloured_mask_counts_any_band_and_not_alpha(tmp_path):
    pixels = np.zeros((10, 12, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[2:4, 3:6, 0] = 200
    pixels[6:8, 3:6, 2] = 1
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    expected = pixels[..., :3].any(axis=-1)
    np.testing.assert_array_equal(read_mask(MaskSource(tmp_path / "mask.png"), 12, 10), expected)


def test_files_of_another_size_missing_or_cut(tmp_path):
    write_raster(tmp_path / "mask.tif", box_mask((3, 4, 20, 30)))
    with pytest.raises(DataSetUnreadable, match=r"mask.tif has 48 x 48 pixels, its image 64 x 48."):
        read_mask(MaskSource(tmp_path / "mask.tif"), 64, 48)
    with pytest.raises(RasterUnreadable):
        read_mask(MaskSource(tmp_path / "absent.tif"), 48, 48)
    (tmp_path / "cut.tif").write_bytes((tmp_path / "mask.tif").read_bytes()[:100])
    with pytest.raises(RasterUnreadable):
        read_mask(MaskSource(tmp_path / "cut.tif"), 48, 48)


def test_a_mask_too_large_for_memory_is_refused():
    with pytest.raises(ReadTooLarge):
        read_mask(MaskSource(rle_counts=(1 << 40,), rle_size=(1 << 20, 1 << 20)), 1 << 20, 1 << 20)
