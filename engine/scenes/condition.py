"""How a pair was taken: weather, the radar's looks and unit, and whether both pictures show the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from engine.draws import Draws
from engine.errors import UsageError
from engine.records.raster import SarUnit
from engine.scenes.optics.weather import WEATHERS, Weather
from engine.scenes.radar.sar import DELIVERIES

CONDITION_STREAM = 3

Pair = Literal["exact", "shifted", "other"]
"""Both pictures on one grid; the SAR one moved by some pixels; or the SAR one of another place altogether."""

PAIRS: tuple[Pair, ...] = get_args(Pair)
LOOKS = (1.0, 2.0, 4.0, 4.4, 8.0)
LARGEST_SHIFT_PX = 12
_WEATHER_WEIGHTS = {"clear": 36, "cloud": 32, "fog": 14, "dark": 18}
_PAIR_WEIGHTS = {"exact": 72, "shifted": 14, "other": 14}


@dataclass(frozen=True, slots=True)
class Condition:
    """``strength`` of the weather is 0..1, 0 when clear. ``shift_px`` (columns, rows) is how far what the SAR picture
    shows is moved against the optical one: (0, 0) unless ``pair`` is "shifted"."""

    weather: Weather
    strength: float
    sar_unit: SarUnit
    looks: float
    pair: Pair
    shift_px: tuple[int, int]


def draw_condition(
    seed: int, *, weather: Weather | None = None, sar_unit: SarUnit | None = None, pair: Pair | None = None
) -> Condition:
    """The condition of one seed, drawn apart from the scene; what is given replaces what is drawn and nothing else.

    Raises :class:`~engine.errors.UsageError` for a pair of no known kind.
    """
    if pair is not None and pair not in PAIRS:
        raise UsageError(f"There is no pair “{pair}”.", remedy=f"Choose one of {', '.join(PAIRS)}.")
    draws = Draws(seed, CONDITION_STREAM)
    drawn: Weather = draws.weighted(WEATHERS, [_WEATHER_WEIGHTS[name] for name in WEATHERS])
    unit, looks = draws.choice(DELIVERIES), draws.choice(LOOKS)
    kind: Pair = draws.weighted(PAIRS, [_PAIR_WEIGHTS[name] for name in PAIRS])
    strength = round(draws.uniform(0.3, 1.0), 2)
    shift = (0, 0)
    while shift == (0, 0):
        shift = (draws.between(-LARGEST_SHIFT_PX, LARGEST_SHIFT_PX), draws.between(-LARGEST_SHIFT_PX, LARGEST_SHIFT_PX))
    weather, kind = weather or drawn, pair or kind
    return Condition(
        weather, 0.0 if weather == "clear" else strength, sar_unit or unit, looks, kind,
        shift if kind == "shifted" else (0, 0),
    )  # fmt: skip
