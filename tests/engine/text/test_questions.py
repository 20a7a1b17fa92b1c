"""Templates and the answer vocabulary keep their promises."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.text import (
    ANSWERS,
    ANSWERS_VERSION,
    AREA_ANSWERS,
    COMPARISON_ANSWERS,
    COVER_ANSWERS,
    DEDUCTIONS,
    DISTRIBUTION_ANSWERS,
    LENGTH_ANSWERS,
    LOCATION_ANSWERS,
    NOUNS,
    OBJECT_ANSWERS,
    QUESTION_TYPES,
    SENSOR_ANSWERS,
    SETTLEMENT_ANSWERS,
    SHAPE_ANSWERS,
    TEMPLATES,
    THEME_ANSWERS,
    WEATHER_ANSWERS,
    area_answer,
    bin_hectares,
    bin_metres,
    length_answer,
    normalise,
    number_answer,
    word_question,
)
from engine.text.questions import _LEADS

SLOTS = {"relation-check": ("ship", "lake", "left"), "presence-in": ("ship", "top left")}
TESTED = {"shape-check": "round", "distribution-check": "clustered"}


def slots(template: str) -> tuple[str, ...]:
    """Something to fill a template with."""
    if template in SLOTS:
        return SLOTS[template]
    if template in TESTED:
        return ("lake", TESTED[template])
    return ("urban",) if template.endswith("-check") and "quality" not in template else ("forest", "farmland")


def test_answers_are_distinct_and_complete() -> None:
    assert len(set(ANSWERS)) == len(ANSWERS)
    groups = (LOCATION_ANSWERS, COVER_ANSWERS, WEATHER_ANSWERS, LENGTH_ANSWERS, AREA_ANSWERS, SHAPE_ANSWERS,
              DISTRIBUTION_ANSWERS, COMPARISON_ANSWERS, SENSOR_ANSWERS, THEME_ANSWERS, SETTLEMENT_ANSWERS,
              OBJECT_ANSWERS)  # fmt: skip
    assert {"yes", "no", *map(number_answer, range(12))}.union(*groups) == set(ANSWERS)
    assert len(LOCATION_ANSWERS) == 9


def test_a_change_of_the_vocabulary_needs_a_new_version() -> None:
    """Weights carry answer positions: the order may change only together with the version."""
    digest = hashlib.sha256("|".join(ANSWERS).encode()).hexdigest()[:12]
    assert (ANSWERS_VERSION, digest) == (2, "70b91597afeb")


def test_the_words_of_version_1_still_mean_what_they_did() -> None:
    first = ("yes", "no", *map(str, range(11)), "more than 10", "top left", "top", "top right", "left", "center",
             "right", "bottom left", "bottom", "bottom right", "water", "forest", "farmland", "grassland", "bare land",
             "built-up area", "clear", "cloudy", "dark")  # fmt: skip
    assert set(first) <= set(ANSWERS)


@pytest.mark.parametrize(
    ("count", "word"), [(0, "0"), (7, "7"), (10, "10"), (11, "more than 10"), (400, "more than 10")]
)
def test_counts_become_words(count: int, word: str) -> None:
    assert number_answer(count) == word
    assert word in ANSWERS


@pytest.mark.parametrize(
    ("length", "word"), [(0, "0-25"), (24.9, "0-25"), (25, "25-50"), (249, "225-250"), (250, "more than 250")]
)
def test_lengths_become_bins(length: float, word: str) -> None:
    assert length_answer(length) == word


@pytest.mark.parametrize(
    ("area", "word"),
    [(0, "0-250 square pixels"), (250, "250-500 square pixels"), (7999, "4000-8000 square pixels"),
     (65536, "more than 32000 square pixels")],
)  # fmt: skip
def test_areas_become_bins(area: float, word: str) -> None:
    assert area_answer(area) == word


@given(st.floats(0, 400), st.floats(0.5, 10))
def test_a_length_lies_within_its_bin_on_the_ground(length: float, gsd: float) -> None:
    low, high = bin_metres(length_answer(length), gsd)
    assert low <= length * gsd * (1 + 1e-9)
    assert high is None or length * gsd < high * (1 + 1e-9)


@given(st.floats(0, 65536), st.floats(0.5, 10))
def test_an_area_lies_within_its_bin_on_the_ground(area: float, gsd: float) -> None:
    low, high = bin_hectares(area_answer(area), gsd)
    hectares = area * gsd**2 / 10_000
    assert low <= hectares * (1 + 1e-9)
    assert high is None or hectares < high * (1 + 1e-9)


def test_bins_on_the_ground_by_hand() -> None:
    assert bin_metres("100-125", 2.0) == (200.0, 250.0)
    assert bin_metres("more than 250", 0.5) == (125.0, None)
    assert bin_hectares("1000-2000 square pixels", 10.0) == (10.0, 20.0)
    for wrong, convert in (("10", bin_metres), ("0-25", bin_hectares)):
        with pytest.raises(UsageError, match=wrong):
            convert(wrong, 1.0)


@pytest.mark.parametrize("name", TEMPLATES)
def test_wordings_are_many_and_held_out_ones_apart(name: str) -> None:
    template = TEMPLATES[name]
    assert template.type in QUESTION_TYPES
    assert len(template.train) >= 6
    assert len(template.held_out) >= 2
    texts = [normalise(wording) for wording in (*template.train, *template.held_out)]
    assert len(set(texts)) == len(texts)


def test_no_question_is_worded_alike_in_both_groups() -> None:
    """With all their introductions, over all templates."""
    texts = {}
    for group in ("train", "held-out"):
        texts[group] = {
            normalise(word_question(name, group, choice, *slots(name)))  # type: ignore[arg-type]
            for name in TEMPLATES
            for choice in range(9 * 12)
        }
    assert not texts["train"] & texts["held-out"]
    assert len(texts["train"]) > 1500


def test_every_type_has_a_template() -> None:
    assert {template.type for template in TEMPLATES.values()} == set(QUESTION_TYPES)
    assert len(QUESTION_TYPES) == 16
    assert {f"deduce-{topic}" for topic in DEDUCTIONS} <= set(TEMPLATES)


def test_wordings_fill_every_slot() -> None:
    for template in TEMPLATES.values():
        for wording, group in (("train", template.train), ("held-out", template.held_out)):
            for choice in range(len(group) * len(_LEADS[wording])):  # type: ignore[index]
                text = word_question(template.name, wording, choice, *slots(template.name))  # type: ignore[arg-type]
                assert "{" not in text
                assert text[-1] in "?."
                assert text[0].isupper()


def test_lengths_are_mixed_as_in_the_paper() -> None:
    """OSVQA: 4 to 69 words (TGFNet, section IV-C)."""
    words = [
        len(normalise(word_question(name, "train", choice, *slots(name))).split())
        for name in TEMPLATES
        for choice in range(60)
    ]
    assert min(words) <= 4
    assert max(words) >= 25
    assert 9 < sum(words) / len(words) < 17


def test_questions_read_as_english() -> None:
    assert word_question("presence", "train", 0, "ship") == "Is there a ship?"
    assert word_question("presence", "train", 80, "ship") == "Is there a ship?"  # choices wrap around
    assert word_question("presence", "train", 32, "airplane") == "In this scene, is there an airplane?"
    assert word_question("compare-count", "train", 0, "ship", "bridge") == "Are there more ships than bridges?"
    assert word_question("location", "train", 0, "storage tanks") == "Where is the group of storage tanks?"
    assert word_question("relation-check", "train", 0, "ship", "lake", "left") == "Is the ship to the left of the lake?"
    assert word_question("theme-check", "train", 0, "residential area") == "Is this a residential area?"
    assert word_question("number", "train", 0, "forest") == "How many patches of forest are there?"


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(UsageError, match="no question template color"):
        word_question("color", "train", 0)


def test_nouns_cover_every_land_cover_and_object() -> None:
    assert {*COVER_ANSWERS, *OBJECT_ANSWERS} <= set(NOUNS)
