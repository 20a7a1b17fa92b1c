"""Numbers and verdicts in the words of the window, so that one fact is said one way everywhere."""

from __future__ import annotations

import math
import re
from datetime import date

from engine.records import (
    Answer,
    AreaUsed,
    Finding,
    FoundBox,
    Outline,
    OutlinePart,
    PairCheck,
    RasterInfo,
    TiledAnswer,
)
from engine.records.tiles import TileState
from rsqa_desktop.model.engine_status import EngineStatus
from rsqa_desktop.model.history import HistoryEntry, Result
from rsqa_desktop.model.mode import Deed
from rsqa_desktop.model.tiling import TileOffer, step_at

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
    "tiles": "asking tile by tile",
    "find": "looking for it",
    "outline": "outlining it",
    "stretch": "finding one brightness for all windows",
    "windows": "searching window by window",
    "decide": "deciding over all windows",
    "cut": "drawing the mask",
}
STEP_WORDS = {"tiles": "tile", "windows": "window"}
"""Stages that go step by step, and what a step is; they may take minutes."""
SENSOR_WORDS = {"optical": "Optical", "sar": "SAR"}
FOUND_IN_WORDS = {"optical": "optical", "sar": "SAR", "both": "both"}
STATE_WORDS: dict[TileState, str] = {
    "answered": "by both sensors",
    "single-sensor": "by one sensor alone",
    "not-answerable": "not answerable: no data",
}
RESULT_WORDS: dict[Deed, str] = {"ask": "answer", "find": "search", "outline": "outline"}
OTHER_DEED_WORDS: dict[Deed, str] = {"outline": "Outline the same", "find": "Find the same as boxes"}
SET_SHOWN = 4  # answers of a set that are spelt out; a longer set says how many more


def stage(name: str) -> str:
    """What the engine is at, in words; a stage of a newer engine by its own name."""
    return STAGE_WORDS.get(name, name)


def working(entry: HistoryEntry | None, engine: EngineStatus) -> str:
    """What the engine is at: its stage, with the share that is done, or ``tile 12 of 49`` where the number is known."""
    step = STEP_WORDS.get(engine.stage)
    if step is None:
        return stage(engine.stage)
    expected = engine.steps or (entry.tiles_expected if entry and step == "tile" else None)
    at = step_at(engine.fraction, expected)
    if at is not None:
        return f"{step} {number(at)} of {number(expected or 0)}"
    share = "" if engine.fraction is None else f", {percent(engine.fraction)} done"
    return stage(engine.stage) + share


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


def remedy_here(remedy: str, deed: Deed) -> str:
    """An engine's remedy for the window, which calls the option that names weights after what they do."""
    option = {"ask": "--model", "find": "--finder", "outline": "--outliner"}[deed]
    return without_options(remedy).replace("--weights", f"rsqa-desktop {option}")


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
    """Whether the network saw metres per pixel like those it was trained on; None without a CRS or a known range."""
    if area.model_gsd_m is None or not area.trained_range_known:
        return None
    low, high = area.trained_gsd_m
    return low * 0.999 <= area.model_gsd_m <= high * 1.001  # a card's rounded number is no refusal


def scale_sentence(area: AreaUsed) -> str:
    """``8.4 m per pixel at the model — in its range (0.5–10 m)``."""
    low, high = area.trained_gsd_m
    span = f"{low:.2g}–{high:.2g}{NBSP}m" if area.trained_range_known else ""
    if area.model_gsd_m is None:
        return "Metres per pixel unknown (no CRS)" + (f"; trained on {span}" if span else "")
    if not span:
        verdict = "its range is unknown"
    else:
        verdict = f"in its range ({span})" if in_trained_range(area) else f"outside its range ({span})"
    return f"{metres(area.model_gsd_m)} per pixel at the model — {verdict}"


def runners_up(answer: Answer, count: int = 2) -> str:
    """``next: no (6 %) · more than 10 (1 %)``, empty where nothing else was possible."""
    others = [each for each in answer.alternatives if each.answer != answer.answer][:count]
    return "next: " + " · ".join(f"{each.answer} ({percent(each.probability)})" for each in others) if others else ""


def answer_set(answer: Answer) -> str:
    """``With 90 % certainty: yes, or no.``; empty where the model's card has no calibration."""
    if answer.error_rate is None or not answer.answer_set:
        return ""
    said, more = list(answer.answer_set[:SET_SHOWN]), len(answer.answer_set) - SET_SHOWN
    if more > 0:
        said.append(f"{more} more")
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])}, or {said[-1]}"
    return f"With {percent(1 - answer.error_rate)} certainty: {listed}."


def whole_answer_set(answer: Answer) -> str:
    """Every answer of the set, and what the set promises."""
    return (
        f"{', '.join(answer.answer_set)}.\nOf such sets, {percent(1 - (answer.error_rate or 0))} held the right answer "
        "on the model’s own validation questions. Other wordings and other imagery may differ."
    )


