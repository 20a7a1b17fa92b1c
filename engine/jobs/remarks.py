"""Plain sentences on what a user should know of an answer; what the gate found is in its own messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.catalog import ModelCard
from engine.records import AreaUsed, AskRequest, PairCheck, TileGrid
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.records.query import DEFAULT_ERROR_RATE
from engine.text import AREA_ANSWERS, LENGTH_ANSWERS, VIEW_PX, bin_hectares, bin_metres

_SCALE_UNKNOWN = "The scale is unknown, so whether the model was trained for it is too."
_RANGE_UNKNOWN = "The model's card does not say which scales it was trained for."


class Offer(NamedTuple):
    """A way to see an area more finely: as what a user may do, and as the sentence on what it shows."""

    do: str
    shows: str


TILES = Offer("ask over a grid of tiles at native scale", "A grid of tiles shows it the area at native scale.")


def scale_remarks(area: AreaUsed, offer: Offer | None = TILES) -> list[str]:
    """Whether the model saw the area at a scale that it was trained for, and as finely as the raster has it.

    ``offer`` is what a user may do to have it seen more finely, beside choosing a smaller area.
    """
    gsd, native, (finest, coarsest) = area.model_gsd_m, area.grid.gsd_m, area.trained_gsd_m
    if gsd is None or native is None:
        return [_SCALE_UNKNOWN]
    if area.trained_range_known and gsd < finest:
        return [f"{_range_left(gsd, finest, coarsest)} Choose a larger area."]
    if area.trained_range_known and gsd > coarsest:
        finer = f", or {offer.do}" if offer is not None and area.tiles_show_more else ""
        return [f"{_range_left(gsd, finest, coarsest)} Choose a smaller area{finer}."]
    said = [] if area.trained_range_known else [_RANGE_UNKNOWN]
    if area.tiles_show_more:
        said.append(
            f"{gsd:.1f} m per pixel at the model, where the image has {native:.3g} m: small things are lost. "
            f"{'A smaller area shows them.' if offer is None else offer.shows}"
        )
    return said


def tile_scale_remarks(area: AreaUsed) -> list[str]:
    """The same for the scale of tiles."""
    gsd, (finest, coarsest) = area.model_gsd_m, area.trained_gsd_m
    if gsd is None:
        return [_SCALE_UNKNOWN]
    if not area.trained_range_known:
        return [_RANGE_UNKNOWN]
    if not finest <= gsd <= coarsest:
        return [f"{_range_left(gsd, finest, coarsest)} Choose a scale for the tiles within it."]
    return []


def _range_left(gsd: float, finest: float, coarsest: float) -> str:
    return f"{gsd:.1f} m per pixel at the model, outside its range ({finest:g} to {coarsest:g} m)."


def data_remarks(area: AreaUsed) -> list[str]:
    """How much of the area each used sensor has no data in."""
    said = []
    for name, share in (("optical", area.valid_optical), ("SAR", area.valid_sar)):
        if share is not None and share < 0.995:
            missing = "All" if share == 0 else f"{max(1, round(100 * (1 - share)))} %"
            said.append(f"{missing} of this area has no {name} data.")
    return said


def alone_remark(request: AskRequest, sensors: tuple[str, ...], *, looks_at: str, has_experts: bool) -> str | None:
    """Says that one sensor answered alone, and why; None where both did.

    ``sensors`` are those that the answer rests on, ``looks_at`` is the model's ``sensors``: ``both`` or one of them.
    """
    if len(sensors) != 1:
        return None
    left, lost = SENSOR_SAID[sensors[0]], next(name for name in SENSORS if name not in sensors)
    if looks_at != "both":
        return f"Answered from the {left} image: this model looks at no other."
    who = f"Answered by the {left} expert alone" if has_experts else f"Answered from the {left} image alone"
    return f"{who}: {why_absent(request, lost)}."


def why_absent(request: AskRequest, sensor: str) -> str:
    """Why ``sensor`` had no part in an answer, as the end of a sentence."""
    if (request.optical if sensor == "optical" else request.sar) is None:
        return f"there is no {SENSOR_SAID[sensor]} image"
    if sensor in request.mute:
        return f"the {SENSOR_SAID[sensor]} image is muted"
    return f"the {SENSOR_SAID[sensor]} image has no data there"


def question_remarks(request: AskRequest, tokens_cut: int) -> list[str]:
    """What the model could not read of the question."""
    said = []
    if tokens_cut:
        said.append(f"The question is too long for the model, which did not read its last {tokens_cut} tokens.")
    return [*said, *language_remarks(request.question)]


def language_remarks(text: str) -> list[str]:
    """That a text is in no language that the models know, as far as its letters tell."""
    if any(letter.isalpha() and not letter.isascii() for letter in text):
        return ["The models in the box understand English."]
    return []


def calibration_remarks(request: AskRequest, card: ModelCard) -> list[str]:
    """That an error rate was asked for and the model cannot keep one."""
    if card.calibration is None and request.error_rate != DEFAULT_ERROR_RATE:
        return [f"{card.name} has no calibration, so the error rate {request.error_rate:g} cannot be kept."]
    return []


def shift_remarks(check: PairCheck, shift_applied_px: tuple[float, float]) -> list[str]:
    """That a shifted pair was used as it lies."""
    if check.verdict == "shifted" and shift_applied_px == (0.0, 0.0):
        return ["The SAR image is shifted against the optical one, and was used as it lies."]
    return []


def on_the_ground(answer: str, side_px: float, gsd_m: float | None) -> str | None:
    """A length or an area, which the networks know in pixels of the 256-pixel view only, in metres or hectares.

    ``side_px`` is the longer side of the view in pixels of ``gsd_m`` metres. None for any other answer.
    """
    if gsd_m is None or answer not in (*LENGTH_ANSWERS, *AREA_ANSWERS):
        return None
    of_view = gsd_m * side_px / VIEW_PX
    if answer in LENGTH_ANSWERS:
        return f"{_span(*bin_metres(answer, of_view))} m on the ground"
    return f"{_span(*bin_hectares(answer, of_view))} ha on the ground"


def tile_state_remarks(request: AskRequest, grid: TileGrid, alone: dict[str, int], empty: int) -> list[str]:
    """How many tiles one sensor answered alone (``alone``, by that sensor), and how many nothing could be said of."""
    said = []
    for sensor, tiles in alone.items():
        lost = next(name for name in SENSORS if name != sensor)
        why = f"by the {SENSOR_SAID[sensor]} image alone: {why_absent(request, lost)}."
        said.append(f"{tiles_of(tiles, grid)} answered {why}")
    if empty:
        said.append(f"{tiles_of(empty, grid)} not answerable: no sensor has data there.")
    return said


def tiles_of(tiles: int, grid: TileGrid) -> str:
    """``3 of 40 tiles were``, ``All 40 tiles were``."""
    if tiles == grid.tiles:
        return "The only tile was" if tiles == 1 else f"All {tiles:,} tiles were"
    return f"{tiles:,} of {grid.tiles:,} tiles {'was' if tiles == 1 else 'were'}"


def capital(sentence: str) -> str:
    """``sentence`` with a capital letter at its beginning and a full stop at its end."""
    return f"{sentence[:1].upper()}{sentence[1:]}."


def each_on_the_ground(answers: Iterable[str], side_px: float, gsd_m: float | None) -> list[str]:
    """For each of ``answers`` that is a bin in pixels: what it is on the ground."""
    return [
        f"“{answer}” is {ground}."
        for answer in answers
        if (ground := on_the_ground(answer, side_px, gsd_m)) is not None
    ]


def _span(low: float, high: float | None) -> str:
    """A range to three figures: no bin is known better."""
    written = [f"{float(f'{value:.3g}'):,.10g}" for value in (low, high) if value is not None]
    return " to ".join(written) if high is not None else f"more than {written[0]}"
