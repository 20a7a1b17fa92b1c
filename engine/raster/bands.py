"""Which bands are red, green and blue, and which one is the picture of a SAR file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.errors import UsageError
from engine.records import BandChoice, BandInfo
from engine.records.raster import Sensor

# One pattern per channel, for a whole description: a colour's name, or Sentinel-2's number for it (also "B4 (665 nm)").
_CHANNELS = (
    re.compile(r"\b(red|b0?4)\b(?!.?edge)", re.IGNORECASE),
    re.compile(r"\b(green|b0?3)\b", re.IGNORECASE),
    re.compile(r"\b(blue|b0?2)\b", re.IGNORECASE),
)
# Co-polarised first: it is the stronger signal, and the one that most products lead with.
_POLARISATIONS = ("vv", "hh", "vh", "hv")

# Red, green, blue by the number of bands where nothing in the file says more (all count bands from 1):
# 13 is Sentinel-2 L1C (B1..B8, B8A, B9, B10, B11, B12), 12 the same less B10, both B4 B3 B2;
# 10 is the 10 m and 20 m bands (B2 B3 B4 B5 ...); 4 is B02 B03 B04 B08, the order of nearly all four-band satellites.
_BY_COUNT = {13: (4, 3, 2), 12: (4, 3, 2), 10: (3, 2, 1)}
_BLUE_FIRST_FOUR = (3, 2, 1)


def check_bands(bands: Sequence[int], count: int, name: str) -> None:
    """Raise :class:`UsageError` for a band that the raster does not have."""
    for band in bands:
        if not 1 <= band <= count:
            raise UsageError(f"{name} has no band {band}.", remedy=f"Its bands are 1 to {count}.")


def choose_bands(
    bands: Sequence[BandInfo], sensor: Sensor, asked: tuple[int, ...] | None, name: str
) -> tuple[BandChoice, str]:
    """The bands to show and analyse, and a notice, empty unless the choice was a guess.

    Order of authority: what the user asked, band descriptions, colour interpretation, the band order of a known
    sensor, the first band. Alpha bands are never chosen.
    """
    if asked is not None:
        check_bands(asked, len(bands), name)
        return BandChoice(asked, "asked"), ""
    colours = [band for band in bands if band.colour != "alpha"]
    if len(colours) <= 1:
        return BandChoice((colours[0].index if colours else 1,), "only"), ""
    if sensor == "sar":
        return _sar_band(colours)
    described = _by_description(colours)
    if described:
        return BandChoice(described, "description"), ""
    by_colour = {band.colour: band.index for band in reversed(colours)}
    if {"red", "green", "blue"} <= by_colour.keys():
        return BandChoice((by_colour["red"], by_colour["green"], by_colour["blue"]), "colour-interpretation"), ""
    return _by_order(colours, named={band.colour for band in colours} - {"gray", "undefined"} != set())


def _sar_band(bands: Sequence[BandInfo]) -> tuple[BandChoice, str]:
    for polarisation in _POLARISATIONS:
        for band in bands:
            if re.search(rf"(?<![a-z]){polarisation}(?![a-z])", band.description.lower()):
                return BandChoice((band.index,), "description"), ""
    first = bands[0].index
    return BandChoice((first,), "default"), f"No band is named VV, VH, HH or HV: band {first} of {len(bands)} is shown."


def _by_description(bands: Sequence[BandInfo]) -> tuple[int, ...] | None:
    found = [next((band.index for band in bands if channel.search(band.description)), None) for channel in _CHANNELS]
    return tuple(index for index in found if index) if all(found) and len(set(found)) == 3 else None


def _by_order(bands: Sequence[BandInfo], named: bool) -> tuple[BandChoice, str]:
    """By position alone, which is a convention and not a fact of the file, so it is said.

    ``named`` bands have colours of another kind (cyan, magenta ...), and are no satellite's.
    """
    order = _BY_COUNT.get(len(bands))
    if order and not named and bands[0].dtype in ("uint16", "int16", "float32", "float64"):
        return BandChoice(order, "sensor"), _guess(
            f"the bands are taken to be Sentinel-2's {len(bands)}: red, green, blue are {order}"
        )
    if len(bands) == 4 and not named and bands[0].dtype != "uint8":
        order = _BLUE_FIRST_FOUR
        return BandChoice(order, "sensor"), _guess(
            f"the bands are taken to be B02 B03 B04 B08: red, green, blue are {order}"
        )
    if len(bands) == 2:
        return BandChoice((bands[0].index,), "default"), _guess(f"band {bands[0].index} is shown")
    chosen = tuple(band.index for band in bands[:3])
    return BandChoice(chosen, "default"), _guess(f"red, green, blue are {chosen}")


def _guess(choice: str) -> str:
    return f"The file does not name its bands: {choice}."
