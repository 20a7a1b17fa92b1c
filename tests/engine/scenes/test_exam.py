"""The exam is frozen, the same in every process, hard, and fair to all weathers and deliveries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib import resources

import numpy as np
import pytest

from engine.errors import Cancelled, UsageError
from engine.jobs.exam import exam_report
from engine.scenes import WORLD_VERSION
from engine.scenes.difficulty import difficulty, scene_facts
from engine.scenes.exam import EXAMS, digest, exam_truth, find_exam, truth_digest

SCENES = 36
"""Enough to meet every weather in every delivery three times."""

FIRST = "a117d4924c4448410f9b38ae69f197a61c0d5d9a8f6d7022801f9d303f1b5f96"
"""The digest of the first six scenes of exam-v1, so that every run sees whether they are what they were."""


@pytest.fixture(scope="module")
def truths():
    exam = find_exam("exam-v1")
    return [exam_truth(exam, number) for number in range(SCENES)]


def test_the_first_scenes_are_as_they_were_frozen(truths):
    assert digest(truth_digest(truth) for truth in truths[:6]) == FIRST


@pytest.mark.parametrize("name", EXAMS)
def test_the_table_that_ships_is_of_the_frozen_exam(name):
    folder = resources.files("resources") / "exams"
    stored = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    assert stored["sha256"] == EXAMS[name].sha256
    assert stored["difficulty"]["scenes"]["count"] == EXAMS[name].count
    assert EXAMS[name].sha256 in (folder / f"{name}.txt").read_text(encoding="utf-8")
    for kind, row in stored["difficulty"]["questions"].items():
        assert row["answers above 5 %"] >= 2, kind
        assert stored["difficulty"]["guess"]["per_type"][kind] < 0.6, kind


def test_another_process_makes_the_same_exam(truths):
    """With another order of hashes, and without this process's history."""
    program = (
        "from engine.scenes.exam import digest, exam_truth, find_exam, truth_digest\n"
        "exam = find_exam('exam-v1')\n"
        "print(digest(truth_digest(exam_truth(exam, number)) for number in (5, 3, 0)))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest(truth_digest(truths[number]) for number in (5, 3, 0))


def test_every_weather_comes_in_every_delivery(truths):
    met = Counter((truth.condition.weather, truth.condition.sar_unit) for truth in truths)
    assert set(met.values()) == {3}
    assert len(met) == 4 * 3


def test_it_is_not_easy(truths):
    """Small things, things of the same class beside them, and words that only place or relation makes true."""
    table = difficulty([scene_facts(truth) for truth in truths])
    boxes, masks = table["boxes"], table["masks"]
    assert boxes["count"] > 2 * SCENES
    assert boxes["share with distractors"] == 1.0
    assert boxes["by chance"] < 0.35
    assert boxes["side_px"]["50%"] < 16
    assert "category" not in boxes["told apart by"]
    placed = sum(count for how, count in boxes["told apart by"].items() if "position" in how or "relation" in how)
    assert placed > 0.4 * boxes["count"]
    assert {"optical", "sar"} == set(boxes["sensor"])
    assert masks["count"] > 2 * SCENES
    assert masks["share with distractors"] > 0.5


def test_expressions_are_of_what_is_there(truths):
    for truth in truths:
        for referral in scene_facts(truth).referrals:
            assert referral.side_px > 0
            assert referral.words >= 2


def test_a_changed_word_changes_the_digest(truths):
    """The digest covers what is said, not only where things are."""
    exam = find_exam("exam-v1")
    assert truth_digest(truths[1]) != truth_digest(truths[2])
    assert truth_digest(truths[1]) == truth_digest(exam_truth(exam, 1))
    assert digest([truth_digest(t) for t in truths[:2]]) != digest([truth_digest(t) for t in truths[1::-1]])


def test_quantiles_and_counts_by_hand(truths):
    facts = [scene_facts(truth) for truth in truths]
    table = difficulty(facts)
    gsd = [truth.scene.gsd_m for truth in truths]
    assert table["scenes"]["gsd_m"]["50%"] == round(float(np.median(gsd)), 2)
    assert sum(table["scenes"]["setting"].values()) == SCENES
    asked = Counter(question.type for truth in truths for question in truth.questions)
    assert {kind: row["questions"] for kind, row in table["questions"].items()} == asked


def test_what_is_no_exam_is_refused():
    with pytest.raises(UsageError, match="no exam"):
        find_exam("exam-v0")
    with pytest.raises(UsageError, match="has no scene 2000"):
        exam_truth(find_exam("exam-v1"), 2000)


def test_it_can_be_cancelled():
    with pytest.raises(Cancelled):
        exam_report("exam-v1", guess=False, workers=1, cancelled=lambda: True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", EXAMS)
def test_the_whole_exam_is_the_frozen_one(name):
    report = exam_report(name, guess=False, workers=2)
    assert report.frozen, report.sha256
    assert EXAMS[name].world_version == WORLD_VERSION
    for kind, row in report.difficulty["questions"].items():
        assert row["answers above 5 %"] >= 2, kind
