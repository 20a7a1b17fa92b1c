"""Rendered referring sets say what the scenes say, pixel by pixel."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine.nn.preprocess import PreprocessSpec
from engine.scenes import make_sample
from engine.scenes.asked import hidden_things
from engine.scenes.exam import EXAMS, exam_referrals, exam_truth
from engine.scenes.truths.referring import MOST_REFERRALS, referral_mask
from engine.scenes.truths.selection import Selector
from engine.segmentation.data import scenes as scenes_module
from engine.segmentation.data.scene_truth import area_truth
from engine.segmentation.data.scenes import render_referrals
from engine.text import parse
from engine.training.scene_sets import SceneSetSpec, exam_spec

COUNT = 6
SPEC = SceneSetSpec(first_seed=10_000_000, count=COUNT, wording="train", view_px=256, size_px=256)
"""At the size that scenes are drawn at, so that masks are the scenes' own."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("referrals") / "set"


@pytest.fixture(scope="module")
def areas(folder):
    return render_referrals(SPEC, PreprocessSpec(), folder)


@pytest.fixture(scope="module")
def samples():
    return [make_sample(SPEC.first_seed + number, questions_per_type=0) for number in range(COUNT)]


def hides_nothing(sample):
    return sample.pair == "exact" or not sample.hidden.any()


def test_every_scene_is_an_area_with_its_sar_picture_where_that_is_of_the_same_place(areas, samples):
    assert len(areas) == COUNT
    assert len({sample.pair for sample in samples}) > 1  # both cases were seen
    for area, sample in enumerate(samples):
        exact = sample.pair == "exact"
        assert areas.names[area] == f"scene {sample.seed}"
        assert areas.weather[area] == sample.weather
        assert areas.has[area].tolist() == [True, exact]
        assert areas.sar[area].any() == exact
        assert areas.gsd_m[area] == pytest.approx(sample.gsd_m)
        assert areas.optical[area].std() > 5


def test_expressions_are_the_referrals_and_their_masks_the_pixels_that_they_name(areas, samples):
    seen = 0
    for area, own in enumerate(areas.by_area()):
        sample = samples[area]
        if not hides_nothing(sample):
            continue
        wanted = [one for one in sample.referrals if one.task == "mask"]
        assert len(own) == len(wanted)
        for index, referral in zip(own, wanted, strict=True):
            one, mask = areas.expressions[index], referral_mask(sample.facts, referral)
            assert (one.text, one.category, one.sensor, one.how, one.distractors, one.parts) == (
                referral.text, referral.category, referral.sensor, referral.how, referral.distractors,
                len(referral.members),
            )  # fmt: skip
            np.testing.assert_array_equal(areas.mask(one.mask), mask)
            assert one.hidden_share == pytest.approx(sample.hidden[mask].mean(), abs=1e-3)
            seen += 1
    assert seen > 12


def test_under_cloud_a_mask_stays_where_the_radar_sees_through_and_goes_where_it_shows_another_place(areas, samples):
    kept = [one for one in areas.expressions if one.hidden_share > 0.9]
    assert kept
    assert {areas.has[one.area, 1] for one in kept} == {True}
    gone = [sample for sample in samples if not hides_nothing(sample)]
    unseen = 0
    for sample in gone:
        truth = area_truth(sample, "train")
        hidden, selector = hidden_things(sample), Selector(sample.facts)
        unseen += truth.unseen
        for one in truth.expressions:
            assert not hidden.intersection(selector.select(parse(one.text)).members)
        in_the_clear = make_sample(sample.seed, weather="clear", questions_per_type=0)
        assert len(area_truth(in_the_clear, "train").expressions) == len(truth.expressions) + truth.unseen
    assert unseen > 0
    assert areas.left_out[0].startswith(f"{unseen} expressions that name what weather hides")


def test_without_a_radar_picture_nothing_is_asked_of_it(samples):
    for sample in samples:
        if sample.pair != "exact":
            truth = area_truth(sample, "train", draws=3)
            assert {one.sensor for one in truth.expressions} == {"optical"}
    assert any(one.sensor == "sar" for s in samples for one in area_truth(s, "train", draws=3).expressions)


