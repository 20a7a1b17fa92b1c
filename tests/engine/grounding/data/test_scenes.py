"""Rendered expression sets say what the scenes say, of what each picture shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine.grounding.data import scenes as scenes_module
from engine.grounding.data.scene_truth import picture_truth
from engine.grounding.data.scenes import render_expressions
from engine.nn.preprocess import PreprocessSpec
from engine.scenes import make_sample
from engine.scenes.asked import HIDDEN_SHARE, hidden_things
from engine.scenes.exam import EXAMS, exam_referrals, exam_truth
from engine.scenes.radar.radar_view import radar_view
from engine.scenes.truths.facts import has_textured_town
from engine.scenes.truths.referring import BOX_AREA_PX, BOX_CATEGORIES, BOX_SIDE_PX, SAR_CATEGORIES
from engine.scenes.truths.selection import Selector
from engine.text import parse
from engine.training.scene_sets import SceneSetSpec, exam_spec

SPEC = SceneSetSpec(first_seed=10_000_000, count=6, wording="train", view_px=256, size_px=64)
CLOUDED = 10_000_005
"""A scene whose clouds hide some of its things, and of one of two expressions what it names."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("expressions") / "set"


@pytest.fixture(scope="module")
def pictures(folder):
    return render_expressions(SPEC, PreprocessSpec(), folder)


@pytest.fixture(scope="module")
def samples():
    return {seed: make_sample(seed, questions_per_type=0) for seed in range(SPEC.first_seed, SPEC.first_seed + 6)}


def test_every_scene_has_its_optical_picture_and_its_sar_picture_where_it_is_of_the_same_place(pictures, samples):
    wanted = [
        f"scene {seed} {sensor}"
        for seed, sample in samples.items()
        for sensor in (("optical", "sar") if sample.pair == "exact" else ("optical",))
    ]
    assert list(pictures.names) == wanted
    assert {len(set(pictures.names)), len(pictures.pixels)} == {len(wanted)}
    assert len({sample.pair for sample in samples.values()}) > 1  # both cases were seen
    assert set(pictures.sensors) == {"optical", "sar"}
    for row, name in enumerate(pictures.names):
        sample = samples[int(name.split()[1])]
        assert pictures.weather[row] == (sample.weather if pictures.sensors[row] == "optical" else "")
        assert pictures.gsd_m[row] == pytest.approx(4 * sample.gsd_m)


def test_scored_expressions_are_the_referrals_with_their_boxes(pictures, samples):
    for row, own in enumerate(pictures.by_picture()):
        sample = samples[int(pictures.names[row].split()[1])]
        if sample.hidden.any():
            continue
        wanted = Counter(
            (r.text, tuple(edge / 4 for edge in r.box_xyxy_px), r.category, r.how, r.distractors)
            for r in sample.referrals
            if r.task == "box" and r.sensor == pictures.sensors[row]
        )
        scored = [pictures.expressions[index] for index in own if pictures.expressions[index].scored]
        found = Counter(
            (e.text, pictures.things[e.things[0]].box_xyxy_px, e.category, e.how, e.distractors) for e in scored
        )
        assert found == wanted
        assert all(pictures.things[thing].picture == row for e in scored for thing in e.things)


def test_things_are_all_that_the_sensor_shows_well_enough(pictures, samples):
    shown = Counter()
    for row, own in enumerate(pictures.things_by_picture()):
        sample, sensor = samples[int(pictures.names[row].split()[1])], pictures.sensors[row]
        if sensor == "optical" and sample.hidden.any():
            continue
        facts = radar_view(sample.facts) if sensor == "sar" else sample.facts
        names = [name for name in BOX_CATEGORIES if (name in SAR_CATEGORIES) or sensor == "optical"]
        for thing in facts.things:
            left, top, right, bottom = thing.box
            large = thing.area_px >= BOX_AREA_PX and min(right - left, bottom - top) >= BOX_SIDE_PX
            listed = [pictures.things[t] for t in own if pictures.things[t].category == thing.name]
            found = tuple(edge / 4 for edge in thing.box) in [one.box_xyxy_px for one in listed]
            if sensor == "optical":
                assert found == (large and thing.name in names and thing.name != "transmission tower")
            shown[sensor, found] += 1
            assert found or thing.name in pictures.uncertain[row]
    assert min(shown[sensor, True] for sensor in ("optical", "sar")) > 3


def test_a_class_in_the_plural_names_all_its_things_and_none_that_is_uncertain(pictures):
    classes = [one for one in pictures.expressions if not one.scored]
    assert len(classes) > 5
    for one in classes:
        own = {n for n, thing in enumerate(pictures.things) if thing.picture == one.picture}
        assert set(one.things) == {n for n in own if pictures.things[n].category == one.category}
        assert one.category not in pictures.uncertain[one.picture]
        parsed = parse(one.text)
        assert (parsed.category, parsed.plural, parsed.certain) == (one.category, True, True)
        assert parsed.sensor in ("", pictures.sensors[one.picture])
    present = {(thing.picture, thing.category) for thing in pictures.things}
    named = {(one.picture, one.category) for one in classes}
    assert all(name in pictures.uncertain[picture] for picture, name in present - named)
    held_out = picture_truth(make_sample(SPEC.first_seed), "optical", "held-out")
    assert held_out.expressions[-1].text not in {one.text for one in classes}


