"""An area larger than the model's input, outlined window by window in this process: one map, then decided."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from PIL import Image

pytest.importorskip("torch")

from engine.errors import Cancelled, EngineFailed, InputRefused, UsageError
from engine.jobs import cut_watched
from engine.jobs import outline as jobs_outline
from engine.jobs.ask import Asker
from engine.jobs.outline import Outliner
from engine.jobs.redraw import redraw
from engine.raster.masks import LEVELS, NO_DATA
from engine.records import Cleaning, Outline, OutlineRequest, PixelWindow, RedrawRequest
from tests.engine.jobs.child import write_raster
from tests.engine.segmentation.outliner import SeesLevels

SIDE = 64
"""Of the model's square; the rasters have 10 m pixels, and the card says 10 m."""

LEVEL = {"tank": 200.0, "ship": 120.0}
THINGS = {  # columns, rows, width, height
    "tank": [(20, 20, 6, 6), (56, 30, 10, 10), (110, 84, 6, 6), (230, 20, 8, 8), (180, 140, 60, 20)],
    "ship": [(100, 120, 8, 8)],
}
"""The last tank is as wide as a window, so that no window shows all of it."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> str:
    pixels = np.full((3, 192, 256), 30, np.uint8)
    for name, things in THINGS.items():
        for column, row, width, height in things:
            pixels[:, row : row + height, column : column + width] = LEVEL[name]
    return write_raster(tmp_path_factory.mktemp("scene") / "optical.tif", pixels)


@pytest.fixture
def predictor():
    return SeesLevels(LEVEL, SIDE)


@pytest.fixture
def outline(scene, tmp_path, monkeypatch, predictor):
    """Outlines in the optical scene; windows of 64 px at 10 m."""
    monkeypatch.setattr("engine.jobs.outline.find_model", lambda name: tmp_path)
    outliner = Outliner(Asker("cpu"))
    monkeypatch.setattr(outliner, "predictor", lambda folder, device: predictor)

    def run(expression: str, **changes) -> Outline:
        how = {key: changes.pop(key) for key in ("progress", "cancelled") if key in changes}
        fields = {"optical": scene, "sar": None, "folder": str(tmp_path / "job")}
        return outliner.outline(OutlineRequest(expression, **{**fields, **changes}), **how)

    return run


def corners(outlined: Outline) -> list[tuple[int, int, int, int]]:
    """Column, row, width and height of each part."""
    boxes = (one.box for one in outlined.parts)
    return sorted((round(box.x0), round(box.y0), round(box.width), round(box.height)) for box in boxes)


def array(path: str) -> np.ndarray:
    return np.load(path, allow_pickle=False)


# ---- one map


def test_everything_in_a_large_area_is_outlined_once_on_the_rasters_own_pixels(outline, scene):
    outlined = outline("storage tanks")
    assert corners(outlined) == sorted(THINGS["tank"])
    with rasterio.open(scene) as raster:
        meant = raster.read(1) == LEVEL["tank"]
    np.testing.assert_array_equal(array(outlined.mask) == 1, meant)
    np.testing.assert_array_equal(array(outlined.probability), np.where(meant, LEVELS, 0))
    assert outlined.share == pytest.approx(meant.mean())
    assert outlined.area_m2 == pytest.approx(100 * meant.sum(), rel=2e-3), "UTM's scale is in it"
    assert outlined.mean_probability == pytest.approx(1.0)
    assert [part.area_px for part in outlined.parts] == [1200, 100, 64, 36, 36]
    assert outlined.windows is not None
    assert (outlined.windows.windows, outlined.windows.side_px, outlined.windows.overlap_px) == (20, 64, 12)
    assert outlined.windows.gsd_m == outlined.area.model_gsd_m == pytest.approx(10.0)
    assert outlined.area.valid_optical == pytest.approx(1.0)
    assert outlined.grid == outlined.area.grid
    assert "Outlined in 20 windows of 64 px that overlap by 12 px, at 10 m per pixel." in outlined.messages
    assert not outlined.explanations


def test_a_part_of_the_raster_lies_where_the_part_is(outline):
    outlined = outline("storage tanks", window=PixelWindow(100, 80, 150, 100))
    assert corners(outlined) == [(110, 84, 6, 6), (180, 140, 60, 20)]
    assert array(outlined.mask).shape == (100, 150)
    assert outlined.grid.to_map(0, 0) == pytest.approx((501000.0, 5399200.0))
    x, y = outlined.parts[-1].exterior_map[0]
    assert 501100 <= x <= 501160
    assert 5399100 <= y <= 5399160


def test_no_seam_is_seen_where_windows_disagree(outline, predictor, monkeypatch):
    """Every window is as sure as its place in the row of things asked: across borders the map changes as inside."""
    drawn = np.random.default_rng(0)
    monkeypatch.setattr(predictor, "likely", lambda seen, level: np.full(seen.valid.shape, drawn.random(), np.float32))
    values = array(outline("storage tanks").probability) / LEVELS
    steps = np.abs(np.diff(values, axis=1))
    assert steps.max() <= 1.1 * np.pi / 2 / 12 + 1 / LEVELS
    assert steps.max() > 0.02, "they do disagree"


def test_all_windows_are_stretched_alike(outline, predictor):
    outline("storage tanks")
    limits = predictor.limits[0]
    assert all(one is limits for one in predictor.limits)
    assert limits.optical == pytest.approx((30.0, 200.0))
    assert limits.sar is None


def test_a_scale_may_be_asked_for(outline):
    outlined = outline("storage tanks", gsd_m=20.0)
    assert outlined.windows is not None
    assert outlined.windows.side_px == 128
    assert array(outlined.mask).shape == (192, 256), "on the raster's own pixels all the same"
    assert corners(outlined)[0] == pytest.approx(THINGS["tank"][0], abs=2)
    small = outline("storage tanks", window=PixelWindow(10, 10, 40, 30), gsd_m=20.0)
    assert small.windows is not None
    assert small.windows.windows == 1
    assert corners(small) == [pytest.approx((20, 20, 6, 6), abs=2)]  # seen half as sharp
    with pytest.raises(UsageError, match="nothing can be seen"):
        outline("storage tanks", gsd_m=1000.0)
    with pytest.raises(InputRefused, match="more than the 3 allowed"):
        outline("storage tanks", max_windows=3)


def test_pixels_without_data_are_in_no_mask_and_no_share(outline, scene, tmp_path):
    with rasterio.open(scene) as raster:
        pixels = raster.read()
    pixels[:, :, :128] = 0
    path = write_raster(tmp_path / "half.tif", pixels, nodata=0)
    outlined = outline("storage tanks", optical=path)
    mask = array(outlined.mask)
    assert (mask[:, :128] == NO_DATA).all()
    assert (mask[:, 128:] != NO_DATA).all()
    assert outlined.share == pytest.approx((mask == 1).sum() / (192 * 128))
    assert outlined.area.valid_optical == pytest.approx(0.5, abs=0.01)
    assert "50 % of this area has no optical data." in outlined.messages


def test_an_area_without_data_is_refused(outline, tmp_path):
    empty = write_raster(tmp_path / "empty.tif", np.zeros((3, 192, 256), np.uint8), nodata=0)
    with pytest.raises(InputRefused, match="no image has data"):
        outline("storage tanks", optical=empty)
    assert not list((tmp_path / "job").glob("*.npy*")), "nothing half-made is left"


def test_windows_are_told_and_may_be_stopped(outline, tmp_path):
    told: list[tuple[str, float | None, int | None]] = []
    outline("storage tanks", progress=lambda *stage: told.append(stage))
    shares = [(share, steps) for stage, share, steps in told if stage == "windows"]
    assert shares == [(number / 20, 20) for number in range(20)]
    assert [stage for stage, *_ in told][:3] == ["check", "model", "stretch"]
    assert told[-1][0] == "cut"
    for passed in (5, 30, len(told) - 1):
        told.clear()
        with pytest.raises(Cancelled):
            outline(
                "ships", cancelled=lambda most=passed: len(told) >= most, progress=lambda *stage: told.append(stage)
            )
    assert not list((tmp_path / "job").glob(".*.part"))


def test_a_scale_needs_metres(outline, tmp_path):
    path = tmp_path / "nowhere.png"
    Image.fromarray(np.full((192, 256, 3), 200, np.uint8)).save(path)
    with pytest.raises(UsageError, match="no CRS"):
        outline("storage tanks", optical=str(path), gsd_m=5.0)
    outlined = outline("storage tanks", optical=str(path))  # one pixel of the image is one of the model's
    assert outlined.windows is not None
    assert (outlined.windows.side_px, outlined.windows.gsd_m) == (64, None)
    assert outlined.area_m2 is None
    assert outlined.parts[0].area_m2 is None


def test_an_area_whose_mask_is_too_large_is_refused_before_anything_is_read(outline, monkeypatch):
    monkeypatch.setattr(jobs_outline, "MOST_PIXELS", 1000)
    with pytest.raises(InputRefused, match="256 x 192 pixels, and a mask can have 1,000 in all"):
        outline("storage tanks")


# ---- what is meant of it


@pytest.mark.parametrize(
    ("expression", "thing"),
    [
        ("the largest storage tank", 4),
        ("the second largest storage tank", 1),
        ("the storage tank in the top right of the image", 3),
        ("the leftmost storage tank", 0),
        ("the storage tank nearest to the ship", 2),
        ("the storage tank to the lower right of the ship", 4),
    ],
)
def test_what_no_window_knows_is_decided_over_the_whole_mask(outline, predictor, expression, thing):
    outlined = outline(expression)
    assert corners(outlined) == [THINGS["tank"][thing]]
    mask = array(outlined.mask)
    *_, width, height = THINGS["tank"][thing]
    assert (mask == 1).sum() == width * height
    assert "largest" not in " ".join(predictor.texts)
    assert outlined.on_mask
    assert set(outlined.on_mask) <= set(outlined.messages)


def test_several_may_be_meant(outline):
    outlined = outline("the storage tanks on the left")
    assert {box[:2] for box in corners(outlined)} >= {(20, 20), (56, 30)}
    assert not {(230, 20), (180, 140)} & {box[:2] for box in corners(outlined)}


def test_crumbs_are_no_things(outline, scene, tmp_path):
    """A single pixel left of all tanks is in the mask of tanks, and not the leftmost tank."""
    with rasterio.open(scene) as raster:
        pixels = raster.read()
    pixels[:, 100, 3] = LEVEL["tank"]
    crumbs = write_raster(tmp_path / "crumbs.tif", pixels)
    assert (3, 100, 1, 1) in corners(outline("storage tanks", optical=crumbs))
    assert corners(outline("the leftmost storage tank", optical=crumbs)) == [THINGS["tank"][0]]


def test_what_cannot_be_decided_is_refused_before_anything_is_read(outline, predictor):
    with pytest.raises(InputRefused, match="names no class"):
        outline("the largest windmill")
    with pytest.raises(InputRefused, match="cannot be decided over windows"):
        outline("the storage tank along the river")
    assert not predictor.batches


def test_where_nothing_can_be_decided_it_is_said_why(outline):
    outlined = outline("the storage tank to the left of the ship", window=PixelWindow(0, 0, 256, 100))
    assert outlined.parts == ()
    assert (outlined.area_m2, outlined.share, outlined.mean_probability) == (0.0, 0.0, 0.0)
    assert any("no ship was found" in message for message in outlined.messages)


def test_that_nothing_is_likely_enough_is_said(outline, tmp_path):
    dark = write_raster(tmp_path / "dark.tif", np.full((3, 192, 256), 155, np.uint8))
    outlined = outline("storage tanks", optical=dark)
    assert outlined.parts == ()
    said = "Nothing was outlined: the most likely pixel has a probability of 0.25, and the threshold is 0.50."
    assert said in outlined.messages
    assert said in outline("the largest storage tank", optical=dark).messages


# ---- another mask


def redrawn(outlined: Outline, folder, tmp_path, **cleaning) -> Outline:
    return redraw(RedrawRequest(str(tmp_path / "job" / "result.json"), str(folder), Cleaning(**cleaning)))


def test_a_redraw_cuts_another_mask_and_decides_anew(outline, scene, tmp_path):
    with rasterio.open(scene) as raster:
        pixels = raster.read()
    pixels[:, 60:90, 190:240] = 180  # two thirds as likely as the tanks are
    path = write_raster(tmp_path / "faint.tif", pixels)
    first = outline("the largest storage tank", optical=path, threshold=0.9)
    assert corners(first) == [THINGS["tank"][4]]
    lower = redrawn(first, tmp_path / "lower", tmp_path, threshold=0.5)
    assert corners(lower) == [(190, 60, 50, 30)]
    assert lower.cleaning.threshold == 0.5
    assert lower.mask == str(tmp_path / "lower" / "mask.npy")
    assert lower.probability == first.probability
    back = redraw(RedrawRequest(str(tmp_path / "lower" / "result.json"), str(tmp_path / "back"), Cleaning(0.9)))
    assert back.parts == first.parts
    assert back.messages == first.messages
    assert (back.area_m2, back.share, back.mean_probability) == (first.area_m2, first.share, first.mean_probability)


def test_a_redraw_hears_a_relation(outline, tmp_path):
    first = outline("the storage tank nearest to the ship")
    same = redrawn(first, tmp_path / "again", tmp_path, threshold=0.4)
    assert corners(same) == corners(first)
    assert len(first.files) == 3, "the mask, the tanks and the ships"


def test_small_parts_go_and_a_redraw_brings_them_back(outline, tmp_path):
    first = outline("storage tanks", least_part_px=50)
    assert corners(first) == sorted(THINGS["tank"][one] for one in (1, 3, 4))
    assert corners(redrawn(first, tmp_path / "all", tmp_path)) == sorted(THINGS["tank"])
    none = redrawn(first, tmp_path / "none", tmp_path, least_part_px=5000)
    assert none.on_mask == ("Nothing was outlined: every part has fewer than 5,000 pixels.",)


def test_a_large_map_is_cut_in_a_process_of_its_own_and_comes_out_the_same(outline, tmp_path, monkeypatch):
    first = outline("the storage tank nearest to the ship")
    monkeypatch.setattr(cut_watched, "MOST_HERE", 1000)
    apart = redrawn(first, tmp_path / "apart", tmp_path)
    assert replace(apart, mask="", files=(), seconds=0) == replace(first, mask="", files=(), seconds=0)
    np.testing.assert_array_equal(array(apart.mask), array(first.mask))
    looks = iter([False] * 3)
    request = RedrawRequest(str(tmp_path / "job" / "result.json"), str(tmp_path / "stopped"), Cleaning(0.4))
    with pytest.raises(Cancelled):
        redraw(request, cancelled=lambda: next(looks, True))
    assert not (tmp_path / "stopped" / "mask.npy").exists()


@pytest.mark.slow
def test_what_a_cut_in_a_process_of_its_own_is_refused_for_is_said(outline, tmp_path, monkeypatch):
    outline("storage tanks")
    monkeypatch.setattr(cut_watched, "MOST_HERE", 1000)
    request = RedrawRequest(str(tmp_path / "job" / "result.json"), str(tmp_path / "new"), Cleaning(0.4))
    (tmp_path / "job" / "probability.npy").unlink()
    with pytest.raises(InputRefused, match=r"probability\.npy cannot be read") as refusal:
        redraw(request)
    assert refusal.value.remedy == "Outline again."
    monkeypatch.setattr(cut_watched, "_cut_apart", os.path.exists)  # ends without an answer
    with pytest.raises(EngineFailed, match="its process ended"):
        redraw(request)


def test_a_redraw_without_its_files_is_refused(outline, tmp_path):
    first = outline("storage tanks")
    with pytest.raises(InputRefused, match=r"missing\.json cannot be read"):
        redraw(RedrawRequest(str(tmp_path / "missing.json"), str(tmp_path / "new")))
    (tmp_path / "job" / "probability.npy").unlink()
    with pytest.raises(InputRefused, match=r"probability\.npy cannot be read"):
        redrawn(first, tmp_path / "new", tmp_path)
