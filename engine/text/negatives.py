"""Adversarial negatives: sentences like an expression that are false of what it names (OptiSAR-Net++, V-A3)."""

from __future__ import annotations

import re
from collections.abc import Container

from engine.draws import Draws
from engine.text.directions import swap
from engine.text.expression_words import NAME_OF, NAMES
from engine.text.expressions import category_span

OVERLAPPING: tuple[frozenset[str], ...] = (
    frozenset({"water", "river", "lake", "sea", "wetland"}),
    frozenset({"road", "runway", "crossroad", "T junction", "bridge", "concrete"}),
    frozenset({"harbor", "pier", "ship", "water"}),
    frozenset({"building", "built-up area"}),
    frozenset({"parking lot", "vehicle", "concrete"}),
    frozenset({"tennis court", "basketball court"}),
    frozenset({"ground track field", "baseball diamond"}),
    frozenset({"grassland", "farmland", "bare land", "wetland", "forest"}),
)
"""Classes that may be said of one place, or mistaken for each other: none of them contradicts another of its group."""

_SENSOR = re.compile(r"\b(optical|sar|radar)\b", re.IGNORECASE)


def negatives(expression: str, draws: Draws) -> tuple[str, ...]:
    """Up to three sentences that contradict ``expression``: another direction, the other sensor, another class.

    Each is false of the thing that ``expression`` means; another thing of the picture may fit it. What rules cannot
    contradict with certainty (see :func:`engine.text.directions.swap`) is left out, so the result may be empty.
    """
    made = [swap(expression, draws), swap_sensor(expression), swap_class(expression, draws)]
    return tuple(text for text in made if isinstance(text, str) and text != expression)


def swap_sensor(expression: str) -> str | None:
    """The expression with "SAR" for "optical" and the other way round; None where it names no sensor, or both."""
    named = {word.lower().replace("radar", "sar") for word in _SENSOR.findall(expression)}
    if len(named) != 1:
        return None
    return _SENSOR.sub("SAR" if named == {"optical"} else "optical", expression)


def swap_class(expression: str, draws: Draws, among: Container[str] | None = None) -> str | None:
    """The expression with a class in the place of its own that it cannot be taken for; None where it names no class.

    ``among`` are the classes to choose from, all where it is None; None comes back, too, where none of them is left.
    """
    span = category_span(expression)
    if span is None:
        return None
    word = expression[slice(*span)]
    category, _, plural = NAME_OF[word.lower()]
    alike = frozenset({category}).union(*(group for group in OVERLAPPING if category in group))
    names = [name for name in NAMES if name.category not in alike and not name.kind and not name.mass]
    names = [name for name in names if among is None or name.category in among]
    if not names:
        return None
    name = draws.choice(names)
    other = name.train[0][int(plural)]
    head = re.sub(r"\b([Aa])n? $", r"\1n " if other[0] in "aeio" else r"\1 ", expression[: span[0]])
    return head + (other[0].upper() + other[1:] if word[0].isupper() else other) + expression[span[1] :]
