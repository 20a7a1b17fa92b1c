"""An area larger than the model's input, searched window by window in this process: everything once, then decided."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from PIL import Image
from scipy import ndimage

pytest.importorskip("torch")

from engine.errors import Cancelled, InputRefused, UsageError
from engine.export.wording import found_sentence
from engine.grounding.predictor import Detection
from engine.jobs import find_windows
from engine.jobs.ask import Asker
from engine.jobs.find import Finder
from engine.jobs.find_windows import plan_windows
from engine.records import Box, FindRequest, PixelWindow
from tests.engine.grounding.finder import finder_card
from tests.engine.jobs.child import write_raster

SIDE = 64
"""Of the model's square; the rasters have 10 m pixels, and the card says 10 m."""

TANKS = {  # columns, rows, side; the brightness is the class that a text asks for
    "tank": [(20, 20, 6), (56, 30, 10), (110, 84, 6), (230, 20, 8), (200, 150, 20)],
    "ship": [(100, 120, 8)],
}
LEVEL = {"tank": 200, "ship": 120}


class SeesBlobs:
    """In place of a predictor: finds every bright blob of the level that a text names; counts its batches."""

    least_score = 0.5

    def __init__(self, trained_gsd_m: tuple[float, float] = (10.0, 10.0)) -> None:
        self.card = finder_card(trained_gsd_m=trained_gsd_m)
        self.config = SimpleNamespace(image_size=SIDE)
        self.batches: list[int] = []
        self.texts: set[str] = set()

    def encode_each(self, areas):
        self.batches.append(len(areas))
        return [
            SimpleNamespace(pixels=np.where(a.valid, a.values[0], 0), sensor=a.sensor, size=a.values.shape[:0:-1])
            for a in areas
        ]

    def look_each(self, views, texts):
        self.texts |= set(texts)
        return [(view, texts[0]) for view in views]

    def detections(self, look, *, most=1, least_score=0.0):
        view, text = look
        level = LEVEL["tank" if "tank" in text else "ship"] if view.sensor == "optical" else np.inf
        labels, _ = ndimage.label(abs(view.pixels - level) < 30)
        found = []
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
            size = int((labels == number).sum())
            box = (columns.start, rows.start, columns.stop, rows.stop)
            found.append(Detection(tuple(map(float, box)), 0.6 + min(size, 300) / 1000, text, 0))
        return sorted(found, key=lambda one: -one.score)[:most]

    calibration = None

    def tokens_cut(self, text):
        """Six words fit."""
        return max(0, len(text.split()) - 6)

    def annotate(self, view, phrases, *, least_score, step):
        step(0.0)
        return [one for phrase in phrases for one in self.detections((view, phrase), most=None)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> str:
    pixels = np.full((3, 192, 256), 30, np.uint8)
    for name, things in TANKS.items():
        for column, row, side in things:
            pixels[:, row : row + side, column : column + side] = LEVEL[name]
    return write_raster(tmp_path_factory.mktemp("scene") / "optical.tif", pixels)


@pytest.fixture
def predictor():
    return SeesBlobs()


@pytest.fixture
def find(scene, tmp_path, monkeypatch, predictor):
    """Finds in the optical scene; windows of 64 px at 10 m."""
    monkeypatch.setattr("engine.jobs.find.find_model", lambda name: tmp_path)
    finder = Finder(Asker("cpu"))
    monkeypatch.setattr(finder, "predictor", lambda folder, device: predictor)

    def run(expression: str, **changes):
        how = {key: changes.pop(key) for key in ("progress", "cancelled") if key in changes}
        fields = {"optical": scene, "sar": None, "folder": str(tmp_path / "job")}
        return finder.find(FindRequest(expression, **{**fields, **changes}), **how)

    return run


def corners(finding) -> list[tuple[int, int, int]]:
    """Column, row and side of each box found."""
    return sorted((round(one.box.x0), round(one.box.y0), round(one.box.width)) for one in finding.boxes)


def test_everything_in_a_large_area_is_found_once(find):
    finding = find("storage tanks")
    assert corners(finding) == sorted(TANKS["tank"])
    assert finding.windows is not None
    assert (finding.windows.windows, finding.windows.side_px, finding.windows.overlap_px) == (20, 64, 12)
    assert finding.windows.gsd_m == finding.area.model_gsd_m == pytest.approx(10.0)
    assert finding.area.valid_optical == pytest.approx(1.0)
    assert "Searched in 20 windows of 64 px that overlap by 12 px, at 10 m per pixel." in finding.messages
    assert not finding.explanations


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
def test_what_no_window_knows_is_decided_over_all(find, predictor, expression, thing):
    finding = find(expression)
    assert corners(finding) == [TANKS["tank"][thing]]
    assert "largest" not in " ".join(predictor.texts)
    assert "too close" not in " ".join(finding.messages)


def test_only_what_windows_are_searched_for_can_be_too_long(find):
    """Of "the storage tank in the top right of the image" that is the class."""
    assert not any("too long" in one for one in find("the storage tank in the top right of the image").messages)
    (said,) = (one for one in find("all of the many storage tanks that lie about").messages if "too long" in one)
    assert "its last 3 tokens" in said
    pair = find("the storage tank nearest to the ship").messages
    assert not any("too long" in one for one in pair)


def test_a_tie_is_said(find):
    finding = find("the smallest storage tank")
    assert len(finding.boxes) == 1
    assert any("too close to call" in message for message in finding.messages)


def test_what_boxes_cannot_tell_is_refused(find):
    with pytest.raises(InputRefused, match="finds no boxes of"):
        find("the storage tank along the river")
    with pytest.raises(InputRefused, match="names no class"):
        find("the largest windmill")


def test_where_nothing_can_be_decided_it_is_said_why(find):
    finding = find("the storage tank to the left of the ship", window=PixelWindow(0, 0, 256, 100))
    assert finding.boxes == ()
    assert any("no ship was found" in message for message in finding.messages)


def test_a_class_without_any_box_is_said_with_the_threshold(find):
    finding = find("the largest storage tank", least_score=0.95)
    assert found_sentence(finding) == "no box in optical"
    assert finding.messages.count("No storage tank was found that scores 0.95 or more.") == 1


def test_phrases_label_what_they_name(find):
    finding = find("", phrases=("ships", "storage tanks"))
    assert {one.label for one in finding.boxes} == {"ships", "storage tanks"}
    assert len(finding.boxes) == 6


def test_a_pool_may_be_stopped_between_its_runs(find, predictor, monkeypatch):
    """Within a window, too: a pool of hundreds takes seconds there."""
    runs = []

    def endless(view, phrases, *, least_score, step):
        while True:
            step(0.5)
            runs.append(len(phrases))

    monkeypatch.setattr(predictor, "annotate", endless)
    with pytest.raises(Cancelled):
        find("", phrases=("ships", "tanks"), cancelled=lambda: len(runs) == 3)


def test_a_scale_may_be_asked_for(find):
    finding = find("storage tanks", gsd_m=20.0)
    assert finding.windows is not None
    assert finding.windows.side_px == 128
    assert finding.area.model_gsd_m == pytest.approx(20.0)
    small = find("storage tanks", window=PixelWindow(10, 10, 40, 30), gsd_m=20.0)
    assert small.windows is not None
    assert small.windows.windows == 1
    assert corners(small) == [pytest.approx((20, 20, 6), abs=2)]  # seen half as sharp
    with pytest.raises(UsageError, match=r"At 1,000 m per pixel, nothing can be seen of an area of 2,560 m\."):
        find("storage tanks", gsd_m=1000.0)


def test_too_many_windows_are_refused_with_the_scale_that_has_fewer(find):
    with pytest.raises(InputRefused, match="takes 20 windows at 10 m per pixel, more than the 3 allowed") as refused:
        find("storage tanks", max_windows=3)
    wanted = re.search(r"\(--gsd ([\d.]+) or more\)", refused.value.remedy or "")
    assert wanted is not None
    finding = find("storage tanks", gsd_m=float(wanted[1]), max_windows=3)
    assert finding.windows is not None
    assert 1 < finding.windows.windows <= 3
    with pytest.raises(InputRefused):
        find("storage tanks", gsd_m=0.9 * float(wanted[1]), max_windows=3)


@pytest.mark.parametrize(
    ("trained", "side_px", "why"),
    [
        ((0.5, 2.0), 32, "magnified 2 times; what is smaller than 40 m is hardly found"),
        ((0.5, 8.0), 51, "magnified 1.25 times; what is smaller than 64 m is hardly found"),
        ((0.5, 10.0), 64, None),
        ((13.01, 20.0), 84, None),
    ],
)
def test_a_raster_coarser_than_the_model_knows_is_magnified_twice_at_the_most(find, predictor, trained, side_px, why):
    """And every scale that is chosen lies in the model's range, where that can be."""
    predictor.card = finder_card(trained_gsd_m=trained)
    finding = find("storage tanks")
    assert finding.windows is not None
    assert finding.windows.side_px == side_px
    said = " ".join(finding.messages)
    assert ("The image has 10 m per pixel, the model was trained for" in said) is (why is not None)
    assert why is None or why in said
    assert "outside its range" not in said
    request = FindRequest("tanks", "optical.tif", None, "job")
    assert plan_windows(request, PixelWindow(0, 0, side_px, 20), finding.area.grid, predictor.card, SIDE) is None


@pytest.mark.parametrize(("across", "side_px"), [(2 * SIDE, None), (2 * SIDE + 1, SIDE)])
def test_however_coarsely_a_model_sees_a_large_area_goes_in_windows(find, predictor, across, side_px):
    predictor.card = finder_card(trained_gsd_m=(0.5, 500.0))
    grid = replace(find("storage tanks").area.grid, gsd_m=10.0)
    request = FindRequest("tanks", "optical.tif", None, "job")
    plan = plan_windows(request, PixelWindow(0, 0, across, 20), grid, predictor.card, SIDE)
    assert (plan and plan.side_px) == side_px


def test_boxes_end_with_the_area_where_a_window_reaches_past_it(find, predictor, monkeypatch):
    def all_and_a_corner(look, **_):
        width, height = look[0].size
        boxes = ((0.0, 0.0, float(width), float(height)), (0.0, 0.0, 2.0, 2.0))
        return [Detection(box, 0.9, "tank", 0) for box in boxes]

    monkeypatch.setattr(predictor, "detections", all_and_a_corner)
    finding = find("storage tanks", window=PixelWindow(100, 80, 40, 30), gsd_m=20.0)
    (only,) = finding.boxes
    assert only.box == Box(100, 80, 140, 110)


def test_windows_are_told_and_may_be_stopped(find):
    told: list[tuple[str, float | None, int | None]] = []
    find("storage tanks", progress=lambda *stage: told.append(stage))
    shares = [(share, steps) for stage, share, steps in told if stage == "windows"]
    assert list(dict.fromkeys(shares)) == sorted(set(shares)) == [(number / 20, 20) for number in range(20)]
    assert told[-1][0] == "decide"
    with pytest.raises(Cancelled):
        find("storage tanks", cancelled=lambda: len(told) > 40, progress=lambda *stage: told.append(stage))


@pytest.mark.parametrize("most", [2, 4])
def test_of_too_many_boxes_the_best_are_kept_and_it_is_said(find, monkeypatch, most):
    """Counted before seams are joined."""
    everything = find("storage tanks")
    monkeypatch.setattr(find_windows, "MOST_KEPT", most)
    finding = find("storage tanks")
    assert 0 < len(finding.boxes) <= most
    assert finding.boxes[0].score == everything.boxes[0].score
    (said,) = (message for message in finding.messages if "left out" in message)
    assert said.startswith(f"More than {most} boxes were found in one image")
    assert not any("left out" in message for message in everything.messages)


def test_a_search_may_be_stopped_while_it_is_decided(find):
    """Once for each sensor and once before both are made one."""
    told: list[str] = []
    with pytest.raises(Cancelled):
        find("tanks", cancelled=lambda: told.count("decide") == 1, progress=lambda name, *_: told.append(name))


def test_an_area_without_data_is_refused(find, tmp_path):
    empty = str(tmp_path / "empty.tif")
    write_raster(tmp_path / "empty.tif", np.zeros((3, 192, 256), np.uint8))
    with rasterio.open(empty, "r+") as raster:
        raster.nodata = 0
    with pytest.raises(InputRefused, match="no image has data"):
        find("storage tanks", optical=empty)


def test_a_scale_needs_metres(find, tmp_path):
    path = tmp_path / "nowhere.png"
    Image.fromarray(np.full((192, 256, 3), 30, np.uint8)).save(path)
    with pytest.raises(UsageError, match="no CRS"):
        find("storage tanks", optical=str(path), gsd_m=5.0)
    finding = find("storage tanks", optical=str(path))  # one pixel of the image is one of the model's
    assert finding.windows is not None
    assert (finding.windows.side_px, finding.windows.gsd_m) == (64, None)
