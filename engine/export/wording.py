"""The sentences that an answer is told in, the same on the command line and in the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.export.properties import SENSORS
from engine.records import Answer, AreaUsed, Finding, FoundBox, Outline, PairCheck
from engine.records.pair import SENSOR_SAID

SENSOR_NAMES = {"optical": "Optical", "sar": "SAR", "fusion": "Fusion"}


@dataclass(frozen=True)
class ExpertRow:
    """One expert as shown: the AF weight is a raw sigmoid, ``share`` its part of the sum of all of them."""

    sensor: str
    name: str
    answer: str
    probability: float
    weight: float
    share: float


def expert_rows(answer: Answer) -> tuple[ExpertRow, ...]:
    """The experts that spoke, always in the order optical, SAR, fusion."""
    total = sum(expert.weight for expert in answer.experts.values()) or 1.0
    return tuple(
        ExpertRow(sensor, SENSOR_NAMES[sensor], expert.answer, expert.probability, expert.weight, expert.weight / total)
        for sensor in SENSORS
        if (expert := answer.experts.get(sensor)) is not None
    )


def percent(share: float) -> str:
    """``0.934`` as ``93 %``; never 100 % or 0 % unless it is."""
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return "over 99 %"
    if rounded == 0 and share > 0:
        return "under 1 %"
    return f"{rounded} %"


def runners_up(answer: Answer) -> str:
    """``no (6 %) · rural (1 %)``, empty where the answer is the only candidate."""
    others = [other for other in answer.alternatives if other.answer != answer.answer]
    return " · ".join(f"{other.answer} ({percent(other.probability)})" for other in others)


def answer_set_sentence(answer: Answer) -> str:
    """``With 90 % certainty one of: yes, no.``; empty where the model's card has no calibration."""
    if answer.error_rate is None:
        return ""
    certain = f"With {100 * (1 - answer.error_rate):g} % certainty"
    if len(answer.answer_set) == 1:
        return f"{certain}: {answer.answer_set[0]}."
    return f"{certain} one of: {', '.join(answer.answer_set)}."


def pair_sentence(gate: PairCheck) -> str:
    """The verdict with what it rests on: ``aligned · residual 1.6 px (16 m), sure · overlap 100 %``."""
    parts: list[str] = [gate.verdict]
    if gate.shift_px is not None:
        metres = f" ({math.hypot(*gate.shift_m):.3g} m)" if gate.shift_m is not None else ""
        sure = "sure" if gate.shift_is_sure else "unsure"
        parts.append(f"residual {math.hypot(*gate.shift_px):.1f} px{metres}, {sure}")
    if gate.optical is not None and gate.sar is not None:
        parts.append(f"overlap {percent(gate.overlap)}")
    return " · ".join(parts)


def valid_sentence(area: AreaUsed) -> str:
    """How much of the area has data, per sensor that was used."""
    shares = (("optical", area.valid_optical), ("SAR", area.valid_sar))
    return " · ".join(f"{name} {percent(share)} with data" for name, share in shares if share is not None)


def scale_sentence(area: AreaUsed) -> str:
    """The metres per pixel that the network saw, and whether the weights were trained for them."""
    low, high = area.trained_gsd_m
    trained = f"trained for {low:g} to {high:g} m" if area.trained_range_known else "its range is unknown"
    if area.model_gsd_m is None:
        return f"unknown metres per pixel, as the raster has no CRS ({trained})"
    at_model = f"{area.model_gsd_m:.3g} m per pixel at the model"
    if not area.trained_range_known:
        return f"{at_model}, {trained}"
    return f"{at_model}, {'in' if low <= area.model_gsd_m <= high else 'OUTSIDE'} its range ({trained})"


def areas_text(areas_m2: Sequence[float]) -> list[str]:
    """Each area to three figures, all in the unit that suits the largest: ``1.05 km²`` and ``0.619 km²``."""
    largest = max(areas_m2, default=0.0)
    size, unit = next(((size, unit) for size, unit in ((1e6, "km²"), (1e4, "ha")) if largest >= size), (1.0, "m²"))
    return [f"{float(f'{area_m2 / size:.3g}'):,.10g} {unit}" for area_m2 in areas_m2]


def found_sentence(finding: Finding) -> str:
    """``12 boxes in optical and SAR, all from a score of 0.25``, or ``no box in SAR``: the remarks say why."""
    where = " and ".join(SENSOR_SAID[sensor] for sensor in finding.searched)
    count = len(finding.boxes)
    if not count:
        return f"no box in {where}"
    what = "the best" if finding.mode == "best" else f"all from a score of {finding.threshold:.2f}"
    return f"{count} box{'' if count == 1 else 'es'} in {where}, {what}"


def outlined_sentence(outline: Outline) -> str:
    """``3.2 ha in 12 polygons, 4.1 % of the area with data, from optical and SAR``, or ``nothing``.

    Why nothing, the remarks say: by the threshold, the smallest part, or as it could not be decided.
    """
    if not outline.parts:
        return "nothing"
    polygons = len(outline.parts) + outline.parts_cut
    area = "" if outline.area_m2 is None else f"{areas_text([outline.area_m2])[0]} in "
    where = " and ".join(SENSOR_SAID[sensor] for sensor in outline.sensors)
    count = f"{polygons:,} polygon{'' if polygons == 1 else 's'}"
    return f"{area}{count}, {percent(outline.share)} of the area with data, from {where}"


def metres_text(one: FoundBox) -> str:
    """``120 x 38``: the longer side and the shorter one in metres, to three figures; empty where unknown."""
    sides = [side for side in (one.length_m, one.width_m) if side is not None]
    return " x ".join(f"{float(f'{side:.3g}'):,.10g}" for side in sides)
