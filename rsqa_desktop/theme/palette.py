"""Every colour of the program. Widgets and charts take colours from here and name none themselves.

Two kinds: colours that mean something (a sensor, a confirmed result, something to press) and are the same in both
themes, and the greys of a theme (:data:`LIGHT`, :data:`DARK`). The meaningful ones are from Okabe and Ito, "Color
Universal Design" (2008), so that eyes with a colour vision deficiency tell them apart; they are still never the
only sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

ACCENT = "#0072B2"
OPTICAL = "#E69F00"
SAR = "#56B4E9"
FUSION = "#009E73"
NEUTRAL = "#D9DCE1"
WARNING = "#D55E00"

# The answers of a map, the most frequent first: Paul Tol's "muted" scheme, told apart by colour-blind eyes. None of
# them means a sensor or something to press. The lightest come first, as those at the end are hard to see on dark sea
# and in dark panels. ``engine.export`` draws its maps in the same.
_ANSWERS = ("#CC6677", "#DDCC77", "#AA4499", "#44AA99", "#117733", "#999933", "#882255", "#88CCEE", "#332288")
OTHER_ANSWERS = "#777777"
NO_DATA = "#60666F"

# From little to much: Nuñez, Anderton and Renslow's "cividis" (2018), which eyes with a colour vision
# deficiency see as the others do, and whose order survives grey print. No sensor's hue, so that a mask stands out.
_VALUES = ("#00204D", "#31446B", "#666970", "#958F78", "#CBBA69", "#FFEA46")

# What lies on an image looks the same in both themes, as the image does.
CASING = "#FFFFFF"
PILL = "#1E2126"
PILL_TEXT = "#FFFFFF"
PILL_MUTED = "#C9CDD3"

# The sensors' colours, a third of the way to white.
_ATTENTION_PEAKS = {"optical": "#EEBF55", "sar": "#8ECDF0", "fusion": "#55BEA2", "both": "#55BEA2"}
_SENSOR_COLOURS = {"optical": OPTICAL, "sar": SAR, "fusion": FUSION, "both": FUSION}


@dataclass(frozen=True, slots=True)
class Palette:
    """The greys of one theme, as ``#RRGGBB``; every text colour has a contrast of 4.5 or more on ``surface``."""

    name: Literal["light", "dark"]
    surface: str  # panels, bars
    raised: str  # input fields, buttons under the pointer
    line: str  # hairlines, tracks of bars
    outline: str  # edges of buttons and fields
    text: str
    muted: str  # second-rank text
    selection: str  # the current row
    stage: str  # behind the images
    accent_text: str  # the accent as text
    good_text: str  # FUSION as text
    warning_text: str  # WARNING as text


LIGHT = Palette(
    name="light",
    surface="#FFFFFF",
    raised="#F4F5F7",
    line="#D9DCE1",
    outline="#C3C8CF",
    text="#1B1E22",
    muted="#60666F",
    selection="#E2ECF6",
    stage="#E9EBEE",
    accent_text="#0068A3",
    good_text="#007A59",
    warning_text="#B04E00",
)
DARK = Palette(
    name="dark",
    surface="#26292E",
    raised="#2E3238",
    line="#363A41",
    outline="#4A4F58",
    text="#ECEEF1",
    muted="#A8AEB7",
    selection="#33404F",
    stage="#1B1D21",
    accent_text="#5EB5EC",
    good_text="#2DBD91",
    warning_text="#FF9A52",
)


def sensor_colour(sensor: str) -> str:
    """The colour of ``optical``, ``sar``, or of what concerns both (``fusion``, ``both``)."""
    return _SENSOR_COLOURS[sensor]


def answer_colour(place: int) -> str:
    """The colour of the answer in ``place`` of a table; those beyond the scheme share a grey and differ by letter."""
    return _ANSWERS[place] if place < len(_ANSWERS) else OTHER_ANSWERS


def expert_colour(number: int) -> str:
    """The colour of a routed expert, counted from 1; told apart like answers, and as little a sensor."""
    return answer_colour(number - 1)


def trust_ramp() -> np.ndarray:
    """RGB bytes [256, 3] for modality trust: entry 0 is all SAR, 255 all optical, neutral between."""
    return _ramp((SAR, "#F2F2F2", OPTICAL))


def value_ramp() -> np.ndarray:
    """RGB bytes [256, 3] for maps that are no sensor's and may lie under a mask: from blue for little to yellow."""
    return _ramp(_VALUES)


def brightness_ramp() -> np.ndarray:
    """RGB bytes [256, 3] from dark to light, for a legend of maps that have each its sensor's hue."""
    return _ramp(("#000000", "#F2F2F2"))


def attention_ramp(sensor: str) -> np.ndarray:
    """RGB bytes [256, 3] in the single hue of ``sensor``: dark to light, so that grey print keeps the order."""
    return _ramp(("#000000", sensor_colour(sensor), _ATTENTION_PEAKS[sensor]), (0.0, 0.75, 1.0))


def _ramp(stops: tuple[str, ...], at: tuple[float, ...] | None = None) -> np.ndarray:
    positions = np.linspace(0, 1, len(stops)) if at is None else np.asarray(at)
    colours = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops], dtype=float)
    grid = np.linspace(0, 1, 256)
    channels = [np.interp(grid, positions, colours[:, c]) for c in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)
