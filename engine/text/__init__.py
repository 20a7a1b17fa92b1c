"""Words: the questions that are asked of an optical-SAR pair, the answers there are, and expressions that name things.

Reading order for questions:

``description`` what is known of a pair: the attributes of OSVQA's Table I.
``cases``       everything that can be asked about a description, type by type.
``balance``     how often each is asked, so that words alone do not give answers away.
``asker``       draws questions and puts them into words.
``questions``   :func:`word_question` and the record of a :class:`Question`; ``templates``, ``object_templates`` and
                ``scene_templates`` hold the wordings, some of them kept for the test split only; ``nouns`` the names.
``vocabulary``  the versioned list of answers a network is trained to choose from, and what a bin is on the ground.

Reading order for expressions:

``directions``  direction words in a sentence: found, turned with the picture, swapped, checked against boxes;
                ``direction_words`` the words and their look-alikes.
``expressions`` :func:`parse` takes an expression apart; ``expression_templates`` has the inverse, :func:`say`, with
                its wordings, ``expression_words`` the names of things; ``understood`` tells how one was read.
``negatives``   sentences that contradict an expression.
``meaning``     whether one's directions are true of a box, as far as that can be known without looking.

``normal``      :func:`normalise` is applied to every text before it is tokenised, in training as in use.
"""

from engine.text.asker import Asker
from engine.text.balance import Balance, balance_of, count_outcomes
from engine.text.description import Deduction, Description, Relation, Subject
from engine.text.directions import Direction, Uncertain, find_directions
from engine.text.expressions import Parsed, parse
from engine.text.negatives import negatives
from engine.text.normal import normalise
from engine.text.nouns import NOUNS, Noun
from engine.text.questions import DEDUCTIONS, QUESTION_TYPES, TEMPLATES, Question, Wording, word_question
from engine.text.templates import Template
from engine.text.vocabulary import (
    ANSWERS,
    ANSWERS_VERSION,
    AREA_ANSWERS,
    COMPARISON_ANSWERS,
    COVER_ANSWERS,
    DISTRIBUTION_ANSWERS,
    LENGTH_ANSWERS,
    LOCATION_ANSWERS,
    NUMBER_CAP,
    OBJECT_ANSWERS,
    SENSOR_ANSWERS,
    SETTLEMENT_ANSWERS,
    SHAPE_ANSWERS,
    THEME_ANSWERS,
    VIEW_PX,
    WEATHER_ANSWERS,
    area_answer,
    bin_hectares,
    bin_metres,
    length_answer,
    number_answer,
)

__all__ = [
    "ANSWERS",
    "ANSWERS_VERSION",
    "AREA_ANSWERS",
    "COMPARISON_ANSWERS",
    "COVER_ANSWERS",
    "DEDUCTIONS",
    "DISTRIBUTION_ANSWERS",
    "LENGTH_ANSWERS",
    "LOCATION_ANSWERS",
    "NOUNS",
    "NUMBER_CAP",
    "OBJECT_ANSWERS",
    "QUESTION_TYPES",
    "SENSOR_ANSWERS",
    "SETTLEMENT_ANSWERS",
    "SHAPE_ANSWERS",
    "TEMPLATES",
    "THEME_ANSWERS",
    "WEATHER_ANSWERS",
    "Asker",
    "Balance",
    "Deduction",
    "Description",
    "Direction",
    "Noun",
    "Parsed",
    "Question",
    "Relation",
    "Subject",
    "Template",
    "Uncertain",
    "Wording",
    "area_answer",
    "balance_of",
    "VIEW_PX",
    "bin_hectares",
    "bin_metres",
    "count_outcomes",
    "length_answer",
    "find_directions",
    "negatives",
    "normalise",
    "number_answer",
    "parse",
    "word_question",
]
