"""Templates and the answer vocabulary keep their promises."""

from __future__ import annotations

import hashlib

import pytest

from engine.errors import UsageError
from engine.text import (
    ANSWERS,
    ANSWERS_VERSION,
    COVER_ANSWERS,
    LOCATION_ANSWERS,
    NOUNS,
    QUESTION_TYPES,
    TEMPLATES,
    WEATHER_ANSWERS,
    normalise,
    number_answer,
    word_question,
)


def test_answers_are_distinct_and_complete() -> None:
    assert len(set(ANSWERS)) == len(ANSWERS)
    assert {"yes", "no", "0", "10", "more than 10", *LOCATION_ANSWERS, *COVER_ANSWERS, *WEATHER_ANSWERS} <= {*ANSWERS}
    assert len(LOCATION_ANSWERS) == 9


def test_a_change_of_the_vocabulary_needs_a_new_version() -> None:
    """Weights carry answer positions: the order may change only together with the version."""
    digest = hashlib.sha256("|".join(ANSWERS).encode()).hexdigest()[:12]
    assert (ANSWERS_VERSION, digest) == (1, "ef7b1c397cd1")


@pytest.mark.parametrize(
    ("count", "word"), [(0, "0"), (7, "7"), (10, "10"), (11, "more than 10"), (400, "more than 10")]
)
def test_counts_become_words(count: int, word: str) -> None:
    assert number_answer(count) == word
    assert word in ANSWERS


@pytest.mark.parametrize("name", TEMPLATES)
def test_wordings_are_many_and_held_out_ones_apart(name: str) -> None:
    template = TEMPLATES[name]
    assert template.type in QUESTION_TYPES
    assert len(template.train) >= 6
    assert len(template.held_out) >= 2
    texts = [normalise(wording) for wording in (*template.train, *template.held_out)]
    assert len(set(texts)) == len(texts)


def test_every_type_has_a_template() -> None:
    assert {template.type for template in TEMPLATES.values()} == set(QUESTION_TYPES)


def test_wordings_fill_every_slot() -> None:
    for template in TEMPLATES.values():
        for wording, group in (("train", template.train), ("held-out", template.held_out)):
            for choice in range(len(group)):
                subject = "cloudy" if template.name == "weather-check" else "forest"
                text = word_question(template.name, wording, choice, subject, "farmland")  # type: ignore[arg-type]
                assert "{" not in text
                assert text[-1] in "?."
                assert text[0].isupper()


def test_questions_read_as_english() -> None:
    assert word_question("presence", "train", 0, "ship") == "Is there a ship?"
    assert word_question("presence", "train", 8, "ship") == "Is there a ship?"  # choices wrap around
    assert word_question("compare-count", "train", 0, "ship", "bridge") == "Are there more ships than bridges?"
    assert word_question("location", "train", 0, "storage tanks") == "Where is the group of storage tanks?"


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(UsageError, match="no question template colour"):
        word_question("colour", "train", 0)


def test_nouns_cover_every_land_cover() -> None:
    assert set(COVER_ANSWERS) <= set(NOUNS)