def test_further_draws_ask_more_and_nothing_twice_in_the_same_way(samples):
    counts = Counter()
    for sample in samples:
        once, thrice = (area_truth(sample, "train", draws=draws) for draws in (1, 3))
        assert {one.text for one in once.expressions} <= {one.text for one in thrice.expressions}
        assert len(thrice.masks) <= 3 * MOST_REFERRALS
        ways = [(one.sensor, one.mask, one.how) for one in thrice.expressions]
        assert len(set(ways)) == len(ways)
        assert len({mask.tobytes() for mask in thrice.masks}) == len(thrice.masks)  # what names the same shares it
        counts.update(once=len(once.expressions), thrice=len(thrice.expressions))
    assert counts["thrice"] > 1.5 * counts["once"] > 0


def test_at_another_size_a_mask_is_where_it_was(areas):
    small = render_referrals(replace(SPEC, count=3, size_px=96), PreprocessSpec(), None)
    large = {(one.area, one.text): areas.mask(one.mask) for one in areas.expressions}
    shares = []
    for one in small.expressions:
        mask, whole = small.mask(one.mask), large[one.area, one.text]
        centres = [np.argwhere(which).mean(0) / len(which) for which in (mask, whole)]
        np.testing.assert_allclose(*centres, atol=0.05)
        shares.append(mask.mean() / whole.mean())
    assert np.median(shares) == pytest.approx(1, abs=0.05)
    assert small.gsd_m[0] == pytest.approx(areas.gsd_m[0] * 256 / 96)


def test_what_vanishes_at_a_small_size_is_left_out_and_counted(areas):
    small = render_referrals(replace(SPEC, count=3, size_px=16), PreprocessSpec(), None)
    assert all(small.mask(one.mask).any() for one in small.expressions)
    vanished = sum(one.area < 3 for one in areas.expressions) - len(small.expressions)
    assert vanished > 0
    assert small.left_out[-1] == f"{vanished} expressions whose mask is below half a pixel of the network's square"


def test_an_exam_asks_what_it_asks():
    exam = EXAMS["exam-v1"]
    found = render_referrals(exam_spec(exam, 4, 128), PreprocessSpec(), None)
    wanted = [
        (number, one.text)
        for number in range(4)
        for one in exam_referrals(exam_truth(exam, number))
        if one.task == "mask"
    ]
    too_small = [one for one in found.left_out if "half a pixel" in one]
    asked = [(one.area, one.text) for one in found.expressions]
    assert set(asked) <= set(wanted)
    assert len(wanted) - len(asked) == (int(too_small[0].split()[0]) if too_small else 0)
    assert not any("weather" in one for one in found.left_out)
    assert len(set(found.weather)) == 4


def test_a_set_is_reused_and_goes_on_where_it_was(areas, folder, monkeypatch):
    told: list[int] = []
    kept = render_referrals(SPEC, PreprocessSpec(), folder, report=lambda done, of: told.append(done))
    assert told == []
    assert kept.key == areas.key
    values, _ = next(iter(scenes_module._rendered(SPEC, PreprocessSpec(), 1, 3)))
    np.testing.assert_array_equal(values["optical"], areas.optical[3])
    monkeypatch.setattr(scenes_module, "VERSION", scenes_module.VERSION + 1)
    assert render_referrals(replace(SPEC, count=1), PreprocessSpec(), None).key != areas.key


def test_a_set_in_memory_is_the_one_on_disk(areas):
    kept = render_referrals(replace(SPEC, count=2), PreprocessSpec(), None)
    for name in ("optical", "sar", "has", "masks"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(areas, name)[: len(getattr(kept, name))])
    assert kept.expressions == tuple(one for one in areas.expressions if one.area < 2)


BARE = """
import sys
import numpy as np
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.augment import AugmentSettings, augment
from engine.segmentation.data.drawing import BatchSettings, TrainingOrder
from engine.segmentation.data.scenes import render_referrals
from engine.segmentation.data.visits import visit_of
from engine.training.scene_sets import SceneSetSpec
areas = render_referrals(SceneSetSpec(10_000_000, 1, "train", 128, 64), PreprocessSpec(), None)
item = TrainingOrder(areas, BatchSettings(2), 0).items(0)[0]
assert augment(visit_of(areas, item.area, item.expressions), AugmentSettings(), np.random.default_rng(0)).texts
print(sorted({name.split(".")[0] for name in sys.modules}
             & {"rasterio", "open_clip", "pyogrio", "transformers", "PySide6"}))
"""


def test_data_from_scenes_need_no_raster_library_no_clip_and_no_window():
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