def tiles(count: int) -> str:
    """``1 tile``, ``2,025 tiles``."""
    return f"{number(count)} tile{'' if count == 1 else 's'}"


def offer_action(offer: TileOffer, deed: Deed) -> str:
    """``Ask over 25 tiles``: what the button says. How many windows overlap in a search only the engine knows."""
    return f"Ask over {tiles(offer.tiles)}" if deed == "ask" else f"{sentence_case(deed)} in finer windows"


def offer_sentence(offer: TileOffer, area: AreaUsed) -> str:
    """``Each at 10 m per pixel instead of 46 m.``"""
    if area.model_gsd_m is None:
        return ""
    finest = "" if offer.is_finest else " A smaller area can be seen at a finer scale."
    return f"Each at {metres(offer.gsd_m)} per pixel instead of {metres(area.model_gsd_m)}.{finest}"


def tiled_headline(tiled: TiledAnswer) -> str:
    """What holds of the ground as a whole: ``No, everywhere``, ``Mostly no``, or ``Mixed answers``."""
    most = max(tiled.counts, key=lambda each: each.share)
    if len(tiled.counts) == 1:
        return f"{sentence_case(most.answer)}, everywhere"
    return f"Mostly {most.answer}" if most.share > 0.5 else "Mixed answers"


def tiled_extent(tiled: TiledAnswer) -> str:
    """``49 tiles of 2.2 km``."""
    gsd, side = tiled.area.grid.gsd_m, tiled.grid.side_px
    of = f"{number(side)}{NBSP}px" if gsd is None else metres(gsd * side)
    return f"{tiles(tiled.grid.tiles)} of {of}"


def tiled_summary(tiled: TiledAnswer) -> str:
    """The question and a line per answer, for the clipboard and the history: ``no: 44 tiles, 90 %``."""
    lines = [f"{each.answer}: {tiles(each.tiles)}, {percent(each.share)}" for each in tiled.counts]
    if empty := tiled.states.get("not-answerable", 0):
        lines.append(f"{STATE_WORDS['not-answerable']}: {tiles(empty)}")
    return "\n".join((tiled.question, *lines))


def found_headline(finding: Finding) -> str:
    """``14 found``, ``Nothing found``."""
    return f"{number(len(finding.boxes))} found" if finding.boxes else "Nothing found"


def found_how(finding: Finding) -> str:
    """How the expression was read, and what of it is shown."""
    shown = "the best box" if finding.mode == "best" else f"all from a score of {finding.threshold:.2f}"
    return f"understood: {finding.understood} · {shown}" if finding.understood else shown


def box_name(box: FoundBox) -> str:
    """``storage tank 0.87``: what stands beside a box on the images."""
    return f"{box.label} {box.score:.2f}"


def box_sides(box: FoundBox) -> str:
    """``63 × 20``: metres, or pixels of the image where metres are unknown."""
    if box.length_m is None or box.width_m is None:
        longer, shorter = sorted((box.box.width, box.box.height), reverse=True)
    else:
        longer, shorter = box.length_m, box.width_m
    decimals = 0 if shorter >= 10 else 1
    return f"{number(longer, decimals)}{NBSP}×{NBSP}{number(shorter, decimals)}"


def box_size(box: FoundBox) -> str:
    """``63 × 20 m``, or ``31 × 10 px``."""
    return f"{box_sides(box)}{NBSP}{'px' if box.length_m is None else 'm'}"


def box_facts(box: FoundBox) -> tuple[str, ...]:
    """All that the list says of a box: name and score, where it was found, size and area."""
    where = "in both images" if box.sensor == "both" else f"in the {FOUND_IN_WORDS[box.sensor]} image"
    return box_name(box), f"found {where}", box_size(box), *(() if box.area_m2 is None else (ground(box.area_m2),))


def box_sentence(box: FoundBox) -> str:
    """The same in a line, for a tooltip and a screen reader."""
    return ", ".join(box_facts(box))


def found_summary(finding: Finding) -> str:
    """The expression, how many, and a line per box, for the clipboard."""
    lines = [f"{finding.expression}: {found_headline(finding).lower()}", *map(box_sentence, finding.boxes)]
    return "\n".join(lines)


def outlined_headline(outline: Outline) -> str:
    """``412 ha``, pixels where metres are unknown, or ``Nothing outlined``."""
    if not outline.parts:
        return "Nothing outlined"
    if outline.area_m2 is not None:
        return hectares(outline.area_m2)
    listed = number(sum(part.area_px for part in outline.parts))
    return f"{'over ' if outline.parts_cut else ''}{listed}{NBSP}px"


def outlined_units(outline: Outline) -> str:
    """The same area in the other units: ``4.12 km² · 4,123,400 m²``; empty where metres are unknown."""
    if outline.area_m2 is None or not outline.parts:
        return ""
    square_km, square_m = f"{significant(outline.area_m2 / 1e6)}{NBSP}km²", f"{number(outline.area_m2)}{NBSP}m²"
    units = (square_km, square_m) if outline.area_m2 >= 1e4 else (square_m,)
    return " · ".join(each for each in units if each != outlined_headline(outline))


