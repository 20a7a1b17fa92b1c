"""Samples: the same seed anywhere, weather that hides, pairs that are moved or of another place, speed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy import ndimage

from engine.errors import UsageError
from engine.records.raster import SarUnit
from engine.scenes import WORLD_VERSION, Sample, make_sample, make_truth
from engine.scenes.condition import CONDITION_STREAM, PAIRS, draw_condition
from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_items
from engine.scenes.sample import translated
from engine.scenes.truths.facts import measure
from tests.engine.scenes.digests import FROZEN, SEEDS

PRINT_DIGESTS = """
import hashlib, json, sys
from engine.scenes import make_sample
for seed in map(int, sys.argv[1:]):
    s = make_sample(seed, questions_per_type=3)
    truth = repr((s.scene, s.description, s.questions, s.referrals)).encode()
    pixels = s.optical.tobytes() + s.sar.tobytes() + s.sar_db.tobytes()
    print(json.dumps([hashlib.sha256(truth).hexdigest(), hashlib.sha256(pixels).hexdigest()]))
loaded = {"torch", "rasterio", "PySide6", "transformers"} & set(sys.modules)
assert not loaded, loaded
"""


def in_a_process(code: list[str], **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def samples() -> dict[int, Sample]:
    return {seed: make_sample(seed, questions_per_type=3) for seed in range(5)}


def test_two_processes_agree(samples: dict[int, Sample]) -> None:
    """Whatever the order of hashes: nothing true hangs on the order of a set."""
    for hash_seed in ("0", "4711"):
        printed = in_a_process(["-c", PRINT_DIGESTS, "0", "1", "2"], PYTHONHASHSEED=hash_seed)
        for seed, line in enumerate(printed.splitlines()):
            s = samples[seed]
            truth = repr((s.scene, s.description, s.questions, s.referrals)).encode()
            pixels = s.optical.tobytes() + s.sar.tobytes() + s.sar_db.tobytes()
            assert json.loads(line) == [hashlib.sha256(truth).hexdigest(), hashlib.sha256(pixels).hexdigest()]


def test_truth_is_what_it_was() -> None:
    """On every machine and every NumPy. See ``digests`` for what a difference means."""
    if not FROZEN.exists():
        pytest.skip("The world is not frozen yet: python -m tests.engine.scenes.digests --freeze")
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    assert frozen["world_version"] == WORLD_VERSION
    assert len(frozen["digests"]) == len(SEEDS)
    assert json.loads(in_a_process(["-m", "tests.engine.scenes.digests"])) == frozen


def test_shapes_and_types(samples: dict[int, Sample]) -> None:
    for s in samples.values():
        assert s.optical.shape == s.optical_clear.shape == (3, 256, 256)
        assert s.optical.dtype == s.optical_clear.dtype == np.uint8
        assert s.sar_db.shape == s.sar.shape == s.item_map.shape == s.hidden.shape == (256, 256)
        assert s.sar_db.dtype == np.float32
        assert 0.5 <= s.gsd_m <= 10
        assert len(s.questions) >= (4 if s.pair == "other" else 15)


def test_truth_needs_no_pictures(samples: dict[int, Sample]) -> None:
    for seed, s in samples.items():
        truth = make_truth(seed, questions_per_type=3)
        assert truth.scene == s.scene
        assert truth.description == s.description
        assert truth.questions == s.questions
        assert truth.referrals == s.referrals


def test_another_size_is_another_place() -> None:
    small, large = make_truth(3, size=64), make_truth(3, size=600)
    assert small.facts.top.shape == (64, 64)
    assert large.facts.top.shape == (600, 600)
    assert large.questions


def test_weather_touches_only_the_optical_picture() -> None:
    for seed in range(2):
        clear, *others = (make_sample(seed, weather=w, pair="exact") for w in ("clear", "cloud", "fog", "dark"))
        assert clear.strength == 0
        for other in others:
            np.testing.assert_array_equal(other.sar_db, clear.sar_db)
            np.testing.assert_array_equal(other.sar, clear.sar)
            np.testing.assert_array_equal(other.optical_clear, clear.optical)
            assert other.scene == clear.scene
            assert other.referrals == clear.referrals
            assert (other.optical != clear.optical).any()
        assert others[2].optical.mean() < 0.8 * clear.optical.mean()


def test_what_weather_hides_is_known_without_the_picture() -> None:
    """``quality`` needs to know what lies under cloud; with the picture the same is hidden."""
    for seed in range(3):
        sample = make_sample(seed, weather="cloud", pair="exact")
        below, seen = sample.optical_clear[1][sample.hidden], sample.optical[1][sample.hidden]
        if len(below) > 2000:
            assert abs(np.corrcoef(below.astype(float), seen.astype(float))[0, 1]) < 0.3
        assert make_truth(seed, weather="cloud", pair="exact").description == sample.description
    assert not make_sample(0, weather="clear").hidden.any()


@pytest.mark.parametrize("unit", ["db", "amplitude", "stretched-8bit"])
def test_deliveries_are_one_image(unit: SarUnit) -> None:
    s = make_sample(5, sar_unit=unit)
    assert s.sar_unit == unit
    if unit == "db":
        np.testing.assert_array_equal(s.sar, s.sar_db)
    elif unit == "amplitude":
        np.testing.assert_allclose(20 * np.log10(s.sar), s.sar_db, atol=1e-3)
    else:
        assert s.sar.dtype == np.uint8
        order = np.argsort(s.sar_db, axis=None)
        assert (np.diff(s.sar.ravel()[order].astype(int)) >= 0).all()


# ---- pairs


def test_conditions_are_drawn_apart_and_all_occur() -> None:
    drawn = [draw_condition(seed) for seed in range(400)]
    assert {(c.weather, c.pair) for c in drawn} >= {(w, p) for w in ("clear", "cloud", "dark") for p in PAIRS}
    assert CONDITION_STREAM == 3
    for condition in drawn:
        assert (condition.strength == 0) == (condition.weather == "clear")
        assert 0 <= condition.strength <= 1
        assert (condition.shift_px == (0, 0)) == (condition.pair != "shifted")
        assert max(map(abs, condition.shift_px)) <= 12
    assert draw_condition(3, pair="exact").looks == draw_condition(3, pair="other").looks
    with pytest.raises(UsageError, match="no pair"):
        draw_condition(3, pair="near")  # type: ignore[arg-type]


def test_a_shifted_pair_shows_the_same_place_moved() -> None:
    """What the radar saw in the exact pair is found again at the stated shift, far better than without."""
    for seed in (4, 9, 12):
        exact, moved = make_sample(seed, pair="exact"), make_sample(seed, pair="shifted")
        dx, dy = moved.shift_px
        assert moved.scene == exact.scene
        np.testing.assert_array_equal(moved.optical, exact.optical)
        smooth = [ndimage.gaussian_filter(s.sar_db, 2) for s in (exact, moved)]
        here, there = (slice(16, -16), slice(16, -16)), (slice(16 + dy, 240 + dy), slice(16 + dx, 240 + dx))
        unmoved = np.corrcoef(smooth[0][here].ravel(), smooth[1][here].ravel())[0, 1]
        followed = np.corrcoef(smooth[0][here].ravel(), smooth[1][there].ravel())[0, 1]
        assert followed > max(unmoved + 0.1, 0.5), seed


def test_translation_moves_every_item() -> None:
    scene = make_scene(2)
    there = translated(scene, 9, -5)
    top, moved = (paint_items(s.items, s.size) for s in (scene, there))
    assert (top[5:, :-9] == moved[:-5, 9:]).mean() > 0.995  # rounding of half pixels
    assert len(there.marks) == len(scene.marks)
    assert translated(there, -9, 5) == scene


def test_nothing_is_missing_beside_a_shifted_view() -> None:
    """What comes in from beyond the border is laid out as the rest: roads go on, and water has no straight rim."""
    for seed in range(8):
        scene = make_scene(seed)
        moved = measure(translated(scene, 12, 12), paint_items(translated(scene, 12, 12).items, scene.size))
        came_in = np.bincount(moved.ground[:12].ravel(), minlength=len(scene.items)) / (12 * scene.size)
        edge = np.bincount(moved.ground[12:24].ravel(), minlength=len(scene.items)) / (12 * scene.size)
        assert np.abs(came_in - edge).max() < 0.35


def test_another_place_is_no_match() -> None:
    exact, other = make_sample(4, pair="exact"), make_sample(4, pair="other")
    np.testing.assert_array_equal(exact.optical, other.optical)
    assert (exact.sar_db != other.sar_db).mean() > 0.9
    assert (exact.description.match, other.description.match) == (True, False)
    for seed in range(10):
        truth = make_truth(seed, pair="other", questions_per_type=9)
        assert {question.type for question in truth.questions} <= {"match", "fog-dark", "quality"}
        assert all(referral.sensor == "optical" for referral in truth.referrals)


def test_impossible_requests_are_refused() -> None:
    for seed, size in ((-1, 256), (0, 32), (0, 5000)):
        with pytest.raises(UsageError, match=f"No scene has seed {seed} and size {size}"):
            make_sample(seed, size=size)


def test_at_least_five_scenes_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    make_sample(0)
    start = time.process_time()
    for seed in range(8):
        make_sample(seed)
    rate = 8 / (time.process_time() - start)
    with capsys.disabled():
        sys.stdout.write(f"\nscenes of 256 x 256 per second of one core, pictures and all truths: {rate:.1f}\n")
    assert rate > 5
