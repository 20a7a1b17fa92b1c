"""Typed questions meet in one normal form."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.text import normalise


def test_case_punctuation_and_space_do_not_matter() -> None:
    assert normalise("  Is there\ta RIVER ?\n") == normalise("is there a river") == "is there a river"


def test_unicode_forms_and_accents_do_not_matter() -> None:
    assert normalise("caf\u00e9") == normalise("cafe\u0301") == "cafe"
    assert normalise("Ｂｒｉｄｇｅ\u00a0２") == "bridge 2"
    assert normalise("built\u2013up") == normalise("built-up") == "built up"


def test_other_scripts_stay() -> None:
    assert normalise("Где река?") == "где река"


def test_a_question_without_letters_is_empty() -> None:
    assert normalise("?! … ") == ""


@given(st.text())
def test_is_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once == " ".join(once.split())
