"""Numbers and verdicts in the words of the window, so that one fact is said one way everywhere."""

from __future__ import annotations

import math
import re
from datetime import date

from engine.records import Answer, AreaUsed, PairCheck, RasterInfo

MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"

VERDICT_WORDS = {
    "aligned": "Aligned",
    "resampled": "Resampled",
    "shifted": "Shifted",
    "single-sensor": "One sensor only",
    "no-overlap": "No overlap",
    "not-georeferenced": "Not georeferenced",
}
UNIT_WORDS = {
    "db": "dB",
    "power": "power, shown in dB",
    "amplitude": "amplitude, shown in dB",
    "complex": "complex, shown as amplitude in dB",
    "digital-number": "digital numbers, relative dB",
    "stretched-8bit": "8-bit",
}

STAGE_WORDS = {
    "check": "checking the pair",
    "model": "loading the model",
    "read": "reading both images",
    "encode": "looking at the images",
    "answer": "answering",
}


def stage(name: str) -> str:
    """What the engine is at, in words; a stage of a newer engine by its own name."""
    return STAGE_WORDS.get(name, name)


def number(value: float, decimals: int = 0) -> str:
    """Thousands grouped, a true minus sign: ``−13,186,204``."""
    text = f"{abs(value):,.{decimals}f}"
    negative = value < 0 and any(digit in "123456789" for digit in text)
    return (MINUS if negative else "") + text


def percent(share: float) -> str:
    """``93 %``; below one and above ninety-nine the word is kept honest: never ``0 %`` for something, nor 100."""
    if 0 < share < 0.005:
        return f"<1{NBSP}%"
    if 0.995 <= share < 1:
        return f">99{NBSP}%"
    return f"{share * 100:.0f}{NBSP}%"


def metres(value: float) -> str:
    """A length to the decimetre, from ten metres on to the metre: ``0.5 m``, ``8.4 m``, ``30 m``, ``1.2 km``."""
    if value >= 10_000:
        return f"{value / 1000:.0f}{NBSP}km"
    if value >= 1000:
        return f"{value / 1000:.1f}{NBSP}km"
    if value >= 10:
        return f"{value:.0f}{NBSP}m"
    return f"{value:.1f}{NBSP}m"


def residual(check: PairCheck) -> str:
    """``residual 3 px (30 m)``, or that it could not be estimated; empty where there is only one sensor."""
    if check.verdict in ("single-sensor", "no-overlap"):
        return ""
    if check.shift_px is None:
        return "residual not estimated"
    text = f"{math.hypot(*check.shift_px):.1f}{NBSP}px"
    if check.shift_m is not None:
        text += f" ({metres(math.hypot(*check.shift_m))})"
    return f"residual {text}" if check.shift_is_sure else f"residual unsure, perhaps {text}"


def shift_sentence(check: PairCheck) -> str:
    """Where the SAR image lies, and that this is more than is tolerated."""
    dx, dy = check.shift_px or (0.0, 0.0)
    across = f"{abs(dx):.1f}{NBSP}px {'right' if dx > 0 else 'left'}"
    down = f"{abs(dy):.1f}{NBSP}px {'down' if dy > 0 else 'up'}"
    tolerance = f"{check.tolerance_px:.0f}{NBSP}px"
    return f"The SAR image lies {across} and {down} of the optical one, more than the tolerance of {tolerance}."


def without_options(sentence: str) -> str:
    """An engine's sentence less the command line's ``(--option)``: the window offers a button beside it."""
    return re.sub(r" \(--[a-z-]+\)", "", sentence)


def days_apart(check: PairCheck) -> str:
    """``3 days apart`` where both dates are known, else empty."""
    first, second = (_date(check.dates.get(sensor)) for sensor in ("optical", "sar"))
    if first is None or second is None:
        return ""
    days = abs((first - second).days)
    return "same day" if days == 0 else f"{days} day{'s' if days > 1 else ''} apart"


def valid(optical: float | None, sar: float | None) -> str:
    """``100 % valid`` where all is, else sensor by sensor: ``optical 100 %, SAR 53 % valid``."""
    shares = {"optical": optical, "SAR": sar}
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return ""
    if all(share >= 1 for share in known.values()):
        return f"100{NBSP}% valid"
    return ", ".join(f"{name} {percent(share)}" for name, share in known.items()) + " valid"


def pair_sentence(check: PairCheck, area: AreaUsed | None = None) -> str:
    """Everything after the verdict: residual, days apart, valid share (of the asked area where there is one)."""
    if check.refused:
        return ""
    shares = (area.valid_optical, area.valid_sar) if area else (check.valid.optical, check.valid.sar)
    parts = [residual(check), days_apart(check), valid(*shares)]
    if check.overlap < 0.995 and check.verdict != "single-sensor":
        parts.insert(1, f"{percent(check.overlap)} overlap")
    return " · ".join(part for part in parts if part)


def in_trained_range(area: AreaUsed) -> bool | None:
    """Whether the network saw metres per pixel like those it was trained on; None without a CRS."""
    if area.model_gsd_m is None:
        return None
    low, high = area.trained_gsd_m
    return low * 0.999 <= area.model_gsd_m <= high * 1.001  # a card's rounded number is no refusal


def scale_sentence(area: AreaUsed) -> str:
    """``8.4 m per pixel at the model — in its range (0.5–10 m)``."""
    low, high = area.trained_gsd_m
    span = f"{low:.2g}–{high:.2g}{NBSP}m"
    inside = in_trained_range(area)
    if inside is None or area.model_gsd_m is None:
        return f"Metres per pixel unknown (no CRS); trained on {span}"
    verdict = f"in its range ({span})" if inside else f"outside its range ({span})"
    return f"{metres(area.model_gsd_m)} per pixel at the model — {verdict}"


def runners_up(answer: Answer, count: int = 2) -> str:
    """``next: no (6 %) · more than 10 (1 %)``, empty where nothing else was possible."""
    others = [each for each in answer.alternatives if each.answer != answer.answer][:count]
    return "next: " + " · ".join(f"{each.answer} ({percent(each.probability)})" for each in others) if others else ""


def raster_detail(info: RasterInfo) -> str:
    """What a layer row says of a raster: ``R3 G2 B1`` or ``VH, 8-bit``."""
    bands = info.choice.bands
    if info.sensor == "sar" or len(bands) == 1:
        band = next((each for each in info.bands if each.index == bands[0]), None)
        unit = UNIT_WORDS[info.sar_unit].split(",")[0] if info.sar_unit else ""
        name = band.description if band and 0 < len(band.description) <= 8 else f"band {bands[0]}"
        return name if unit in name.split() else ", ".join(part for part in (name, unit) if part)
    return " ".join(f"{letter}{band}" for letter, band in zip("RGB", bands, strict=True))


def model_sentence(answer: Answer) -> str:
    """``tgfnet-compact · 3f9a…c2 · 84 ms``."""
    sha = answer.provenance.model_sha256
    hash_text = f"{sha[:4]}…{sha[-2:]}" if len(sha) > 6 else sha
    return " · ".join(part for part in (answer.provenance.model, hash_text, duration(answer.seconds)) if part)


def duration(seconds: float) -> str:
    """``84 ms`` or ``1.4 s``."""
    return f"{seconds * 1000:.0f}{NBSP}ms" if seconds < 1 else f"{seconds:.1f}{NBSP}s"


def _date(text: str | None) -> date | None:
    """An ISO date or date and time as a date, None for anything else."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