def test_further_draws_name_more_and_nothing_twice_in_the_same_way(samples):
    counts = Counter()
    for sample in samples.values():
        if sample.hidden.any():
            continue
        once, thrice = (picture_truth(sample, "optical", "train", draws=draws) for draws in (1, 3))
        assert set(once.expressions) <= set(thrice.expressions)
        assert once.things == thrice.things
        scored = [one for one in thrice.expressions if one.scored]
        assert len({(one.things, one.how) for one in scored}) == len(scored)
        selector = Selector(sample.facts)
        for one in scored:
            (member,) = selector.select(parse(one.text)).members
            assert sample.facts.things[member].box == thrice.things[one.things[0]].box_xyxy_px
        counts.update(once=sum(one.scored for one in once.expressions), thrice=len(scored))
    assert counts["thrice"] > 1.5 * counts["once"] > 0


def test_where_a_town_is_a_texture_its_junctions_are_neither_claimed_nor_denied(samples):
    towns = [sample for sample in samples.values() if has_textured_town(sample.facts)]
    assert towns
    for sample in towns:
        truth = picture_truth(sample, "optical", "train")
        assert {"crossroad", "T junction", "building", "road"} <= set(truth.uncertain)


def test_what_weather_hides_is_neither_asked_for_nor_denied(samples):
    sample = samples[CLOUDED]
    hidden = hidden_things(sample)
    assert 0 < len(hidden) < len(sample.facts.things)
    for thing in sample.facts.things:
        share = float(sample.hidden[sample.facts.mask(thing)].mean())
        assert (share > HIDDEN_SHARE) == (thing.id in hidden)
    truth = picture_truth(sample, "optical", "train")
    boxes = {thing.box_xyxy_px for thing in truth.things}
    assert boxes
    assert not boxes & {sample.facts.things[thing].box for thing in hidden}
    assert {sample.facts.things[thing].name for thing in hidden} <= set(truth.uncertain)
    referrals = {r.text: r for r in sample.referrals if r.task == "box" and r.sensor == "optical"}
    asked = {one.text for one in truth.expressions if one.scored}
    assert truth.unseen == len(referrals) - len(asked) == 1
    assert not any(referrals[text].members[0] in hidden for text in asked)
    clear = make_sample(CLOUDED, weather="clear")
    assert {one.text for one in picture_truth(clear, "optical", "train").expressions if one.scored} == set(referrals)


def test_an_expression_goes_when_what_it_leans_on_is_hidden(samples):
    """Hide everything but the thing that is meant: of what is said of it, a relation holds no longer."""
    sample = next(s for s in samples.values() if any(_leans(r) for r in s.referrals) and not s.hidden.any())
    referral = next(r for r in sample.referrals if _leans(r))
    meant = sample.facts.things[referral.members[0]]
    left, top, right, bottom = meant.box
    hidden = np.ones_like(sample.hidden)
    hidden[top:bottom, left:right] = False
    under = replace(sample, hidden=hidden)
    assert meant.id not in hidden_things(under)
    truth = picture_truth(under, "optical", "train")
    assert referral.text not in {one.text for one in truth.expressions}
    assert meant.box in {thing.box_xyxy_px for thing in truth.things}


def _leans(referral):
    return referral.task == "box" and referral.sensor == "optical" and referral.how == "relation"


def test_an_exam_asks_what_it_asks():
    exam = EXAMS["exam-v1"]
    found = render_expressions(exam_spec(exam, 3, 64), PreprocessSpec(), None)
    for number in range(3):
        wanted = [
            (r.text, f"scene {exam.first_seed + number} {r.sensor}")
            for r in exam_referrals(exam_truth(exam, number))
            if r.task == "box"
        ]
        rows = [row for row, name in enumerate(found.names) if name.split()[1] == str(exam.first_seed + number)]
        asked = [(e.text, found.names[e.picture]) for e in found.expressions if e.scored and e.picture in rows]
        assert sorted(asked) == sorted(wanted)
    assert found.left_out == ()


def test_a_set_is_reused_and_goes_on_in_the_middle_of_a_scene(pictures, folder, tmp_path, monkeypatch):
    told: list[int] = []
    kept = render_expressions(SPEC, PreprocessSpec(), folder, report=lambda done, of: told.append(done))
    assert told == []
    assert kept.key == pictures.key
    rows = scenes_module._rendered(SPEC, PreprocessSpec(), 1, scenes_module._pictures(SPEC), 1)
    values, _ = next(iter(rows))
    assert pictures.names[:2] == ("scene 10000000 optical", "scene 10000000 sar")
    np.testing.assert_array_equal(values["pixels"], pictures.pixels[1])
    monkeypatch.setattr(scenes_module, "VERSION", scenes_module.VERSION + 1)
    assert render_expressions(replace(SPEC, count=1), PreprocessSpec(), None).key != pictures.key


def test_a_set_in_memory_is_the_one_on_disk(pictures):
    kept = render_expressions(SPEC, PreprocessSpec(), None)
    np.testing.assert_array_equal(kept.pixels, pictures.pixels)
    for name in ("things", "expressions", "uncertain", "names", "sensors", "weather", "gsd_m", "key", "closed"):
        assert getattr(kept, name) == getattr(pictures, name)
    sar = pictures.sensors.index("sar")
    np.testing.assert_array_equal(pictures.pixels[sar, 0], pictures.pixels[sar, 2])  # one picture, three times
