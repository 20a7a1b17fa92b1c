"""The answers there are. Their order is the order of a network's outputs, so it changes only with the version.

Numbers, lengths, distances and areas are answered in **bins of pixels of the 256-pixel view**, because the networks
see no scale: whatever is asked about is brought to 256 x 256 pixels. :func:`bin_metres` and :func:`bin_hectares` turn
a bin into what it is on the ground once the sampling distance is known.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from engine.errors import UsageError

ANSWERS_VERSION = 2

VIEW_PX = 256
"""The longer side, in pixels, of the view in which lengths and areas are counted."""

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
"""The nine cells of a 3 x 3 division of the view, row by row from the top left.

All but the middle one are also directions: "top" is straight up from a reference object.
"""

COVER_ANSWERS: tuple[str, ...] = (
    "water",
    "forest",
    "farmland",
    "grassland",
    "bare land",
    "built-up area",
    "concrete",
    "wetland",
)
"""The land covers that a view can be dominated by."""

WEATHER_ANSWERS: tuple[str, ...] = ("clear", "cloudy", "foggy", "dark")
"""What the optical image suffered."""

LENGTH_STEP_PX, LENGTH_CAP_PX = 25, 250
LENGTH_ANSWERS: tuple[str, ...] = (
    *(f"{low}-{low + LENGTH_STEP_PX}" for low in range(0, LENGTH_CAP_PX, LENGTH_STEP_PX)),
    f"more than {LENGTH_CAP_PX}",
)
"""Lengths and distances in pixels of the 256-pixel view, as OSVQA bins them."""

AREA_EDGES_PX: tuple[int, ...] = (250, 500, 1000, 2000, 4000, 8000, 16000, 32000)
AREA_ANSWERS: tuple[str, ...] = (
    f"0-{AREA_EDGES_PX[0]} square pixels",
    *(f"{low}-{high} square pixels" for low, high in pairwise(AREA_EDGES_PX)),
    f"more than {AREA_EDGES_PX[-1]} square pixels",
)
"""Areas in square pixels of the 256-pixel view, each bin twice the one before: what an eye tells apart."""

SHAPE_ANSWERS: tuple[str, ...] = ("straight", "curved", "round", "rectangular", "elongated", "irregular")
"""The first two are of what is long and thin (rivers, roads), the others of patches."""

DISTRIBUTION_ANSWERS: tuple[str, ...] = ("single", "in rows", "clustered", "scattered")

COMPARISON_ANSWERS: tuple[str, ...] = ("more", "less", "equal", "larger", "smaller")
"""The first three compare numbers, the last two areas; of the first thing named, seen from the second."""

SENSOR_ANSWERS: tuple[str, ...] = ("optical image", "SAR image", "both", "neither")

THEME_ANSWERS: tuple[str, ...] = (
    "residential area",
    "industrial area",
    "harbor",
    "airport",
    "sports ground",
    "farmland",
    "natural area",
    "coast",
)
"""What kind of place a scene is. "farmland" is the land cover's word and one answer with it."""

SETTLEMENT_ANSWERS: tuple[str, ...] = ("urban", "rural")

OBJECT_ANSWERS: tuple[str, ...] = (
    "ship",
    "storage tank",
    "building",
    "bridge",
    "airplane",
    "vehicle",
    "tennis court",
    "basketball court",
    "baseball diamond",
    "ground track field",
    "swimming pool",
    "parking lot",
    "transmission tower",
)
"""The things that can be the most numerous of a scene."""


def number_answer(count: int) -> str:
    """The answer word of a count: ``"0"`` .. ``"10"``, then ``"more than 10"``."""
    return str(count) if count <= NUMBER_CAP else f"more than {NUMBER_CAP}"


def length_answer(length_px: float) -> str:
    """The bin of a length or a distance (0 or more) in pixels of the 256-pixel view; a bin holds its lower edge."""
    return LENGTH_ANSWERS[min(int(length_px // LENGTH_STEP_PX), len(LENGTH_ANSWERS) - 1)]


def area_answer(area_px: float) -> str:
    """The bin of an area (0 or more) in square pixels of the 256-pixel view; a bin holds its lower edge."""
    return AREA_ANSWERS[bisect_right(AREA_EDGES_PX, area_px)]


def bin_metres(answer: str, gsd_m: float) -> tuple[float, float | None]:
    """What a bin of lengths is on the ground: from and to in metres, None where it is open.

    ``gsd_m`` is the ground sampling distance of the 256-pixel view (the width of what was asked about over 256).
    Raises :class:`~engine.errors.UsageError` for an answer that is no length.
    """
    if answer not in LENGTH_ANSWERS:
        raise UsageError(f"“{answer}” is no length.", remedy=f"Lengths are {', '.join(LENGTH_ANSWERS)}.")
    index = LENGTH_ANSWERS.index(answer)
    open_end = index == len(LENGTH_ANSWERS) - 1
    low = index * LENGTH_STEP_PX * gsd_m
    return low, None if open_end else low + LENGTH_STEP_PX * gsd_m


def bin_hectares(answer: str, gsd_m: float) -> tuple[float, float | None]:
    """What a bin of areas is on the ground: from and to in hectares, None where it is open.

    ``gsd_m`` is as for :func:`bin_metres`. Raises :class:`~engine.errors.UsageError` for an answer that is no area.
    """
    if answer not in AREA_ANSWERS:
        raise UsageError(f"“{answer}” is no area.", remedy=f"Areas are {', '.join(AREA_ANSWERS)}.")
    index = AREA_ANSWERS.index(answer)
    edges = (0, *AREA_EDGES_PX)
    hectares = gsd_m**2 / 10_000
    return edges[index] * hectares, edges[index + 1] * hectares if index + 1 < len(edges) else None


ANSWERS: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            "yes",
            "no",
            *(number_answer(count) for count in range(NUMBER_CAP + 2)),
            *LOCATION_ANSWERS,
            *COVER_ANSWERS,
            *WEATHER_ANSWERS,
            *LENGTH_ANSWERS,
            *AREA_ANSWERS,
            *SHAPE_ANSWERS,
            *DISTRIBUTION_ANSWERS,
            *COMPARISON_ANSWERS,
            *SENSOR_ANSWERS,
            *THEME_ANSWERS,
            *SETTLEMENT_ANSWERS,
            *OBJECT_ANSWERS,
        )
    )
)