def outlined_extent(outline: Outline) -> str:
    """``4 % of the area · 12 parts · mean probability 83 %``; of nothing nothing."""
    if not outline.parts:
        return ""
    shares = (outline.area.valid_optical, outline.area.valid_sar)
    gaps = any(share is not None and share < 1 for share in shares)
    known = " with data" if gaps else ""
    probability = f"mean probability {percent(outline.mean_probability)}"
    return f"{percent(outline.share)} of the area{known} · {parts(outline)} · {probability}"


def parts(outline: Outline) -> str:
    """``1 part``, ``5,210 parts``: all that the mask has."""
    count = len(outline.parts) + outline.parts_cut
    return f"{number(count)} part{'' if count == 1 else 's'}"


def outlined_how(outline: Outline) -> str:
    """How the expression was read."""
    return f"understood: {outline.understood}" if outline.understood else ""


def part_area(part: OutlinePart) -> str:
    """``12.4 ha``, ``320 m²``, or pixels where metres are unknown."""
    return f"{number(part.area_px)}{NBSP}px" if part.area_m2 is None else hectares(part.area_m2)


def part_name(place: int, part: OutlinePart) -> str:
    """``part 3 · 12.4 ha``: what stands beside a part on the images."""
    return f"part {place + 1} · {part_area(part)}"


def part_facts(place: int, part: OutlinePart) -> tuple[str, ...]:
    """All that the list says of the part in a place: its number and area, how likely it is, its holes."""
    holes = len(part.holes_map)
    probability = f"mean probability {percent(part.mean_probability)}"
    return (
        part_name(place, part),
        probability,
        *((f"{number(holes)} hole{'' if holes == 1 else 's'}",) if holes else ()),
    )


def part_sentence(place: int, part: OutlinePart) -> str:
    """The same in a line, for a tooltip and a screen reader."""
    return ", ".join(part_facts(place, part))


def outlined_summary(outline: Outline) -> str:
    """The expression, the area in all units, and a line per part, for the clipboard."""
    whole = " · ".join(each for each in (outlined_headline(outline), outlined_units(outline)) if each)
    lines = [f"{outline.expression}: {whole}", outlined_extent(outline)]
    lines += [part_sentence(place, part) for place, part in enumerate(outline.parts)]
    if outline.parts_cut:
        lines.append(f"and {number(outline.parts_cut)} smaller parts")
    return "\n".join(line for line in lines if line)


def pixels_on_ground(pixels: int, gsd_m: float | None) -> str:
    """How much ground so many pixels are: ``≈ 0.20 ha``; empty for none, and where metres are unknown."""
    return "" if not pixels or gsd_m is None else f"≈ {hectares(pixels * gsd_m**2)}"


def summary(result: Result) -> str:
    """A result as text, for the clipboard."""
    if isinstance(result, Answer):
        return f"{result.question} {result.answer}"
    if isinstance(result, Outline):
        return outlined_summary(result)
    return tiled_summary(result) if isinstance(result, TiledAnswer) else found_summary(result)


def ground(area_m2: float) -> str:
    """An area: ``4.8 km²`` from a tenth of one on, else ``3.1 ha``, else square metres."""
    if area_m2 >= 1e5:
        return f"{number(area_m2 / 1e6, 1)}{NBSP}km²"
    return f"{number(area_m2 / 1e4, 1)}{NBSP}ha" if area_m2 >= 1e3 else f"{number(area_m2)}{NBSP}m²"


def hectares(area_m2: float) -> str:
    """``412 ha``, ``12.4 ha``, ``0.52 ha``; less than a tenth of one in square metres."""
    return f"{number(area_m2)}{NBSP}m²" if area_m2 < 1e3 else f"{significant(area_m2 / 1e4)}{NBSP}ha"


def significant(value: float) -> str:
    """With as many decimals as matter: ``0.52``, ``12.4``, ``4,123``."""
    decimals = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return number(value, decimals)


def sentence_case(text: str) -> str:
    """``yes`` as ``Yes``; an answer that brings its own capitals keeps them."""
    return text[:1].upper() + text[1:]


def raster_detail(info: RasterInfo) -> str:
    """What a layer row says of a raster: ``R3 G2 B1`` or ``VH, 8-bit``."""
    bands = info.choice.bands
    if info.sensor == "sar" or len(bands) == 1:
        band = next((each for each in info.bands if each.index == bands[0]), None)
        unit = UNIT_WORDS[info.sar_unit].split(",")[0] if info.sar_unit else ""
        name = band.description if band and 0 < len(band.description) <= 8 else f"band {bands[0]}"
        return name if unit in name.split() else ", ".join(part for part in (name, unit) if part)
    return " ".join(f"{letter}{band}" for letter, band in zip("RGB", bands, strict=True))


def model_sentence(answer: Result) -> str:
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
