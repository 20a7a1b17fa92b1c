"""Words: the questions that scenes are asked, the answers there are, and one normal form for typed questions.

:mod:`~engine.text.questions` holds the templates and their wordings, some of them kept for the test split only;
:mod:`~engine.text.vocabulary` the versioned list of answers a network is trained to choose from;
:func:`normalise` is applied to every question before it is tokenised, in training as in use.
"""

from engine.text.normal import normalise
from engine.text.questions import NOUNS, QUESTION_TYPES, TEMPLATES, Noun, Template, Wording, word_question
from engine.text.vocabulary import (
    ANSWERS,
    ANSWERS_VERSION,
    COVER_ANSWERS,
    LOCATION_ANSWERS,
    NUMBER_CAP,
    WEATHER_ANSWERS,
    number_answer,
)

__all__ = [
    "ANSWERS",
    "ANSWERS_VERSION",
    "COVER_ANSWERS",
    "LOCATION_ANSWERS",
    "NOUNS",
    "NUMBER_CAP",
    "QUESTION_TYPES",
    "TEMPLATES",
    "WEATHER_ANSWERS",
    "Noun",
    "Template",
    "Wording",
    "normalise",
    "number_answer",
    "word_question",
]
