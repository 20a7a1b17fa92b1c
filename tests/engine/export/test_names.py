"""File names: stable, portable, and different for different answers, whatever the question."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from engine.export.names import slug, stem
from tests.engine.export.handmade import AnswerMaker, answer_by_hand

# What reaches a record: text that can be written as UTF-8 (the command line replaces what cannot).
questions = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3000).filter(str.strip)


@given(questions)
def test_any_question_gives_a_portable_name(question: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", slug(question))


@given(questions)
def test_the_name_of_any_answer_is_short_and_the_same_again(question: str) -> None:
    with TemporaryDirectory() as folder:
        first, second = (answer_by_hand(Path(folder), question=question) for _ in range(2))
    assert stem(first) == stem(second)
    assert re.fullmatch(r"[a-z0-9-]+_20261121T104455Z_[0-9a-f]{6}", stem(first))
    assert len(stem(first)) < 80


def test_accents_are_dropped_and_words_joined() -> None:
    assert slug("Où est l'éolienne, s'il vous plaît?") == "ou-est-l-eolienne-s-il-vous-plait"
    assert slug("河在哪里？") == "question"
    assert slug("../../etc/passwd") == "etc-passwd"


def test_two_answers_of_one_second_differ(make_answer: AnswerMaker) -> None:
    assert stem(make_answer(answer="yes")) != stem(make_answer(answer="no"))
