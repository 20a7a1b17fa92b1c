"""One word for one thing, whatever a data set calls it."""

from __future__ import annotations

import pytest

from engine.datasets.categories import OPTSAR_CATEGORIES, category_of, optsar_category, optsar_name
from engine.scenes.scene import MARKS, OBJECTS


def test_the_sixteen_are_things_of_the_world():
    assert len(set(OPTSAR_CATEGORIES)) == 16
    assert [sensor for sensor, _ in OPTSAR_CATEGORIES].count("sar") == 2
    assert {category for _, category in OPTSAR_CATEGORIES} <= {*OBJECTS, *MARKS}
    for sensor, category in OPTSAR_CATEGORIES:
        assert optsar_category(optsar_name(sensor, category)) == (sensor, category)
        assert category_of(category) == category


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("optical groundtrackfield", "ground track field"),
        ("ground-track-field", "ground track field"),
        ("Optical_Ground_Track_Field", "ground track field"),
        ("optical t-junction", "T junction"),
        ("Tjunction", "T junction"),
        ("crossroads", "crossroad"),
        ("storagetanks", "storage tank"),
        ("baseballfield", "baseball diamond"),
        ("plane", "airplane"),
        ("SAR Ship", "ship"),
        ("sar-tower", "transmission tower"),
        ("Harbour", "harbor"),
        ("golffield", "golf course"),
        ("Expressway-Service-area", "expressway service area"),
        ("Arleigh_Burke  DD", "arleigh burke dd"),
        ("", ""),
    ],
)
def test_spellings(name, category):
    assert category_of(name) == category


@pytest.mark.parametrize("name", ["ship", "sar bridge", "optical transmission tower", "optical dam", "", "optical"])
def test_what_is_none_of_the_sixteen(name):
    assert optsar_category(name) is None
