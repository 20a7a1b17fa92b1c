"""Rendered sets hold what the scenes say, in every weather."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.scenes import make_sample
from engine.scenes.sample import under_weathers
from engine.text import ANSWERS
from engine.vqa.data import scenes as scenes_module
from engine.vqa.data.question_set import AS_IT_IS
from engine.vqa.data.scenes import SceneSetSpec, render_set
from engine.vqa.patch_truth import CHANNELS, patch_truth

SPEC = SceneSetSpec(
    first_seed=3,  # clear, cloud, fog
    count=3,
    wording="train",
    questions_per_type=1,
    view_px=64,
    size_px=64,
    grid=4,
    variants=("clear", "cloud", "dark"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scenes") / "set"


@pytest.fixture(scope="module")
def scenes(folder):
    return render_set(SPEC, PreprocessSpec(), folder)


def test_a_set_holds_what_the_scenes_say(scenes):
    assert scenes.optical.shape == (3, 4, 3, 64, 64)
    assert scenes.sar.shape == (3, 64, 64)
    assert scenes.patches.shape == (3, 16, CHANNELS)
    assert scenes.variants == (AS_IT_IS, "clear", "cloud", "dark")
    assert scenes.vocabulary == ANSWERS
    for row in range(3):
        sample = make_sample(3 + row, size=64)
        asked = [q for q in scenes.questions if q.scene == row]
        assert [(q.text, q.answer) for q in asked] == [(q.text, q.answer) for q in sample.questions]
        assert (scenes.weather[row], scenes.pair[row]) == (sample.weather, sample.pair)
        np.testing.assert_array_equal(scenes.patches[row], patch_truth(sample.scene, sample.item_map, 4))


def test_the_same_scene_in_another_weather_is_what_a_sample_of_that_weather_shows():
    sample = make_sample(6, size=64)
    for weather in ("clear", "cloud", "fog", "dark"):
        other = make_sample(6, size=64, weather=weather)
        picture = under_weathers(sample.truth, [(weather, other.strength)])[0]
        np.testing.assert_array_equal(picture, other.optical)


def test_every_variant_is_another_picture_and_clear_is_clear(scenes):
    for row in range(3):
        pictures = {picture.tobytes() for picture in scenes.optical[row]}
        assert len(pictures) == (3 if scenes.weather[row] == "clear" else 4)
        is_clear = np.array_equal(scenes.optical[row, 0], scenes.optical[row, 1])
        assert is_clear == (scenes.weather[row] == "clear")
    assert set(scenes.weather) > {"clear"}  # both cases were seen


def test_metres_per_pixel_are_those_of_the_networks_square(scenes):
    shrunk = render_set(replace(SPEC, count=1, size_px=32, grid=2, variants=()), PreprocessSpec(), None)
    assert shrunk.gsd_m[0] == pytest.approx(2 * scenes.gsd_m[0])
    assert scenes.gsd_m[0] == make_sample(3, size=64).gsd_m


def test_a_set_is_reused_and_a_changed_spec_renders_anew(scenes, folder):
    rendered = []
    assert render_set(SPEC, PreprocessSpec(), folder, report=lambda done, of: rendered.append(done)).questions
    assert rendered == []
    other = folder.parent / "other"
    fewer = render_set(replace(SPEC, count=1), PreprocessSpec(), other)
    again = render_set(replace(SPEC, count=2), PreprocessSpec(), other, report=lambda d, o: rendered.append(d))
    assert (len(fewer), len(again), rendered) == (1, 2, [2])
    assert len({scenes.key, fewer.key, again.key}) == 3


def test_a_set_of_an_older_version_of_the_rules_is_rendered_anew(tmp_path, monkeypatch):
    one = replace(SPEC, count=1, variants=())
    before = render_set(one, PreprocessSpec(), tmp_path / "set")
    monkeypatch.setattr(scenes_module, "VERSION", scenes_module.VERSION + 1)
    rendered = []
    after = render_set(one, PreprocessSpec(), tmp_path / "set", report=lambda done, of: rendered.append(done))
    assert rendered == [1]
    assert before.key != after.key


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_set_in_memory_is_the_one_on_disk(scenes, workers):
    """Served from as many processes as there are, without a file."""
    kept = render_set(SPEC, PreprocessSpec(), None, workers=workers)
    for name in ("optical", "sar", "patches"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(scenes, name))
    for name in ("questions", "weather", "pair", "gsd_m", "names", "key"):
        assert getattr(kept, name) == getattr(scenes, name)


@pytest.mark.parametrize("variants", [("hail",), ("fog", "fog")])
def test_variants_that_cannot_be_made_are_refused(variants):
    with pytest.raises(UsageError, match="cannot be made"):
        render_set(replace(SPEC, variants=variants), PreprocessSpec(), None)
