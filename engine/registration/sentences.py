"""The gate's findings as sentences for an analyst, the most important first."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

from engine.records import PairCheck, RasterInfo
from engine.registration.overlap import centres_apart_m, how_grids_differ, same_grid

# Shares above these are not worth a sentence.
_NEARLY_ALL = 0.995
_MOSTLY_OVERLAPPING = 0.95
_COARSE = 1.5
_WORTH_A_GUESS = 0.5
_WORTH_A_SPREAD_PX = 3


def about(check: PairCheck, *, on_trust: bool, reach_px: int) -> tuple[str, ...]:
    """What there is to say about a usable pair. ``reach_px`` is how far a shift was searched."""
    lines = [_grids(check, on_trust), _shift(check), _spread(check), _reach(check, reach_px), _overlap(check)]
    return tuple(line for line in [*lines, *_valid(check), _resolution(check), _dates(check)] if line)


def not_georeferenced(without: tuple[RasterInfo, ...], pair: tuple[RasterInfo, RasterInfo]) -> tuple[str, ...]:
    """Reason and remedy where ``without``, one or both of ``pair``, are not tied to the map."""
    names = " and ".join(_name(info) for info in without)
    lacks = "georeference" if any(info.georeference == "none" for info in without) else "usable coordinate system"
    verb = "has" if len(without) == 1 else "have"
    reason = f"{names} {verb} no {lacks}, so nothing says which pixels show the same place."
    same_size = (pair[0].width, pair[0].height) == (pair[1].width, pair[1].height)
    if same_size:
        return reason, "If their pixels correspond one to one, say so (--assume-registered)."
    return reason, "Georeference both files."


def sizes_differ(optical: RasterInfo, sar: RasterInfo) -> tuple[str, ...]:
    """Reason and remedy for a pair that is to be taken on trust and cannot."""
    sizes = f"{optical.width} x {optical.height} px and {sar.width} x {sar.height} px"
    return (
        f"Without a georeference on both, pixels can correspond only in images of one size: these are {sizes}.",
        "Georeference both files, or bring them to one pixel size.",
    )


def no_overlap(optical: RasterInfo, sar: RasterInfo) -> tuple[str, ...]:
    """Reason and remedy for two places, with how far these are apart."""
    metres = centres_apart_m(optical.grid, sar.grid)
    apart = "" if metres is None else f": their centres are {_distance(metres)} apart"
    return (
        f"The optical image {_name(optical)} and the SAR image {_name(sar)} show different places{apart}.",
        "Open two images of the same place, or check their coordinate systems.",
    )


def single(info: RasterInfo, sensor: str, share: float) -> tuple[str, ...]:
    """What there is to say about a pair of one."""
    lines = [f"There is only the {sensor} image {_name(info)}: answers come from one sensor."]
    if share < _NEARLY_ALL:
        lines.append(f"{_percent(1 - share)} of it has no data.")
    return tuple(lines)


def _grids(check: PairCheck, on_trust: bool) -> str:
    if check.optical is None or check.sar is None:
        return ""
    if on_trust:
        return "Without a georeference on both, the pixels are taken to correspond one to one, as you said."
    if same_grid(check.optical.grid, check.sar.grid):
        return "Both images lie on one grid."
    difference = how_grids_differ(check.optical.grid, check.sar.grid)
    return f"The SAR image has {difference}: it is resampled onto the optical grid."


def _shift(check: PairCheck) -> str:
    if check.shift_px is None:
        return "No residual shift could be measured: one of the images shows no structure."
    where = direction(*check.shift_px)
    metres = "" if check.shift_m is None else f" ({math.hypot(*check.shift_m):.0f} m)"
    confidence = f"confidence {check.shift_confidence:.2f}"
    if not check.shift_is_sure:
        if check.shift_confidence < _WORTH_A_GUESS:
            return f"The residual shift could not be measured ({confidence}): the two show too little common structure."
        return f"The residual shift is uncertain ({confidence}): perhaps {where}. It is not acted on."
    if check.verdict != "shifted":
        return f"SAR content lies {where}{metres} of the optical ({confidence}), within the tolerance."
    return (
        f"SAR content lies {where}{metres} of the optical ({confidence}), "
        f"more than the tolerance of {check.tolerance_px:g} px. It is moved back where asked for (--correct-shift)."
    )


def _spread(check: PairCheck) -> str:
    spread = check.shift_spread_px
    if not check.shift_is_sure or spread is None or spread < _WORTH_A_SPREAD_PX:
        return ""
    return f"It varies by about {spread:.0f} px between parts of the scene, as in hills."


def direction(dx: float, dy: float) -> str:
    """A shift, columns then rows, in words: “3.5 px right and 0.9 px up”."""
    return f"{abs(dx):.1f} px {'right' if dx >= 0 else 'left'} and {abs(dy):.1f} px {'down' if dy >= 0 else 'up'}"


def _reach(check: PairCheck, reach_px: int) -> str:
    if check.tolerance_px < reach_px:
        return ""
    return f"Shifts were searched up to {reach_px} px, so none can exceed the tolerance of {check.tolerance_px:g} px."


def _overlap(check: PairCheck) -> str:
    if check.overlap >= _MOSTLY_OVERLAPPING:
        return ""
    return f"Only {_percent(check.overlap)} of the smaller image lies inside the other one."


def _valid(check: PairCheck) -> list[str]:
    shares = (("optical", check.valid.optical), ("SAR", check.valid.sar))
    return [
        f"{_percent(1 - share)} of the overlap has no {sensor} data."
        for sensor, share in shares
        if share is not None and share < _NEARLY_ALL
    ]


def _resolution(check: PairCheck) -> str:
    ratio = check.resolution_ratio
    if ratio is None or 1 / _COARSE <= ratio <= _COARSE:
        return ""
    return (
        f"SAR pixels are {max(ratio, 1 / ratio):.1f} times as {'coarse' if ratio > 1 else 'fine'} as the optical ones."
    )


def _dates(check: PairCheck) -> str:
    optical, sar = check.dates["optical"], check.dates["sar"]
    if optical is None or sar is None:
        return ""
    days = abs((date.fromisoformat(optical) - date.fromisoformat(sar)).days)
    if days == 0:
        return ""
    return f"Taken {days} {'day' if days == 1 else 'days'} apart: ships and cars differ."


def _name(info: RasterInfo) -> str:
    return Path(info.path).name


def _percent(share: float) -> str:
    """Never “0 %” of something that is there, nor “100 %” of what is not whole."""
    if 0 < share < 0.01:
        return "Less than 1 %"
    return f"{min(round(share * 100), 99 if share < 1 else 100)} %"


def _distance(metres: float) -> str:
    return f"{metres / 1000:,.0f} km" if metres >= 10_000 else f"{metres:,.0f} m"
