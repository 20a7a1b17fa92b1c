"""The answers there are. Their order is the order of a network's outputs, so it changes only with the version."""

from __future__ import annotations

ANSWERS_VERSION = 1

NUMBER_CAP = 10
"""Counts above this are one answer, "more than 10": nobody counts further at a glance, and no network here can."""

LOCATION_ANSWERS: tuple[str, ...] = (
    "top left",
    "top",
    "top right",
    "left",
    "center",
    "right",
    "bottom left",
    "bottom",
    "bottom right",
)
"""The nine cells of a 3 x 3 division of the view, row by row from the top left."""

COVER_ANSWERS: tuple[str, ...] = ("water", "forest", "farmland", "grassland", "bare land", "built-up area")
"""The land covers that a view can be dominated by."""

WEATHER_ANSWERS: tuple[str, ...] = ("clear", "cloudy", "dark")
"""What the optical image suffered."""


def number_answer(count: int) -> str:
    """The answer word of a count: ``"0"`` .. ``"10"``, then ``"more than 10"``."""
    return str(count) if count <= NUMBER_CAP else f"more than {NUMBER_CAP}"


ANSWERS: tuple[str, ...] = (
    "yes",
    "no",
    *(number_answer(count) for count in range(NUMBER_CAP + 2)),
    *LOCATION_ANSWERS,
    *COVER_ANSWERS,
    *WEATHER_ANSWERS,
)
