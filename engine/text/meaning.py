"""What can be known of a text and a box without looking: whether its directions are true of it.

Certainty is asked both ways. That a text *still names* a thing has to be sure, so a side begins a little beyond the
middle; that it *may fit* another has to be ruled out, so a side begins a little before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from engine.text.direction_words import Way
from engine.text.directions import Box, agrees
from engine.text.expression_words import NAME_OF
from engine.text.expressions import Parsed, Relation, parse

SURE, POSSIBLE = -0.1, 0.05
"""Slack of :func:`engine.text.directions.agrees`: a side from a tenth of the picture beyond its middle (where scenes
say it, too), or from a twentieth before it."""

SIZES = frozenset({"large", "small"})
"""Attributes that compare the things of a class that are in view."""

_KNOWN_CLASS = "airplane"


@lru_cache(maxsize=1 << 16)
def read(text: str, category: str) -> Parsed:
    """``text`` taken apart; a class that only the data set knows ("dam") is read as one that the words know."""
    if category.lower() not in NAME_OF:
        text = re.sub(rf"\b{re.escape(category)}(s?)\b", rf"{_KNOWN_CLASS}\1", text, flags=re.IGNORECASE)
    return parse(text)


def lies(text: str, box: Sequence[float], frame: Box, slack: float) -> bool:
    """Whether no absolute direction of ``text`` speaks against ``box`` in a picture that fills ``frame``."""
    x0, y0, x1, y1 = frame
    within = (box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0)
    return agrees(text, within, x1 - x0, y1 - y0, slack)


def places(text: str, box: Sequence[float], frame: Box) -> bool | None:
    """Whether the absolute directions of ``text`` are true of ``box``: yes, no, or too close to call.

    What is longer than half of the picture is in no one place of it.
    """
    if not lies(text, box, frame, POSSIBLE):
        return False
    compact = 2 * (box[2] - box[0]) <= frame[2] - frame[0] and 2 * (box[3] - box[1]) <= frame[3] - frame[1]
    return True if compact and lies(text, box, frame, SURE) else None


def relates(relation: Relation | None, box: Sequence[float], references: Sequence[Sequence[float]]) -> bool | None:
    """Whether ``relation`` is true of ``box``, as far as boxes tell; None where they do not.

    ``references`` are all boxes that the relation may be to, none where nobody knows them. Several of them can rule it
    out, and not make it sure, as one of them is meant.
    """
    if relation is None:
        return True
    if relation.way is None or not references:
        return None
    verdicts = [_seen_from(relation.way, box, other) for other in references]
    if all(verdict is False for verdict in verdicts):
        return False
    return True if verdicts == [True] else None


def _seen_from(way: Way, box: Sequence[float], reference: Sequence[float]) -> bool | None:
    """Whether the centre of ``box`` lies ``way`` of that of ``reference``: within so many degrees of that line."""
    across = box[0] + box[2] - reference[0] - reference[2]
    down = box[1] + box[3] - reference[1] - reference[3]
    x, y = way[0] or 0, way[1] or 0
    if not (x or y) or not (across or down):
        return None
    off = math.degrees(math.acos(min(1.0, (across * x + down * y) / (math.hypot(across, down) * math.hypot(x, y)))))
    yes, no = (28.0, 45.0) if x and y else (42.0, 60.0)  # a corner is a quarter of the circle, a side is more
    return True if off <= yes else None if off <= no else False
